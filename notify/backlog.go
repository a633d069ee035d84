package notify

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// Backlog is a Queue that a Dispatcher can look over, to put many of its
// messages into one. While one process holds it, no other delivers from it.
type Backlog interface {
	Queue
	// Hold makes the caller the only one to deliver, until release is called or
	// the process ends. ok is false while another process holds it.
	Hold() (release func(), ok bool, err error)
	// Known tells whether a message of that ID was put before, as far back as
	// the queue remembers.
	Known(id string) bool
	// Peek returns a waiting message. The error is ErrNotWaiting where it is
	// not there, or is none.
	Peek(name string) (Entry, error)
	// SettleAll notes the same outcome for one target of many messages, which
	// leave the queue with their last target. A note that is interrupted by a
	// kill is found again by the next Hold: it counts for all of them, or for
	// none. Names that are not waiting are passed over.
	SettleAll(names []string, to string, outcome Outcome, reason string) error
}

// Hold implements Backlog: nobody else can have it.
func (q *Memory) Hold() (release func(), ok bool, err error) { return func() {}, true, nil }

// Known implements Backlog.
func (q *Memory) Known(id string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.known[id]
}

// Peek implements Backlog.
func (q *Memory) Peek(name string) (Entry, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	item := q.items[name]
	if item == nil {
		return Entry{}, ErrNotWaiting
	}
	return item.entry.Clone(), nil
}

// SettleAll implements Backlog.
func (q *Memory) SettleAll(names []string, to string, outcome Outcome, reason string) error {
	for _, name := range names {
		c, err := q.Claim(name)
		if errors.Is(err, ErrNotWaiting) {
			continue
		}
		if err == nil {
			err = settle(c, to, outcome, reason)
		}
		if err != nil {
			return fmt.Errorf("settle message %q: %w", name, err)
		}
	}
	return nil
}

// settle notes an outcome and releases the claim.
func settle(c Claim, to string, outcome Outcome, reason string) error {
	var err error
	switch outcome {
	case Delivered:
		err = c.Delivered(to)
	case Refused:
		err = c.Refused(to, reason)
	case Pending:
	}
	return errors.Join(err, c.Release())
}

// Reserves is a Backlog over two, as Fallback is a Queue over two.
type Reserves struct {
	*Fallback
	first, second Backlog
}

// NewReserves returns the Backlog that goes to second while first fails, with
// a log that hears of that. warning says what it means for the messages.
func NewReserves(first, second Backlog, log *slog.Logger, warning string) *Reserves {
	f := NewFallback(first, second, log)
	f.warning = warning
	return &Reserves{Fallback: f, first: first, second: second}
}

// Put implements Queue. A message that second has is not put into first.
func (q *Reserves) Put(m Message, to ...string) error {
	if q.second.Known(m.ID) {
		return nil
	}
	return q.Fallback.Put(m, to...)
}

// Hold implements Backlog.
func (q *Reserves) Hold() (release func(), ok bool, err error) {
	release1, ok, err := q.first.Hold()
	if err != nil || !ok {
		return nil, false, err
	}
	release2, ok, err := q.second.Hold()
	if err != nil || !ok {
		release1()
		return nil, false, err
	}
	return func() { release2(); release1() }, true, nil
}

// Known implements Backlog.
func (q *Reserves) Known(id string) bool { return q.first.Known(id) || q.second.Known(id) }

// Peek implements Backlog.
func (q *Reserves) Peek(name string) (Entry, error) {
	if rest, ok := strings.CutPrefix(name, firstMark); ok {
		return q.first.Peek(rest)
	}
	return q.second.Peek(strings.TrimPrefix(name, secondMark))
}

// SettleAll implements Backlog.
func (q *Reserves) SettleAll(names []string, to string, outcome Outcome, reason string) error {
	var first, second []string
	for _, name := range names {
		if rest, ok := strings.CutPrefix(name, firstMark); ok {
			first = append(first, rest)
		} else {
			second = append(second, strings.TrimPrefix(name, secondMark))
		}
	}
	var err1, err2 error
	if len(first) > 0 {
		err1 = q.first.SettleAll(first, to, outcome, reason)
	}
	if len(second) > 0 {
		err2 = q.second.SettleAll(second, to, outcome, reason)
	}
	return errors.Join(err1, err2)
}
