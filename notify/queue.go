package notify

import "errors"

// Errors of a Queue. Find them with errors.Is.
var (
	// ErrFull is a Put that would have passed the queue's limit.
	ErrFull = errors.New("queue is full")
	// ErrNotWaiting is a Claim of a message that is settled, or that someone
	// else holds.
	ErrNotWaiting = errors.New("message is not waiting")
)

// Queue keeps messages until they are delivered. Its methods may be called
// from several goroutines; a durable one may be shared by several processes.
type Queue interface {
	// Put keeps m for each of the targets; none stands for one target without
	// a name. When it returns nil, the message survives what the queue
	// promises to survive. A message whose ID was put before is not kept again,
	// which is no error. The error is ErrFull, or the reason why m could not be
	// kept.
	Put(m Message, to ...string) error
	// Waiting returns the names of the messages that have pending targets,
	// oldest first. A name is the queue's own; it is no ID.
	Waiting() ([]string, error)
	// Claim takes hold of a message, so that nobody else delivers it. The error
	// is ErrNotWaiting where that is not to be had.
	Claim(name string) (Claim, error)
	// Changed returns a channel that receives after a Put by this process. It
	// holds at most one value; one receiver is served.
	Changed() <-chan struct{}
}

// Claim is a message that is held by this goroutine. It must be released.
type Claim interface {
	// Entry returns the message and what has become of its targets.
	Entry() Entry
	// Delivered notes that the target has been served. The note is as durable
	// as the queue, and made before Delivered returns.
	Delivered(to string) error
	// Refused notes that the target cannot be served, and why.
	Refused(to, reason string) error
	// Release gives the message back. One without pending targets leaves the
	// queue: for good where all were served, else to be set aside with the
	// reasons.
	Release() error
}

// Outcome is what has become of a target.
type Outcome int

// The outcomes.
const (
	Pending   Outcome = 0
	Delivered Outcome = 1
	Refused   Outcome = 2
)

// Target is one recipient of a queued message.
type Target struct {
	To      string
	Outcome Outcome
	Reason  string // why it was refused
}

// Entry is a queued message with its targets.
type Entry struct {
	Message Message
	Targets []Target
}

// NewEntry returns m with all of the targets pending. Targets that are named
// twice count once; none at all stand for one without a name.
func NewEntry(m Message, to ...string) Entry {
	if len(to) == 0 {
		to = []string{""}
	}
	e := Entry{Message: m}
	for _, name := range to {
		if e.index(name) < 0 {
			e.Targets = append(e.Targets, Target{To: name})
		}
	}
	return e
}

// Settle notes the outcome of a target and reports whether it was pending.
func (e *Entry) Settle(to string, outcome Outcome, reason string) bool {
	i := e.index(to)
	if i < 0 || e.Targets[i].Outcome != Pending {
		return false
	}
	e.Targets[i].Outcome, e.Targets[i].Reason = outcome, reason
	return true
}

// Count returns how many targets have the outcome.
func (e Entry) Count(outcome Outcome) int {
	n := 0
	for _, t := range e.Targets {
		if t.Outcome == outcome {
			n++
		}
	}
	return n
}

// Clone returns a copy that shares no targets with e.
func (e Entry) Clone() Entry {
	e.Targets = append([]Target(nil), e.Targets...)
	return e
}

func (e Entry) index(to string) int {
	for i, t := range e.Targets {
		if t.To == to {
			return i
		}
	}
	return -1
}
