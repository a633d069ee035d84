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
// Where several processes send to a service, Share lets them keep its limits
// together.
type Pacer struct {
	next   Notifier
	limits Limits
	turn   chan struct{} // holds a value while a message is under way
	shared SharedPace    // nil for none
	clock  systemClock

	mu    sync.Mutex
	state PacerState // of the steady clock
	// known is what is shared, as it was found or left the last time.
	known PacerState
}

// PacerState is what a Pacer must remember. A program that saves it, as JSON,
// and restores it keeps the limits over a restart. The zero state is that of a
// service that was left alone for long. Its times are the system's clock's.
type PacerState struct {
	// Second and Minute are when the service will have forgotten everything
	// that was sent, by the limit of that period.
	Second time.Time `json:"second,omitzero"`
	Minute time.Time `json:"minute,omitzero"`
	// Blocked is until when the service asked to be left alone.
	Blocked time.Time `json:"blocked,omitzero"`
}

// SharedPace keeps a PacerState that several processes have in common.
type SharedPace interface {
	// Update replaces the state by what change makes of it, while no other
	// process does. It returns an error only where it has not called change; what
	// cannot be kept then is forgotten.
	Update(change func(PacerState) PacerState) error
}

// NewPacer returns a Notifier that sends through next within limits, which are
// often LimitsOf(next).
func NewPacer(next Notifier, limits Limits) *Pacer {
	return &Pacer{next: next, limits: limits, turn: make(chan struct{}, 1)}
}

// Limits implements Limited.
func (p *Pacer) Limits() Limits { return p.limits }

// Share makes the Pacer keep the limits together with all others that share the
// same state. Where that is out of reach, it keeps them by itself. It is to be
// called before Notify.
func (p *Pacer) Share(state SharedPace) { p.shared = state }

// State returns what is to be saved.
func (p *Pacer) State() PacerState {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state.each(p.clock.now().tell)
}

// Restore sets what was saved. It is to be called before Notify. Times that
// lie further ahead than they can, because the clock was set back, are cut.
// Where it is set later, nothing waits longer or shorter.
func (p *Pacer) Restore(s PacerState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock.now()
	p.state = s.possible(now.system).each(now.place)
}

// each returns the state with other times.
func (s PacerState) each(of func(time.Time) time.Time) PacerState {
	return PacerState{Second: of(s.Second), Minute: of(s.Minute), Blocked: of(s.Blocked)}
}

func (s PacerState) equal(o PacerState) bool {
	return s.Second.Equal(o.Second) && s.Minute.Equal(o.Minute) && s.Blocked.Equal(o.Blocked)
}

// possible returns the state without times that lie further ahead than they
// can.
func (s PacerState) possible(now time.Time) PacerState {
	return PacerState{
		Second:  earlier(s.Second, now.Add(time.Second)),
		Minute:  earlier(s.Minute, now.Add(time.Minute)),
		Blocked: earlier(s.Blocked, now.Add(maxRestored)),
	}
}

// update replaces the state, that which is shared as well. What is shared is
// by the system's clock, so that it means something only to what others have
// sent since it was seen last: all before is known, by the steady clock.
func (p *Pacer) update(now moment, change func(PacerState) PacerState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	merge := func(shared PacerState) PacerState {
		if !shared.equal(p.known) {
			others := shared.possible(now.system).each(now.place)
			p.state = PacerState{
				Second:  later(p.state.Second, others.Second),
				Minute:  later(p.state.Minute, others.Minute),
				Blocked: later(p.state.Blocked, others.Blocked),
			}
		}
		before := p.state
		p.known, p.state = shared, change(before)
		if !p.state.equal(before) {
			p.known = p.state.each(now.tell)
		}
		return p.known
	}
	if p.shared == nil || p.shared.Update(merge) != nil {
		p.state = change(p.state)
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
	start := p.clock.now()
	err := p.next.Notify(ctx, m)
	p.took(start, p.clock.now(), err)
	return err
}

// wait counts a message and returns when it may be sent, or why it may not.
func (p *Pacer) wait(ctx context.Context) error {
	for {
		now := p.clock.now()
		due, blocked := p.take(now)
		left := due.Sub(now.steady)
		if left <= 0 {
			return nil
		}
		if deadline, ok := ctx.Deadline(); blocked || ok && left > deadline.Sub(now.steady)/2 {
			return &TemporaryError{
				Err:        fmt.Errorf("wait for the service's rate limit: %v to go", left.Round(time.Millisecond)),
				RetryAfter: left,
			}
		}
		timer := time.NewTimer(left)
		select {
		case <-timer.C: // another process may have been faster: look again
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("wait for the service's rate limit: %w", ctx.Err())
		}
	}
}

// due returns when the next message may be sent, by the steady clock.
func (p *Pacer) due() (due time.Time) {
	now := p.clock.now()
	p.update(now, func(s PacerState) PacerState {
		due, _ = p.limits.due(s, now.steady)
		return s
	})
	return due
}

// take is due that counts a message where it may be sent now, and tells whether
// it may not because the service asked for that.
func (p *Pacer) take(now moment) (due time.Time, blocked bool) {
	p.update(now, func(s PacerState) PacerState {
		if due, blocked = p.limits.due(s, now.steady); !due.After(now.steady) {
			s = p.limits.take(s, now.steady)
		}
		return s
	})
	return due, blocked
}

// due returns when the next message may be sent, and whether that is so late
// because the service asked for it.
func (l Limits) due(s PacerState, now time.Time) (due time.Time, blocked bool) {
	second := paceOf(l.PerSecond, time.Second).due(s.Second)
	minute := paceOf(l.PerMinute, time.Minute).due(s.Minute)
	due = later(second, minute)
	if s.Blocked.After(due) {
		return s.Blocked, s.Blocked.After(now)
	}
	return due, false
}

// take returns a state with one more message, which is sent now, and without
// what has no meaning any more: it might lie in the future again.
func (l Limits) take(s PacerState, now time.Time) PacerState {
	if !s.Blocked.After(now) {
		s.Blocked = time.Time{}
	}
	s.Second = paceOf(l.PerSecond, time.Second).take(s.Second, now)
	s.Minute = paceOf(l.PerMinute, time.Minute).take(s.Minute, now)
	return s
}

// took notes what came of a message. The service may have counted it at any
// moment since start, so that this time does not count for it.
func (p *Pacer) took(start, end moment, err error) {
	p.update(end, func(s PacerState) PacerState {
		for _, full := range []*time.Time{&s.Second, &s.Minute} {
			if !full.IsZero() {
				*full = full.Add(end.steady.Sub(start.steady))
			}
		}
		var temporary *TemporaryError
		if errors.As(err, &temporary) && temporary.RetryAfter > 0 && !temporary.MessageOnly {
			s.Blocked = later(s.Blocked, end.steady.Add(temporary.RetryAfter))
		}
		return s
	})
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
