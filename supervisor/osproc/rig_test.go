package osproc

import (
	"bytes"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for something that must happen.
const patience = time.Minute

// roleVar makes the test binary play a part of its own: see roles.
const roleVar = "OSPROC_TEST_ROLE"

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVar); role != "" {
		roles()[role]()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// nested runs the test binary as a process of its own, in which role may do
// what would spoil the tests' process. wrapper is a command that execs "$@",
// or empty.
func nested(t *testing.T, role, wrapper string, env ...string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatalf("os.Executable() = %v", err)
	}
	argv := []string{self}
	if wrapper != "" {
		argv = []string{"/bin/sh", "-c", wrapper, "sh", self}
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), append(env, roleVar+"="+role, "GORACE=atexit_sleep_ms=0")...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("role %s under %q: %v\n%s", role, wrapper, err, out)
	}
	return string(out)
}

// rig is a Spawner with its reaper.
type rig struct {
	*Spawner
	t     testing.TB
	mu    sync.Mutex
	exits map[int]syscall.WaitStatus
	news  chan struct{} // one place; filled after each exit
}

func newRig(t testing.TB) *rig {
	r := &rig{Spawner: NewSpawner(), t: t, exits: map[int]syscall.WaitStatus{}, news: make(chan struct{}, 1)}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() { // ends at the test's end
		defer close(stopped)
		r.Reap(stop, func(e Exit) {
			r.mu.Lock()
			defer r.mu.Unlock()
			if _, twice := r.exits[e.PID]; twice {
				t.Errorf("Reap reported pid %d twice", e.PID)
			}
			r.exits[e.PID] = e.Status
			select {
			case r.news <- struct{}{}:
			default:
			}
		})
	}()
	t.Cleanup(func() {
		close(stop)
		<-stopped
		r.Close()
	})
	return r
}

// start spawns or fails the test; the child's group is killed at its end.
func (r *rig) start(spec Spec) *Child {
	r.t.Helper()
	c, err := r.Spawn(spec)
	if err != nil {
		r.t.Fatalf("Spawn(%q) = %v, want a child", spec.Args, err)
	}
	r.t.Cleanup(func() {
		_ = Kill(c.PID, syscall.SIGKILL, true)
		for _, p := range []*Pipe{c.Stdout, c.Stderr} {
			if p != nil {
				_ = p.Close()
			}
		}
		if c.Stdin != nil {
			_ = c.Stdin.Close()
		}
	})
	return c
}

// ended waits for the end of pid.
func (r *rig) ended(pid int) syscall.WaitStatus {
	r.t.Helper()
	deadline := time.After(patience)
	for {
		r.mu.Lock()
		status, ok := r.exits[pid]
		r.mu.Unlock()
		if ok {
			return status
		}
		select {
		case <-r.news:
		case <-deadline:
			r.t.Fatalf("pid %d was not reported as ended within %v", pid, patience)
		}
	}
}

// run lets a child come to its end, with empty input.
func (r *rig) run(spec Spec) (stdout, stderr string, status syscall.WaitStatus) {
	r.t.Helper()
	c := r.start(spec)
	if c.Stdin != nil {
		_ = c.Stdin.Close()
	}
	var out, err collector
	go c.Stdout.Serve(out.add) // ends with the child
	if c.Stderr != nil {
		go c.Stderr.Serve(err.add) // ends with the child
	}
	status = r.ended(c.PID)
	c.Stdout.Drain()
	await(r.t, c.Stdout.Done(), "the end of stdout")
	if c.Stderr != nil {
		c.Stderr.Drain()
		await(r.t, c.Stderr.Done(), "the end of stderr")
	}
	return out.String(), err.String(), status
}

// sh is a spec for a shell command.
func sh(script string) Spec {
	return Spec{Path: "/bin/sh", Args: []string{"sh", "-c", script}, Env: os.Environ(), Umask: -1}
}

// command is a spec for a program with arguments.
func command(argv ...string) Spec {
	return Spec{Path: argv[0], Args: argv, Env: os.Environ(), Umask: -1}
}

// collector is a sink.
type collector struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (c *collector) add(p []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.buf.Write(p)
}

func (c *collector) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.buf.String()
}

func await(t testing.TB, done <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatalf("waited %v for %s", patience, what)
	}
}

// eventually polls, for what nothing announces.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited %v for %s", patience, what)
		}
	}
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root, to become another user")
	}
}

func needLinux(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("looks into /proc, which is Linux's")
	}
}

// field returns a line's value from the text of /proc/self/status.
func field(t *testing.T, status, name string) string {
	t.Helper()
	for line := range strings.Lines(status) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.Join(strings.Fields(value), " ")
		}
	}
	t.Fatalf("no %s in\n%s", name, status)
	return ""
}
