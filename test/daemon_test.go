package test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/vigilance-go/vigilance/test/peer"
)

// TestOrderOfStartAndStop compares the order over all programs: priorities of
// groups, and within them of programs.
func TestOrderOfStartAndStop(t *testing.T) {
	t.Parallel()
	var config strings.Builder
	add := func(name, options string) {
		fmt.Fprintf(&config, "[program:%s]\ncommand=sleep 1000\n%s\n", name, options)
	}
	add("late", "priority=1000")
	add("early", "priority=1")
	add("usual_b", "")
	add("usual_a", "")
	add("member_last", "priority=20")
	add("member_first", "priority=10")
	add("member_same_b", "priority=15")
	add("member_same_a", "priority=15")
	add("pair", "priority=500\nnumprocs=2\nprocess_name=%(program_name)s_%(process_num)d")
	config.WriteString("[group:team]\nprograms=member_last,member_first,member_same_b,member_same_a\npriority=100\n")
	const programs = 10
	want, got := runBoth(t, scenario{
		options: "loglevel=debug",
		config:  config.String(),
		drive:   func(d *peer.Daemon) error { return d.WaitLog("success: ", programs) },
	})
	for _, verb := range []string{"spawned: ", "success: ", "killing ", "waiting for "} {
		sameLines(t, fmt.Sprintf("the order of %q", verb), having(want.log, verb), having(got.log, verb))
	}
	// Programs of one priority are signalled together, and die in any order.
	member := regexp.MustCompile(`(stopped: (?:member|pair|usual))_\S+`)
	stopped := func(log []string) []string {
		lines := having(log, "stopped: ")
		for i, line := range lines {
			lines[i] = member.ReplaceAllString(line, "$1")
		}
		return lines
	}
	sameLines(t, `the order of "stopped: "`, stopped(want.log), stopped(got.log))
	if lines := having(got.log, "stopped: "); len(lines) != programs {
		t.Errorf("stopped %d programs, want %d", len(lines), programs)
	}
}

// TestShutdownReports compares everything that is said while a program takes its
// time to die, and a restart request is refused meanwhile.
func TestShutdownReports(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			want, got := runBoth(t, scenario{
				config: "[program:slow]\ncommand=/bin/sh %(here)s/slow.sh\nstopwaitsecs=2\n",
				files:  map[string]string{"slow.sh": "trap '' TERM\n" + loopForever},
				drive: func(d *peer.Daemon) error {
					if err := d.WaitLog("success: slow", 1); err != nil {
						return err
					}
					if err := d.Signal(sig); err != nil {
						return err
					}
					if err := d.WaitLog("waiting for slow to die", 1); err != nil {
						return err
					}
					if err := d.Signal(syscall.SIGHUP); err != nil {
						return err
					}
					_, err := d.WaitExit()
					return err
				},
			})
			sameLines(t, "supervisord.log", want.log, got.log)
			if got.status != want.status {
				t.Errorf("exit status %d, want %d", got.status, want.status)
			}
			if _, err := os.Stat(got.daemon.Path("supervisord.pid")); !os.IsNotExist(err) {
				t.Errorf("Stat(pidfile) = %v after the end, want that it is gone", err)
			}
		})
	}
}

// TestRestartBySIGHUP rereads a config in which one program went, one came and
// one changed.
func TestRestartBySIGHUP(t *testing.T) {
	t.Parallel()
	want, got := runBoth(t, scenario{
		config: "[program:going]\ncommand=sleep 1000\n[program:staying]\ncommand=sleep 1000\n",
		drive: func(d *peer.Daemon) error {
			if err := d.WaitLog("success: ", 2); err != nil {
				return err
			}
			conf, err := os.ReadFile(d.Path("supervisord.conf"))
			if err != nil {
				return err
			}
			conf = bytes.ReplaceAll(conf, []byte("going"), []byte("coming"))
			conf = bytes.ReplaceAll(conf, []byte("1000\n[program:staying]"), []byte("1000\n[program:staying]\nstartsecs=2"))
			if err := os.WriteFile(d.Path("supervisord.conf"), conf, 0o644); err != nil {
				return err
			}
			if err := d.Signal(syscall.SIGHUP); err != nil {
				return err
			}
			return d.WaitLog("success: ", 4)
		},
	})
	wantLines, gotLines := peer.ByProgram(want.log), peer.ByProgram(got.log)
	for _, name := range []string{"", "going", "staying", "coming"} {
		sameLines(t, fmt.Sprintf("supervisord.log about %q", name), wantLines[name], gotLines[name])
	}
}

