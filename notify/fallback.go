package notify

import (
	"log/slog"
	"strings"
	"sync/atomic"
)

// Fallback is a Queue over two: messages go to the first, and to the second
// while the first cannot take them, as a spool on a full disk. What is in
// either is delivered.
type Fallback struct {
	first, second Queue
	log           *slog.Logger
	warning       string
	changed       chan struct{}
	failing       atomic.Bool
}

// NewFallback returns a queue over first and second. It tells log once when
// first stops taking messages, and once when it takes them again.
func NewFallback(first, second Queue, log *slog.Logger) *Fallback {
	return &Fallback{
		first: first, second: second, log: log, changed: make(chan struct{}, 1),
		warning: "cannot keep messages on disk; until that works they are kept in memory, and lost if the process is killed",
	}
}

// The marks that tell whose name it is.
const (
	firstMark  = "1:"
	secondMark = "2:"
)

// Put implements Queue.
func (q *Fallback) Put(m Message, to ...string) error {
	err := q.first.Put(m, to...)
	if err == nil {
		if q.failing.Swap(false) {
			q.log.Info("messages are kept on disk again")
		}
		q.signal()
		return nil
	}
	if !q.failing.Swap(true) {
		q.log.Warn(q.warning, "err", err)
	}
	err = q.second.Put(m, to...)
	q.signal()
	return err
}

// Waiting implements Queue.
func (q *Fallback) Waiting() ([]string, error) {
	first, err := q.first.Waiting()
	second, err2 := q.second.Waiting()
	names := make([]string, 0, len(first)+len(second))
	for _, name := range first {
		names = append(names, firstMark+name)
	}
	for _, name := range second {
		names = append(names, secondMark+name)
	}
	if err == nil {
		err = err2
	}
	return names, err
}

// Claim implements Queue.
func (q *Fallback) Claim(name string) (Claim, error) {
	if rest, ok := strings.CutPrefix(name, firstMark); ok {
		return q.first.Claim(rest)
	}
	return q.second.Claim(strings.TrimPrefix(name, secondMark))
}

// Changed implements Queue.
func (q *Fallback) Changed() <-chan struct{} { return q.changed }

func (q *Fallback) signal() {
	select {
	case q.changed <- struct{}{}:
	default:
	}
}
