package config

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// thousandPrograms writes a file of 1,000 programs with ten options each, and
// returns its path and its length in bytes.
func thousandPrograms(tb testing.TB) (path string, size int) {
	var text strings.Builder
	text.WriteString("[supervisord]\nlogfile=/tmp/supervisord.log\nenvironment=A=\"1\",B=\"2\"\n")
	for i := range 1000 {
		fmt.Fprintf(&text, `
[program:p%d]
command=/usr/bin/program --port=%%(process_num)d --name=%%(program_name)s ; the command
process_name=%%(program_name)s_%%(process_num)02d
numprocs=1
autostart=true
autorestart=unexpected
startsecs=5
user=root
stdout_logfile=/tmp/%%(program_name)s.log
stdout_logfile_maxbytes=10MB
environment=PATH="/opt/bin:%%(ENV_PATH)s",HOME="/root"
`, i)
	}
	path = filepath.Join(tb.TempDir(), "supervisord.conf")
	writeFile(tb, path, text.String())
	return path, text.Len()
}

// TestLoadAllocatesLittle bounds the garbage of a start and of each reread.
func TestLoadAllocatesLittle(t *testing.T) {
	path, _ := thousandPrograms(t)
	const most = 20_000 // about 19 a program, two an option
	got := testing.AllocsPerRun(3, func() {
		if _, err := Load(path, Options{}); err != nil {
			t.Fatal(err)
		}
	})
	if got > most {
		t.Errorf("Load of 1,000 programs makes %v allocations, want at most %d", got, most)
	}
}

func BenchmarkLoad1000Programs(b *testing.B) {
	path, size := thousandPrograms(b)
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Load(path, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
