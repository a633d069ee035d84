package alert

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vigilance-go/vigilance/listener"
)

// Events says which events a tool is for. The zero Events is for none.
type Events struct {
	// Types are the process states, as events.
	Types []listener.EventType
	// Expected tells to take exits that a program's exitcodes allow as well.
	Expected bool
}

// DefaultEvents are those that somebody should look at: a program exited and
// should not have, or could not be started.
func DefaultEvents() Events {
	return Events{Types: []listener.EventType{listener.ProcessStateExited, listener.ProcessStateFatal}}
}

// expectedExits names them in --events.
const expectedExits = "EXPECTED"

// ParseEvents reads names of states, such as EXITED,FATAL. The error quotes the
// one that is none.
func ParseEvents(text string) (Events, error) {
	var e Events
	for name := range strings.SplitSeq(text, ",") {
		name = strings.ToUpper(strings.TrimSpace(name))
		if name == expectedExits {
			e.Expected = true
			e.add(listener.ProcessStateExited)
			continue
		}
		t := listener.AnyProcessState + "_" + listener.EventType(strings.TrimPrefix(name, string(listener.AnyProcessState)+"_"))
		if t.Parent() != listener.AnyProcessState {
			return e, fmt.Errorf("read event %q, want EXITED, EXPECTED (an exit that was), FATAL, BACKOFF, UNKNOWN, RUNNING, STARTING, STOPPING or STOPPED", name)
		}
		e.add(t)
	}
	return e, nil
}

func (e *Events) add(t listener.EventType) {
	if !slices.Contains(e.Types, t) {
		e.Types = append(e.Types, t)
	}
}

// Has tells whether an event is selected.
func (e Events) Has(p listener.ProcessState) bool {
	if p.EventType == listener.ProcessStateExited && p.Expected && !e.Expected {
		return false
	}
	return slices.Contains(e.Types, p.EventType)
}
