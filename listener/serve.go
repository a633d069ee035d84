package listener

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"
)

// Event is what a Handler gets.
type Event struct {
	Header Header
	// Body is one of this package's body types. It is Unrecognised for a type
	// that this version does not know, and for a payload that ParseBody
	// refuses, which Serve logs.
	Body Body
	// Payload is the body as it came over the wire.
	Payload []byte
}

// Handler acts on one event. Returning nil answers OK: the event is done with.
// An error answers FAIL: the daemon sends the event again, before any later
// one, so an event that can never be handled must be logged and answered with
// nil, or it blocks all that come after it. A panic is answered as an error is.
//
// Serve calls it for one event at a time. A listener that needs long for one
// event delays the next; the daemon keeps those meanwhile, as many as the
// buffer_size option of its section says, and discards the oldest then.
//
// The context is the one given to Serve. A signal does not end it: Serve waits
// for the handler, and the daemon waits stopwaitsecs, before it kills the
// listener and gives the event back.
type Handler func(ctx context.Context, event Event) error

// ErrOutOfStep is returned by Serve, wrapped, when the input is not a sequence
// of events: where the next one starts cannot be known any more. The listener
// should end, with a status other than 0, and be started anew by its daemon.
var ErrOutOfStep = errors.New("lost step with supervisord")

// After the first FAIL in a row Serve waits minFailDelay before it says READY,
// and twice as long after each further one, up to maxFailDelay. The daemon
// sends a failed event again at once, so the two would spin otherwise.
const (
	minFailDelay = 100 * time.Millisecond
	maxFailDelay = 10 * time.Second
)

// lastEventWait is how long an idle listener waits, after a signal, for an
// event that its daemon wrote before. It is in the pipe by then: this is the
// time to read it on a busy machine.
const lastEventWait = 200 * time.Millisecond

// Option changes how Serve works.
type Option func(*server)

// WithStreams has Serve read events from in and write answers to out, instead
// of taking over the process's own, and leaves signals alone: for tests.
func WithStreams(in io.Reader, out io.Writer) Option {
	return func(s *server) { s.in, s.out = in, out }
}

// WithLogger has Serve log there, and not to slog.Default(), which writes to
// stderr unless the program has changed that.
func WithLogger(log *slog.Logger) Option {
	return func(s *server) { s.log = log }
}

// Serve is a listener: it says READY, reads an event from stdin, calls handle,
// and answers OK or FAIL on stdout, until one of these:
//
//   - stdin ends between two events, because the daemon closed it: nil
//   - SIGTERM or SIGINT: nil, after the event in flight is answered, for which
//     an idle listener looks 200 ms longer. A second signal kills the process
//   - ctx is done: its cause, after the event in flight is answered
//   - stdin ends within an event: an error wrapping io.ErrUnexpectedEOF. The
//     event was not acknowledged
//   - the header of an event cannot be read: an error wrapping ErrOutOfStep
//   - stdin or stdout fails: that error
//
// Serve takes over the process's standard streams, once and for good: what
// other code prints to os.Stdout, and what child processes and C code write to
// descriptor 1, goes to stderr, and os.Stdin is empty. So nothing but answers
// reaches the daemon, which would stop talking to the listener otherwise. (Only
// os.Stdout is redirected where dup2 is missing, on Windows for example.) From
// then on a write to a closed stderr returns an error and does not kill the
// process, so that work in flight outlives the daemon. Other exits of the
// process, such as os.Exit in a handler, give the event back to the daemon.
//
// When ctx or a signal ends Serve, one goroutine stays behind in a read of
// stdin, until that ends.
func Serve(ctx context.Context, handle Handler, opts ...Option) error {
	s := server{handle: handle, log: slog.Default()}
	for _, opt := range opts {
		opt(&s)
	}
	stop := ctx
	if s.in == nil {
		var err error
		if s.in, s.out, err = takeStdio(); err != nil {
			return err
		}
		// Nobody reads this channel: being asked for is what turns SIGPIPE
		// into an error of the write. Unlike an ignored signal, that is not
		// inherited by child processes.
		signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)

		var restore context.CancelFunc
		stop, restore = signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
		defer restore()
		context.AfterFunc(stop, restore) // a second signal has its usual effect
	}
	return s.run(ctx, stop)
}

