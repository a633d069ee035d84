package notify

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Pacer is a Notifier that sends through another one no faster than the
// service takes: a message waits for its turn. So a limit is kept, instead of
// found out by being refused.
//
// A small burst goes out at once, a quarter of what the service takes in its
// period, and the rest evenly. However a service counts, by fixed or sliding
// periods, it never sees more than its limit in one, because time in which a
// message is under way does not count.
//
// Where the service asks to be left alone for a time (TemporaryError.RetryAfter),
// nothing is sent before.
//
// A Pacer is used by any number of goroutines; each service should have one.
type Pacer struct {
	next   Notifier
	limits Limits
	turn   chan struct{} // holds a value while a message is under way

	mu    sync.Mutex
	state PacerState
}

// PacerState is what a Pacer must remember. A program that saves it, as JSON,
// and restores it keeps the limits over a restart. The zero state is that of a
// service that was left alone for long.
type PacerState struct {
	// Second and Minute are when the service will have forgotten everything
	// that was sent, by the limit of that period.
	Second time.Time `json:"second,omitzero"`
	Minute time.Time `json:"minute,omitzero"`
	// Blocked is until when the service asked to be left alone.
	Blocked time.Time `json:"blocked,omitzero"`
}

// NewPacer returns a Notifier that sends through next within limits, which are
// often LimitsOf(next).
func NewPacer(next Notifier, limits Limits) *Pacer {
	return &Pacer{next: next, limits: limits, turn: make(chan struct{}, 1)}
}

// Limits implements Limited.
func (p *Pacer) Limits() Limits { return p.limits }

// State returns what is to be saved.
func (p *Pacer) State() PacerState {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state
}

// Restore sets what was saved. It is to be called before Notify. Times that
// lie further ahead than they can, because the clock was set back, are cut.
func (p *Pacer) Restore(s PacerState) {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state = PacerState{
		Second:  earlier(s.Second, now.Add(time.Second)),
		Minute:  earlier(s.Minute, now.Add(time.Minute)),
		Blocked: earlier(s.Blocked, now.Add(maxRestored)),
	}
}

// maxRestored is how long a service's wish to be left alone lives on over a
// restart.
const maxRestored = time.Hour

// Check implements Checker.
func (p *Pacer) Check(ctx context.Context) error {
	if c, ok := p.next.(Checker); ok {
		return c.Check(ctx)
	}
	return nil
}

// Notify implements Notifier. It waits for its turn at most for half the time
// that ctx leaves; where that is too short it sends nothing and returns a
// *TemporaryError that says when to come again.
func (p *Pacer) Notify(ctx context.Context, m Message) error {
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return fmt.Errorf("wait for the message before: %w", ctx.Err())
	}
	if err := p.wait(ctx); err != nil {
		return err
	}
	p.take(time.Now())
	start := time.Now()
	err := p.next.Notify(ctx, m)
	p.took(start, time.Now(), err)
	return err
}

// wait returns when a message may be sent, or why it may not.
func (p *Pacer) wait(ctx context.Context) error {
	now := time.Now()
	due, blocked := p.due(now)
	left := due.Sub(now)
	if left <= 0 {
		return nil
	}
	if deadline, ok := ctx.Deadline(); blocked || ok && left > deadline.Sub(now)/2 {
		return &TemporaryError{
			Err:        fmt.Errorf("wait for the service's rate limit: %v to go", left.Round(time.Millisecond)),
			RetryAfter: left,
		}
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for the service's rate limit: %w", ctx.Err())
	}
}

// due returns when the next message may be sent, and whether that is so late
// because the service asked for it.
func (p *Pacer) due(now time.Time) (due time.Time, blocked bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	second := paceOf(p.limits.PerSecond, time.Second).due(p.state.Second)
	minute := paceOf(p.limits.PerMinute, time.Minute).due(p.state.Minute)
	due = later(second, minute)
	if p.state.Blocked.After(due) {
		return p.state.Blocked, p.state.Blocked.After(now)
	}
	return due, false
}

// take counts a message that is sent now.
func (p *Pacer) take(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state.Second = paceOf(p.limits.PerSecond, time.Second).take(p.state.Second, now)
	p.state.Minute = paceOf(p.limits.PerMinute, time.Minute).take(p.state.Minute, now)
}

// took notes what came of a message. The service may have counted it at any
// moment since start, so that this time does not count for it.
func (p *Pacer) took(start, end time.Time, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, full := range []*time.Time{&p.state.Second, &p.state.Minute} {
		if !full.IsZero() {
			*full = full.Add(end.Sub(start))
		}
	}
	var temporary *TemporaryError
	if errors.As(err, &temporary) && temporary.RetryAfter > 0 && !temporary.MessageOnly {
		p.state.Blocked = later(p.state.Blocked, end.Add(temporary.RetryAfter))
	}
}

// pace is a token bucket: burst messages at once, then one each step. Its
// level is kept as the time at which it will be full again.
type pace struct {
	burst int
	step  time.Duration // 0 for no limit
}

// paceOf returns the bucket that lets at most n messages through in any
// period: burst at its beginning, and one after each step but the last.
func paceOf(n int, period time.Duration) pace {
	if n <= 0 {
		return pace{}
	}
	burst := max(1, n/4)
	steps := time.Duration(n - burst + 1)
	return pace{burst: burst, step: (period + steps - 1) / steps} // rounded up
}

// due returns when a bucket has a token; the zero time for any moment.
func (p pace) due(full time.Time) time.Time {
	if full.IsZero() {
		return full
	}
	return full.Add(-time.Duration(p.burst-1) * p.step)
}

// take returns when the bucket is full again after a token was taken.
func (p pace) take(full, now time.Time) time.Time {
	if p.step == 0 {
		return time.Time{}
	}
	return later(full, now).Add(p.step)
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
