package chattest_test

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vigilance-go/vigilance/notify"
)

// counted notes which events were in the messages that a service has taken.
type counted struct {
	notify.Notifier
	mu     sync.Mutex
	events map[string]int // how often, by ID
}

// Notify implements notify.Notifier.
func (c *counted) Notify(ctx context.Context, m notify.Message) error {
	err := c.Notifier.Notify(ctx, m)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range m.Events {
		c.events[e.ID]++
	}
	if len(m.Events) == 0 {
		c.events[m.ID]++
	}
	return nil
}

// all returns how many events have been told.
func (c *counted) all() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.events)
}

// howMany is the number in a subject; one event has none.
var howMany = regexp.MustCompile(`unexpectedly, (\d+) times|(\d+) events of \d+ programs`)

// told returns how many events a request says that it tells of.
func told(t *testing.T, body string) int {
	t.Helper()
	if text, err := url.QueryUnescape(body); err == nil {
		body = text // of a form
	}
	found := howMany.FindStringSubmatch(body)
	if found == nil {
		return 1
	}
	n, err := strconv.Atoi(found[1] + found[2])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A thousand events that come within a minute are told in batches, without a
// refusal: each is in one message, and the numbers in the messages add up. With
// flood control each program is told of once a minute; with batches, whatever waits for
// the service's own limit is one message.
func TestAThousandEventsInAMinuteAreToldInBatches(t *testing.T) {
	const n, programs = 1000, 10
	for _, policy := range []notify.Policy{{Flood: time.Minute, PerMinute: 10}, {Interval: time.Second}} {
		synctest.Test(t, func(t *testing.T) {
			for _, s := range services(t) {
				if !slices.Contains([]string{"DingTalk", "WeCom", "Feishu", "Slack"}, s.name) {
					continue // its limit is in the test of a thousand messages
				}
				q := notify.NewMemory(0)
				limits := notify.LimitsOf(s.n)
				c := &counted{Notifier: s.n, events: map[string]int{}}
				composer := notify.Composer{MaxBytes: max(limits.MaxBytes, limits.MaxChars) / 2}
				d := notify.Dispatcher{Queue: q, Notifier: notify.NewPacer(c, limits), Policy: policy, Compose: composer.Compose}
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan int)
				start := time.Now()
				go func() { ended <- d.Run(ctx) }() // cancel ends it
				for i := range n {
					m := notify.Message{
						ID: fmt.Sprint(i), Time: time.Now(), Host: "web1", Event: "PROCESS_STATE_EXITED",
						Group: "web", Process: fmt.Sprintf("web_%02d", i%programs), PID: 1000 + i, Reason: "exit status 1",
					}
					if err := q.Put(m); err != nil {
						t.Fatalf("Put = %v, want nil", err)
					}
					<-time.After(time.Minute / n)
				}
				for c.all() < n && time.Since(start) < time.Hour {
					<-time.After(time.Second)
				}
				took := time.Since(start)
				cancel()
				left := <-ended
				sum := 0
				for _, m := range s.fake.Messages() {
					sum += told(t, m)
				}
				for id, times := range c.events {
					if times != 1 {
						t.Errorf("%s: event %s is in %d messages, want 1", s.name, id, times)
					}
				}
				if s.fake.Refused() != 0 || left != 0 || c.all() != n || sum != n {
					t.Errorf("%s: refused %d, left %d, told %d, %d by the numbers in the messages; want 0, 0, %d, %d",
						s.name, s.fake.Refused(), left, c.all(), sum, n, n)
				}
				t.Logf("%s, flood %v, per minute %d, interval %v: 1,000 events in %d messages, the last after %v, %d refused",
					s.name, policy.Flood, policy.PerMinute, policy.Interval, len(s.fake.Messages()), took.Round(time.Second), s.fake.Refused())
			}
		})
	}
}
