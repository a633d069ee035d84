package config

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzParse gives the reader anything: it must return, with a configuration or
// an error.
func FuzzParse(f *testing.F) {
	f.Add("[supervisord]\nenvironment=A=\"%(here)s\"\n[program:a]\ncommand=x %(process_num)02d ; y\n")
	f.Add("[supervisord]\n[eventlistener:l]\nevents=TICK_5,\n  EVENT\ncommand=x\n[group:g]\nprograms=a\n")
	f.Add("[fcgi-program:f]\nsocket=tcp://h:1\n\ufeff[DEFAULT]\na:\n=x\n")
	for seed := range uint64(20) {
		g := newGenerator(seed)
		f.Add(g.roughen(g.configuration(20)))
	}
	opts := Options{Environ: map[string]string{"A": "1"}, Cwd: "/", TempDir: "/tmp", Hostname: "h", Accounts: accounts{}}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := newReader("/s.conf", opts)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.parse([]byte(text), "/s.conf"); err != nil {
			return
		}
		for _, s := range append(r.doc.sections, r.doc.defaults) {
			if _, set := s.values["numprocs"]; set {
				s.set("numprocs", "3") // a million processes are no crash, but slow
			}
		}
		cfg, err := r.build()
		if (cfg == nil) == (err == nil) {
			t.Errorf("build of %q: got %v and error %v, want one of them", text, cfg, err)
		}
		_, _ = SplitCommand(text)
		_, _ = ParseEnvironment(text)
		_, _ = percentFormat(text, vectorNames())
	})
}

// BenchmarkLoad1000Programs reads a file of 1,000 programs with ten options
// each.
func BenchmarkLoad1000Programs(b *testing.B) {
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
	path := filepath.Join(b.TempDir(), "supervisord.conf")
	writeFile(b, path, text.String())
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Load(path, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
