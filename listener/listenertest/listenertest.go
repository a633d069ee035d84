// Package listenertest tests event listeners without a supervisord: it plays
// the daemon's side of the event protocol, by a script that the test is.
//
// It decides what a daemon would accept: a listener must say READY before it
// gets an event, must answer it with one RESULT, and may write nothing else.
// What breaks that fails the test, and so does every wait that is too long. It
// sends nothing by itself and sends no event twice: a test that wants an event
// again after FAIL sends it again.
//
// A handler is tested with Start, a program with StartCommand:
//
//	func TestPagerRefusesWhenTheModemIsBusy(t *testing.T) {
//		daemon := listenertest.Start(t, pager.HandleEvent)
//		daemon.Deliver(listener.Tick{EventType: listener.Tick60, When: 60}, listener.ResultOK)
//		pager.modem.Busy()
//		daemon.Deliver(crash, listener.ResultFail)
//		if err := daemon.Close(); err != nil {
//			t.Error(err)
//		}
//	}
package listenertest

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/vigilance-go/vigilance/listener"
)

// TB is what of a testing.TB is used. Fatalf must not return.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
	Cleanup(f func())
}

// Supervisor is the daemon of one listener. Its methods are called by the
// test's goroutine.
type Supervisor struct {
	// Timeout bounds every wait; 10 s unless changed.
	Timeout time.Duration
	// Header is what the next event's header is made from. Serial and
	// PoolSerial go up with each event; EventName and PayloadLen are set from
	// the event.
	Header listener.Header

	t     TB
	stdin io.WriteCloser // the listener's
	proc  *os.Process    // nil for a listener in this process
	kill  func()

	ready bool // READY was read and no event sent since

	mu     sync.Mutex
	output []byte        // what the listener wrote and the test has not read yet
	more   chan struct{} // has an item after output has grown

	ended chan struct{} // closed when the listener has ended and all its output is there
	err   error         // how it ended; read after ended
}

// Start runs listener.Serve with handle, in a goroutine that ends with the
// test at the latest.
func Start(t TB, handle listener.Handler, opts ...listener.Option) *Supervisor {
	t.Helper()
	return StartFunc(t, func(ctx context.Context, stdin io.Reader, stdout io.Writer) error {
		return listener.Serve(ctx, handle, append(opts, listener.WithStreams(stdin, stdout))...)
	})
}

// StartFunc runs a listener that reads events from stdin and writes answers to
// stdout, in a goroutine. Kill, and the end of the test, end ctx and both
// streams.
func StartFunc(t TB, serve func(ctx context.Context, stdin io.Reader, stdout io.Writer) error) *Supervisor {
	t.Helper()
	inReader, inWriter := io.Pipe()
	outReader, outWriter := io.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	d := newSupervisor(t, inWriter)
	d.kill = func() {
		cancel()
		_ = inReader.CloseWithError(os.ErrProcessDone)
		_ = outReader.CloseWithError(os.ErrProcessDone)
	}
	pumped := make(chan struct{})
	go func() { // ends when serve has returned
		d.pump(outReader)
		close(pumped)
	}()
	go func() { // ends with serve, which kill ends
		d.err = serve(ctx, inReader, outWriter)
		_ = outWriter.Close()
		<-pumped
		_ = inReader.CloseWithError(os.ErrProcessDone)
		close(d.ended)
	}()
	t.Cleanup(d.cleanUp)
	return d
}

