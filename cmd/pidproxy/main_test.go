package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// roleEnv makes the test binary pidproxy or a program that records signals.
const roleEnv = "VIGILANCE_TEST_PIDPROXY"

func TestMain(m *testing.M) {
	switch os.Getenv(roleEnv) {
	case "pidproxy":
		main()
	case "recorder":
		record()
	default:
		os.Exit(m.Run())
	}
}

// record notes in the file signals that it is ready, and each signal. Those
// that would end a program end it.
func record() {
	received := make(chan os.Signal, 16)
	signal.Notify(received, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT)
	file, err := os.Create("signals")
	if err != nil {
		panic(err)
	}
	fmt.Fprintln(file, "ready")
	for sig := range received {
		fmt.Fprintln(file, sig)
		if sig == syscall.SIGTERM || sig == syscall.SIGINT || sig == syscall.SIGQUIT {
			return
		}
	}
}

// command is a pidproxy as a process of its own: ours, or the one of Debian's
// python package that is the measure.
type command struct {
	name string
	args []string
}

func ours() command { return command{"ours", []string{os.Args[0]}} }

func both(t *testing.T) []command {
	t.Helper()
	const python, module = "/usr/bin/python3", "supervisor.pidproxy"
	if err := exec.Command(python, "-c", "import "+module).Run(); err != nil {
		if os.Getenv("VIGILANCE_REQUIRE_PEERS") == "1" {
			t.Fatalf("needs Debian's package supervisor: import %s: %v", module, err)
		}
		t.Logf("compared with nothing: needs Debian's package supervisor: %v", err)
		return []command{ours()}
	}
	return []command{ours(), {"reference", []string{python, "-u", "-m", module}}}
}

// proc is a started pidproxy.
type proc struct {
	*exec.Cmd
	stdout, stderr bytes.Buffer
}

// start starts c in dir.
func (c command) start(t *testing.T, dir string, args ...string) *proc {
	t.Helper()
	p := &proc{Cmd: exec.Command(c.args[0], append(c.args[1:len(c.args):len(c.args)], args...)...)}
	p.Dir = dir
	p.Env = append(os.Environ(), roleEnv+"=pidproxy", "RECORDER="+os.Args[0], "GORACE=atexit_sleep_ms=0")
	p.Stdout, p.Stderr = &p.stdout, &p.stderr
	p.WaitDelay = 5 * time.Second // when a child is left with its output
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Process.Kill() }) // it has ended, unless the test failed
	return p
}

// status waits for the end.
func (p *proc) status(t *testing.T) int {
	t.Helper()
	kill := time.AfterFunc(20*time.Second, func() { _ = p.Process.Kill() })
	defer kill.Stop()
	err := p.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) {
		t.Fatalf("wait for %q: %v", p.Args, err)
	}
	return p.ProcessState.ExitCode()
}

// until polls until the file has the text.
func until(t *testing.T, file, text string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; <-time.After(10 * time.Millisecond) {
		data, _ := os.ReadFile(file)
		if strings.Contains(string(data), text) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited 20 s for %q in %s, which has %q", text, file, data)
		}
	}
}

// starter is a shell script that starts the recorder, writes its number to
// pidfile, and waits for it.
const starter = `#!/bin/sh
VIGILANCE_TEST_PIDPROXY=recorder "$RECORDER" &
echo "starter $*" >started
until grep -q ready signals; do sleep 0.05; done 2>/dev/null
if [ -n "$LATE" ]; then until [ -e go ]; do sleep 0.05; done; fi
echo $! >pidfile.new && mv pidfile.new pidfile
wait
`

