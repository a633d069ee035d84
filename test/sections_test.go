package test

import (
	"bytes"
	"fmt"
	"os"
	"testing"

	"github.com/vigilance-go/vigilance/test/peer"
)

// TestIncludedFiles compares which files are read, and what is said about it.
func TestIncludedFiles(t *testing.T) {
	t.Parallel()
	want, got := runBoth(t, scenario{
		config: "[include]\nfiles=childlogs/*.ini out/one.conf missing/*.conf\n",
		files: map[string]string{
			"childlogs/b.ini": "[program:b]\ncommand=sleep 1000\ndirectory=%(here)s\n",
			"childlogs/a.ini": "[program:a]\ncommand=sleep 1000\n[group:ab]\nprograms=a,b\n",
			"out/one.conf":    "[program:one]\ncommand=sleep 1000\n",
		},
		drive: func(d *peer.Daemon) error { return d.WaitLog("success: ", 3) },
	})
	wantLines, gotLines := peer.ByProgram(want.log), peer.ByProgram(got.log)
	for _, name := range []string{"", "a", "b", "one"} {
		sameLines(t, fmt.Sprintf("supervisord.log about %q", name), wantLines[name], gotLines[name])
	}
}

// TestWhereTheLogGoes compares the ways to have the log in one place only, as
// people do in containers.
func TestWhereTheLogGoes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ options, place string }{
		"only standard output": {options: "logfile=/dev/stdout\nlogfile_maxbytes=0", place: "daemon.stdout"},
		"nowhere but in -n":    {options: "logfile=/dev/null\nlogfile_maxbytes=0", place: "daemon.stdout"},
		"only the file":        {options: "silent=true", place: "supervisord.log"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, got := runBoth(t, scenario{
				options: test.options,
				config:  "[program:x]\ncommand=sleep 1000\n",
				drive: func(d *peer.Daemon) error {
					running := func(content []byte) bool { return bytes.Contains(content, []byte("success: x")) }
					if err := d.WaitFile(test.place, running, "success in "+test.place); err != nil {
						return err
					}
					// Where the log is elsewhere, there must be a file to collect.
					log, err := os.OpenFile(d.Path("supervisord.log"), os.O_CREATE, 0o644)
					if err != nil {
						return err
					}
					return log.Close()
				},
			})
			sameLines(t, "standard output", want.stdout, got.stdout)
			sameLines(t, "supervisord.log", want.log, got.log)
		})
	}
}

// TestFastCGIPrograms compares programs that share a socket as their standard
// input: that they have it, its rights, and what is said about it.
func TestFastCGIPrograms(t *testing.T) {
	t.Parallel()
	const config = "[fcgi-program:unix]\ncommand=/bin/sh -c \"[ -S /dev/stdin ] && echo socket; exec sleep 1000\"\n" +
		"socket=unix://%(here)s/out.sock\nsocket_mode=0660\nnumprocs=2\nprocess_name=%(program_name)s_%(process_num)d\n" +
		"stdout_logfile=%(here)s/out/%(program_name)s_%(process_num)d\n"
	modes := make(chan [2]string, 2)
	want, got := runBoth(t, scenario{
		config: config,
		drive: func(d *peer.Daemon) error {
			if err := d.WaitLog("success: ", 2); err != nil {
				return err
			}
			info, err := os.Stat(d.Path("out.sock"))
			if err != nil {
				return err
			}
			modes <- [2]string{d.Dir, info.Mode().String()}
			return nil
		},
	})
	byDir := make(map[string]string)
	for range 2 {
		mode := <-modes
		byDir[mode[0]] = mode[1]
	}
	if wantMode, gotMode := byDir[want.daemon.Dir], byDir[got.daemon.Dir]; gotMode != wantMode {
		t.Errorf("the socket's mode is %s, want %s", gotMode, wantMode)
	}
	sameFiles(t, "out", want.out, got.out)
	wantLines, gotLines := peer.ByProgram(want.log), peer.ByProgram(got.log)
	for _, name := range []string{"", "unix_0", "unix_1"} {
		sameLines(t, fmt.Sprintf("supervisord.log about %q", name), wantLines[name], gotLines[name])
	}
}
