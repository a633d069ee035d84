package checktest

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/listener/listenertest"
)

// Env makes a test binary the tool that it tests; see Main.
const Env = "VIGILANCE_TEST_TOOL"

// Main runs the tests, or the tool where the environment says so.
func Main(m *testing.M, tool func()) {
	if os.Getenv(Env) != "" {
		tool()
		return
	}
	os.Exit(m.Run())
}

// Command is the tool as a process of its own, without a supervisord.
func Command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), Env+"=1", "SUPERVISOR_ENABLED=", "SUPERVISOR_SERVER_URL=",
		"GORACE=atexit_sleep_ms=0") // the race detector would take a second to end
	return cmd
}

// Output runs a command to its end.
func Output(t *testing.T, cmd *exec.Cmd) (stdout, stderr string, status int) {
	t.Helper()
	var out, err bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &err
	var exit *exec.ExitError
	if runErr := cmd.Run(); runErr != nil && !errors.As(runErr, &exit) {
		t.Fatalf("run %q: %v", cmd.Args, runErr)
	}
	return out.String(), err.String(), cmd.ProcessState.ExitCode()
}

// Listener is a tool that listens to a Fake's events.
type Listener struct {
	*listenertest.Supervisor
	stderr Buffer
	mail   string
	spool  string
	t      *testing.T
}

// Listen starts a tool, as a process of its own, as a daemon does. Its mails go
// to a file.
func Listen(t *testing.T, f *Fake, args ...string) *Listener {
	t.Helper()
	dir := t.TempDir()
	l := &Listener{mail: filepath.Join(dir, "mail"), spool: filepath.Join(dir, "spool"), t: t}
	if i := slices.Index(args, "--spool"); i >= 0 {
		l.spool = args[i+1]
	}
	cmd := Command(append([]string{
		"--spool", l.spool, "-s", "cat - >> " + l.mail + "; printf '\\n--\\n' >> " + l.mail,
	}, args...)...)
	cmd.Env = append(cmd.Env, "SUPERVISOR_ENABLED=1", "SUPERVISOR_SERVER_URL="+f.URL, "SUPERVISOR_GROUP_NAME=thislistener",
		"SUPERVISOR_PROCESS_NAME=thislistener", "SUPERVISOR_USERNAME="+f.Username, "SUPERVISOR_PASSWORD="+f.Password)
	cmd.Stderr = &l.stderr
	l.Supervisor = listenertest.StartCommand(t, cmd)
	return l
}

// Tick delivers a TICK_60 event.
func (l *Listener) Tick() {
	l.t.Helper()
	l.Deliver(listener.Tick{EventType: listener.Tick60, When: 60}, listener.ResultOK)
}

// TickUntilRestart delivers TICK events until a process was restarted once more.
func (l *Listener) TickUntilRestart(f *Fake) {
	l.t.Helper()
	before := len(f.Calls())
	Until(l.t, "the restart", func() bool {
		if len(f.Calls()) == before {
			l.Tick()
		}
		return len(f.Calls()) >= before+2
	}, l.Stderr)
}

// Stderr returns what the tool has written to standard error.
func (l *Listener) Stderr() string { return l.stderr.String() }

// Mails returns the mails that were sent so far.
func (l *Listener) Mails() []string {
	text, err := os.ReadFile(l.mail)
	if err != nil {
		return nil
	}
	mails := strings.Split(string(text), "\n--\n")
	return mails[:len(mails)-1]
}

// KillAfterMail kills the tool with -9 once n mails were sent, and are known to be:
// the next one does not send them again. It returns them.
func (l *Listener) KillAfterMail(n int) []string {
	l.t.Helper()
	mails := l.WaitMails(n)
	Until(l.t, "the mails to be noted", func() bool {
		left, err := os.ReadDir(filepath.Join(l.spool, "thislistener", "new"))
		return err == nil && len(left) == 0
	}, l.Stderr)
	l.Kill()
	return mails
}

// Kept returns how many mails the tool has put into its spool: what waits, and
// what is delivered.
func (l *Listener) Kept() (n int) {
	for _, folder := range []string{"new", "done"} {
		files, err := os.ReadDir(filepath.Join(l.spool, "thislistener", folder))
		if err == nil {
			n += len(files)
		}
	}
	return n
}

// WaitMails waits until n mails were sent and returns them.
func (l *Listener) WaitMails(n int) []string {
	l.t.Helper()
	Until(l.t, "mails", func() bool { return len(l.Mails()) >= n }, func() string { return l.Stderr() })
	return l.Mails()
}

// WaitStderr waits until a text stands on standard error n times.
func (l *Listener) WaitStderr(text string, n int) {
	l.t.Helper()
	Until(l.t, text, func() bool { return strings.Count(l.Stderr(), text) >= n }, func() string { return l.Stderr() })
}

// End lets the tool end as with its daemon and returns all mails.
func (l *Listener) End() []string {
	l.t.Helper()
	if err := l.Close(); err != nil {
		l.t.Errorf("the tool ended with %v, want nil; standard error:\n%s", err, l.Stderr())
	}
	return l.Mails()
}

// Until polls until a condition holds. When it does not within 20 s, the test
// fails, with the states that are given.
func Until(t *testing.T, what string, ok func() bool, states ...func() string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); <-time.After(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			text := ""
			for _, state := range states {
				text += "\n" + state()
			}
			t.Fatalf("waited 20 s for %s%s", what, text)
		}
	}
}

// Buffer is a bytes.Buffer for two goroutines.
type Buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// String returns what was written so far.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
