package listenertest_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/listener/listenertest"
)

// pager is the listener under test: it pages for FATAL programs.
type pager struct {
	busy bool
}

// HandleEvent is a listener.Handler. Its error makes the daemon send the event
// again.
func (p *pager) HandleEvent(_ context.Context, ev listener.Event) error {
	state, ok := ev.Body.(listener.ProcessState)
	switch {
	case !ok || state.EventType != listener.ProcessStateFatal:
		return nil
	case p.busy:
		return errors.New("page: line is busy")
	default:
		fmt.Println("paged for", state.ProcessName)
		return nil
	}
}

// The body of a test: t is its *testing.T.
func Example() {
	t := exampleT{}
	fatal := listener.ProcessState{
		EventType: listener.ProcessStateFatal, ProcessName: "cat", GroupName: "cat", FromState: "BACKOFF",
	}

	p := &pager{}
	daemon := listenertest.Start(t, p.HandleEvent)
	daemon.Deliver(listener.Tick{EventType: listener.Tick60, When: 1201063860}, listener.ResultOK)
	daemon.Deliver(fatal, listener.ResultOK)
	if err := daemon.Close(); err != nil {
		t.Errorf("the listener ended with %v, want nil", err)
	}

	p.busy = true
	daemon = listenertest.Start(t, p.HandleEvent)
	daemon.Deliver(fatal, listener.ResultFail)
	daemon.Kill()
	// Output:
	// paged for cat
}

// exampleT stands for a *testing.T.
type exampleT struct{}

func (exampleT) Helper()                           {}
func (exampleT) Cleanup(func())                    {}
func (exampleT) Errorf(format string, args ...any) { fmt.Printf(format, args...) }
func (exampleT) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
