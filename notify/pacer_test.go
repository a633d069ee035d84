package notify_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vigilance-go/vigilance/notify"
)

// most returns the largest number of the times that lie in one period, which
// may begin anywhere and does not contain its end.
func most(times []time.Time, period time.Duration) (n int) {
	for i, from := range times {
		in := 0
		for _, t := range times[i:] {
			if t.Before(from.Add(period)) {
				in++
			}
		}
		n = max(n, in)
	}
	return n
}

func TestPacerKeepsTheLimitsInAnyPeriod(t *testing.T) {
	for _, tt := range []struct {
		name   string
		limits notify.Limits
		// The service takes this long, and counts a message early or late in it.
		latency [3]time.Duration
		early   bool
		first   int           // how many go out at once
		longest time.Duration // for all of the 200 messages
	}{
		{"20 a minute", notify.Limits{PerMinute: 20}, [3]time.Duration{}, true, 5, 195 * 3750 * time.Millisecond},
		{"100 a minute and 5 a second", notify.Limits{PerMinute: 100, PerSecond: 5}, [3]time.Duration{}, true, 1, 140 * time.Second},
		{"1 a second", notify.Limits{PerSecond: 1}, [3]time.Duration{}, true, 1, 199 * time.Second},
		{"1 a minute", notify.Limits{PerMinute: 1}, [3]time.Duration{}, true, 1, 199 * time.Minute},
		{"late counting, uneven latency", notify.Limits{PerMinute: 20, PerSecond: 2},
			[3]time.Duration{2 * time.Second, 0, time.Millisecond}, false, 1, 20 * time.Minute},
		{"early counting, uneven latency", notify.Limits{PerMinute: 20, PerSecond: 2},
			[3]time.Duration{0, 2 * time.Second, time.Millisecond}, true, 1, 20 * time.Minute},
		{"none", notify.Limits{}, [3]time.Duration{}, true, 200, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var counted []time.Time
				p := notify.NewPacer(notify.NotifierFunc(func(context.Context, notify.Message) error {
					if tt.early {
						counted = append(counted, time.Now())
					}
					<-time.After(tt.latency[len(counted)%3])
					if !tt.early {
						counted = append(counted, time.Now())
					}
					return nil
				}), tt.limits)
				start := time.Now()
				for range 200 {
					if err := p.Notify(t.Context(), notify.Message{}); err != nil {
						t.Fatalf("Notify = %v, want nil", err)
					}
				}
				if n := most(counted, time.Minute); tt.limits.PerMinute > 0 && n > tt.limits.PerMinute {
					t.Errorf("messages in a minute = %d, want at most %d", n, tt.limits.PerMinute)
				}
				if n := most(counted, time.Second); tt.limits.PerSecond > 0 && n > tt.limits.PerSecond {
					t.Errorf("messages in a second = %d, want at most %d", n, tt.limits.PerSecond)
				}
				if first := most(counted, 1); first != tt.first {
					t.Errorf("messages at once = %d, want %d", first, tt.first)
				}
				if took := time.Since(start); took > tt.longest {
					t.Errorf("200 messages took %v, want at most %v", took, tt.longest)
				}
			})
		})
	}
}

func TestPacerSendsNothingWhileItIsBlocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls int
		answer := error(&notify.TemporaryError{Err: errors.New("sent too fast"), RetryAfter: 10 * time.Minute})
		p := notify.NewPacer(notify.NotifierFunc(func(context.Context, notify.Message) error {
			calls++
			return answer
		}), notify.Limits{PerMinute: 20})
		if err := p.Notify(t.Context(), notify.Message{}); !errors.Is(err, answer) {
			t.Errorf("Notify = %v, want %v", err, answer)
		}
		<-time.After(9 * time.Minute)
		err := p.Notify(t.Context(), notify.Message{})
		var temporary *notify.TemporaryError
		if !errors.As(err, &temporary) || temporary.RetryAfter != time.Minute || temporary.GiveUpAfter != 0 || calls != 1 {
			t.Errorf("Notify after 9 min = %#v, %d calls; want a TemporaryError with RetryAfter 1m0s, 1 call", err, calls)
		}
		<-time.After(time.Minute)
		answer = nil
		if err := p.Notify(t.Context(), notify.Message{}); err != nil || calls != 2 {
			t.Errorf("Notify after 10 min = %v, %d calls; want nil, 2 calls", err, calls)
		}
	})
}

