package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// eventually waits until ok is true.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited 20 s for %s", what)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// write makes files in dir.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// read returns the text of a file; empty when there is none.
func read(path string) string {
	data, _ := os.ReadFile(path)
	return string(data)
}

// become starts prog as a daemon in dir and returns its process id, which it
// has written to daemon.pid. The daemon ends with the test.
func become(t *testing.T, dir, prog string, args ...string) int {
	t.Helper()
	if got := runIn(t, dir, prog, args...); got != (result{}) {
		t.Fatalf("%s %q: %+v, want status 0 and no output", prog, args, got)
	}
	file := filepath.Join(dir, "daemon.pid")
	var pid int
	eventually(t, file, func() bool {
		var err error
		pid, err = strconv.Atoi(strings.TrimSuffix(read(file), "\n"))
		return err == nil
	})
	t.Cleanup(func() { finish(t, pid) })
	return pid
}

// finish ends a daemon and waits until it is gone.
func finish(t *testing.T, pid int) {
	t.Helper()
	_ = syscall.Kill(pid, syscall.SIGTERM)
	eventually(t, fmt.Sprintf("the end of %d", pid), func() bool {
		return syscall.Kill(pid, 0) != nil || strings.Contains(read(fmt.Sprintf("/proc/%d/status", pid)), "\nState:\tZ")
	})
}

// traits are what a process shows of having become a daemon.
func traits(t *testing.T, pid int) map[string]string {
	t.Helper()
	proc := fmt.Sprintf("/proc/%d/", pid)
	stat := read(proc + "stat")
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	own := strconv.Itoa(pid)
	got := map[string]string{
		"parent":         fields[1],
		"process group":  strings.Replace(fields[2], own, "itself", 1),
		"session":        strings.Replace(fields[3], own, "itself", 1),
		"terminal":       fields[4],
		"umask":          "",
		"working folder": link(proc + "cwd"),
	}
	for line := range strings.Lines(read(proc + "status")) {
		if name, text, _ := strings.Cut(line, ":"); name == "Umask" || name == "Uid" || name == "Gid" || name == "Groups" {
			got[strings.ToLower(name)] = strings.Join(strings.Fields(text), " ")
		}
	}
	for fd, name := range []string{"stdin", "stdout", "stderr"} {
		info, err := os.ReadFile(fmt.Sprintf("%sfdinfo/%d", proc, fd))
		if err != nil {
			t.Fatal(err)
		}
		_, flags, _ := strings.Cut(string(info), "flags:\t")
		flags, _, _ = strings.Cut(flags, "\n")
		mode, err := strconv.ParseInt(flags, 8, 64)
		if err != nil {
			t.Fatal(err)
		}
		got[name] = fmt.Sprintf("%s, access mode %d", link(fmt.Sprintf("%sfd/%d", proc, fd)), mode&syscall.O_ACCMODE)
	}
	return got
}

func link(path string) string {
	target, err := os.Readlink(path)
	if err != nil {
		return err.Error()
	}
	return target
}

// masked returns a daemon's log as far as the first line that holds last,
// without what differs from run to run.
func masked(text, last string) string {
	text = regexp.MustCompile(`(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}`).ReplaceAllString(text, "TIME")
	text = regexp.MustCompile(`pid \d+`).ReplaceAllString(text, "pid N")
	if at := strings.Index(text, last); at >= 0 {
		end := strings.IndexByte(text[at:], '\n')
		text = text[:at+end+1]
	}
	return text
}

// TestDaemonizeLeavesTheSameProcess compares the daemons that both programs
// become.
func TestDaemonizeLeavesTheSameProcess(t *testing.T) {
	debian, own := peer(t), ours(t)
	tests := []struct {
		name, section string
		args          []string
	}{
		{"plain", "", nil},
		{"umask and directory", "umask=027\ndirectory=/var\n", nil},
		{"the command line's umask", "umask=027\n", []string{"-m", "002", "-d", "/usr"}},
		{"closed directory", "directory=%(here)s/closed\nuser=nobody\n", nil},
		{"user", "user=nobody\n", nil},
		{"root by name", "user=root\n", nil},
		{"limits", "minfds=2000\nminprocs=300\n", nil},
		{"includes", "[include]\nfiles=sub/*.conf none/*.conf\n", nil},
		{"all levels but the lowest", "loglevel=trace\n", nil},
		{"silent means nothing here", "silent=true\n", []string{"-k"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if os.Getuid() != 0 && strings.Contains(tt.section, "user=") {
				t.Skip("only root can become another user")
			}
			type outcome struct {
				traits  map[string]string
				pidFile string
				log     string
			}
			var got [2]outcome
			for i, prog := range []string{debian, own} {
				dir := t.TempDir()
				if strings.Contains(tt.section, "user=") {
					openUp(t, dir)
				}
				write(t, dir, map[string]string{
					"sub/a.conf": "", "sub/b.conf": "", "closed/x": "",
					"x.conf": "[supervisord]\nlogfile=daemon.log\npidfile=daemon.pid\nchildlogdir=%(here)s\n" + tt.section,
				})
				if err := os.Chmod(filepath.Join(dir, "closed"), 0o700); err != nil {
					t.Fatal(err)
				}
				args := append([]string{"-c", "x.conf"}, tt.args...)
				pid := become(t, dir, prog, args...)
				log := filepath.Join(dir, "daemon.log")
				eventually(t, log, func() bool { return strings.Contains(read(log), "started with pid") })
				got[i] = outcome{
					traits:  traits(t, pid),
					pidFile: strings.ReplaceAll(read(filepath.Join(dir, "daemon.pid")), strconv.Itoa(pid), "PID"),
					log:     strings.ReplaceAll(masked(read(log), "started with pid"), dir, "DIR"),
				}
				for name, text := range got[i].traits {
					got[i].traits[name] = strings.ReplaceAll(text, dir, "DIR")
				}
			}
			want, have := got[0], got[1]
			if !maps.Equal(have.traits, want.traits) {
				for _, name := range slices.Sorted(maps.Keys(want.traits)) {
					if have.traits[name] != want.traits[name] {
						t.Errorf("%s: got %q, want %q", name, have.traits[name], want.traits[name])
					}
				}
			}
			if have.pidFile != want.pidFile {
				t.Errorf("daemon.pid: got %q, want %q", have.pidFile, want.pidFile)
			}
			if have.log != want.log {
				t.Errorf("daemon.log: got\n%s\nwant\n%s", have.log, want.log)
			}
		})
	}
}

// openUp lets other users work in a test's folder.
func openUp(t *testing.T, dir string) {
	t.Helper()
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o777); err != nil {
			t.Fatal(err)
		}
	}
}
