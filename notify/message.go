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
	// Log is the end of the program's output.
	Log string `json:"log,omitempty"`
	// Labels are further facts, as the user named them.
	Labels map[string]string `json:"labels,omitempty"`

	// To is the recipient of this copy: one of the targets that the message was
	// queued for, or empty where the service has only one. A Deliverer sets it.
	To string `json:"-"`
}

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
