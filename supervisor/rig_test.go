package supervisor

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/supervisor/config"
	"github.com/vigilance-go/vigilance/supervisor/mainlog"
	"github.com/vigilance-go/vigilance/supervisor/process"
)

// roleVar makes the test binary play an event listener instead of running the
// tests.
const roleVar = "SUPERVISOR_TEST_ROLE"

func TestMain(m *testing.M) {
	role := os.Getenv(roleVar)
	if role == "" {
		os.Exit(m.Run())
	}
	if role == "fastcgi" {
		os.Exit(playFastCGI())
	}
	os.Exit(playListener(role))
}

// playFastCGI answers each connection to the socket on its stdin with its
// process number.
func playFastCGI() int {
	l, err := net.FileListener(os.Stdin)
	if err != nil {
		return 1
	}
	for {
		c, err := l.Accept()
		if err != nil {
			return 1
		}
		_, _ = fmt.Fprint(c, os.Getpid())
		_ = c.Close()
	}
}

// playListener is an event listener that appends "eventname payload" lines to
// the file that the role names, after a verb and a colon.
func playListener(role string) int {
	verb, path, _ := strings.Cut(role, ":")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return 1
	}
	err = listener.Serve(context.Background(), func(ctx context.Context, e listener.Event) error {
		switch verb {
		case "slow":
			<-time.After(50 * time.Millisecond) // the work of a slow listener
		case "stuck":
			<-ctx.Done()
		case "count":
			body, _ := e.Body.(listener.ProcessLog)
			_, err := f.Write(body.Data)
			return err
		}
		_, err := fmt.Fprintf(f, "%s %s\n", e.Header.EventName, strings.ReplaceAll(string(e.Payload), "\n", "|"))
		return err
	})
	if err != nil {
		return 1
	}
	return 0
}

// rig is a daemon under test.
type rig struct {
	*Daemon
	t       *testing.T
	dir     string
	logPath string
	over    chan Outcome
}

// program is a program with the reference's defaults.
func program(name, command string, change ...func(*config.Program)) *config.Program {
	p := &config.Program{
		Name: name, Section: "program:" + name, Command: command,
		Priority: 999, AutoStart: true, AutoRestart: config.RestartUnexpected,
		StartSecs: time.Second, StartRetries: 3, StopSignal: syscall.SIGTERM,
		StopWaitSecs: 10 * time.Second, ExitCodes: []int{0},
	}
	for _, c := range change {
		c(p)
	}
	return p
}

// at once: RUNNING as soon as it is spawned.
func quick(p *config.Program) { p.StartSecs = 0 }

func manual(p *config.Program) { p.AutoStart = false }

// alone is the implicit group of programs.
func alone(ps ...*config.Program) *config.Group {
	return &config.Group{Name: ps[0].Name, Kind: config.GroupPrograms, Priority: ps[0].Priority, Programs: ps}
}

// listening is a pool of one listener that plays a role.
func listening(name, role string, events ...string) *config.Group {
	p := program(name, os.Args[0], quick)
	p.Environment = map[string]string{roleVar: role}
	return &config.Group{
		Name: name, Kind: config.GroupEventListener, Priority: -1, Programs: []*config.Program{p},
		Pool: &config.Pool{Events: events},
	}
}

// start runs a daemon, whose log takes everything down to debug, until the
// test ends.
func start(t *testing.T, groups ...*config.Group) *rig {
	t.Helper()
	return startLogging(t, mainlog.Debug, groups...)
}

// startLogging is start with another level of the daemon's log.
func startLogging(t *testing.T, level int, groups ...*config.Group) *rig {
	t.Helper()
	return startWith(t, Options{}, level, groups...)
}

// startWith is startLogging with other options.
func startWith(t *testing.T, o Options, level int, groups ...*config.Group) *rig {
	t.Helper()
	dir := t.TempDir()
	r := &rig{t: t, dir: dir, logPath: filepath.Join(dir, "supervisord.log"), over: make(chan Outcome, 1)}
	log := openTestLog(t, r.logPath, level)
	cfg := &config.Config{Groups: groups}
	cfg.Supervisord.Identifier = "supervisor"
	cfg.Supervisord.ChildLogDir = dir
	o.Config, o.Log = cfg, log
	var err error
	if r.Daemon, err = New(o); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() { // ends with the test, by cancel
		outcome, err := r.Run(ctx)
		if err != nil {
			t.Errorf("Run: %v", err)
		}
		r.over <- outcome
	}()
	t.Cleanup(func() {
		cancel()
		select {
		case <-r.done:
		case <-time.After(time.Minute):
			t.Errorf("the daemon has not stopped; its log:\n%s", r.readLog())
		}
	})
	return r
}

// openTestLog opens a log that takes everything down to level.
func openTestLog(t *testing.T, path string, level int) *mainlog.Logger {
	t.Helper()
	log, err := mainlog.Open(mainlog.Options{Path: path, Level: level})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	return log
}

// until polls until ok holds, and fails the test after a while.
func (r *rig) until(what string, ok func() bool) {
	r.t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); {
		if time.Now().After(end) {
			r.t.Fatalf("%s: it did not happen; the log:\n%s", what, r.readLog())
		}
		<-time.After(2 * time.Millisecond)
	}
}

// info is the snapshot of one process.
func (r *rig) info(namespec string) ProcessInfo {
	r.t.Helper()
	i, err := r.ProcessInfo(r.t.Context(), namespec)
	if err != nil {
		r.t.Fatalf("ProcessInfo(%q): %v", namespec, err)
	}
	return i
}

// untilState waits for a process to be in a state.
func (r *rig) untilState(namespec string, want process.State) ProcessInfo {
	r.t.Helper()
	var i ProcessInfo
	r.until(fmt.Sprintf("%s is %s", namespec, want), func() bool {
		i = r.info(namespec)
		return i.State == want
	})
	return i
}

// readLog is the daemon's log without time stamps, pids masked.
func (r *rig) readLog() string {
	b, _ := os.ReadFile(r.logPath)
	text := regexp.MustCompile(`(?m)^\S+ \S+ `).ReplaceAllString(string(b), "")
	text = regexp.MustCompile(`pid \d+`).ReplaceAllString(text, "pid N")
	return regexp.MustCompile(`\(\d+\)`).ReplaceAllString(text, "(N)")
}

// untilLog waits for a line of the log that contains text.
func (r *rig) untilLog(text string) {
	r.t.Helper()
	r.until("log says "+text, func() bool { return strings.Contains(r.readLog(), text) })
}

// read returns what a file holds now; empty when there is none.
func (r *rig) read(path string) string {
	b, _ := os.ReadFile(path)
	return string(b)
}

// stop shuts the daemon down and returns when it has ended.
func (r *rig) stop(sig syscall.Signal) Outcome {
	r.t.Helper()
	r.Signal(sig)
	select {
	case o := <-r.over:
		return o
	case <-time.After(time.Minute):
		r.t.Fatalf("the daemon has not stopped; its log:\n%s", r.readLog())
	}
	return 0
}
