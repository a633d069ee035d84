package notify_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vigilance-go/vigilance/notify"
)

const day = 24 * time.Hour

// A clock that is set while a Dispatcher runs hastens nothing and delays
// nothing: each transcript is the one without a step.
func TestDispatcherWhileTheClockIsSet(t *testing.T) {
	for _, tt := range []struct {
		name   string
		policy notify.Policy
		script string // %s is the step
		want   string
	}{
		{"a batch", notify.Policy{Interval: 5 * time.Minute}, `
			0s   crash web 1
			60s  step
			70s  crash web 2
			400s crash web 3`, `
			300s sent [1 2] web exited unexpectedly, 2 times: exit status 1
			700s sent [3] web exited unexpectedly: exit status 1`},
		{"flood control", notify.Policy{Flood: 5 * time.Minute}, `
			0s   crash web 1
			10s  crash web 2
			60s  step
			70s  crash web 3`, `
			0s sent [1] web exited unexpectedly: exit status 1
			300s sent [2 3] web exited unexpectedly, 2 times: exit status 1`},
		{"a recovery", notify.Policy{Flood: time.Minute, Recovered: 30 * time.Second}, `
			0s   crash web 1
			5s   well  web 2
			10s  step
			100s crash web 2
			105s well  web 3`, `
			0s sent [1] web exited unexpectedly: exit status 1
			35s sent [2] web has recovered
			100s sent [2] web exited unexpectedly: exit status 1
			135s sent [3] web has recovered`},
		{"a recovery from what has waited", notify.Policy{Interval: time.Minute, Recovered: time.Second}, `
			0s  crash web 1
			5s  step
			10s well  web 2`, `
			60s sent [1 2] web has recovered`},
		{"messages a minute", notify.Policy{PerMinute: 1}, `
			0s  crash a 1
			10s crash a 2
			20s step`, `
			0s sent [1] a exited unexpectedly: exit status 1
			60s sent [2] a exited unexpectedly: exit status 1`},
	} {
		for _, step := range []time.Duration{0, -day, day, -time.Minute} {
			t.Run(tt.name+" "+step.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := &stage{t: t, step: step}
					left := s.run(notify.NewMemory(0), tt.policy, nil, tt.script, time.Hour)
					if got, want := s.transcript.String(), trim(tt.want); got != want || left != 0 {
						t.Errorf("transcript:\n%s\nwant:\n%s\n%d left, want 0", got, want, left)
					}
				})
			})
		}
	}
}

// Quiet hours are those that the clock shows.
func TestQuietHoursFollowTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stage{t: t, step: 3 * time.Hour} // from midnight
		policy := notify.Policy{Quiet: notify.Quiet{From: 23 * time.Hour, To: 4 * time.Hour}}
		s.run(notify.NewMemory(0), policy, nil, "0s crash web 1\n60s step", 2*time.Hour)
		if got, want := s.transcript.String(), "3600s sent [1] web exited unexpectedly: exit status 1\n"; got != want {
			t.Errorf("transcript:\n%s\nwant:\n%s", got, want)
		}
	})
}

// Where the clock is set while no Dispatcher runs, what has happened counts as
// happening at the start, or as over.
func TestDispatcherStartedAfterTheClockWasSet(t *testing.T) {
	for _, tt := range []struct {
		name   string
		policy notify.Policy
		step   time.Duration
		want   string
	}{
		{"flood control, back", notify.Policy{Flood: time.Minute}, -day, "60s sent [2] web exited unexpectedly: exit status 1\n"},
		{"flood control, forward", notify.Policy{Flood: time.Minute}, day, "1s sent [2] web exited unexpectedly: exit status 1\n"},
		{"messages a minute, back", notify.Policy{PerMinute: 1}, -day, "60s sent [2] web exited unexpectedly: exit status 1\n"},
		{"a batch, back", notify.Policy{Interval: time.Minute}, -day, "60s sent [9 2] web exited unexpectedly, 2 times: exit status 1\n"},
		{"a batch, forward", notify.Policy{Interval: time.Minute}, day,
			"0s sent [9] web exited unexpectedly: exit status 1\n61s sent [2] web exited unexpectedly: exit status 1\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q, store := notify.NewMemory(0), &notebook{}
				first := &stage{t: t}
				if tt.policy.Interval == 0 {
					first.run(q, tt.policy, store, "0s crash web 1", 5*time.Second)
				} else {
					first.event(q, []string{"0s", "crash", "web", "9"}) // left by a kill
				}
				again := &stage{t: t}
				again.ahead.Store(int64(tt.step))
				again.run(q, tt.policy, store, "1s crash web 2", 10*time.Minute)
				if got := again.transcript.String(); got != tt.want {
					t.Errorf("transcript:\n%s\nwant:\n%s", got, tt.want)
				}
			})
		})
	}
}

