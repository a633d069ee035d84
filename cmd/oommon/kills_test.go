package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/cmd/internal/alert"
	"github.com/vigilance-go/vigilance/cmd/internal/check"
	"github.com/vigilance-go/vigilance/cmd/internal/check/checktest"
	"github.com/vigilance-go/vigilance/cmd/internal/memory"
	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/listener/listenertest"
	"github.com/vigilance-go/vigilance/notify/mail"
)

// scene is an oommon with a kernel's log and cgroups of the test's making.
type scene struct {
	*listenertest.Supervisor
	t      *testing.T
	fake   *checktest.Fake
	oommon *oommon
	mails  string
	dirs   map[string]string // by the cgroup's path

	mu    sync.Mutex
	kills []memory.Kill
	looks int // that have come to their end, where bar's cgroup is looked for
}

// Kills implements kernel.
func (s *scene) Kills() ([]memory.Kill, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kills := s.kills
	s.kills = nil
	return kills, nil
}

// newScene returns an oommon at a Fake with processes foo:foo and bar:bar, both
// real, of which foo has a child. The daemon, and bar, are in cgroup /app; foo is
// in the cgroup that is named.
func newScene(t *testing.T, withKernel bool, group string, change func(*options)) (s *scene, foo, child, bar int) {
	t.Helper()
	s = &scene{t: t, mails: filepath.Join(t.TempDir(), "mails"), dirs: map[string]string{}}
	foo, child = parent(t)
	bar = os.Getpid()
	s.fake = checktest.NewFake(t, checktest.Process("foo", "foo", foo), checktest.Process("bar", "bar", bar))
	o := options{selection: alert.Selection{Any: true}}
	o.Options = check.Options{
		Tool: "oommon", Env: listener.Environment{ServerURL: s.fake.URL, GroupName: "thislistener"}, Targets: []string{"a@b"},
		Mail:  alert.MailOptions{Sendmail: mail.Sendmail{Command: "cat >> " + s.mails + "; printf '\\n--\\n' >> " + s.mails}},
		Spool: t.TempDir(),
	}
	if change != nil {
		change(&o)
	}
	var err error
	if s.oommon, err = newOommon(t.Context(), o, alert.NewStderr(io.Discard)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/app", group} {
		s.dirs[path] = t.TempDir()
		s.count(path, 7)
	}
	s.oommon.find = func(pid int) (memory.Group, error) {
		if pid == foo {
			return memory.Group{Path: group, Dir: s.dirs[group]}, nil
		}
		if pid == bar {
			s.mu.Lock()
			s.looks++
			s.mu.Unlock()
		}
		return memory.Group{Path: "/app", Dir: s.dirs["/app"]}, nil
	}
	if err := s.oommon.openOwn(); err != nil {
		t.Fatal(err)
	}
	s.looks = 0
	if withKernel {
		s.oommon.kernel = s
	}
	s.Supervisor = listenertest.StartFunc(t, func(ctx context.Context, in io.Reader, out io.Writer) error {
		return s.oommon.station.Serve(ctx, s.oommon.handle, listener.WithStreams(in, out))
	})
	s.look()
	return s, foo, child, bar
}

// parent starts a shell with a child.
func parent(t *testing.T) (pid, child int) {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-c", "sleep 1000 & echo $!; wait")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fscan(out, &child); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, pid := range []int{child, cmd.Process.Pid} {
			if p, err := os.FindProcess(pid); err == nil {
				_ = p.Kill()
			}
		}
		_ = cmd.Wait() // it was killed
	})
	return cmd.Process.Pid, child
}