// server is one call of Serve.
type server struct {
	handle   Handler
	in       io.Reader
	out      io.Writer
	log      *slog.Logger
	ready    bool // READY was said, and no event came since
	failures int  // in a row
}

// received is an event, or the error that ended the input.
type received struct {
	event Event
	err   error
}

// run serves until the input ends or stop is done, which it is when ctx is.
func (s *server) run(ctx, stop context.Context) error {
	events := make(chan received)
	over := make(chan struct{})
	defer close(over)
	go s.receive(events, over) // ends with the input, or at its next event after run

	if err := s.sayReady(stop); err != nil {
		return err
	}
	var afterFailure <-chan time.Time // when to say READY after a FAIL
	for {
		select {
		case got := <-events:
			if got.err != nil {
				return endOfInput(got.err)
			}
			if err := s.answer(ctx, got.event); err != nil {
				return err
			}
			if s.failures > 0 {
				afterFailure = time.After(failDelay(s.failures))
			} else if err := s.sayReady(stop); err != nil {
				return err
			}
		case <-afterFailure:
			afterFailure = nil
			if err := s.sayReady(stop); err != nil {
				return err
			}
		case <-stop.Done():
			if ctx.Err() == nil && s.ready {
				return s.answerLast(ctx, events)
			}
			return context.Cause(ctx)
		}
	}
}

// sayReady asks for the next event, unless it is time to stop.
func (s *server) sayReady(stop context.Context) error {
	if stop.Err() != nil {
		return nil
	}
	if _, err := io.WriteString(s.out, Ready); err != nil {
		return fmt.Errorf("write READY: %w", err)
	}
	s.ready = true
	return nil
}

// receive reads events until the input ends or over is closed.
func (s *server) receive(events chan<- received, over <-chan struct{}) {
	r := newEventReader(s.in)
	for {
		event, err := r.next()
		if err == nil {
			event.Body, err = ParseBody(event.Header.EventName, event.Payload)
			if err != nil {
				s.log.Error("event has an unknown shape", "serial", event.Header.Serial, "error", err)
				event.Body = Unrecognised{EventType: event.Header.EventName, Payload: event.Payload}
				err = nil
			}
		}
		select {
		case events <- received{event, err}:
		case <-over:
			return
		}
		if err != nil {
			return
		}
	}
}

// answerLast handles the event that may be on its way when a signal comes. A
// daemon that shuts down sends an event about that, and the signal right after.
func (s *server) answerLast(ctx context.Context, events <-chan received) error {
	select {
	case got := <-events:
		if got.err != nil {
			return endOfInput(got.err)
		}
		return s.answer(ctx, got.event)
	case <-time.After(lastEventWait):
		return nil
	}
}

// answer calls the handler and writes the result.
func (s *server) answer(ctx context.Context, event Event) error {
	s.ready = false
	result := ResultOK
	if err := s.call(ctx, event); err != nil {
		s.failures++
		result = ResultFail
		s.log.Error("event failed and will be sent again", "event", event.Header.EventName,
			"serial", event.Header.Serial, "failures", s.failures, "error", err)
	} else {
		s.failures = 0
	}
	if _, err := s.out.Write(AppendResult(nil, []byte(result))); err != nil {
		return fmt.Errorf("write result %s of event %d: %w", result, event.Header.Serial, err)
	}
	return nil
}

// call turns a panic of the handler into an error. The process lives on, as an
// HTTP server does: it may still raise alerts for other events.
func (s *server) call(ctx context.Context, event Event) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("handle event: panic: %v\n%s", v, debug.Stack())
		}
	}()
	return s.handle(ctx, event)
}

// failDelay returns how long to wait with READY after that many failures in a
// row.
func failDelay(failures int) time.Duration {
	delay := minFailDelay
	for range failures - 1 {
		if delay *= 2; delay >= maxFailDelay {
			return maxFailDelay
		}
	}
	return delay
}

// endOfInput turns an end between two events into no error.
func endOfInput(err error) error {
	if err == io.EOF { //nolint:errorlint // a wrapped EOF is another's: only the bare one is the end between events
		return nil
	}
	return err
}
