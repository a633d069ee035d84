package checktest

import (
	"bufio"
	"io"
	"os/exec"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/listener"
)

// Feed is a daemon that has events for a tool which is killed now and then. An
// event that is not answered is sent again, with its serial number, to the next
// process.
type Feed struct {
	T       *testing.T
	Command func() *exec.Cmd
	// Event returns the event with a serial number. The first one is 0.
	Event func(serial int) listener.Body
	// Next is the serial number of the next event: as many were answered OK.
	Next int
}

// Run runs the tool until it is killed with -9, after the time that it may run
// once it is ready. 0 stands for one that is never killed: its input ends when
// enough says so, which is asked before each event with the number of those
// that it has had.
func (f *Feed) Run(run time.Duration, enough func(had int) bool) {
	f.T.Helper()
	cmd := f.Command()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		f.T.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		f.T.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		f.T.Fatal(err)
	}
	hung := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer hung.Stop()
	out := bufio.NewReader(stdout)
	for had := 0; expect(out, listener.Ready); had++ {
		if had == 0 && run > 0 {
			kill := time.AfterFunc(run, func() { _ = cmd.Process.Kill() })
			defer kill.Stop()
		}
		if enough(had) {
			_ = stdin.Close() // as a daemon does that ends: what can be sent is
			break
		}
		event := f.Event(f.Next)
		header := listener.Header{Server: "supervisor", Serial: uint64(f.Next), Pool: "feed", EventName: event.Type()}
		if _, err := stdin.Write(listener.AppendEvent(nil, header, event.AppendPayload(nil))); err != nil {
			break
		}
		if !expect(out, string(listener.AppendResult(nil, []byte(listener.ResultOK)))) {
			break
		}
		f.Next++
	}
	_, _ = io.Copy(io.Discard, out)
	_ = cmd.Wait() // it was killed
}

// expect reads a text; false means that something else came, or the end.
func expect(r io.Reader, text string) bool {
	got := make([]byte, len(text))
	_, err := io.ReadFull(r, got)
	return err == nil && string(got) == text
}
