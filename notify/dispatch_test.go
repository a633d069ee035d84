package notify_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vigilance-go/vigilance/notify"
)

// stage plays a script against a Dispatcher in the bubble's time, and writes
// down what the service gets. A line of the script is a time and what happens:
//
//	10s   crash web:a 7   the process exits, with pid 7
//	10s   well  web:a 7   it is RUNNING, which may be a recovery
//	10s   down | up       the service fails, or works again
//	10s   mute web | loud what is silenced, and that nothing is
//	10s   step            the system's clock is set by stage.step
//
// A line of the transcript is a time, the outcome, the pids of the events in
// the message and its subject.
type stage struct {
	t          *testing.T
	start      time.Time
	down       atomic.Bool
	muted      atomic.Value // of a group's name
	step       time.Duration
	ahead      atomic.Int64 // how far the system's clock is ahead of the bubble's
	transcript strings.Builder
}

func (s *stage) Notify(_ context.Context, m notify.Message) error {
	pids := []string{strconv.Itoa(m.PID)}
	if len(m.Events) > 0 {
		pids = nil
		for _, e := range m.Events {
			pids = append(pids, strconv.Itoa(e.PID))
		}
	}
	outcome := "sent"
	if s.down.Load() {
		outcome = "FAIL"
	}
	fmt.Fprintf(&s.transcript, "%s %s [%s] %s\n", since(s.start), outcome, strings.Join(pids, " "), m.Subject)
	if s.down.Load() {
		return errors.New("the service is down")
	}
	return nil
}

// since shows the time since the start in seconds.
func since(start time.Time) string {
	return fmt.Sprintf("%gs", time.Since(start).Round(100*time.Millisecond).Seconds())
}

func (s *stage) silence(group, _ string, now time.Time) notify.Silenced {
	if group == s.muted.Load() {
		return notify.Silenced{Until: now.Add(time.Minute)}
	}
	return notify.Silenced{}
}

func (s *stage) play(q notify.Queue, script string) {
	for line := range strings.Lines(script) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		at, err := time.ParseDuration(words[0])
		if err != nil {
			s.t.Errorf("script line %q: %v", line, err)
			return
		}
		<-time.After(at - time.Since(s.start))
		switch words[1] {
		case "down", "up":
			s.down.Store(words[1] == "down")
		case "mute":
			s.muted.Store(words[2])
		case "loud":
			s.muted.Store("")
		case "step":
			s.ahead.Store(int64(s.step))
		default:
			s.event(q, words)
		}
	}
}

// now is what the system's clock tells.
func (s *stage) now() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) }

func (s *stage) event(q notify.Queue, words []string) {
	group, process, ok := strings.Cut(words[2], ":")
	if !ok {
		process = group
	}
	pid, err := strconv.Atoi(words[3])
	if err != nil {
		s.t.Errorf("pid %q: %v", words[3], err)
	}
	m := notify.Message{
		ID: strings.Join(words, "-"), Time: s.now(), Event: "PROCESS_STATE_EXITED",
		Group: group, Process: process, PID: pid, Reason: "exit status 1",
	}
	if words[1] == "well" {
		m.Event, m.Recovery, m.Reason = "PROCESS_STATE_RUNNING", true, ""
	}
	if err := q.Put(m); err != nil {
		s.t.Errorf("Put = %v", err)
	}
}

// run plays a script. A bubble begins at midnight.
func (s *stage) run(q notify.Backlog, policy notify.Policy, store notify.Store, script string, long time.Duration) (left int) {
	var log bytes.Buffer
	ctx, cancel := context.WithTimeout(s.t.Context(), long)
	defer cancel()
	s.start = time.Now()
	go s.play(q, script) // ends with the script
	policy.Silence = s.silence
	d := &notify.Dispatcher{
		Queue: q, Notifier: s, Policy: policy, Store: store, StopTimeout: time.Second,
		Log: slog.New(slog.NewTextHandler(&log, nil)), Random: func() float64 { return 0 },
	}
	d.SetClock(s.now)
	left = d.Run(ctx)
	synctest.Wait()
	return left
}

