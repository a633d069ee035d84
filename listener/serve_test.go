package listener_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/listener/listenertest"
)

var (
	crash = listener.ProcessState{EventType: listener.ProcessStateExited, ProcessName: "cat", GroupName: "cats", FromState: "RUNNING", PID: 2766}
	tick  = listener.Tick{EventType: listener.Tick5, When: 1201063880}
)

func ok(context.Context, listener.Event) error { return nil }

// quiet keeps expected errors out of the test's output.
func quiet() listener.Option { return listener.WithLogger(slog.New(slog.DiscardHandler)) }

// logged returns a logger and what it has written.
func logged() (listener.Option, *bytes.Buffer) {
	var text bytes.Buffer
	return listener.WithLogger(slog.New(slog.NewTextHandler(&text, nil))), &text
}

func TestServeHandsOverTypedEventsAndAnswersOK(t *testing.T) {
	var got []listener.Event
	daemon := listenertest.Start(t, func(_ context.Context, ev listener.Event) error {
		got = append(got, ev)
		return nil
	})
	daemon.Deliver(crash, listener.ResultOK)
	daemon.Deliver(tick, listener.ResultOK)
	daemon.Deliver(listener.Unrecognised{EventType: "PROCESS_DREAMT", Payload: []byte("of:sheep")}, listener.ResultOK)
	if err := daemon.Close(); err != nil {
		t.Errorf("Serve = %v at the end of stdin, want nil", err)
	}
	header := func(serial uint64, name listener.EventType, n int) listener.Header {
		return listener.Header{Version: "3.0", Server: "listenertest", Serial: serial, Pool: "pool", PoolSerial: serial, EventName: name, PayloadLen: n}
	}
	want := []listener.Event{
		{Header: header(0, "PROCESS_STATE_EXITED", 66), Body: crash, Payload: []byte("processname:cat groupname:cats from_state:RUNNING expected:0 pid:2766")},
		{Header: header(1, "TICK_5", 15), Body: tick, Payload: []byte("when:1201063880")},
		{Header: header(2, "PROCESS_DREAMT", 8), Body: listener.Unrecognised{EventType: "PROCESS_DREAMT", Payload: []byte("of:sheep")}, Payload: []byte("of:sheep")},
	}
	want[0].Header.PayloadLen = len(want[0].Payload)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the handler got\n%+v, want\n%+v", got, want)
	}
}

func TestServeReadsCharactersInPiecesOfAnySize(t *testing.T) {
	log := listener.ProcessLog{EventType: listener.ProcessLogStdout, ProcessName: "cat", GroupName: "cats", PID: 1, Channel: "stdout", Data: []byte("naïve 日本 🚨\r\n")}
	var input []byte
	for serial := range uint64(3) {
		input = listener.AppendEvent(input, listener.Header{Serial: serial, EventName: log.Type()}, log.AppendPayload(nil))
	}
	for name, in := range map[string]io.Reader{
		"at once":          bytes.NewReader(input),
		"byte by byte":     iotest.OneByteReader(bytes.NewReader(input)),
		"in halves":        iotest.HalfReader(bytes.NewReader(input)),
		"with data at EOF": iotest.DataErrReader(bytes.NewReader(input)),
	} {
		t.Run(name, func(t *testing.T) {
			var got []listener.Body
			var out bytes.Buffer
			err := listener.Serve(t.Context(), func(_ context.Context, ev listener.Event) error {
				got = append(got, ev.Body)
				return nil
			}, listener.WithStreams(in, &out))
			if want := []listener.Body{log, log, log}; err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("Serve = %v and handed over %v, want nil and %v", err, got, want)
			}
			if n := strings.Count(out.String(), "RESULT 2\nOK"); n != 3 {
				t.Errorf("Serve wrote %q, want 3 results", &out)
			}
		})
	}
}

func TestServeTakesABrokenBytesForACharacter(t *testing.T) {
	var got []string
	in := "eventname:X len:3\n\xe6\x97aeventname:X len:2\n\xffbeventname:X len:1\n\uFFFD"
	var out bytes.Buffer
	err := listener.Serve(t.Context(), func(_ context.Context, ev listener.Event) error {
		got = append(got, string(ev.Payload))
		return nil
	}, listener.WithStreams(strings.NewReader(in), &out))
	if want := []string{"\xe6\x97a", "\xffb", "\uFFFD"}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("Serve = %v with payloads %q, want nil with %q", err, got, want)
	}
}

