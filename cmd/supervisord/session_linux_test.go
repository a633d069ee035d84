package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// running is a supervisord in the foreground.
type running struct {
	cmd *exec.Cmd
	dir string
}

// startIn starts prog in dir in the foreground, changed by set if that is not
// nil, and waits for daemon.log to say that it has started. It ends with the
// test.
func startIn(t *testing.T, dir, prog string, set func(*exec.Cmd), args ...string) *running {
	t.Helper()
	r := &running{exec.Command(prog, args...), dir}
	r.cmd.Dir = dir
	if set != nil {
		set(r.cmd)
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", prog, err)
	}
	t.Cleanup(func() {
		if r.cmd.ProcessState == nil {
			r.end(t, syscall.SIGTERM)
		}
	})
	r.waitLog(t, "supervisord started with pid", 1)
	return r
}

// waitLog waits until text stands in daemon.log count times.
func (r *running) waitLog(t *testing.T, text string, count int) {
	t.Helper()
	file := filepath.Join(r.dir, "daemon.log")
	eventually(t, fmt.Sprintf("%q in %s", text, file), func() bool {
		return strings.Count(read(file), text) >= count
	})
}

// signal sends sig to the daemon.
func (r *running) signal(t *testing.T, sig os.Signal) {
	t.Helper()
	if err := r.cmd.Process.Signal(sig); err != nil {
		t.Fatalf("send %v: %v", sig, err)
	}
}

// end sends sig and returns the exit status.
func (r *running) end(t *testing.T, sig os.Signal) int {
	t.Helper()
	r.signal(t, sig)
	err := r.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Errorf("wait for supervisord: %v", err)
	}
	return r.cmd.ProcessState.ExitCode()
}

const plain = "[supervisord]\nnodaemon=true\nlogfile=daemon.log\npidfile=daemon.pid\nchildlogdir=%(here)s\n"

// TestSignalsAreAnsweredAsTheReferenceDoes compares logs, exit statuses and
// what becomes of the pid file.
func TestSignalsAreAnsweredAsTheReferenceDoes(t *testing.T) {
	debian, own := peer(t), ours(t)
	for _, last := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT} {
		t.Run(last.String(), func(t *testing.T) {
			t.Parallel()
			var logs, echoes [2]string
			for i, prog := range []string{debian, own} {
				dir := t.TempDir()
				write(t, dir, map[string]string{"x.conf": plain + "[program:x]\ncommand=sleep 60\nautostart=false\n"})
				var stdout bytes.Buffer
				r := startIn(t, dir, prog, func(cmd *exec.Cmd) { cmd.Stdout = &stdout }, "-c", "x.conf")
				r.signal(t, syscall.SIGUSR2)
				r.waitLog(t, "logreopen", 1)
				r.signal(t, syscall.SIGHUP)
				r.waitLog(t, "supervisord started with pid", 2)
				pidFile := filepath.Join(dir, "daemon.pid")
				if want := strconv.Itoa(r.cmd.Process.Pid) + "\n"; read(pidFile) != want {
					t.Errorf("%s: pid file after a restart: got %q, want %q", prog, read(pidFile), want)
				}
				if status := r.end(t, last); status != 0 {
					t.Errorf("%s: exit status %d, want 0", prog, status)
				}
				if _, err := os.Stat(pidFile); err == nil {
					t.Errorf("%s: the pid file is left", prog)
				}
				logs[i] = masked(read(filepath.Join(dir, "daemon.log")), "indicating exit request")
				echoes[i] = masked(stdout.String(), "indicating exit request")
			}
			if logs[1] != logs[0] {
				t.Errorf("daemon.log: got\n%s\nwant\n%s", logs[1], logs[0])
			}
			if echoes[1] != echoes[0] {
				t.Errorf("stdout: got\n%s\nwant\n%s", echoes[1], echoes[0])
			}
		})
	}
}

func TestRestartKeepsTheCommandLinesValues(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"x.conf": "[supervisord]\nnodaemon=true\nlogfile=other.log\npidfile=other.pid\nloglevel=error\n"})
	r := startIn(t, dir, ours(t), nil, "-c", "x.conf", "-l", "daemon.log", "-jdaemon.pid", "--logl=debug", "-d.", "-s")
	write(t, dir, map[string]string{"x.conf": "[supervisord]\nlogfile=third.log\npidfile=third.pid\nloglevel=critical\n[program:y]\ncommand=sleep 60\n"})
	r.signal(t, syscall.SIGHUP)
	r.waitLog(t, "supervisord started with pid", 2)
	r.waitLog(t, "spawned: 'y'", 1)
	for _, name := range []string{"other.log", "other.pid", "third.log", "third.pid"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			t.Errorf("%s exists, want the command line's names only", name)
		}
	}
}

