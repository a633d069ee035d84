package notify_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vigilance-go/vigilance/notify"
)

// script is a Notifier that answers from a function and records its calls.
type script struct {
	start  time.Time
	answer func(call int, m notify.Message) error
	calls  []call
}

type call struct {
	ID, To string
	At     time.Duration // since the start
}

func (s *script) Notify(_ context.Context, m notify.Message) error {
	s.calls = append(s.calls, call{m.ID, m.To, time.Since(s.start)})
	return s.answer(len(s.calls), m)
}

// deliver is deliverTo for a script, with jitter.
func deliver(t *testing.T, q notify.Queue, s *script, d time.Duration, random float64) (logged string, left int) {
	t.Helper()
	s.start = time.Now()
	return run(t, q, s, d, random)
}

// deliverTo runs a Deliverer over the queue for a while of the bubble's time.
func deliverTo(t *testing.T, q notify.Queue, n notify.Notifier, d time.Duration) (logged string, left int) {
	t.Helper()
	return run(t, q, n, d, 0)
}

func run(t *testing.T, q notify.Queue, n notify.Notifier, d time.Duration, random float64) (logged string, left int) {
	t.Helper()
	var b bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	left = (&notify.Deliverer{
		Queue: q, Notifier: n, Log: slog.New(slog.NewTextHandler(&b, nil)),
		StopTimeout: time.Second, Random: func() float64 { return random },
	}).Run(ctx)
	return b.String(), left
}

func put(t *testing.T, q notify.Queue, id string, to ...string) {
	t.Helper()
	if err := q.Put(notify.Message{ID: id, Process: id}, to...); err != nil {
		t.Fatalf("Put(%q) = %v, want nil", id, err)
	}
}

func TestDelivererBacksOffWhileTheServiceIsDown(t *testing.T) {
	for _, tt := range []struct {
		name   string
		random float64
		want   []time.Duration // pauses, in milliseconds
	}{
		{"without jitter", 0, []time.Duration{1000, 2000, 4000, 8000, 16000, 24000, 24000}},
		{"with the most jitter", 1, []time.Duration{1250, 2500, 5000, 10000, 20000, 30000, 30000}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := notify.NewMemory(0)
				put(t, q, "a")
				s := &script{answer: func(call int, _ notify.Message) error {
					if call <= len(tt.want) {
						return errors.New("connection refused")
					}
					return nil
				}}
				_, left := deliver(t, q, s, time.Hour, tt.random)
				var got []time.Duration
				for i := 1; i < len(s.calls); i++ {
					got = append(got, (s.calls[i].At-s.calls[i-1].At)/time.Millisecond)
				}
				if !reflect.DeepEqual(got, tt.want) || left != 0 {
					t.Errorf("pauses of %d failures = %d ms, %d left; want %d ms, 0 left", len(tt.want), got, left, tt.want)
				}
			})
		})
	}
}

// An attempt that hangs counts into the pause: the next one begins at most
// 30 s after it began.
func TestDelivererCountsTheHangingAttemptIntoThePause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := notify.NewMemory(0)
		put(t, q, "a")
		s := &script{answer: func(int, notify.Message) error {
			<-time.After(20 * time.Second)
			return errors.New("timeout")
		}}
		deliver(t, q, s, 5*time.Minute, 1)
		if len(s.calls) < 10 {
			t.Fatalf("calls in 5 min = %d, want at least 10", len(s.calls))
		}
		for i := 1; i < len(s.calls); i++ {
			if got := s.calls[i].At - s.calls[i-1].At; got < 21*time.Second || got > 30*time.Second {
				t.Errorf("call %d began %v after the one before, want 21 s to 30 s", i, got)
			}
		}
	})
}

func TestDelivererDeliversAtOnceWhatComesIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := notify.NewMemory(0)
		s := &script{answer: func(int, notify.Message) error { return nil }}
		go func() { // ends by itself
			<-time.After(1500 * time.Millisecond)
			put(t, q, "late", "x@example.com", "y@example.com", "x@example.com")
			put(t, q, "late", "z@example.com") // the same message again
		}()
		deliver(t, q, s, time.Minute, 0)
		want := []call{{"late", "x@example.com", 1500 * time.Millisecond}, {"late", "y@example.com", 1500 * time.Millisecond}}
		if !reflect.DeepEqual(s.calls, want) {
			t.Errorf("calls = %v, want %v", s.calls, want)
		}
	})
}

func TestDelivererSetsAsideWhatIsRefusedForGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := notify.NewMemory(0)
		put(t, q, "a", "bad@example.com", "good@example.com")
		s := &script{answer: func(_ int, m notify.Message) error {
			if m.To == "bad@example.com" {
				return fmt.Errorf("send: %w", &notify.PermanentError{Err: errors.New("550 no such user")})
			}
			return nil
		}}
		logged, left := deliver(t, q, s, time.Minute, 0)
		dead := q.Dead()
		if len(s.calls) != 2 || left != 0 || len(dead) != 1 {
			t.Fatalf("calls = %v, left = %d, dead = %v; want one call each, 0 left, one dead", s.calls, left, dead)
		}
		want := []notify.Target{
			{To: "bad@example.com", Outcome: notify.Refused, Reason: "send: 550 no such user"},
			{To: "good@example.com", Outcome: notify.Delivered},
		}
		if !reflect.DeepEqual(dead[0].Targets, want) {
			t.Errorf("dead targets = %v, want %v", dead[0].Targets, want)
		}
		if !strings.Contains(logged, "level=ERROR") || !strings.Contains(logged, "550 no such user") {
			t.Errorf("log = %q, want an error with the reason", logged)
		}
	})
}

