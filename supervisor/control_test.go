package supervisor

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/supervisor/config"
	"github.com/vigilance-go/vigilance/supervisor/process"
)

func TestStartAndStopAnswerWithFaults(t *testing.T) {
	r := start(t,
		alone(program("web", "sleep 100", quick, manual)),
		alone(program("ghost", "/no/such/file", manual)),
		alone(program("folder", "/tmp", manual)),
		alone(program("short", "sh -c 'exit 3'", manual)))
	ctx := t.Context()
	steps := []struct {
		call string
		do   func() error
		want string // the fault; empty for none
	}{
		{"stop web", func() error { return r.StopProcess(ctx, "web", true) }, "NOT_RUNNING: web"},
		{"start web", func() error { return r.StartProcess(ctx, "web", true) }, ""},
		{"start web again", func() error { return r.StartProcess(ctx, "web", true) }, "ALREADY_STARTED: web"},
		{"signal web", func() error { return r.SignalProcess(ctx, "web", "USR9") }, "BAD_SIGNAL: USR9"},
		{"stop web", func() error { return r.StopProcess(ctx, "web", true) }, ""},
		{"signal web", func() error { return r.SignalProcess(ctx, "web", "HUP") }, "NOT_RUNNING: web"},
		{"start nobody", func() error { return r.StartProcess(ctx, "nobody", true) }, "BAD_NAME: nobody"},
		{"start web:other", func() error { return r.StartProcess(ctx, "web:other", true) }, "BAD_NAME: web:other"},
		{"start ghost", func() error { return r.StartProcess(ctx, "ghost", true) }, "NO_FILE: can't find command '/no/such/file'"},
		{"start folder", func() error { return r.StartProcess(ctx, "folder", true) }, "NOT_EXECUTABLE: command at '/tmp' is a directory"},
		{"start short", func() error { return r.StartProcess(ctx, "short", true) }, "SPAWN_ERROR: short"},
		{"stdin", func() error { return r.SendStdin(ctx, "web", []byte("x")) }, "NOT_RUNNING: web"},
		{"remove web", func() error { return r.RemoveGroup(ctx, "web") }, ""},
		{"remove web again", func() error { return r.RemoveGroup(ctx, "web") }, "BAD_NAME: web"},
		{"add web", func() error { return r.AddGroup(ctx, "web") }, ""},
		{"add web again", func() error { return r.AddGroup(ctx, "web") }, "ALREADY_ADDED: web"},
	}
	for _, s := range steps {
		err := s.do()
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != s.want {
			t.Errorf("%s: fault %q, want %q", s.call, got, s.want)
		}
	}
}

func TestStopWaitsForTheEnd(t *testing.T) {
	r := start(t, alone(program("slow", `sh -c "trap 'sleep 0.2; exit 0' TERM; while :; do sleep 0.05; done"`)))
	r.untilState("slow", process.Running)
	if err := r.StopProcess(t.Context(), "slow", true); err != nil {
		t.Fatalf("StopProcess: %v", err)
	}
	if got := r.info("slow").State; got != process.Stopped {
		t.Errorf("state after StopProcess = %v, want STOPPED", got)
	}
	r.untilLog("INFO waiting for slow to stop")
}

func TestRequestEndsWithItsContext(t *testing.T) {
	deaf := filepath.Join(t.TempDir(), "deaf")
	r := start(t, alone(program("deaf", `sh -c "trap '' TERM; touch `+deaf+`; while :; do sleep 1; done"`, quick, func(p *config.Program) {
		p.StopWaitSecs = 2 * time.Second
		p.KillAsGroup = true
	})))
	r.until("it ignores TERM", func() bool { _, err := os.Stat(deaf); return err == nil })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := r.StopProcess(ctx, "deaf", true); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("StopProcess(ctx of 20 ms) = %v, want DeadlineExceeded", err)
	}
}