// TestRestartWithABadFileChangesNothing is a difference from the reference,
// which stops everything and exits.
func TestRestartWithABadFileChangesNothing(t *testing.T) {
	dir := t.TempDir()
	program := "[program:x]\ncommand=sleep 60\nstartsecs=0\n"
	write(t, dir, map[string]string{"x.conf": plain + program})
	r := startIn(t, dir, ours(t), nil, "-c", "x.conf")
	r.waitLog(t, "spawned: 'x'", 1)
	write(t, dir, map[string]string{"x.conf": plain + program + "priority=high\n"})
	r.signal(t, syscall.SIGHUP)
	r.waitLog(t, "CRIT not restarted, everything stays as it is: invalid literal for int() with base 10: 'high'", 1)
	log := read(filepath.Join(dir, "daemon.log"))
	if !strings.Contains(log, "program:x") || !strings.Contains(log, "priority") {
		t.Errorf("daemon.log does not say where the error stands, want section and option:\n%s", log)
	}
	write(t, dir, map[string]string{"x.conf": plain + program})
	r.signal(t, syscall.SIGHUP)
	r.waitLog(t, "spawned: 'x'", 2)
	if got := strings.Count(read(filepath.Join(dir, "daemon.log")), "waiting for x to die"); got != 1 {
		t.Errorf("x was stopped %d times, want once, by the good restart", got)
	}
}

// TestRestartWithoutASecretChangesNothing: SIGHUP, when the file of a password is
// gone, stops nothing.
func TestRestartWithoutASecretChangesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, map[string]string{"secret": "hidden\n", "x.conf": plain + "[user:u]\npassword={FILE}%(here)s/secret\nrole=observer\n" +
		"[program:x]\ncommand=sleep 1000\nstartsecs=0\n"})
	r := startIn(t, dir, ours(t), nil, "-c", "x.conf")
	r.waitLog(t, "x entered RUNNING state", 1)
	if err := os.Remove(filepath.Join(dir, "secret")); err != nil {
		t.Fatal(err)
	}
	r.signal(t, syscall.SIGHUP)
	r.waitLog(t, "not restarted, everything stays as it is: section [user:u]: read the {FILE} password", 1)
	if log := read(filepath.Join(dir, "daemon.log")); strings.Contains(log, "stopped: x") || strings.Contains(log, "hidden") {
		t.Errorf("x was stopped, or the password told:\n%s", log)
	}
}

// TestRestartThatFailsGoesBack covers what reading a file does not show.
func TestRestartThatFailsGoesBack(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"x.conf": plain})
	r := startIn(t, dir, ours(t), nil, "-c", "x.conf")
	write(t, dir, map[string]string{"x.conf": plain + "logfile=%(here)s\n"}) // a folder
	r.signal(t, syscall.SIGHUP)
	r.waitLog(t, "CRIT restarted with the configuration as it was: open log", 1)
	r.waitLog(t, "supervisord started with pid", 2)
}

func TestRestartFindsItsFileFromAnotherDirectory(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"x.conf": strings.Replace(plain, "nodaemon=true", "directory=/", 1)})
	pid := become(t, dir, ours(t), "-c", "x.conf")
	if err := syscall.Kill(pid, syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	r := &running{dir: dir}
	r.waitLog(t, "supervisord started with pid", 2)
}

func TestFailedStartHasAnExitStatus(t *testing.T) {
	for _, mode := range []string{"-n", "-k"} { // in the foreground and not
		dir := t.TempDir()
		write(t, dir, map[string]string{"x.conf": "[supervisord]\nlogfile=%(here)s\n"})
		got := runIn(t, dir, ours(t), mode, "-c", "x.conf")
		if got.status != 2 || !strings.HasPrefix(got.stderr, "Error: open log ") || got.stdout != "" {
			t.Errorf("supervisord %s with a folder as its log: %+v, want status 2 and an error", mode, got)
		}
	}
}

// TestSignalEndsAStartThatHangs holds the daemon-to-be up at a configuration
// that never comes: its starter has read the named pipe before it.
func TestSignalEndsAStartThatHangs(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "x.conf")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(ours(t), "-c", fifo)
	cmd.WaitDelay = 10 * time.Second // should the daemon-to-be be left
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(fifo, []byte("[supervisord]\n"), 0); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the daemon-to-be", func() bool {
		lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", cmd.Process.Pid))
		return slices.ContainsFunc(lists, func(list string) bool { return read(list) != "" })
	})
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // the status is looked at below
	if status := cmd.ProcessState.ExitCode(); status != 1 || !strings.Contains(stderr.String(), `"terminated"`) {
		t.Errorf("exit status %d, stderr %q, want 1 and the signal", status, stderr.String())
	}
}

