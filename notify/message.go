package notify

import (
	"context"
	"time"
)

// Message is one alert. It is a plain value that survives JSON: queues may
// write it to disk and read it back with a later version of the program.
type Message struct {
	// ID names the message for ever, and is never empty: two messages with the same ID are the
	// same one, and a queue takes only the first. It should be printable; it
	// ends up in file names and in mail's Message-ID, which escape what they
	// cannot carry.
	ID string `json:"id"`
	// Time is when it happened, Host where.
	Time time.Time `json:"time"`
	Host string    `json:"host,omitempty"`

	// Subject is one line, Body any number of them, both ready to be read.
	Subject string `json:"subject"`
	Body    string `json:"body"`

	// Event is what happened, by the name of the Supervisor event, such as
	// PROCESS_STATE_EXITED. It and the fields below are for services that show
	// more than a subject and a body; each is empty where it is not known.
	Event     string `json:"event,omitempty"`
	Group     string `json:"group,omitempty"`
	Process   string `json:"process,omitempty"`
	PID       int    `json:"pid,omitempty"`
	FromState string `json:"from_state,omitempty"`
	// Expected tells an exit that the program's exitcodes allow.
	Expected bool `json:"expected,omitempty"`
	// Reason is why, as far as it is known: "exit status 3", "terminated by
	// SIGSEGV", or why the program could not be started.
	Reason string `json:"reason,omitempty"`
	// Uptime is how long the process had been up; 0 where it is not known. It
	// is in nanoseconds in JSON.
	Uptime time.Duration `json:"uptime,omitempty"`
	// Recovery tells that the process is well again. A Dispatcher sends such a
	// message only after an alert, and only when nothing has happened since for
	// as long as its Policy says.
	Recovery bool `json:"recovery,omitempty"`
	// Log is the end of the program's output.
	Log string `json:"log,omitempty"`
	// Lang is the language of the texts, for what an integration adds to them;
	// empty stands for English. A Composer sets it.
	Lang Lang `json:"lang,omitempty"`
	// Labels are further facts, as the user named them.
	Labels map[string]string `json:"labels,omitempty"`

	// Events are the events that this message stands for, oldest first, where
	// one stands for several; nil where it is one event's own. Each event is in
	// exactly one message.
	Events []Occurrence `json:"events,omitempty"`

	// To is the recipient of this copy: one of the targets that the message was
	// queued for, or empty where the service has only one. A Deliverer sets it.
	To string `json:"-"`
}

// Occurrence is one event of a message that stands for several.
type Occurrence struct {
	ID        string        `json:"id"`
	Time      time.Time     `json:"time"`
	Event     string        `json:"event,omitempty"`
	Group     string        `json:"group,omitempty"`
	Process   string        `json:"process,omitempty"`
	PID       int           `json:"pid,omitempty"`
	FromState string        `json:"from_state,omitempty"`
	Expected  bool          `json:"expected,omitempty"`
	Reason    string        `json:"reason,omitempty"`
	Uptime    time.Duration `json:"uptime,omitempty"`
	Recovery  bool          `json:"recovery,omitempty"`
}

// Occurrence returns the facts of a message that is one event's own.
func (m Message) Occurrence() Occurrence {
	return Occurrence{
		ID: m.ID, Time: m.Time, Event: m.Event, Group: m.Group, Process: m.Process, PID: m.PID,
		FromState: m.FromState, Expected: m.Expected, Reason: m.Reason, Uptime: m.Uptime, Recovery: m.Recovery,
	}
}

// Namespec returns the name under which Supervisor's users know a process:
// group:process, or the process alone where its group has the same name.
func (o Occurrence) Namespec() string {
	if o.Group == "" || o.Group == o.Process {
		return o.Process
	}
	return o.Group + ":" + o.Process
}

// Count returns how many events the message stands for, at least 1.
func (m Message) Count() int { return max(1, len(m.Events)) }

// Notifier delivers messages to one service.
type Notifier interface {
	// Notify delivers m once, to m.To, and returns when the service has
	// accepted it, has refused it, or ctx is done. It never retries.
	//
	// nil means accepted. A *PermanentError means that no repetition can help.
	// All other errors are taken for temporary; a *TemporaryError among them
	// says more about when to try again. No error holds a secret.
	Notify(ctx context.Context, m Message) error
}

// NotifierFunc makes a function a Notifier.
type NotifierFunc func(ctx context.Context, m Message) error

// Notify calls f.
func (f NotifierFunc) Notify(ctx context.Context, m Message) error { return f(ctx, m) }