// One recipient that is refused for now, and one message that breaks the
// connection each time, keep the others waiting for a second at most.
func TestDelivererLetsOthersPassAFailingMessage(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		wait time.Duration
	}{
		{"greylisted recipient", &notify.TemporaryError{Err: errors.New("450 greylisted"), MessageOnly: true}, 0},
		{"poisonous message", errors.New("EOF"), 2 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := notify.NewMemory(0)
				put(t, q, "bad")
				for i := range 10 {
					put(t, q, fmt.Sprintf("good%d", i))
				}
				s := &script{answer: func(_ int, m notify.Message) error {
					if m.ID == "bad" {
						return tt.err
					}
					return nil
				}}
				_, left := deliver(t, q, s, time.Minute, 0)
				bad, good := 0, 0
				for _, c := range s.calls {
					if c.ID == "bad" {
						bad++
					} else if good++; c.At > tt.wait {
						t.Errorf("%s delivered at %v, want at most %v", c.ID, c.At, tt.wait)
					}
				}
				if left != 1 || good != 10 || bad < 6 {
					t.Errorf("good = %d, bad attempts = %d, left = %d; want 10, at least 6, 1", good, bad, left)
				}
			})
		})
	}
}

func TestDelivererGivesUpWhereItIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := notify.NewMemory(0)
		put(t, q, "a")
		s := &script{answer: func(int, notify.Message) error {
			return &notify.TemporaryError{Err: errors.New("exit status 1"), GiveUpAfter: 3}
		}}
		_, left := deliver(t, q, s, time.Hour, 0)
		want := []call{{"a", "", 0}, {"a", "", time.Second}, {"a", "", 3 * time.Second}}
		if dead := q.Dead(); !reflect.DeepEqual(s.calls, want) || left != 0 || len(dead) != 1 {
			t.Errorf("calls = %v, %d left, dead = %v; want %v, 0 left, one dead", s.calls, left, dead, want)
		}
	})
}

func TestDelivererHonoursRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := notify.NewMemory(0)
		put(t, q, "a")
		put(t, q, "b")
		s := &script{answer: func(call int, _ notify.Message) error {
			if call == 1 {
				return &notify.TemporaryError{Err: errors.New("429"), RetryAfter: 10 * time.Minute}
			}
			return nil
		}}
		deliver(t, q, s, time.Hour, 0)
		want := []call{{"a", "", 0}, {"b", "", 10 * time.Minute}, {"a", "", 10 * time.Minute}}
		if !reflect.DeepEqual(s.calls, want) {
			t.Errorf("calls = %v, want %v", s.calls, want)
		}
	})
}

func TestDelivererFlushesWhenItIsStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := notify.NewMemory(0)
		s := &script{answer: func(call int, _ notify.Message) error {
			if call == 1 {
				return errors.New("refused") // 30 min of silence would follow
			}
			return nil
		}}
		put(t, q, "a")
		go func() { // ends by itself
			<-time.After(500 * time.Millisecond)
			put(t, q, "b")
		}()
		_, left := deliver(t, q, s, 900*time.Millisecond, 0)
		if left != 0 || len(s.calls) != 3 || s.calls[2].At != 900*time.Millisecond {
			t.Errorf("calls = %v, left = %d; want a, then b and a at 900ms, 0 left", s.calls, left)
		}
	})
}

func TestDelivererStopsWithinStopTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := notify.NewMemory(0)
		put(t, q, "a")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		hang := notify.NotifierFunc(func(ctx context.Context, _ notify.Message) error {
			<-ctx.Done()
			return ctx.Err()
		})
		left := (&notify.Deliverer{
			Queue: q, Notifier: hang, Log: slog.New(slog.DiscardHandler),
			StopTimeout: 4 * time.Second, Timeout: time.Hour,
		}).Run(ctx)
		if took := time.Since(start); took != 5*time.Second || left != 1 {
			t.Errorf("Run took %v with %d left, want 5s and 1", took, left)
		}
	})
}

// broken is a queue that takes nothing while it is broken.
type broken struct {
	*notify.Memory
	broken bool
}

func (q *broken) Put(m notify.Message, to ...string) error {
	if q.broken {
		return errors.New("no space left on device")
	}
	return q.Memory.Put(m, to...)
}

func TestFallbackKeepsInTheSecondWhatTheFirstCannotTake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		first := &broken{Memory: notify.NewMemory(0)}
		q := notify.NewFallback(first, notify.NewMemory(0), slog.New(slog.NewTextHandler(&b, nil)))
		put(t, q, "a")
		first.broken = true
		put(t, q, "b")
		put(t, q, "c")
		first.broken = false
		put(t, q, "d")
		s := &script{answer: func(int, notify.Message) error { return nil }}
		_, left := deliver(t, q, s, time.Minute, 0)
		want := []call{{"a", "", 0}, {"d", "", 0}, {"b", "", 0}, {"c", "", 0}}
		if !reflect.DeepEqual(s.calls, want) || left != 0 {
			t.Errorf("calls = %v, %d left; want %v, 0 left", s.calls, left, want)
		}
		if got := strings.Count(b.String(), "level=WARN"); got != 1 {
			t.Errorf("warnings = %d in %q, want 1", got, b.String())
		}
	})
}

func TestMemoryIsBounded(t *testing.T) {
	q := notify.NewMemory(2)
	put(t, q, "a")
	put(t, q, "b")
	if err := q.Put(notify.Message{ID: "c"}); !errors.Is(err, notify.ErrFull) {
		t.Errorf("third Put of 2 = %v, want %v", err, notify.ErrFull)
	}
}