func TestUnwritablePIDFileIsLogged(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"x.conf": plain + "pidfile=%(here)s\n"})
	r := &running{dir: dir}
	r.cmd = exec.Command(ours(t), "-c", filepath.Join(dir, "x.conf"))
	r.cmd.Dir = dir
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer r.end(t, syscall.SIGTERM)
	r.waitLog(t, "CRIT could not write pidfile "+dir+"\n", 1)
}

// TestStarterVariableReachesNoChild also shows that a stale one does no harm.
func TestStarterVariableReachesNoChild(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"x.conf": strings.Replace(plain, "nodaemon=true\n", "", 1) +
		"[program:x]\ncommand=sh -c 'env; ls /proc/self/fd; echo end'\nstdout_logfile=x.log\nstartsecs=0\nautorestart=false\n"})
	t.Setenv(starterVariable, "1:2")
	become(t, dir, ours(t), "-c", "x.conf")
	file := filepath.Join(dir, "x.log")
	eventually(t, "the output of x", func() bool { return strings.HasSuffix(read(file), "end\n") })
	text := read(file)
	if strings.Contains(text, starterVariable) {
		t.Errorf("the environment of x has %s:\n%s", starterVariable, text)
	}
	// ls itself has the fourth open.
	if fds := text[strings.LastIndex(text, "\n0\n"):]; fds != "\n0\n1\n2\n3\nend\n" {
		t.Errorf("descriptors of x: %q, want 0, 1 and 2 and that of ls", fds)
	}
}

func TestReaderOfStdoutMayGoAway(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"x.conf": plain})
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r := startIn(t, dir, ours(t), func(cmd *exec.Cmd) { cmd.Stdout = in }, "-c", "x.conf")
	_ = in.Close()
	_ = out.Close()
	r.signal(t, syscall.SIGHUP)
	r.waitLog(t, "supervisord started with pid", 2)
	if status := r.end(t, syscall.SIGTERM); status != 0 {
		t.Errorf("exit status %d, want 0", status)
	}
}

// TestRunsAsPID1 starts both programs as the first process of a process
// namespace, where orphans are theirs to reap.
func TestRunsAsPID1(t *testing.T) {
	t.Parallel()
	debian, own := peer(t), ours(t)
	if os.Getuid() != 0 {
		t.Skip("only root can make a process namespace")
	}
	const orphan = "reaped unknown pid N (exit status 7)"
	for _, prog := range []string{debian, own} {
		dir := t.TempDir()
		write(t, dir, map[string]string{"x.conf": plain +
			"[program:x]\ncommand=sh -c '(sleep 0.3; exit 7) & exit 0'\nstartsecs=0\nautorestart=false\n"})
		r := startIn(t, dir, prog, func(cmd *exec.Cmd) {
			cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}
		}, "-c", "x.conf")
		file := filepath.Join(dir, "daemon.log")
		eventually(t, orphan+" from "+prog, func() bool { return strings.Contains(masked(read(file), orphan), orphan) })
		if !strings.Contains(read(file), "supervisord started with pid 1\n") {
			t.Errorf("%s does not run as PID 1:\n%s", prog, read(file))
		}
		if status := r.end(t, syscall.SIGTERM); status != 0 {
			t.Errorf("%s: exit status %d, want 0", prog, status)
		}
	}
}

// TestNobodyCannotBecomeRoot asks both programs, run as a user without rights, to
// become root.
func TestNobodyCannotBecomeRoot(t *testing.T) {
	debian := peer(t)
	dir := t.TempDir()
	openUp(t, dir)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	binary, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	own := filepath.Join(dir, "supervisord") // where anyone may start it
	if err := os.WriteFile(own, binary, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, dir, map[string]string{"x.conf": plain + "user=root\n"})
	const want = "Error: Can't drop privilege as nonroot user"
	for _, prog := range []string{debian, own} {
		cmd := exec.Command(prog, "-c", "x.conf")
		cmd.Dir = dir
		if os.Getuid() == 0 {
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		}
		out, err := cmd.CombinedOutput()
		line, _, _ := strings.Cut(string(out), "\n")
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 2 || line != want {
			t.Errorf("%s: %v, first line %q, want exit status 2 and %q", prog, err, line, want)
		}
	}
}
