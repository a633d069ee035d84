package alert

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/notify/dingtalk"
	"github.com/vigilance-go/vigilance/notify/feishu"
	"github.com/vigilance-go/vigilance/notify/slack"
	"github.com/vigilance-go/vigilance/notify/wechat"
)

// strict is a service that refuses what comes faster than it says, or is
// longer.
type strict struct {
	perSecond, perMinute, maxBytes int

	ok       string // its reply
	accepted []time.Time
	refused  []string
}

func (s *strict) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	within := func(d time.Duration) (n int) {
		for _, t := range s.accepted {
			if now.Sub(t) < d {
				n++
			}
		}
		return n
	}
	status, reply := http.StatusOK, s.ok
	switch {
	case s.perSecond > 0 && within(time.Second) >= s.perSecond, s.perMinute > 0 && within(time.Minute) >= s.perMinute:
		status, reply = http.StatusTooManyRequests, "slow down"
		s.refused = append(s.refused, "too fast")
	case len(body) > s.maxBytes:
		status, reply = http.StatusRequestEntityTooLarge, "too long"
		s.refused = append(s.refused, fmt.Sprintf("%d bytes", len(body)))
	default:
		s.accepted = append(s.accepted, now)
	}
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(bytes.NewBufferString(reply)), Request: r,
	}, nil
}

// 1,000 crashes of 50 programs within a minute reach each service in a few
// messages, without one refusal and none missing from the counts, whatever the
// tool's own limit is.
func TestThousandEventsAMinuteKeepTheServicesLimits(t *testing.T) {
	for _, tt := range []struct {
		name    string
		service strict
		new     func(*http.Client) (notify.Notifier, error)
	}{
		{"slack", strict{perSecond: 1, maxBytes: 100_000, ok: "ok"}, func(c *http.Client) (notify.Notifier, error) {
			return slack.New(slack.Config{WebhookURL: "https://hooks.slack.com/services/a/b/c", Client: c})
		}},
		{"dingtalk", strict{perMinute: 20, maxBytes: 20_000, ok: `{"errcode":0,"errmsg":"ok"}`}, func(c *http.Client) (notify.Notifier, error) {
			return dingtalk.New(dingtalk.Config{Token: "abc", Secret: "SECabc", Client: c})
		}},
		{"wechat", strict{perMinute: 20, maxBytes: 4_096 + 200, ok: `{"errcode":0,"errmsg":"ok"}`}, func(c *http.Client) (notify.Notifier, error) {
			return wechat.New(wechat.Config{Key: "693a91f6-7aoc-4bc4-97a0-0ec2sifa5aaa", Client: c})
		}},
		{"feishu", strict{perSecond: 5, perMinute: 100, maxBytes: 20_000, ok: `{"code":0,"msg":"success"}`}, func(c *http.Client) (notify.Notifier, error) {
			return feishu.New(feishu.Config{ID: "bc3ee2f5-aaaa-bbbb-cccc-0123456789ab", Client: c})
		}},
	} {
		for _, policy := range []notify.Policy{{}, {PerMinute: 10, Flood: 5 * time.Minute}, {Interval: 10 * time.Second}} {
			t.Run(fmt.Sprintf("%s, at most %d a minute, flood control %v, interval %v", tt.name, policy.PerMinute, policy.Flood, policy.Interval), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					service := tt.service
					n, err := tt.new(&http.Client{Transport: &service})
					if err != nil {
						t.Fatal(err)
					}
					thousandEvents(t, &service, n, policy)
				})
			})
		}
	}
}

func thousandEvents(t *testing.T, service *strict, n notify.Notifier, policy notify.Policy) {
	const events, programs = 1000, 50
	counts := make(map[string]int)
	messages, failures := 0, 0
	counting := notify.NotifierFunc(func(ctx context.Context, m notify.Message) error {
		err := n.Notify(ctx, m)
		if err != nil {
			failures++
			t.Logf("Notify = %v", err)
			return err
		}
		messages++
		if len(m.Events) == 0 {
			counts[m.ID]++
		}
		for _, e := range m.Events {
			counts[e.ID]++
		}
		return nil
	})
	q := notify.NewMemory(0)
	limits := notify.LimitsOf(n)
	go func() { // ends by itself
		next := time.NewTicker(time.Minute / events)
		defer next.Stop()
		for i := range events {
			m := notify.Message{
				ID: fmt.Sprint(i), Time: time.Now(), Host: "h1", Event: "PROCESS_STATE_EXITED",
				Group: "web", Process: fmt.Sprintf("web_%02d", i%programs), PID: 1000 + i, Reason: "exit status 1",
			}
			if err := q.Put(m); err != nil {
				t.Errorf("Put = %v", err)
			}
			<-next.C
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Hour)
	defer cancel()
	left := (&notify.Dispatcher{
		Queue: q, Notifier: notify.NewPacer(counting, limits), Policy: policy, Log: slog.New(slog.DiscardHandler),
		Compose: notify.Composer{MaxBytes: room(limits)}.Compose,
	}).Run(ctx)
	for id, count := range counts {
		if count != 1 {
			t.Errorf("event %s is in %d messages, want 1", id, count)
		}
	}
	if len(counts) != events || len(service.refused) > 0 || failures > 0 || left != 0 {
		t.Errorf("%d events in %d messages, refused %q, %d failures, %d left; want %d events, no refusal, none left",
			len(counts), messages, service.refused, failures, left, events)
	}
	t.Logf("%d events in %d messages", len(counts), messages)
}