// count sets how many kills a cgroup has had.
func (s *scene) count(path string, n int) {
	s.t.Helper()
	text := fmt.Sprintf("low 0\noom %d\noom_kill %d\n", n, n)
	if err := os.WriteFile(filepath.Join(s.dirs[path], "memory.events"), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// tell lets the kernel tell of a kill.
func (s *scene) tell(pid int, group string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kills = append(s.kills, memory.Kill{PID: pid, Name: "eater", Cgroup: group, Text: "KERNEL"})
}

// look ticks, and waits until nothing is being looked at any more.
func (s *scene) look() {
	s.t.Helper()
	asked := s.fake.Asked()
	s.Deliver(listener.Tick{EventType: listener.Tick5, When: 5}, listener.ResultOK)
	checktest.Until(s.t, "a look", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.fake.Asked() > asked && s.looks == s.fake.Asked()
	})
}

// exit reports that a process has ended.
func (s *scene) exit(name string, pid int) {
	s.Deliver(listener.ProcessState{
		EventType: listener.ProcessStateExited, ProcessName: name, GroupName: name, FromState: "RUNNING", PID: pid,
	}, listener.ResultOK)
}

// end ends the tool and returns its mails, without To.
func (s *scene) end() []string {
	s.t.Helper()
	s.look()
	if err := s.Close(); err != nil {
		s.t.Errorf("oommon ended with %v, want nil", err)
	}
	text, err := os.ReadFile(s.mails)
	if err != nil {
		return nil
	}
	mails := strings.Split(strings.TrimSuffix(string(text), "\n--\n"), "\n--\n")
	for i := range mails {
		mails[i] = strings.TrimPrefix(mails[i], "To: a@b\nSubject: oommon: ")
	}
	return mails
}

const restart = "foo is in RUNNING state, restarting\nfoo restarted"

func TestKills(t *testing.T) {
	for _, tt := range []struct {
		name   string
		kernel bool
		group  string // of foo
		change func(*options)
		happen func(s *scene, foo, child, bar int)
		want   string // the only mail, FOO, CHILD and BAR for their pids; empty for none
		calls  int
	}{
		{"child, by the kernel", true, "/app", nil, func(s *scene, _, child, _ int) {
			s.count("/app", 8)
			s.tell(child, "/app")
			s.look()
		}, "a process of foo was killed by the OOM killer\n\nProcess CHILD (eater) of foo was killed by the OOM killer:\nKERNEL\n" + restart, 2},
		{"itself, by the kernel", true, "/app", nil, func(s *scene, foo, _, _ int) {
			s.count("/app", 8)
			s.tell(foo, "/app")
			s.fake.Set(checktest.Process("foo", "foo", 1<<22-2), checktest.Process("bar", "bar", os.Getpid()))
			s.exit("foo", foo)
			s.look()
		}, "process foo was killed by the OOM killer\n\nProcess FOO (eater) of foo was killed by the OOM killer:\nKERNEL\n" +
			"foo has ended, so supervisord does with it what its autorestart option says", 0},
		{"itself, started since the last look", true, "/app", nil, func(s *scene, _, _, _ int) {
			s.tell(1<<22-3, "/app")
			s.exit("foo", 1<<22-3)
			s.look()
		}, "process foo was killed by the OOM killer\n\nProcess 4194301 (eater) of foo was killed by the OOM killer:\nKERNEL\n" +
			"foo has ended, so supervisord does with it what its autorestart option says", 0},
		{"a stranger", true, "/app", nil, func(s *scene, _, _, _ int) {
			s.tell(1<<22-3, "/other")
			s.look()
		}, "", 0},
		{"a new child in the daemon's cgroup", true, "/app", nil, func(s *scene, _, _, _ int) {
			s.count("/app", 8)
			s.tell(1<<22-3, "/app")
			s.look()
		}, "a process in cgroup /app was killed by the OOM killer\n\nProcess 4194301 (eater) was killed by the OOM killer. " +
			"It was started so recently that its program is not known:\nKERNEL", 0},
		{"a new child in a cgroup of its own", true, "/app/foo", nil, func(s *scene, _, _, _ int) {
			s.count("/app/foo", 8)
			s.tell(1<<22-3, "/app/foo")
			s.look()
		}, "a process of foo was killed by the OOM killer\n\nProcess 4194301 (eater) in the cgroup of foo was killed by the OOM killer:\nKERNEL\n" + restart, 2},
		{"kernel tells after the count", true, "/app", nil, func(s *scene, _, child, _ int) {
			s.count("/app", 8)
			s.look()
			s.tell(child, "/app")
			s.look()
		}, "a process of foo was killed by the OOM killer\n\nProcess CHILD (eater) of foo was killed by the OOM killer:\nKERNEL\n" + restart, 2},
		{"exit, by the count", false, "/app", nil, func(s *scene, foo, _, _ int) {
			s.count("/app", 8)
			s.exit("foo", foo)
			s.look()
		}, "process foo was killed by the OOM killer\n\nProcess FOO of foo has ended, and the OOM killer has killed a process in its cgroup /app\n" +
			"foo has ended, so supervisord does with it what its autorestart option says", 0},
		{"exit without a kill", false, "/app", nil, func(s *scene, foo, _, _ int) {
			s.exit("foo", foo)
			s.look()
		}, "", 0},
		{"two exits, one kill", false, "/app", nil, func(s *scene, foo, _, bar int) {
			s.count("/app", 8)
			s.exit("bar", bar)
			s.exit("foo", foo)
			s.look()
		}, "process bar was killed by the OOM killer\n\nProcess BAR of bar has ended, and the OOM killer has killed a process in its cgroup /app\n" +
			"bar has ended, so supervisord does with it what its autorestart option says", 0},
		{"child, in a cgroup of its own", false, "/app/foo", nil, func(s *scene, _, _, _ int) {
			s.count("/app/foo", 9)
			s.look()
		}, "a process of foo was killed by the OOM killer\n\nThe OOM killer has killed 2 processes of foo, in its cgroup /app/foo\n" + restart, 2},
		{"child, in a shared cgroup", false, "/app", nil, func(s *scene, _, _, _ int) {
			s.count("/app", 8)
			s.look()
		}, "a process in cgroup /app was killed by the OOM killer\n\nThe OOM killer has killed a process in cgroup /app, where these run: BOTH", 0},
		{"not selected", true, "/app", func(o *options) { o.selection = alert.Selection{Programs: []string{"bar"}} },
			func(s *scene, _, child, _ int) {
				s.count("/app", 8)
				s.tell(child, "/app")
				s.look()
			}, "", 0},
		{"alert only", true, "/app", func(o *options) { o.alertOnly = true }, func(s *scene, _, child, _ int) {
			s.tell(child, "/app")
			s.look()
		}, "a process of foo was killed by the OOM killer\n\nProcess CHILD (eater) of foo was killed by the OOM killer:\nKERNEL", 0},
		{"restarted since", true, "/app", nil, func(s *scene, _, child, _ int) {
			s.tell(child, "/app")
			s.fake.Set(checktest.Process("foo", "foo", 1<<22-2), checktest.Process("bar", "bar", os.Getpid()))
			s.look()
		}, "a process of foo was killed by the OOM killer\n\nProcess CHILD (eater) of foo was killed by the OOM killer:\nKERNEL\n" +
			"foo was restarted since, NOT restarting", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, foo, child, bar := newScene(t, tt.kernel, tt.group, tt.change)
			tt.happen(s, foo, child, bar)
			checktest.Until(t, "the restart", func() bool { return len(s.fake.Calls()) >= tt.calls })
			mails := s.end()
			both := "foo, bar"
			if bar < foo {
				both = "bar, foo"
			}
			want := strings.NewReplacer("FOO", fmt.Sprint(foo), "CHILD", fmt.Sprint(child), "BAR", fmt.Sprint(bar), "BOTH", both).Replace(tt.want)
			var wantMails []string
			if want != "" {
				wantMails = []string{want}
			}
			if !slices.Equal(mails, wantMails) || len(s.fake.Calls()) != tt.calls {
				t.Errorf("mails = %q, calls = %q; want %q, and %d calls", mails, s.fake.Calls(), wantMails, tt.calls)
			}
		})
	}
}

// Events are answered at once while a restart takes its time, and another kill
// is told.
func TestRestartsBlockNothing(t *testing.T) {
	s, _, child, _ := newScene(t, true, "/app", nil)
	release := s.fake.Hold("stopProcess foo")
	s.tell(child, "/app")
	s.Deliver(listener.Tick{EventType: listener.Tick5, When: 5}, listener.ResultOK)
	checktest.Until(t, "the restart", func() bool { return len(s.fake.Calls()) == 1 })
	start := time.Now()
	s.tell(child, "/app")
	s.look()
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("two looks took %v during a restart, want no waiting", took)
	}
	release()
	checktest.Until(t, "the start", func() bool { return len(s.fake.Calls()) == 2 })
	mails := s.end()
	if len(mails) != 2 || !slices.ContainsFunc(mails, func(m string) bool { return strings.HasSuffix(m, "\nfoo is being restarted already") }) {
		t.Errorf("mails = %q, want two, one of which says that foo is being restarted already", mails)
	}
}