func lay(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "starter.sh"), []byte(starter), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestSignalsGoToTheProcessInThePidfile(t *testing.T) {
	t.Parallel()
	for _, c := range both(t) {
		for _, last := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT} {
			t.Run(fmt.Sprint(c.name, " ", last), func(t *testing.T) {
				t.Parallel()
				dir := lay(t)
				p := c.start(t, dir, "pidfile", "./starter.sh", "a b", "--help")
				until(t, filepath.Join(dir, "pidfile"), "\n")
				signals := filepath.Join(dir, "signals")
				for _, sig := range []syscall.Signal{syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2, last} {
					if err := p.Process.Signal(sig); err != nil {
						t.Fatal(err)
					}
					until(t, signals, sig.String()+"\n")
				}
				if status := p.status(t); status != 0 || p.stdout.Len() != 0 {
					t.Errorf("pidproxy after %v: status %d, output %q, want 0 and none", last, status, &p.stdout)
				}
				until(t, filepath.Join(dir, "started"), "starter a b --help\n")
			})
		}
	}
}

func TestEndsWithItsCommand(t *testing.T) {
	t.Parallel()
	for _, c := range both(t) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if status := c.start(t, t.TempDir(), "pidfile", "/bin/sh", "-c", "exit 3").status(t); status != 0 {
				t.Errorf("pidproxy whose command exits with 3: status %d, want 0", status)
			}
		})
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for _, c := range both(t) {
		for _, args := range [][]string{nil, {"pidfile"}, {"--help"}} {
			p := c.start(t, t.TempDir(), args...)
			if status := p.status(t); status != 1 || !strings.Contains(p.stdout.String(), "<pidfile name> <command> [<cmdarg1> ...]\n") {
				t.Errorf("%s: pidproxy %q: status %d, output %q, want 1 and the usage", c.name, args, status, &p.stdout)
			}
		}
	}
}

func TestNobodyToSignal(t *testing.T) {
	t.Parallel()
	ended := exec.Command("true")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	for _, c := range both(t) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "pidfile"), fmt.Appendln(nil, ended.Process.Pid), 0o644); err != nil {
				t.Fatal(err)
			}
			p := c.start(t, dir, "pidfile", "/bin/sh", "-c", "echo x >running; exec sleep 30")
			until(t, filepath.Join(dir, "running"), "x")
			_ = p.Process.Signal(syscall.SIGHUP)
			if status := p.status(t); status != 1 || p.stderr.Len() == 0 {
				t.Errorf("pidproxy whose pidfile names no process: status %d, stderr %q, want 1 and the reason", status, &p.stderr)
			}
		})
	}
}

// TestSignalWaitsForThePidfile is a difference from the reference, which
// forgets a signal that comes before there is a pidfile.
func TestSignalWaitsForThePidfile(t *testing.T) {
	t.Parallel()
	dir := lay(t)
	p := ours().start(t, dir, "./pidfile", "/usr/bin/env", "LATE=1", "./starter.sh")
	signals := filepath.Join(dir, "signals")
	until(t, signals, "ready")
	for _, sig := range []syscall.Signal{syscall.SIGHUP, syscall.SIGTERM} {
		if err := p.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "pidfile"), []byte("0\n"), 0o644); err != nil { // would be everybody
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "go"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if status := p.status(t); status != 0 || !strings.HasPrefix(p.stdout.String(), "Can't read child pidfile ./pidfile!\n") {
		t.Errorf("pidproxy: status %d, output %q, want 0 and that there was no pidfile", status, &p.stdout)
	}
	until(t, signals, "hangup\nterminated\n")
}

// TestCommandThatCannotBeRun is a difference from the reference, which ends
// without a word and with status 0.
func TestCommandThatCannotBeRun(t *testing.T) {
	t.Parallel()
	for command, reason := range map[string]string{
		"/no/such/file": "no such file", "sh": "no such file", "/etc/passwd": "permission denied",
	} {
		p := ours().start(t, t.TempDir(), "pidfile", command)
		if status := p.status(t); status != 127 || !strings.Contains(p.stderr.String(), reason) {
			t.Errorf("pidproxy pidfile %s: status %d, stderr %q, want 127 and %q", command, status, &p.stderr, reason)
		}
	}
}