func TestDispatcherTranscripts(t *testing.T) {
	const loop = `
		0s   crash web 1
		1s   crash web 2
		2s   crash web 3
		62s  crash web 4
		300s crash web 5`
	for _, tt := range []struct {
		name   string
		policy notify.Policy
		script string
		want   string
	}{
		{"without a policy each event is a message", notify.Policy{}, loop, `
			0s sent [1] web exited unexpectedly: exit status 1
			1s sent [2] web exited unexpectedly: exit status 1
			2s sent [3] web exited unexpectedly: exit status 1
			62s sent [4] web exited unexpectedly: exit status 1
			300s sent [5] web exited unexpectedly: exit status 1`},
		{"a crash loop is one alert, then a summary each interval", notify.Policy{Flood: time.Minute}, loop, `
			0s sent [1] web exited unexpectedly: exit status 1
			60s sent [2 3] web exited unexpectedly, 2 times: exit status 1
			120s sent [4] web exited unexpectedly: exit status 1
			300s sent [5] web exited unexpectedly: exit status 1`},
		{"each process has its own alert at once", notify.Policy{Flood: time.Minute}, `
			0s crash web:a 1
			1s crash web:b 2
			2s crash web:a 3
			3s crash web:b 4`, `
			0s sent [1] web:a exited unexpectedly: exit status 1
			1s sent [2] web:b exited unexpectedly: exit status 1
			60s sent [3] web:a exited unexpectedly: exit status 1
			61s sent [4] web:b exited unexpectedly: exit status 1`},
		{"batches", notify.Policy{Interval: time.Minute}, loop, `
			60s sent [1 2 3] web exited unexpectedly, 3 times: exit status 1
			122s sent [4] web exited unexpectedly: exit status 1
			360s sent [5] web exited unexpectedly: exit status 1`},
		{"never more than a number a minute", notify.Policy{PerMinute: 2}, loop, `
			0s sent [1] web exited unexpectedly: exit status 1
			1s sent [2] web exited unexpectedly: exit status 1
			60s sent [3] web exited unexpectedly: exit status 1
			62s sent [4] web exited unexpectedly: exit status 1
			300s sent [5] web exited unexpectedly: exit status 1`},
		{"what a limit held back is in the next message", notify.Policy{PerMinute: 1, Flood: time.Second}, `
			0s crash a 1
			1s crash b 2
			2s crash c 3
			3s crash b 4`, `
			0s sent [1] a exited unexpectedly: exit status 1
			60s sent [2 3 4] 3 events of 2 programs: b, c`},
		{"recovered when it has stayed well", notify.Policy{Flood: 5 * time.Minute, Recovered: 30 * time.Second}, `
			0s  crash web 1
			1s  well  web 2
			10s crash web 2
			12s well  web 3
			60s crash web 4`, `
			0s sent [1] web exited unexpectedly: exit status 1
			42s sent [2 3] web has recovered
			342s sent [4] web exited unexpectedly: exit status 1`},
		{"nobody hears that one is well who heard no alert", notify.Policy{Flood: time.Minute, Recovered: time.Second}, `
			0s well web 1`, ``},
		{"a service that was down gets one message", notify.Policy{Flood: time.Minute}, `
			0s down
			0s crash a 1
			2s crash b 2
			2.5s up`, `
			0s FAIL [1] a exited unexpectedly: exit status 1
			1s FAIL [1] a exited unexpectedly: exit status 1
			3s sent [1 2] 2 events of 2 programs: a, b`},
		{"silence holds back until it ends", notify.Policy{Flood: time.Minute}, `
			0s  mute web
			0s  crash web 1
			1s  crash db 2
			5s  crash web 3
			90s loud`, `
			1s sent [2] db exited unexpectedly: exit status 1
			91s sent [1 3] web exited unexpectedly, 2 times: exit status 1`},
		{"quiet hours hold everything back", notify.Policy{Flood: time.Minute, Quiet: notify.Quiet{From: 23 * time.Hour, To: 4 * time.Minute}}, loop, `
			240s sent [1 2 3 4] web exited unexpectedly, 4 times: exit status 1
			300s sent [5] web exited unexpectedly: exit status 1`},
		{"a message holds so many events and no more", notify.Policy{Interval: time.Second, MaxEvents: 2}, `
			0s crash a 1
			0s crash b 2
			0s crash c 3`, `
			1s sent [1 2] 2 events of 2 programs: a, b
			1s sent [3] c exited unexpectedly: exit status 1`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := notify.NewMemory(0)
				s := &stage{t: t}
				left := s.run(q, tt.policy, nil, tt.script, time.Hour)
				want := trim(tt.want)
				if got := s.transcript.String(); got != want || left != 0 {
					t.Errorf("transcript:\n%s\nwant:\n%s\n%d left, want 0", got, want, left)
				}
			})
		})
	}
}

// trim takes the indentation off.
func trim(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}

// notebook is a Store in memory.
type notebook struct{ data []byte }

func (n *notebook) Load() ([]byte, error) { return n.data, nil }

