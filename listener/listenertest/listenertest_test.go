package listenertest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/listener/listenertest"
)

var tick = listener.Tick{EventType: listener.Tick5, When: 7}

// failures is a TB that keeps what a test of the double would fail with.
type failures struct {
	messages []string
	cleanups []func()
}

func (*failures) Helper()            {}
func (f *failures) Cleanup(c func()) { f.cleanups = append(f.cleanups, c) }
func (f *failures) Errorf(format string, args ...any) {
	f.messages = append(f.messages, fmt.Sprintf(format, args...))
}
func (f *failures) Fatalf(format string, args ...any) {
	f.Errorf(format, args...)
	runtime.Goexit()
}

// failuresOf returns what the test fails with.
func failuresOf(test func(t listenertest.TB)) []string {
	var f failures
	ended := make(chan struct{})
	go func() { // ends with the test, whose waits are bounded
		defer close(ended)
		defer func() {
			for _, c := range f.cleanups {
				c()
			}
		}()
		test(&f)
	}()
	<-ended
	return f.messages
}

// writes returns a listener that writes these texts, one when it starts and one
// after each tick it reads, and ends with its input or at "END".
func writes(texts ...string) func(context.Context, io.Reader, io.Writer) error {
	return func(_ context.Context, in io.Reader, out io.Writer) error {
		for _, text := range texts {
			if text == "END" {
				return errors.New("no more")
			}
			if _, err := io.WriteString(out, text); err != nil {
				return err
			}
			for b := []byte{0}; b[0] != '7'; { // the end of the tick's payload
				if _, err := in.Read(b); err != nil {
					return nil
				}
			}
		}
		_, err := io.Copy(io.Discard, in)
		return err
	}
}

func TestSupervisorFailsTheTestOfABadListener(t *testing.T) {
	deliver := func(d *listenertest.Supervisor) { d.Deliver(tick, listener.ResultOK) }
	closed := func(d *listenertest.Supervisor) { d.Close() }
	for _, tc := range []struct {
		name   string
		writes []string
		script func(*listenertest.Supervisor)
		want   string // a regular expression; "" for no failure
	}{
		{"a good one", []string{"READY\n", "RESULT 2\nOKREADY\n"}, func(d *listenertest.Supervisor) { deliver(d); closed(d) }, ""},
		{"prints first", []string{"hello\nREADY\n"}, deliver, `the listener wrote "hello\\nREADY\\n", want "READY\\n"`},
		{"prints the start of READY only", []string{"READ"}, deliver, `the listener wrote "READ" within 200ms, want READY`},
		{"is never ready", []string{""}, deliver, `the listener wrote "" within 200ms, want READY`},
		{"prints when ready", []string{"READY\nhello"}, func(d *listenertest.Supervisor) { d.ExpectReady(); closed(d) }, `the listener wrote "hello" at its end, want nothing`},
		{"is ready twice", []string{"READY\nREADY\n"}, func(d *listenertest.Supervisor) { d.ExpectReady(); closed(d) }, `the listener wrote "READY\\n" at its end, want nothing`},
		{"prints before its result", []string{"READY\n", "hello\nRESULT 2\nOK"}, deliver, `the listener wrote "hello.*", want a line "RESULT " with a length`},
		{"answers without a length", []string{"READY\n", "RESULT OK\n"}, deliver, `the listener wrote "RESULT OK\\n": parse result line "RESULT OK": want a number after the first 7 bytes`},
		{"answers FAIL", []string{"READY\n", "RESULT 4\nFAIL"}, deliver, `the listener's result is "FAIL", want "OK"`},
		{"answers in part", []string{"READY\n", "RESULT 4\nOK"}, deliver, `the listener wrote "RESULT 4\\nOK" within 200ms, want a result`},
		{"does not answer", []string{"READY\n", ""}, deliver, `the listener wrote "" within 200ms, want a result`},
		{"prints after its result", []string{"READY\n", "RESULT 2\nOKdone\n"}, func(d *listenertest.Supervisor) { deliver(d); closed(d) }, `the listener wrote "done\\n" at its end, want nothing`},
		{"ends within an event", []string{"READY\n", "END"}, deliver, `the listener ended \(no more\), want a result`},
		{"ends before an event", []string{"END"}, deliver, `the listener ended \(no more\), want READY`},
		{"ends when ready", []string{"READY\n"}, func(d *listenertest.Supervisor) { d.ExpectReady(); closed(d); deliver(d) }, `the listener ended \(<nil>\) and did not read "ver:3.0 .*`},
		{"is no process", []string{"READY\n"}, func(d *listenertest.Supervisor) { d.Signal(os.Interrupt) }, `send interrupt: the listener is no process of its own`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := failuresOf(func(t listenertest.TB) {
				d := listenertest.StartFunc(t, writes(tc.writes...))
				d.Timeout = 200 * time.Millisecond
				tc.script(d)
			})
			if tc.want == "" && len(got) > 0 || tc.want != "" && (len(got) != 1 || !regexp.MustCompile("^"+tc.want+"$").MatchString(got[0])) {
				t.Errorf("the test fails with %q, want %s", got, tc.want)
			}
		})
	}
}