func TestPacerIsNotBlockedByWhatIsAMessagesOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := error(&notify.TemporaryError{Err: errors.New("later"), RetryAfter: time.Hour, MessageOnly: true})
		p := notify.NewPacer(notify.NotifierFunc(func(context.Context, notify.Message) error { return answer }), notify.Limits{})
		_ = p.Notify(t.Context(), notify.Message{})
		answer = nil
		if err := p.Notify(t.Context(), notify.Message{}); err != nil {
			t.Errorf("Notify of another message = %v, want nil", err)
		}
	})
}

// A wait that takes most of an attempt's time is better spent elsewhere.
func TestPacerDoesNotSpendTheAttemptsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := notify.NewPacer(notify.NotifierFunc(func(context.Context, notify.Message) error { return nil }), notify.Limits{PerMinute: 1})
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		if err := p.Notify(ctx, notify.Message{}); err != nil {
			t.Fatalf("Notify = %v, want nil", err)
		}
		start := time.Now()
		err := p.Notify(ctx, notify.Message{})
		var temporary *notify.TemporaryError
		if !errors.As(err, &temporary) || temporary.RetryAfter != time.Minute || time.Since(start) != 0 {
			t.Errorf("Notify = %v after %v, want RetryAfter 1m0s at once", err, time.Since(start))
		}
		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if err := p.Notify(ctx, notify.Message{}); !errors.Is(err, context.Canceled) || time.Since(start) != time.Second {
			t.Errorf("Notify = %v after %v, want it canceled after 1s", err, time.Since(start))
		}
	})
}

func TestPacerKeepsTheLimitsOverARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent []time.Time
		next := notify.NotifierFunc(func(context.Context, notify.Message) error {
			sent = append(sent, time.Now())
			return nil
		})
		var saved []byte
		for range 100 {
			p := notify.NewPacer(next, notify.Limits{PerMinute: 20})
			if saved != nil {
				var s notify.PacerState
				if err := json.Unmarshal(saved, &s); err != nil {
					t.Fatalf("Unmarshal(%s) = %v, want nil", saved, err)
				}
				p.Restore(s)
			}
			if err := p.Notify(t.Context(), notify.Message{}); err != nil {
				t.Fatalf("Notify = %v, want nil", err)
			}
			saved, _ = json.Marshal(p.State())
		}
		if n := most(sent, time.Minute); n > 20 {
			t.Errorf("messages in a minute = %d, want at most 20", n)
		}
		future := time.Now().Add(1000 * time.Hour)
		p := notify.NewPacer(next, notify.Limits{PerMinute: 20})
		p.Restore(notify.PacerState{Minute: future})
		start := time.Now()
		if err := p.Notify(t.Context(), notify.Message{}); err != nil || time.Since(start) > time.Minute {
			t.Errorf("Notify with a clock that was set back = %v after %v, want nil within a minute", err, time.Since(start))
		}
	})
}

// A Deliverer over a Pacer delivers all without a single complaint.
func TestDelivererWaitsForItsPacer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := notify.NewMemory(0)
		s := &script{start: time.Now(), answer: func(int, notify.Message) error { return nil }}
		var want []string
		for i := range 100 {
			id := string(rune('A'+i/26)) + string(rune('a'+i%26))
			want = append(want, id)
			put(t, q, id)
		}
		logged, left := deliverTo(t, q, notify.NewPacer(s, notify.Limits{PerMinute: 20}), 10*time.Minute)
		var got []string
		for _, c := range s.calls {
			got = append(got, c.ID)
		}
		if !slices.Equal(got, want) || left != 0 || strings.Contains(logged, "level=WARN") {
			t.Errorf("delivered %q, left %d, logged %q; want %q, none and no warning", got, left, logged, want)
		}
	})
}

// Failures of other kinds are no reason to give up sooner.
func TestDelivererCountsOnlyUnclearFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := notify.NewMemory(0)
		put(t, q, "a")
		s := &script{answer: func(call int, _ notify.Message) error {
			switch {
			case call <= 10:
				return errors.New("connection refused")
			case call <= 12:
				return &notify.TemporaryError{Err: errors.New("code 12345"), GiveUpAfter: 3}
			}
			return nil
		}}
		logged, left := deliver(t, q, s, time.Hour, 0)
		if left != 0 || len(s.calls) != 13 || len(q.Dead()) != 0 {
			t.Errorf("left %d, %d calls, dead %v; want 0, 13 calls, none; log %s", left, len(s.calls), q.Dead(), logged)
		}
	})
}
