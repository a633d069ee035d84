package process

import (
	"slices"
	"testing"
	"time"
)

// at is a moment of a test, counted from an arbitrary one.
func at(d time.Duration) time.Time {
	return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Add(d)
}

func TestStepAdopts(t *testing.T) {
	t.Parallel()
	c := Config{Name: "cat", StartSecs: 10 * time.Second, StartRetries: 3, AutoRestart: RestartUnexpected, ExitCodes: []int{0}, StopSignal: 15}
	for name, test := range map[string]struct {
		up     time.Duration
		events []Event
		want   []State
	}{
		"one that is up for long":  {up: time.Hour, events: []Event{Vanished{}}, want: []State{Running, Starting}},
		"one that has just begun":  {up: time.Second, events: []Event{Timer{}, Vanished{}}, want: []State{Starting, Starting, Backoff}},
		"one that is then stopped": {up: time.Hour, events: []Event{Stop{}, Vanished{}}, want: []State{Running, Stopping, Stopped}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := Step(&c, Status{}, Adopted{PID: 100, Since: at(-test.up)}, at(0), Env{})
			got := []State{s.State}
			if s.PID != 100 || !s.LastStart.Equal(at(-test.up)) {
				t.Errorf("Step(Adopted) = pid %d, started %v, want 100, %v", s.PID, s.LastStart, at(-test.up))
			}
			for _, e := range test.events {
				s, _ = Step(&c, s, e, at(time.Second), Env{})
				got = append(got, s.State)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("states = %v, want %v", got, test.want)
			}
		})
	}
}

func TestStepAdoptsOnlyWhatWasNeverStarted(t *testing.T) {
	t.Parallel()
	c := Config{Name: "cat"}
	for _, s := range []Status{{State: Running, PID: 7}, {State: Starting}, {State: Stopped, LastStart: at(0)}, {State: Fatal}} {
		if got, effects := Step(&c, s, Adopted{PID: 100, Since: at(0)}, at(0), Env{}); got != s || effects != nil {
			t.Errorf("Step(%+v, Adopted) = %+v, %v, want no change", s, got, effects)
		}
	}
}

// TestStepAfterAnEndThatNobodySaw holds what clients are told of it.
func TestStepAfterAnEndThatNobodySaw(t *testing.T) {
	t.Parallel()
	c := Config{Name: "cat", ExitCodes: []int{0}}
	s, _ := Step(&c, Status{}, Adopted{PID: 100, Since: at(-time.Hour)}, at(0), Env{})
	s, effects := Step(&c, s, Vanished{}, at(time.Second), Env{})
	if s.State != Exited || s.ExitStatus != -1 || s.PID != 0 {
		t.Errorf("Step(Vanished) = %v, exit status %d, pid %d, want EXITED, -1, 0", s.State, s.ExitStatus, s.PID)
	}
	want := Log{Level: Warn, Text: "exited: cat (exit status unknown; not expected)"}
	if !slices.Contains(effects, Effect(want)) {
		t.Errorf("Step(Vanished): effects %v, want %v among them", effects, want)
	}
}
