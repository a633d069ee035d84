package listener_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/vigilance-go/vigilance/listener"
)

// A listener that logs crashes. Its section in supervisord.conf:
//
//	[eventlistener:crashes]
//	command=/usr/local/bin/crashes
//	events=PROCESS_STATE_EXITED
func Example() {
	err := listener.Serve(context.Background(), func(_ context.Context, ev listener.Event) error {
		p, ok := ev.Body.(listener.ProcessState)
		if ok && p.EventType == listener.ProcessStateExited && !p.Expected {
			slog.Warn("a program crashed", "group", p.GroupName, "process", p.ProcessName, "pid", p.PID)
		}
		return nil
	})
	if err != nil {
		slog.Error("listener ended", "error", err)
		os.Exit(1)
	}
}

// What goes over the wire: READY, an event, its result, and READY again.
func ExampleServe() {
	daemon := strings.NewReader("ver:3.0 server:supervisor serial:21 pool:crashes poolserial:10 eventname:PROCESS_STATE_EXITED len:68\n" +
		"processname:cat groupname:cat from_state:RUNNING expected:0 pid:2766")
	err := listener.Serve(context.Background(), func(_ context.Context, ev listener.Event) error {
		p := ev.Body.(listener.ProcessState)
		fmt.Printf("(event %d: %s left %s, expected: %t)\n", ev.Header.Serial, p.ProcessName, p.FromState, p.Expected)
		return nil
	}, listener.WithStreams(daemon, os.Stdout))
	fmt.Println("(stdin ended:", err, ")")
	// Output:
	// READY
	// (event 21: cat left RUNNING, expected: false)
	// RESULT 2
	// OKREADY
	// (stdin ended: <nil> )
}

// A listener that takes several types of event tells them apart by their Go
// types.
func ExampleHandler() {
	handle := func(_ context.Context, ev listener.Event) error {
		switch body := ev.Body.(type) {
		case listener.ProcessState:
			fmt.Println(body.ProcessName, "has left", body.FromState)
		case listener.ProcessLog:
			fmt.Printf("%s wrote %q\n", body.ProcessName, body.Data)
		case listener.Tick:
			fmt.Println("it is", body.When)
		case listener.Unrecognised:
			fmt.Println("there is a new type of event:", body.EventType)
		}
		return nil
	}
	for _, body := range []listener.Body{
		listener.ProcessState{EventType: listener.ProcessStateFatal, ProcessName: "cat", GroupName: "cat", FromState: "BACKOFF"},
		listener.ProcessLog{EventType: listener.ProcessLogStdout, ProcessName: "cat", GroupName: "cat", Data: []byte("meow\n")},
		listener.Tick{EventType: listener.Tick5, When: 1201063880},
		listener.Unrecognised{EventType: "PROCESS_DREAMT"},
	} {
		_ = handle(context.Background(), listener.Event{Body: body})
	}
	// Output:
	// cat has left BACKOFF
	// cat wrote "meow\n"
	// it is 1201063880
	// there is a new type of event: PROCESS_DREAMT
}

func ExampleReadEnvironment() {
	env := listener.ReadEnvironment(os.Getenv)
	if !env.Enabled {
		fmt.Fprintln(os.Stderr, "run this from an [eventlistener:x] section of supervisord.conf")
		os.Exit(2)
	}
	slog.Info("listening", "supervisor", env)
}

func ExampleEventType_Matches() {
	fmt.Println(listener.ProcessStateExited.Matches(listener.AnyProcessState))
	fmt.Println(listener.ProcessStateExited.Matches(listener.AnyTick))
	// Output:
	// true
	// false
}

func ExampleAppendEvent() {
	body := listener.ProcessState{
		EventType: listener.ProcessStateExited, ProcessName: "cat", GroupName: "cat", FromState: "RUNNING", PID: 2766,
	}
	header := listener.Header{Server: "supervisor", Serial: 21, Pool: "crashes", PoolSerial: 10, EventName: body.Type()}
	fmt.Printf("%s\n", listener.AppendEvent(nil, header, body.AppendPayload(nil)))
	// Output:
	// ver:3.0 server:supervisor serial:21 pool:crashes poolserial:10 eventname:PROCESS_STATE_EXITED len:68
	// processname:cat groupname:cat from_state:RUNNING expected:0 pid:2766
}