func TestSupervisorFailsTheTestOfAListenerThatHangs(t *testing.T) {
	hang := func(ctx context.Context, _ io.Reader, out io.Writer) error {
		_, _ = io.WriteString(out, listener.Ready)
		<-ctx.Done()
		return nil
	}
	for want, script := range map[string]func(*listenertest.Supervisor){
		"the listener did not end within 5s":             func(d *listenertest.Supervisor) { d.Close() },
		`the listener did not read "raw" within 5s`:      func(d *listenertest.Supervisor) { d.SendRaw([]byte("raw")) },
		`the listener wrote "" within 5s, want a result`: func(d *listenertest.Supervisor) { d.ExpectReady(); d.Result() },
	} {
		synctest.Test(t, func(t *testing.T) {
			got := failuresOf(func(t listenertest.TB) {
				d := listenertest.StartFunc(t, hang)
				d.Timeout = 5 * time.Second
				script(d)
			})
			if len(got) != 1 || got[0] != want {
				t.Errorf("the test fails with %q, want %q", got, want)
			}
		})
	}
}

func TestKillEndsAListenerWithinAnEvent(t *testing.T) {
	started, ended := make(chan struct{}), make(chan error, 1)
	d := listenertest.Start(t, func(ctx context.Context, _ listener.Event) error {
		close(started)
		<-ctx.Done()
		ended <- ctx.Err()
		return nil
	})
	d.Send(tick)
	<-started
	d.Kill()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the handler's context ended with %v, want %v", err, context.Canceled)
	}
	if err := d.Wait(); err == nil {
		t.Error("Serve = nil after Kill, want an error")
	}
}

func TestStartCommandRunsAProcess(t *testing.T) {
	script := func(text string) *exec.Cmd { return exec.Command("/bin/sh", "-c", text) }
	const good = `while echo READY && read -r header; do head -c "${header##*:}" >&2; printf 'RESULT 2\nOK'; done`

	d := listenertest.StartCommand(t, script(good))
	d.Deliver(tick, listener.ResultOK)
	d.Deliver(listener.ProcessGroup{EventType: listener.ProcessGroupAdded, GroupName: "cat"}, listener.ResultOK)
	if err := d.Close(); err != nil {
		t.Errorf("Close = %v, want nil", err)
	}

	d = listenertest.StartCommand(t, script("echo READY; exec sleep 1000"))
	d.Send(tick)
	d.Kill()
	var exit *exec.ExitError
	if err := d.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Errorf("Wait = %v after Kill, want killed", err)
	}

	d = listenertest.StartCommand(t, script("trap 'exit 7' TERM; echo READY; while :; do sleep 0.02; done"))
	d.ExpectReady()
	d.Signal(syscall.SIGTERM)
	if err := d.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 7 {
		t.Errorf("Wait = %v after SIGTERM, want exit status 7", err)
	}

	got := failuresOf(func(t listenertest.TB) { listenertest.StartCommand(t, exec.Command("/no/such/listener")) })
	if len(got) != 1 || !strings.Contains(got[0], "start listener: fork/exec /no/such/listener: no such file or directory") {
		t.Errorf("the test fails with %q, want that the listener cannot be started", got)
	}
}
