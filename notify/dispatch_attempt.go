package notify

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// attempt sends one message for events and notes what came of it.
func (r *dispatch) attempt(ctx context.Context, l *runningLane, events []waiting) {
	events, messages := r.read(events)
	if len(events) == 0 {
		return
	}
	m := r.compose(messages)
	m.To = l.to
	start := time.Now()
	l.Sends = append(l.Sends, start)
	r.save()
	attemptCtx, cancel := context.WithTimeout(ctx, cmp.Or(max(r.Timeout, 0), DefaultTimeout))
	err := r.Notifier.Notify(attemptCtx, m)
	cancel()

	log := r.log.With("id", m.ID, "events", len(events), "to", m.To)
	switch {
	case err == nil:
		log.Info("sent", "subject", m.Subject, "failures_before", l.failures)
		r.settle(l, events, Delivered, "")
		l.sent(events, time.Now(), r.Policy.Recovered > 0)
		l.retry, l.doubts = retry{}, 0
	case l.hopeless(err):
		log.Error("message refused for good; its events are set aside", "err", err)
		r.settle(l, events, Refused, err.Error())
		l.retry, l.doubts = retry{}, 0
	default:
		r.postpone(log, l, err, start)
	}
	r.save()
}

// read returns the messages of events, without those that are gone. Of many it
// keeps what a Digest needs: the facts of each, and one log.
func (r *dispatch) read(events []waiting) ([]waiting, []Message) {
	var there []waiting
	var messages []Message
	logged := -1 // which has a log
	for _, e := range events {
		entry, err := r.Queue.Peek(e.name)
		if err != nil {
			delete(r.events, e.name) // it is gone, or looked at again
			continue
		}
		m := entry.Message
		if len(events) > 1 {
			m.Body = ""
		}
		if m.Log != "" {
			if logged >= 0 {
				messages[logged].Log = ""
			}
			logged = len(messages)
		}
		there, messages = append(there, e), append(messages, m)
	}
	return there, messages
}

func (l *runningLane) hopeless(err error) bool {
	var permanent *PermanentError
	if errors.As(err, &permanent) {
		return true
	}
	var temporary *TemporaryError
	if errors.As(err, &temporary) && temporary.GiveUpAfter > 0 {
		l.doubts++
		return l.doubts >= temporary.GiveUpAfter
	}
	l.doubts = 0
	return false
}

// postpone decides when to try again after a temporary failure of an attempt
// that began at start.
func (r *dispatch) postpone(log *slog.Logger, l *runningLane, err error, start time.Time) {
	l.failures++
	now := time.Now()
	l.due = later(start.Add(pause(l.failures, r.random)), now.Add(minPause))
	var temporary *TemporaryError
	if errors.As(err, &temporary) && temporary.RetryAfter > 0 {
		l.due = now.Add(temporary.RetryAfter)
	}
	log.Warn("cannot deliver a message; trying again", "err", err, "failures", l.failures,
		"retry_in", l.due.Sub(now).Round(time.Millisecond))
}

// settle notes an outcome for events and takes them out of the index.
func (r *dispatch) settle(l *runningLane, events []waiting, outcome Outcome, reason string) {
	names := make([]string, len(events))
	for i, e := range events {
		names[i] = e.name
	}
	err := r.Queue.SettleAll(names, l.to, outcome, reason)
	if err != nil {
		r.log.Error("cannot note the outcome; after a restart the message may be sent again", "err", err)
	}
	for _, name := range names {
		if err != nil {
			l.unnoted[name] = verdict{outcome, reason}
			continue
		}
		e := r.events[name]
		e.targets = slices.DeleteFunc(slices.Clone(e.targets), func(to string) bool { return to == l.to })
		r.events[name] = e
	}
}

// noteAgain notes what could not be noted before.
func (r *dispatch) noteAgain(l *runningLane) {
	for name, n := range l.unnoted {
		if err := r.Queue.SettleAll([]string{name}, l.to, n.outcome, n.reason); err != nil {
			return
		}
		delete(l.unnoted, name)
		delete(r.events, name) // looked at again if it is still there
	}
}

// compose writes the message for events and gives it its ID: that of the
// event, or one that the same events always have.
func (r *dispatch) compose(events []Message) Message {
	compose := r.Compose
	if compose == nil {
		compose = Composer{MaxBytes: LimitsOf(r.Notifier).MaxBytes}.Compose
	}
	m := compose(events)
	m.ID = events[0].ID
	if len(events) == 1 {
		return m
	}
	h := sha256.New()
	m.Events = make([]Occurrence, len(events))
	for i, e := range events {
		m.Events[i] = e.Occurrence()
		_, _ = fmt.Fprintf(h, "%q ", e.ID)
	}
	m.ID = hex.EncodeToString(h.Sum(nil)[:16])
	return m
}