// What is saved after the clock was set is by the clock as it is.
func TestDispatcherSavesByTheClockAsItIs(t *testing.T) {
	for _, step := range []time.Duration{0, -day, day} {
		synctest.Test(t, func(t *testing.T) {
			q, store, policy := notify.NewMemory(0), &notebook{}, notify.Policy{Flood: time.Minute}
			s := &stage{t: t, step: step}
			s.run(q, policy, store, "0s crash web 1\n2s step\n4s crash db 2", 5*time.Second)
			again := &stage{t: t}
			again.ahead.Store(int64(step))
			again.run(q, policy, store, "1s crash web 3", 10*time.Minute)
			if got, want := again.transcript.String(), "55s sent [3] web exited unexpectedly: exit status 1\n"; got != want {
				t.Errorf("step %v: transcript:\n%s\nwant:\n%s", step, got, want)
			}
		})
	}
}

// sharedState is a SharedPace as a file is one.
type sharedState struct{ text []byte }

func (s *sharedState) Update(change func(notify.PacerState) notify.PacerState) error {
	var before notify.PacerState
	if s.text != nil {
		if err := json.Unmarshal(s.text, &before); err != nil {
			return err
		}
	}
	var err error
	s.text, err = json.Marshal(change(before))
	return err
}

// However far the clock is set, and whoever has sent, a Pacer never waits
// longer than the limit asks for, and by itself never shorter.
func TestPacerWhileTheClockIsSet(t *testing.T) {
	limits := notify.Limits{PerMinute: 1}
	for _, step := range []time.Duration{-day, -30 * time.Second, 30 * time.Second, day} {
		for _, shared := range []notify.SharedPace{nil, &sharedState{}} {
			synctest.Test(t, func(t *testing.T) {
				var ahead time.Duration
				var answer error
				open := func() *notify.Pacer {
					p := notify.NewPacer(notify.NotifierFunc(func(context.Context, notify.Message) error { return answer }), limits)
					p.SetClock(func() time.Time { return time.Now().Add(ahead) })
					if shared != nil {
						p.Share(shared)
					}
					return p
				}
				// notify returns how long a message waits.
				wait := func(p *notify.Pacer) time.Duration {
					start := time.Now()
					if err := p.Notify(t.Context(), notify.Message{}); !errors.Is(err, answer) {
						t.Errorf("step %v: Notify = %v, want %v", step, err, answer)
					}
					return time.Since(start)
				}
				p := open()
				wait(p)
				<-time.After(10 * time.Second)
				ahead = step
				if got := wait(p); got != 50*time.Second {
					t.Errorf("step %v, shared %v: wait after 10 s = %v, want 50s", step, shared != nil, got)
				}
				<-time.After(11 * time.Minute)
				ahead -= day
				if got := wait(p); got != 0 {
					t.Errorf("step %v, shared %v: wait after 11 min and a step back = %v, want 0", step, shared != nil, got)
				}

				ahead += step
				other := open()
				if got := wait(other); got > time.Minute {
					t.Errorf("step %v, shared %v: wait of another = %v, want 1m0s at most", step, shared != nil, got)
				}

				answer = &notify.TemporaryError{Err: errors.New("sent too fast"), RetryAfter: 10 * time.Minute}
				wait(other)
				answer = nil
				<-time.After(9 * time.Minute)
				ahead -= day
				var temporary *notify.TemporaryError
				if err := other.Notify(t.Context(), notify.Message{}); !errors.As(err, &temporary) || temporary.RetryAfter != time.Minute {
					t.Errorf("step back, shared %v: Notify = %v, want it blocked for 1m0s", shared != nil, err)
				}
				<-time.After(time.Minute)
				if got := wait(other); got != 0 {
					t.Errorf("step back, shared %v: wait after the service's pause = %v, want 0", shared != nil, got)
				}

				ahead -= day
				third := open()
				third.Restore(other.State())
				<-time.After(time.Minute)
				if got := wait(third); got > time.Minute {
					t.Errorf("step back, shared %v: wait of a third = %v, want 1m0s at most", shared != nil, got)
				}
			})
		}
	}
}