// TestDaemonized compares the daemon's own circumstances without -n.
func TestDaemonized(t *testing.T) {
	t.Parallel()
	facts := make(chan [2]string, 2)
	want, got := runBoth(t, scenario{
		daemonize: true,
		options:   "directory=/usr\numask=037\nidentifier=watcher",
		config: "[program:child]\ncommand=/bin/sh -c \"pwd; umask; exec sleep 1000\"\nstdout_logfile=%(here)s/out/child.stdout\n" +
			"[program:auto]\ncommand=sleep 1000\n",
		drive: func(d *peer.Daemon) error {
			if err := d.WaitLog("success: ", 2); err != nil {
				return err
			}
			text, err := circumstances(d)
			facts <- [2]string{d.Dir, text}
			return err
		},
	})
	byDir := make(map[string]string)
	for range 2 {
		fact := <-facts
		byDir[fact[0]] = fact[1]
	}
	wantFacts, gotFacts := byDir[want.daemon.Dir], byDir[got.daemon.Dir]
	sameLines(t, "the daemon's circumstances", strings.Split(wantFacts, "\n"), strings.Split(gotFacts, "\n"))
	wantLines, gotLines := peer.ByProgram(want.log), peer.ByProgram(got.log)
	for _, name := range []string{"", "child", "auto"} {
		sameLines(t, fmt.Sprintf("supervisord.log about %q", name), wantLines[name], gotLines[name])
	}
	sameLines(t, "standard output", want.stdout, got.stdout)
	sameLines(t, "standard error", want.stderr, got.stderr)
	sameFiles(t, "out", want.out, got.out)
	sameFiles(t, "childlogdir", want.childlogs, got.childlogs)
}

// circumstances describes the daemon as /proc shows it.
func circumstances(d *peer.Daemon) (string, error) {
	var text strings.Builder
	proc := fmt.Sprintf("/proc/%d", d.PID())
	for _, link := range []string{"cwd", "root", "fd/0", "fd/1", "fd/2"} {
		target, err := os.Readlink(filepath.Join(proc, link))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&text, "%s -> %s\n", link, target)
	}
	session, err := exec.Command("ps", "-o", "sid=,pgid=,tty=", "-p", fmt.Sprint(d.PID())).Output()
	if err != nil {
		return "", err
	}
	fmt.Fprintf(&text, "session, group, tty: %s", strings.ReplaceAll(string(session), fmt.Sprint(d.PID()), "PID"))
	status, err := os.ReadFile(filepath.Join(proc, "status"))
	if err != nil {
		return "", err
	}
	text.WriteString(strings.Join(having(strings.Split(string(status), "\n"), "Umask:"), "\n"))
	info, err := os.Stat(d.Path("supervisord.pid"))
	if err != nil {
		return "", err
	}
	fmt.Fprintf(&text, "\npidfile: %v", info.Mode())
	return text.String(), nil
}

// TestAutoLogsAreCleanedUp leaves files in childlogdir that look like an earlier
// run's AUTO logs, and some that do not.
func TestAutoLogsAreCleanedUp(t *testing.T) {
	t.Parallel()
	for _, options := range []string{"nocleanup=false", "nocleanup=true"} {
		t.Run(options, func(t *testing.T) {
			t.Parallel()
			want, got := runBoth(t, scenario{
				options: options,
				config:  "[program:auto]\ncommand=sleep 1000\n",
				files: map[string]string{
					"childlogs/gone-stdout---supervisor-abcdefgh.log":   "old\n",
					"childlogs/gone-stderr---supervisor-abcdefgh.log":   "old\n",
					"childlogs/gone-stdout---supervisor-abcdefgh.log.1": "old\n",
					"childlogs/other-stdout---another-abcdefgh.log":     "of another daemon\n",
					"childlogs/mine.log":                                "a user's\n",
				},
				drive: func(d *peer.Daemon) error { return d.WaitLog("success: auto", 1) },
			})
			sameFiles(t, "childlogdir", want.childlogs, got.childlogs)
			sameLines(t, "supervisord.log", want.log, got.log)
		})
	}
}