func TestGroupsStartAndStopTogether(t *testing.T) {
	g := &config.Group{Name: "site", Kind: config.GroupPrograms, Priority: 999, Programs: []*config.Program{
		program("a", "sleep 100", quick, manual), program("b", "sleep 100", quick, manual),
		program("bad", "/no/such/file", manual),
	}}
	r := start(t, g)
	got, err := r.StartGroup(t.Context(), "site", true)
	if err != nil {
		t.Fatal(err)
	}
	want := []Result{
		{"a", "site", FaultSuccess, "OK"},
		{"b", "site", FaultSuccess, "OK"},
		{"bad", "site", FaultNoFile, "NO_FILE: can't find command '/no/such/file'"},
	}
	if len(got) != len(want) {
		t.Fatalf("StartGroup(site) = %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("StartGroup(site)[%d] = %v, want %v", i, got[i], want[i])
		}
	}
	if got, err = r.StopAll(t.Context(), true); err != nil || len(got) != 2 {
		t.Errorf("StopAll() = %v, %v; want two results", got, err)
	}
}

func TestRereadTellsChanges(t *testing.T) {
	r := start(t, alone(program("gone", "sleep 1", manual)), alone(program("other", "sleep 1", manual)))
	r.opts.Reload = func() (*config.Config, error) {
		return &config.Config{Groups: []*config.Group{
			alone(program("other", "sleep 2", manual)), alone(program("fresh", "sleep 1", manual)),
		}}, nil
	}
	got, err := r.Reread(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Join(got.Added, " ") != "fresh" || strings.Join(got.Changed, " ") != "other" || strings.Join(got.Removed, " ") != "gone" {
		t.Errorf("Reread() = %+v, want fresh added, other changed, gone removed", got)
	}
	r.opts.Reload = func() (*config.Config, error) { return nil, errors.New("no supervisord section") }
	if _, err := r.Reread(t.Context()); err == nil || err.Error() != "CANT_REREAD: no supervisord section" {
		t.Errorf("Reread() of a bad file = %v, want the fault CANT_REREAD", err)
	}
	if err := r.AddGroup(t.Context(), "fresh"); err != nil {
		t.Errorf("AddGroup(fresh) after a failed reread: %v, want the groups of before", err)
	}
}

func TestStdinReachesTheChild(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	r := start(t, alone(program("cat", "cat", quick, func(p *config.Program) {
		p.Stdout = config.Log{Target: config.LogFile, File: out}
	})))
	r.untilState("cat", process.Running)
	if err := r.SendStdin(t.Context(), "cat", []byte("hello\n")); err != nil {
		t.Fatal(err)
	}
	r.until("cat has written", func() bool { return r.read(out) == "hello\n" })
	if err := r.ClearLogs(t.Context(), "cat"); err != nil {
		t.Fatal(err)
	}
	if got := r.read(out); got != "" {
		t.Errorf("log after ClearLogs holds %q, want nothing", got)
	}
}

func TestDescription(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		info ProcessInfo
		want string
	}{
		{ProcessInfo{State: process.Running, PID: 7, Start: now.Add(-65 * time.Second), Now: now}, "pid 7, uptime 0:01:05"},
		{ProcessInfo{State: process.Running, PID: 7, Start: now.Add(-26 * time.Hour), Now: now}, "pid 7, uptime 1 day, 2:00:00"},
		{ProcessInfo{State: process.Running, PID: 7, Start: now.Add(-72 * time.Hour), Now: now}, "pid 7, uptime 3 days, 0:00:00"},
		{ProcessInfo{State: process.Running, PID: 7, Start: now.Add(time.Hour), Now: now}, "pid 7, uptime 0:00:00"},
		{ProcessInfo{State: process.Fatal, Name: "web"}, `unknown error (try "tail web")`},
		{ProcessInfo{State: process.Backoff, SpawnErr: "Exited too quickly"}, "Exited too quickly"},
		{ProcessInfo{State: process.Stopped}, "Not started"},
		{ProcessInfo{State: process.Stopped, Start: now, Stop: time.Date(2026, 3, 1, 15, 4, 0, 0, time.Local)}, "Mar 01 03:04 PM"},
		{ProcessInfo{State: process.Starting}, ""},
	}
	for _, tt := range tests {
		if got := tt.info.Description(); got != tt.want {
			t.Errorf("Description of %+v = %q, want %q", tt.info, got, tt.want)
		}
	}
}