func TestServeAnswersFailForErrorsAndPanics(t *testing.T) {
	log, text := logged()
	calls := 0
	daemon := listenertest.Start(t, func(context.Context, listener.Event) error {
		switch calls++; calls {
		case 1:
			return errors.New("modem is busy")
		case 2:
			panic("no modem")
		default:
			return nil
		}
	}, log)
	daemon.Deliver(crash, listener.ResultFail)
	daemon.Deliver(crash, listener.ResultFail)
	daemon.Deliver(crash, listener.ResultOK)
	if err := daemon.Close(); err != nil {
		t.Errorf("Serve = %v, want nil", err)
	}
	for _, want := range []string{
		`level=ERROR msg="event failed and will be sent again" event=PROCESS_STATE_EXITED serial=0 failures=1 error="modem is busy"`,
		`serial=1 failures=2 error="handle event: panic: no modem\ngoroutine `, "serve_test.go:",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the log is\n%s, want in it %q", text, want)
		}
	}
}

func TestServeWaitsLongerBeforeReadyAfterEachFailureInARow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var err error
		daemon := listenertest.Start(t, func(context.Context, listener.Event) error { return err }, quiet())
		daemon.Timeout = time.Minute
		untilReady := func(result string) time.Duration {
			daemon.Deliver(tick, result)
			start := time.Now()
			daemon.ExpectReady()
			return time.Since(start)
		}
		daemon.ExpectReady()
		err = errors.New("modem is busy")
		for i, want := range []time.Duration{100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000} {
			if got := untilReady(listener.ResultFail); got != want*time.Millisecond {
				t.Errorf("READY came %v after FAIL %d in a row, want %v", got, i+1, want*time.Millisecond)
			}
		}
		err = nil
		if got := untilReady(listener.ResultOK); got != 0 {
			t.Errorf("READY came %v after OK, want at once", got)
		}
		err = errors.New("modem is busy")
		if got := untilReady(listener.ResultFail); got != 100*time.Millisecond {
			t.Errorf("READY came %v after the first FAIL since OK, want 100ms", got)
		}
		daemon.Deliver(tick, listener.ResultFail)
		if err := daemon.Close(); err != nil { // while it waits
			t.Errorf("Serve = %v, want nil", err)
		}
	})
}

func TestServeAnswersTheEventInFlightWhenItsContextEnds(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("the test is over")
	daemon := listenertest.StartFunc(t, func(_ context.Context, in io.Reader, out io.Writer) error {
		return listener.Serve(ctx, func(ctx context.Context, _ listener.Event) error {
			cancel(why)
			<-ctx.Done()
			return nil
		}, listener.WithStreams(in, out))
	})
	daemon.Deliver(tick, listener.ResultOK)
	if err := daemon.Wait(); !errors.Is(err, why) {
		t.Errorf("Serve = %v, want %v", err, why)
	}
}

func TestServeEndsWithItsContextWhileIdle(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	daemon := listenertest.StartFunc(t, func(_ context.Context, in io.Reader, out io.Writer) error {
		return listener.Serve(ctx, ok, listener.WithStreams(in, out))
	})
	daemon.ExpectReady()
	cancel()
	if err := daemon.Wait(); !errors.Is(err, context.Canceled) {
		t.Errorf("Serve = %v, want %v", err, context.Canceled)
	}
}

func TestServeGoesOnAfterAPayloadOfUnknownShape(t *testing.T) {
	log, text := logged()
	var got listener.Body
	daemon := listenertest.Start(t, func(_ context.Context, ev listener.Event) error {
		got = ev.Body
		return nil
	}, log)
	daemon.ExpectReady()
	daemon.SendRaw([]byte("ver:3.0 serial:7 eventname:TICK_5 len:8\nwhen:now"))
	daemon.ExpectResult(listener.ResultOK)
	want := listener.Unrecognised{EventType: listener.Tick5, Payload: []byte("when:now")}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the handler got %+v, want %+v", got, want)
	}
	daemon.Deliver(tick, listener.ResultOK)
	if err := daemon.Close(); err != nil {
		t.Errorf("Serve = %v, want nil", err)
	}
	if want := `serial=7 error="parse TICK_5 payload \"when:now\": when is \"now\", want a Unix time in seconds"`; !strings.Contains(text.String(), want) {
		t.Errorf("the log is %s, want in it %s", text, want)
	}
}

