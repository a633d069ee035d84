package supervisor

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/vigilance-go/vigilance/supervisor/config"
	"github.com/vigilance-go/vigilance/supervisor/process"
)

func TestStatsCountWhatHappened(t *testing.T) {
	once := func(p *config.Program) { p.AutoRestart = config.RestartNever }
	heard := filepath.Join(t.TempDir(), "heard")
	deaf := program("deaf", "sleep 100", quick)
	r := start(t,
		listening("ears", "note:"+heard, "PROCESS_STATE_EXITED"),
		&config.Group{
			Name: "deaf", Kind: config.GroupEventListener, Priority: -1, Programs: []*config.Program{deaf},
			Pool: &config.Pool{Events: []string{"PROCESS_STATE"}, BufferSize: 3},
		},
		alone(program("fine", "sh -c 'echo hello; echo oh >&2'", quick, once)),
		alone(program("wrong", "sh -c 'exit 3'", quick, once)),
		alone(program("ghost", "/no/such/file", func(p *config.Program) { p.StartRetries = 1 })),
		alone(program("killed", "sleep 100", quick, once)),
		alone(program("stopped", "sleep 100", quick)))
	for name, state := range map[string]process.State{
		"fine": process.Exited, "wrong": process.Exited, "ghost": process.Fatal, "killed": process.Running, "stopped": process.Running,
	} {
		r.untilState(name, state)
	}
	if err := syscall.Kill(r.info("killed").PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	r.untilState("killed", process.Exited)
	for range 2 {
		if err := r.StopProcess(t.Context(), "stopped", true); err != nil {
			t.Fatal(err)
		}
		if err := r.StartProcess(t.Context(), "stopped", true); err != nil {
			t.Fatal(err)
		}
	}
	r.until("three exits were heard", func() bool {
		stats, err := r.Stats(t.Context())
		return err == nil && stats.Pools[0].Processed == 3
	})
	stats, err := r.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]ProcessStats)
	for _, p := range stats.Processes {
		got[p.Name] = p
	}
	for name, want := range map[string]ProcessStats{
		"fine":    {Starts: 1, Exits: [ExitReasons]uint64{ExitExpected: 1}, StdoutBytes: 6, StderrBytes: 3},
		"wrong":   {Starts: 1, Exits: [ExitReasons]uint64{ExitUnexpected: 1}},
		"ghost":   {Starts: 0, Exits: [ExitReasons]uint64{ExitNotSpawned: 2}},
		"killed":  {Starts: 1, Exits: [ExitReasons]uint64{ExitSignalled: 1}},
		"stopped": {Starts: 3, Exits: [ExitReasons]uint64{ExitStopped: 2}},
	} {
		g := got[name]
		if g.Starts != want.Starts || g.Exits != want.Exits || g.StdoutBytes != want.StdoutBytes || g.StderrBytes != want.StderrBytes {
			t.Errorf("%s: %d starts, exits %v, %d and %d bytes; want %d, %v, %d and %d",
				name, g.Starts, g.Exits, g.StdoutBytes, g.StderrBytes, want.Starts, want.Exits, want.StdoutBytes, want.StderrBytes)
		}
	}
	ears, full := stats.Pools[0], stats.Pools[1]
	if ears.Name != "ears" || ears.Accepted != 3 || ears.Sent != 3 || ears.Waiting != 0 || ears.Dropped != 0 {
		t.Errorf("the pool that listens: %+v, want 3 events sent", ears)
	}
	if full.Waiting != 3 || full.MaxWaiting != 3 || full.Dropped != full.Accepted-3 || full.WaitingBytes == 0 {
		t.Errorf("the pool that does not: %+v, want 3 waiting and the rest dropped", full)
	}
	if stats.Mood != MoodRunning || stats.Events < full.Accepted {
		t.Errorf("mood %v, %d events, want RUNNING and at least %d", stats.Mood, stats.Events, full.Accepted)
	}
}

// TestLogFileAnswersOnTheWayDown: who follows a log wants to see a shutdown.
func TestLogFileAnswersOnTheWayDown(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	stubborn := program("stubborn", `sh -c "trap '' TERM; echo ready; while :; do sleep 0.1; done"`, quick, func(p *config.Program) {
		p.Stdout = config.Log{Target: config.LogFile, File: path}
	})
	r := start(t, alone(stubborn))
	r.until("it is ready", func() bool { return r.read(path) == "ready\n" })
	r.Signal(syscall.SIGTERM)
	r.until("the daemon goes down", func() bool {
		_, err := r.Mood(t.Context())
		return err != nil
	})
	if got, err := r.LogFile(t.Context(), "stubborn", false); err != nil || got != path {
		t.Errorf("LogFile = %q, %v, want %q", got, err, path)
	}
	if got, err := r.LogFile(t.Context(), "stubborn", true); err != nil || got != "" {
		t.Errorf("LogFile of stderr = %q, %v, want none", got, err)
	}
	var fault *Fault
	if _, err := r.LogFile(t.Context(), "nobody", false); !errors.As(err, &fault) || fault.Code != FaultBadName {
		t.Errorf("LogFile of nobody: %v, want BAD_NAME", err)
	}
	if stats, err := r.Stats(t.Context()); err != nil || stats.Mood != MoodShutdown {
		t.Errorf("Stats: mood %v, %v, want SHUTDOWN", stats.Mood, err)
	}
	if err := syscall.Kill(-r.pidOf("stubborn"), syscall.SIGKILL); err != nil && !os.IsNotExist(err) {
		t.Error(err)
	}
}

// pidOf asks for a process' number while the daemon goes down.
func (r *rig) pidOf(name string) int {
	r.t.Helper()
	stats, err := r.Stats(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	for _, p := range stats.Processes {
		if p.Name == name {
			return p.PID
		}
	}
	r.t.Fatalf("there is no process %s", name)
	return 0
}
