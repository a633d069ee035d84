package batchmail

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/cmd/internal/alert"
	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/listener/listenertest"
	"github.com/vigilance-go/vigilance/notify"
)

func TestBody(t *testing.T) {
	lines := []string{"first", "second", "dritte – Zeile", "fourth"}
	all := strings.Join(lines, "\n")
	for limit, want := range map[int]string{
		0:  all,
		34: all, // characters, not bytes
		33: "first\nsecond\nand 2 more",
		23: "first\nsecond\nand 2 more",
		22: "first\nand 3 more",
		16: "first\nand 3 more",
		15: "firs\nand 3 more",
	} {
		if got := body(lines, limit); got != want {
			t.Errorf("body(%q, %d) = %q, want %q", lines, limit, got, want)
		}
	}
	if got, want := body([]string{"über"}, 3), "übe"; got != want {
		t.Errorf(`body("über", 3) = %q, want %q`, got, want)
	}
}

func TestReportShowsTheBeginning(t *testing.T) {
	o := options{to: []string{"a@x", "b@x"}, from: "c@x", subject: "s", hasSubject: true}
	const head = "Sending notification email:\nTo: a@x, b@x\nFrom: c@x\nSubject: s\nBody:\n"
	for text, want := range map[string]string{
		strings.Repeat("ü", 76): strings.Repeat("ü", 76),
		strings.Repeat("ü", 77): strings.Repeat("ü", 76) + "...",
	} {
		if got := o.report(text); got != head+want+"\n" {
			t.Errorf("report(%q) = %q, want %q", text, got, head+want+"\n")
		}
	}
}

// event is a pending event.
func event(n int) notify.Message {
	return notify.Message{ID: fmt.Sprintf("event-%d", n), Time: time.Unix(int64(n), 0), Body: fmt.Sprint(n)}
}

// write is the mail for events.
func write(events []notify.Message) notify.Message {
	lines := make([]string, len(events))
	for i, e := range events {
		lines[i] = e.Body
	}
	return notify.Message{Body: strings.Join(lines, " ")}
}

func put(t *testing.T, s *store, events ...int) {
	t.Helper()
	for _, n := range events {
		if err := s.pending.Put(event(n)); err != nil {
			t.Fatal(err)
		}
	}
}

// texts are the bodies of what waits in a queue.
func texts(t *testing.T, q notify.Backlog) []string {
	t.Helper()
	names, err := q.Waiting()
	if err != nil {
		t.Fatal(err)
	}
	bodies := []string{}
	for _, name := range names {
		e, err := q.Peek(name)
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, e.Message.Body)
	}
	return bodies
}

// stubborn is a Backlog that cannot note that its messages are settled, as one
// whose process is killed before it can.
type stubborn struct{ notify.Backlog }

func (stubborn) SettleAll([]string, string, notify.Outcome, string) error {
	return errors.New("it was killed")
}

func TestEventsAreInOneMailThoughKilledBeforeTheyAreRemoved(t *testing.T) {
	dir, log := t.TempDir(), slog.New(slog.DiscardHandler)
	s := openStore(dir, "g", log)
	put(t, s, 3, 1, 2)
	s.pending = stubborn{s.pending}
	if m, ok, err := s.seal(write, nil); !ok || err != nil || m.Body != "1 2 3" {
		t.Fatalf("seal() = %q, %v, %v; want 1 2 3", m.Body, ok, err)
	}
	// The same process tells no event twice.
	if m, ok, err := s.seal(write, nil); ok || err != nil {
		t.Errorf("seal() again = %q, %v, %v; want none", m.Body, ok, err)
	}
	put(t, s, 4)
	if at, ok := s.oldest(); !ok || !at.Equal(event(4).Time) {
		t.Errorf("oldest() = %v, %v; want that of event 4", at, ok)
	}

	next := openStore(dir, "g", log)
	if err := next.recover(); err != nil {
		t.Fatal(err)
	}
	if got := texts(t, next.pending); fmt.Sprint(got) != "[4]" {
		t.Errorf("pending after recover() = %q, want 4 alone", got)
	}
	put(t, next, 1, 5) // 1 is sent again by the daemon
	if m, ok, err := next.seal(write, nil); !ok || err != nil || m.Body != "4 5" {
		t.Errorf("seal() = %q, %v, %v; want 4 5", m.Body, ok, err)
	}
	if got := texts(t, next.mails); len(got) != 2 {
		t.Errorf("mails = %q, want two", got)
	}
}