func TestServeEndsOnInputThatIsNoEvent(t *testing.T) {
	broken := errors.New("broken pipe")
	for _, tc := range []struct {
		name string
		in   io.Reader
		is   error
		want string
	}{
		{"no header", strings.NewReader("hello\n"), listener.ErrOutOfStep, `lost step with supervisord: parse event header "hello": eventname is missing`},
		{"no line", strings.NewReader(strings.Repeat("x", 70000)), listener.ErrOutOfStep, `lost step with supervisord: read event header "` + strings.Repeat("x", 200) + `...": longer than 65536 bytes`},
		{"cut header", strings.NewReader("ver:3.0 server:"), io.ErrUnexpectedEOF, "read event header: unexpected EOF"},
		{"cut payload", strings.NewReader("serial:9 eventname:X len:2\né"), io.ErrUnexpectedEOF, "read 2 characters of payload of event 9: unexpected EOF"},
		{"cut character", strings.NewReader("serial:9 eventname:X len:9\n\xe6"), io.ErrUnexpectedEOF, "read 9 characters of payload of event 9: unexpected EOF"},
		{"broken header", iotest.ErrReader(broken), broken, "read event header: broken pipe"},
		{"broken payload", io.MultiReader(strings.NewReader("eventname:X len:2\na"), iotest.ErrReader(broken)), broken, "read 2 characters of payload of event 0: broken pipe"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var out bytes.Buffer
			err := listener.Serve(t.Context(), ok, listener.WithStreams(tc.in, &out), quiet())
			if !errors.Is(err, tc.is) || err.Error() != tc.want {
				t.Errorf("Serve = %v, want %s", err, tc.want)
			}
			if strings.Contains(out.String(), "RESULT") {
				t.Errorf("Serve wrote %q, want no result", &out)
			}
		})
	}
}

// writerFunc is an io.Writer.
type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestServeEndsWhenTheDaemonDoesNotRead(t *testing.T) {
	gone := errors.New("broken pipe")
	for _, tc := range []struct{ refused, want string }{
		{"READY\n", "write READY: broken pipe"},
		{"RESULT 2\nOK", "write result OK of event 4: broken pipe"},
	} {
		in, daemon := io.Pipe()
		out := writerFunc(func(p []byte) (int, error) {
			if string(p) == tc.refused {
				return 0, gone
			}
			go func() { // ends when Serve has read the event
				_, _ = daemon.Write([]byte("serial:4 eventname:X len:0\n"))
			}()
			return len(p), nil
		})
		err := listener.Serve(t.Context(), ok, listener.WithStreams(in, out))
		_ = in.Close()
		if !errors.Is(err, gone) || err.Error() != tc.want {
			t.Errorf("Serve with %q refused = %v, want %s", tc.refused, err, tc.want)
		}
	}
}

// FuzzServe feeds Serve any input in any pieces: it ends, and writes nothing
// but what a daemon accepts, one result for each event.
func FuzzServe(f *testing.F) {
	f.Add([]byte("ver:3.0 server:s serial:1 pool:p poolserial:1 eventname:TICK_5 len:6\nwhen:5"), uint8(3))
	f.Add([]byte("eventname:X len:1\né eventname:Y len:0\n"), uint8(1))
	f.Fuzz(func(t *testing.T, input []byte, piece uint8) {
		var out bytes.Buffer
		events := 0
		in := &pieceReader{bytes.NewReader(input), int(piece%16) + 1}
		err := listener.Serve(t.Context(), func(_ context.Context, ev listener.Event) error {
			events++
			if got := listener.PayloadLen(ev.Payload); got != ev.Header.PayloadLen {
				t.Errorf("payload %q has %d characters, want %d", ev.Payload, got, ev.Header.PayloadLen)
			}
			return nil
		}, listener.WithStreams(in, &out), quiet())
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, listener.ErrOutOfStep) {
			t.Errorf("Serve(%q) = %v, want one of the errors of an input", input, err)
		}
		rest := strings.ReplaceAll(out.String(), "RESULT 2\nOK", "")
		if n := strings.Count(out.String(), "RESULT 2\nOK"); n != events || strings.ReplaceAll(rest, "READY\n", "") != "" {
			t.Errorf("Serve(%q) wrote %q for %d events", input, &out, events)
		}
	})
}

// pieceReader reads at most n bytes at a time.
type pieceReader struct {
	in io.Reader
	n  int
}

func (r *pieceReader) Read(p []byte) (int, error) { return r.in.Read(p[:min(len(p), r.n)]) }