// StartCommand runs a listener as a process of its own, killed with the test at
// the latest. The command's Stdin and Stdout must not be set; its Stderr may.
func StartCommand(t TB, cmd *exec.Cmd) *Supervisor {
	t.Helper()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatalf("make the listener's stdin: %v", err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatalf("make the listener's stdout: %v", err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start listener: %v", err)
	}
	d := newSupervisor(t, stdin)
	d.proc = cmd.Process
	d.kill = func() { _ = cmd.Process.Kill() }
	go func() { // ends with the process, which kill ends
		d.pump(stdout)
		d.err = cmd.Wait()
		close(d.ended)
	}()
	t.Cleanup(d.cleanUp)
	return d
}

func newSupervisor(t TB, stdin io.WriteCloser) *Supervisor {
	return &Supervisor{
		Timeout: 10 * time.Second,
		Header:  listener.Header{Version: listener.ProtocolVersion, Server: "listenertest", Pool: "pool"},
		t:       t,
		stdin:   stdin,
		more:    make(chan struct{}, 1),
		ended:   make(chan struct{}),
	}
}

// pump collects the listener's output until its end, so that the listener never
// waits for the test to read.
func (d *Supervisor) pump(stdout io.Reader) {
	buf := make([]byte, 4096)
	for {
		n, err := stdout.Read(buf)
		d.mu.Lock()
		d.output = append(d.output, buf[:n]...)
		d.mu.Unlock()
		select {
		case d.more <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// ExpectReady waits for READY. Any other output fails the test.
func (d *Supervisor) ExpectReady() {
	d.t.Helper()
	if d.ready {
		return
	}
	d.await("READY", func(output []byte) (int, bool) {
		if !bytes.HasPrefix([]byte(listener.Ready), output[:min(len(output), len(listener.Ready))]) {
			d.t.Fatalf("the listener wrote %q, want %q", output, listener.Ready)
		}
		return len(listener.Ready), len(output) >= len(listener.Ready)
	})
	d.ready = true
}

// Send waits for READY and sends an event.
func (d *Supervisor) Send(body listener.Body) {
	d.t.Helper()
	d.ExpectReady()
	h := d.Header
	h.EventName = body.Type()
	d.SendRaw(listener.AppendEvent(nil, h, body.AppendPayload(nil)))
	d.Header.Serial++
	d.Header.PoolSerial++
}

// SendRaw writes bytes to the listener's stdin, whether it is ready or not: a
// piece of an event, or what is not one.
func (d *Supervisor) SendRaw(data []byte) {
	d.t.Helper()
	d.ready = false
	written := make(chan error, 1)
	go func() { // ends when the listener reads, or with kill
		_, err := d.stdin.Write(data)
		written <- err
	}()
	timeout := time.NewTimer(d.Timeout)
	defer timeout.Stop()
	select {
	case err := <-written:
		if err != nil {
			d.t.Fatalf("the listener ended (%v) and did not read %q", d.end(), data)
		}
	case <-timeout.C:
		d.t.Fatalf("the listener did not read %q within %v", data, d.Timeout)
	}
}

// ExpectResult waits for the result of the event that was sent, and compares
// its body with want: listener.ResultOK, listener.ResultFail or what a daemon
// with a result handler of its own understands.
func (d *Supervisor) ExpectResult(want string) {
	d.t.Helper()
	if got := d.Result(); got != want {
		d.t.Fatalf("the listener's result is %q, want %q", got, want)
	}
}

// Result waits for a result and returns its body.
func (d *Supervisor) Result() string {
	d.t.Helper()
	const start = "RESULT "
	result := d.await("a result", func(output []byte) (int, bool) {
		line, body, ok := bytes.Cut(output, []byte("\n"))
		if !bytes.HasPrefix(line, []byte(start)[:min(len(line), len(start))]) {
			d.t.Fatalf("the listener wrote %q, want a line %q with a length", output, start)
		}
		if !ok {
			return 0, false
		}
		n, err := listener.ParseResultLine(line)
		if err != nil {
			d.t.Fatalf("the listener wrote %q: %v", output, err)
		}
		return len(line) + 1 + n, len(body) >= n
	})
	_, body, _ := bytes.Cut(result, []byte("\n"))
	return string(body)
}

// Deliver sends an event when the listener is ready and waits for its result,
// which must be want.
func (d *Supervisor) Deliver(body listener.Body, want string) {
	d.t.Helper()
	d.Send(body)
	d.ExpectResult(want)
}

// Signal sends a signal to a listener that StartCommand has started.
func (d *Supervisor) Signal(sig os.Signal) {
	d.t.Helper()
	if d.proc == nil {
		d.t.Fatalf("send %v: the listener is no process of its own", sig)
	}
	if err := d.proc.Signal(sig); err != nil {
		d.t.Fatalf("send %v to the listener: %v", sig, err)
	}
}

// Kill ends the listener as kill -9 does, at whatever point it is, and waits
// for its end. A listener in this process sees both its streams and its context
// end. What it wrote is dropped.
func (d *Supervisor) Kill() {
	d.t.Helper()
	d.kill()
	_ = d.end() // it was told to fail
	d.mu.Lock()
	defer d.mu.Unlock()
	d.output = nil
}

// Close closes the listener's stdin, as a daemon does that ends, and returns
// what Wait does.
func (d *Supervisor) Close() error {
	d.t.Helper()
	_ = d.stdin.Close() // fails only where it is closed
	return d.Wait()
}

// Wait waits for the listener's end, and returns what its function returned, or
// what exec.Cmd.Wait returns for a process. Output that the test has not
// expected, other than READY, fails the test.
func (d *Supervisor) Wait() error {
	d.t.Helper()
	err := d.end()
	d.mu.Lock()
	defer d.mu.Unlock()
	rest := d.output
	if !d.ready {
		rest = bytes.TrimPrefix(rest, []byte(listener.Ready))
	}
	d.output = nil
	if len(rest) > 0 {
		d.t.Errorf("the listener wrote %q at its end, want nothing", rest)
	}
	return err
}

// end waits for the listener's end.
func (d *Supervisor) end() error {
	d.t.Helper()
	timeout := time.NewTimer(d.Timeout)
	defer timeout.Stop()
	select {
	case <-d.ended:
		return d.err
	case <-timeout.C:
		d.t.Fatalf("the listener did not end within %v", d.Timeout)
		return nil
	}
}

// await waits until enough finds that output begins with what is wanted, then
// takes those n bytes off.
func (d *Supervisor) await(what string, enough func(output []byte) (n int, ok bool)) []byte {
	d.t.Helper()
	timeout := time.NewTimer(d.Timeout)
	defer timeout.Stop()
	for {
		var over bool
		select {
		case <-d.ended:
			over = true
		default:
		}
		if taken, ok := d.take(enough); ok {
			return taken
		}
		if over {
			d.t.Fatalf("the listener ended (%v), want %s", d.err, what)
		}
		select {
		case <-d.more:
		case <-d.ended:
		case <-timeout.C:
			d.mu.Lock()
			output := d.output
			d.mu.Unlock()
			d.t.Fatalf("the listener wrote %q within %v, want %s", output, d.Timeout, what)
		}
	}
}

func (d *Supervisor) take(enough func(output []byte) (n int, ok bool)) ([]byte, bool) {
	d.t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	n, ok := enough(d.output)
	if !ok {
		return nil, false
	}
	taken := d.output[:n:n]
	d.output = d.output[n:]
	return taken, true
}

// cleanUp ends a listener that the test has left behind.
func (d *Supervisor) cleanUp() {
	d.t.Helper()
	d.kill()
	_ = d.stdin.Close() // fails only where it is closed
	_ = d.end()         // it was told to fail
}