// refusing is a Backlog that keeps nothing, as on a full disk.
type refusing struct{ notify.Backlog }

func (refusing) Put(notify.Message, ...string) error { return errors.New("disk full") }

func TestEventsStayPendingWhenTheirMailCannotBeKept(t *testing.T) {
	s := openStore(t.TempDir(), "g", slog.New(slog.DiscardHandler))
	put(t, s, 1, 2)
	mails := s.mails
	s.mails = refusing{mails}
	if _, ok, err := s.seal(write, nil); ok || err == nil {
		t.Errorf("seal() on a full disk = %v, %v; want an error", ok, err)
	}
	s.mails = mails
	if m, ok, err := s.seal(write, nil); !ok || err != nil || m.Body != "1 2" {
		t.Errorf("seal() = %q, %v, %v; want 1 2", m.Body, ok, err)
	}
}

func TestEventsThatCannotBeKeptGoBackToTheDaemon(t *testing.T) {
	out := alert.NewStderr(io.Discard)
	l := &batcher{
		tool:    Tool{Event: listener.ProcessStateExited, Line: func(listener.ProcessState, string) string { return "line" }},
		options: options{engine: alert.EngineOptions{Events: alert.DefaultEvents()}},
		store:   openStore(t.TempDir(), "g", out.Logger()), stderr: out, log: out.Logger(), now: time.Now,
	}
	pending := l.store.pending
	l.store.pending = refusing{pending}
	daemon := listenertest.Start(t, l.handle, listener.WithLogger(l.log))
	crash := listener.ProcessState{EventType: listener.ProcessStateExited, ProcessName: "p", GroupName: "g", FromState: "RUNNING", PID: 1}
	daemon.Deliver(crash, listener.ResultFail)
	if err := daemon.Close(); err != nil {
		t.Error(err)
	}
	if got := texts(t, pending); len(got) != 0 {
		t.Errorf("pending = %q, want none", got)
	}
}

// Two processes of a listener's pool share a spool.
func TestOneProcessOfAPoolMakesTheMail(t *testing.T) {
	dir, log := t.TempDir(), slog.New(slog.DiscardHandler)
	one, two := openStore(dir, "g", log), openStore(dir, "g", log)
	put(t, one, 1)
	put(t, two, 2)
	release, ok, err := one.pending.Hold()
	if !ok || err != nil {
		t.Fatalf("Hold() = %v, %v; want it", ok, err)
	}
	if _, ok, err := two.seal(write, nil); ok || err != nil {
		t.Errorf("seal() while another process is about it = %v, %v; want none", ok, err)
	}
	release()
	if m, ok, err := two.seal(write, nil); !ok || err != nil || m.Body != "1 2" {
		t.Errorf("seal() = %q, %v, %v; want 1 2", m.Body, ok, err)
	}
}

// A mail is not to be had by the deliverer while its events are being removed.
func TestNoMailIsDeliveredWhileItsEventsArePending(t *testing.T) {
	s := openStore(t.TempDir(), "g", slog.New(slog.DiscardHandler))
	put(t, s, 1)
	got := make(chan string)
	s.pending = watching{s.pending, func() {
		names, err := s.mails.Waiting()
		if err != nil || len(names) != 1 {
			t.Errorf("mails = %q, %v; want one", names, err)
			close(got)
			return
		}
		go func() { // ends when the seal does
			_, _ = outgoing{s}.Claim(names[0])
			got <- "claimed"
		}()
		select {
		case <-got:
			t.Error("a mail was claimed while its events were pending")
		case <-time.After(20 * time.Millisecond):
		}
	}}
	if _, ok, err := s.seal(write, nil); !ok || err != nil {
		t.Fatalf("seal() = %v, %v; want a mail", ok, err)
	}
	<-got
}

// watching calls a function before its messages are settled.
type watching struct {
	notify.Backlog
	before func()
}

func (w watching) SettleAll(names []string, to string, outcome notify.Outcome, reason string) error {
	if len(names) > 0 {
		w.before()
	}
	return w.Backlog.SettleAll(names, to, outcome, reason)
}
