package chattest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/notify"
)

// Maker makes the notifier that is tested: for a base URL, with a client if it
// is not nil, writing its trace to trace if it is not nil.
type Maker func(t *testing.T, base string, client *http.Client, trace io.Writer) notify.Notifier

// Build makes a notifier, which the test needs.
func Build[C, N any](t *testing.T, make func(C) (N, error), c C) N {
	t.Helper()
	n, err := make(c)
	if err != nil {
		t.Fatalf("New = %v, want nil", err)
	}
	return n
}

// CheckRows sends a message for each row over a real connection.
func CheckRows(t *testing.T, service func() *Service, make Maker, rows []Row, secrets ...string) {
	t.Helper()
	for _, row := range rows {
		t.Run(row.Name, func(t *testing.T) {
			s := service()
			n := make(t, s.Start(t), nil, nil)
			want := max(row.Requests, 1)
			for range want {
				s.Answer(row.Reply)
			}
			err := n.Notify(t.Context(), Message())
			if got := Outcome(err); got != row.Want {
				t.Errorf("Notify answered with %+v = %v (%s), want %s", row.Reply, err, got, row.Want)
			}
			if err != nil && !strings.Contains(err.Error(), row.Says) {
				t.Errorf("Notify = %q, want %q in it", err, row.Says)
			}
			if got := len(s.Requests()); got != want {
				t.Errorf("requests = %d, want %d", got, want)
			}
			silent(t, "the error", fmt.Sprintf("%+v", err), secrets)
		})
	}
}

// CheckConnections tests a service that is not there, hangs, or does not speak
// HTTP, and that nothing that can be printed holds a secret.
func CheckConnections(t *testing.T, service func() *Service, make Maker, secrets ...string) {
	t.Helper()
	t.Run("hangs", func(t *testing.T) {
		s := service()
		n := make(t, s.Start(t), nil, nil)
		s.Answer(Reply{Hang: true})
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		err := n.Notify(ctx, Message())
		if Outcome(err) != "retry" || !strings.Contains(err.Error(), "no end in time") {
			t.Errorf("Notify of a service that hangs = %v (%s), want retry, no end in time", err, Outcome(err))
		}
		silent(t, "the error", fmt.Sprintf("%+v", err), secrets)
	})
	for name, serve := range map[string]func(net.Conn){
		"not there": nil,
		"hangs up":  func(net.Conn) {},
		"not HTTP":  func(c net.Conn) { _, _ = c.Write([]byte("220 mail.example.com ESMTP\r\n")) },
	} {
		t.Run(name, func(t *testing.T) {
			n := make(t, "http://"+listen(t, serve), nil, nil)
			err := n.Notify(t.Context(), Message())
			if Outcome(err) != "retry" {
				t.Errorf("Notify = %v (%s), want retry", err, Outcome(err))
			}
			silent(t, "the error", fmt.Sprintf("%+v", err), secrets)
			if c, ok := n.(notify.Checker); !ok || c.Check(t.Context()) == nil {
				t.Errorf("Check = nil, want an error")
			}
		})
	}
	t.Run("printed", func(t *testing.T) {
		s := service()
		var trace, log bytes.Buffer
		n := make(t, s.Start(t), nil, &trace)
		if err := n.Notify(t.Context(), Message()); err != nil {
			t.Errorf("Notify = %v, want nil", err)
		}
		if c, ok := n.(notify.Checker); !ok {
			t.Error("it is no notify.Checker")
		} else if err := c.Check(t.Context()); err != nil {
			t.Errorf("Check = %v, want nil", err)
		}
		if !strings.Contains(trace.String(), "> POST http://127.0.0.1") || !strings.Contains(trace.String(), "\n< ") {
			t.Errorf("trace = %q, want the request and the reply", trace.String())
		}
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "n", n)
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "n", n)
		silent(t, "the trace", trace.String(), secrets)
		silent(t, "the log", log.String(), secrets)
		silent(t, "fmt", fmt.Sprintf("%v %+v %#v %s", n, n, n, n), secrets)
	})
}

// Options is a configuration, and what is wrong with it: a part of the error's
// text, empty for nothing.
type Options[C any] struct {
	Config C
	Want   string
}

// CheckOptions tests what a notifier finds wrong with its configuration. No
// error may hold a text with "hidden" in it.
func CheckOptions[C, N any](t *testing.T, make func(C) (N, error), rows []Options[C]) {
	t.Helper()
	for _, row := range rows {
		_, err := make(row.Config)
		if row.Want == "" && err != nil || row.Want != "" && (err == nil || !strings.Contains(err.Error(), row.Want)) {
			t.Errorf("New(%+v) = %v, want %q", row.Config, err, row.Want)
		}
		if err != nil {
			silent(t, "the error", err.Error(), []string{"hidden"})
		}
	}
}

// listen serves connections until the test ends, or refuses them if serve is
// nil, and returns the address.
func listen(t *testing.T, serve func(net.Conn)) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if serve == nil {
		_ = l.Close()
		return l.Addr().String()
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() { // closing l ends it
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serve(c)
			_ = c.Close()
		}
	}()
	return l.Addr().String()
}

// Message returns an ordinary message.
func Message() notify.Message {
	return notify.Message{
		ID: "abc", Time: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC), Host: "web1",
		Subject: "cat crashed", Body: "Process cat in group pets exited unexpectedly (pid 42) from state RUNNING",
		Event: "PROCESS_STATE_EXITED", Group: "pets", Process: "cat", PID: 42, FromState: "RUNNING",
		Log: "Traceback <most recent>\nOSError: & more\n", Labels: map[string]string{"env": "prod"},
	}
}

func silent(t *testing.T, what, text string, secrets []string) {
	t.Helper()
	for _, secret := range secrets {
		if strings.Contains(text, secret) {
			t.Errorf("%s holds the secret %q: %s", what, secret, text)
		}
	}
}