func (n *notebook) Save(data []byte) error {
	n.data = bytes.Clone(data)
	return nil
}

// A Dispatcher that is started anew knows what was sent before.
func TestDispatcherKeepsItsPaceOverARestart(t *testing.T) {
	for _, tt := range []struct {
		name   string
		policy notify.Policy
		want   string
	}{
		{"flood control", notify.Policy{Flood: time.Minute}, "60s sent [2 3] web exited unexpectedly, 2 times: exit status 1\n"},
		{"messages a minute", notify.Policy{PerMinute: 1}, "60s sent [2 3] web exited unexpectedly, 2 times: exit status 1\n"},
		{"a store that was lost", notify.Policy{Flood: time.Minute}, "10s sent [2] web exited unexpectedly: exit status 1\n70s sent [3] web exited unexpectedly: exit status 1\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := notify.NewMemory(0)
				store := &notebook{}
				s := &stage{t: t}
				if left := s.run(q, tt.policy, store, "0s crash web 1", 5*time.Second); left != 0 {
					t.Errorf("%d left of the first run, want 0", left)
				}
				if strings.HasPrefix(tt.name, "a store") {
					store.data = []byte("nonsense")
				}
				again := &stage{t: t}
				again.run(q, tt.policy, store, "5s crash web 2\n5.1s crash web 3", 2*time.Minute)
				// The second run began 5 s after the first.
				want := shift(t, tt.want, -5*time.Second)
				if got := again.transcript.String(); got != want {
					t.Errorf("transcript:\n%s\nwant:\n%s", got, want)
				}
			})
		})
	}
}

// shift moves the times of a transcript.
func shift(t *testing.T, transcript string, by time.Duration) string {
	t.Helper()
	var b strings.Builder
	for line := range strings.Lines(transcript) {
		at, rest, _ := strings.Cut(line, " ")
		d, err := time.ParseDuration(at)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%gs %s", (d + by).Seconds(), rest)
	}
	return b.String()
}

// What waits for company is sent before the end; what quiet hours hold back
// is not.
func TestDispatcherFlushesAtTheEnd(t *testing.T) {
	for _, tt := range []struct {
		name   string
		policy notify.Policy
		want   string
		left   int
	}{
		{"a batch", notify.Policy{Interval: time.Hour}, "10s sent [1 2] web exited unexpectedly, 2 times: exit status 1\n", 0},
		{"flood control", notify.Policy{Flood: time.Hour}, "0s sent [1] web exited unexpectedly: exit status 1\n10s sent [2] web exited unexpectedly: exit status 1\n", 0},
		{"quiet hours", notify.Policy{Quiet: notify.Quiet{From: 23 * time.Hour, To: time.Hour}}, "", 2},
		{"a limit", notify.Policy{PerMinute: 1}, "0s sent [1] web exited unexpectedly: exit status 1\n", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &stage{t: t}
				left := s.run(notify.NewMemory(0), tt.policy, nil, "0s crash web 1\n1s crash web 2", 10*time.Second)
				if got := s.transcript.String(); got != tt.want || left != tt.left {
					t.Errorf("transcript:\n%s\nwant:\n%s\n%d left, want %d", got, tt.want, left, tt.left)
				}
			})
		})
	}
}

// A message that is refused for good is set aside with each of its events.
func TestDispatcherSetsAsideWhatIsRefusedForGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := notify.NewMemory(0)
		for _, id := range []string{"a", "b"} {
			put(t, q, id, "bad", "good")
		}
		var got []string
		n := notify.NotifierFunc(func(_ context.Context, m notify.Message) error {
			got = append(got, fmt.Sprintf("%s %d", m.To, m.Count()))
			if m.To == "bad" {
				return &notify.PermanentError{Err: errors.New("no such channel")}
			}
			return nil
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		left := (&notify.Dispatcher{Queue: q, Notifier: n, Policy: notify.Policy{Flood: time.Minute}, Log: slog.New(slog.DiscardHandler)}).Run(ctx)
		dead := q.Dead()
		if fmt.Sprint(got) != "[bad 2 good 2]" || left != 0 || len(dead) != 2 {
			t.Errorf("messages = %q, %d left, dead %v; want one to each for both, none left, two dead", got, left, dead)
		}
		for _, e := range dead {
			if e.Targets[0].Reason != "no such channel" || e.Targets[1].Outcome != notify.Delivered {
				t.Errorf("targets of %s = %v, want the reason of one and the delivery of the other", e.Message.ID, e.Targets)
			}
		}
	})
}