// TestRefusedConfigs compares what is said on a terminal, and the exit status,
// when supervisord will not start.
func TestRefusedConfigs(t *testing.T) {
	t.Parallel()
	ref := findReference(t)
	tests := map[string]struct{ args, config string }{
		"no such file":            {args: "-n -c missing.conf"},
		"no section":              {args: "-n -c supervisord.conf", config: "[program:x]\ncommand=true\n"},
		"text without section":    {args: "-n -c supervisord.conf", config: "command=true\n"},
		"program without command": {args: "-n -c supervisord.conf", config: "[supervisord]\n[program:x]\n"},
		"unknown user":            {args: "-n -c supervisord.conf", config: "[supervisord]\n[program:x]\ncommand=true\nuser=nosuchuser\n"},
		"bad number":              {args: "-n -c supervisord.conf", config: "[supervisord]\n[program:x]\ncommand=true\nstartsecs=soon\n"},
		"bad signal":              {args: "-n -c supervisord.conf", config: "[supervisord]\n[program:x]\ncommand=true\nstopsignal=NICE\n"},
		"bad log level":           {args: "-n -c supervisord.conf", config: "[supervisord]\nloglevel=loud\n"},
		"missing log folder":      {args: "-n -c supervisord.conf", config: "[supervisord]\nlogfile=/no/such/folder/x.log\n"},
		"missing child folder":    {args: "-n -c supervisord.conf", config: "[supervisord]\n[program:x]\ncommand=true\nstdout_logfile=/no/such/folder/x.log\n"},
		"unknown expansion":       {args: "-n -c supervisord.conf", config: "[supervisord]\n[program:x]\ncommand=%(nothing)s\n"},
		"group of nobody":         {args: "-n -c supervisord.conf", config: "[supervisord]\n[group:x]\nprograms=nobody\n"},
		"listener without events": {args: "-n -c supervisord.conf", config: "[supervisord]\n[eventlistener:x]\ncommand=true\n"},
		"unknown event":           {args: "-n -c supervisord.conf", config: "[supervisord]\n[eventlistener:x]\ncommand=true\nevents=NOTHING\n"},
		"unknown option":          {args: "--no-such-option", config: "[supervisord]\n"},
		"stray argument":          {args: "-n stray", config: "[supervisord]\n"},
		"option without value":    {args: "-n -c", config: "[supervisord]\n"},
	}
	// Ours says where it stands as well.
	place := regexp.MustCompile(` \(\[[^]]+\] \w+\)$`)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "supervisord.conf"), []byte(test.config), 0o644); err != nil {
				t.Fatal(err)
			}
			want, wantStatus := refusal(t, dir, ref.supervisord, strings.Fields(test.args))
			got, gotStatus := refusal(t, dir, ours(), strings.Fields(test.args))
			for i, line := range got {
				got[i] = place.ReplaceAllString(line, "")
			}
			sameLines(t, "the output", want, got)
			if gotStatus != wantStatus {
				t.Errorf("supervisord %s: exit status %d, want %d", test.args, gotStatus, wantStatus)
			}
		})
	}
}

// refusal runs a supervisord that is not to start, and returns its output, with
// its own path masked, and its exit status.
func refusal(t *testing.T, dir string, command, args []string) ([]string, int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), command[0], append(command[1:len(command):len(command)], args...)...)
	cmd.Dir = dir
	output, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		t.Fatalf("%q %q in a folder with a bad config: %v, want that it exits with a status; it said %s", command, args, err, output)
	}
	text := strings.ReplaceAll(string(output), command[0], "SUPERVISORD")
	return strings.Split(text, "\n"), cmd.ProcessState.ExitCode()
}
