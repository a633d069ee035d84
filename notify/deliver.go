package notify

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"time"
)

// Defaults of a Deliverer.
const (
	DefaultTimeout = 30 * time.Second
	// rescan is how often a queue is looked through for messages that another
	// process has put there and can no longer deliver.
	rescan = 30 * time.Second
)

// Deliverer takes messages from a Queue and gives them to a Notifier, one at
// a time, until each is delivered or refused.
//
// A temporary failure makes the whole channel wait, for the service is likely
// to be down: 1 s, then twice as long each time with some jitter, and never
// more than 30 s from one attempt to the next. The message with the fewest
// attempts goes first, so that one that always fails holds up no other. A
// failure that is the message's own (TemporaryError.MessageOnly) makes only
// that message wait. A permanent failure settles the target with the reason
// and is logged as an error.
type Deliverer struct {
	Queue    Queue
	Notifier Notifier
	// Log hears of failures; nil stands for slog.Default().
	Log *slog.Logger
	// Timeout bounds one attempt; 0 stands for DefaultTimeout.
	Timeout time.Duration
	// StopTimeout is how long Run goes on after its context is done, to deliver
	// what can be delivered.
	StopTimeout time.Duration
	// Random returns numbers from [0, 1) for the jitter; nil stands for
	// math/rand.
	Random func() float64
}

// Run delivers until ctx is done. Then it gives each waiting message one more
// attempt, until the service fails or StopTimeout has passed, and returns how
// many messages are left in the queue. An attempt that is under way is
// finished within StopTimeout.
func (d *Deliverer) Run(ctx context.Context) (left int) {
	r := d.newRun()
	attempts, cancel := outlive(ctx, d.StopTimeout)
	defer cancel()
	for ctx.Err() == nil {
		r.pass(attempts, ctx.Done())
		r.wait(ctx)
	}
	r.channel = retry{}
	clear(r.messages)
	r.pass(attempts, nil)
	names, err := d.Queue.Waiting()
	if err != nil {
		r.log.Warn("cannot list the messages that are left", "err", err)
	}
	return len(names)
}

// key is one target of one message in the queue.
type key struct{ name, to string }

// retry is what is remembered about failures in a row. The zero retry has
// none and may be tried at once.
type retry struct {
	failures int
	unclear  int // those of them with a limit (TemporaryError.GiveUpAfter)
	due      time.Time
}

// run is the state of one Deliverer.Run: it is used by one goroutine.
type run struct {
	*Deliverer
	log      *slog.Logger
	random   func() float64
	channel  retry
	messages map[key]retry
}

func (d *Deliverer) newRun() *run {
	r := &run{Deliverer: d, log: d.Log, random: randomOr(d.Random), messages: make(map[key]retry)}
	if r.log == nil {
		r.log = slog.Default()
	}
	return r
}

// wait returns when there may be something to do, or ctx is done.
func (r *run) wait(ctx context.Context) {
	next := time.Now().Add(rescan)
	for _, m := range r.messages {
		if !m.due.IsZero() && m.due.Before(next) {
			next = m.due
		}
	}
	changed := r.Queue.Changed()
	if !r.channel.due.IsZero() {
		// Nothing is tried before, whatever comes in.
		next, changed = r.channel.due, nil
	}
	timer := time.NewTimer(time.Until(next))
	defer timer.Stop()
	select {
	case <-timer.C:
		r.channel.due = time.Time{}
	case <-changed:
	case <-ctx.Done():
	}
}

// pass tries each waiting message that is due once, until the channel fails
// or stop is closed.
func (r *run) pass(ctx context.Context, stop <-chan struct{}) {
	names, err := r.Queue.Waiting()
	if err != nil {
		r.log.Warn("cannot list the waiting messages", "err", err)
	}
	r.forget(names)
	// Those with the fewest attempts first, then the oldest.
	tries := make(map[string]int)
	for k, m := range r.messages {
		tries[k.name] = max(tries[k.name], m.failures)
	}
	slices.SortStableFunc(names, func(a, b string) int { return tries[a] - tries[b] })
	for _, name := range names {
		select {
		case <-stop:
			return
		default:
		}
		if ctx.Err() != nil || r.channel.due.After(time.Now()) {
			return
		}
		r.try(ctx, name)
	}
}

// forget drops what is remembered of messages that are no longer there.
func (r *run) forget(names []string) {
	if len(r.messages) == 0 {
		return
	}
	there := make(map[string]bool, len(names))
	for _, name := range names {
		there[name] = true
	}
	for k := range r.messages {
		if !there[k.name] {
			delete(r.messages, k)
		}
	}
}

// try claims a message and gives each target that is due one attempt.
func (r *run) try(ctx context.Context, name string) {
	claim, err := r.Queue.Claim(name)
	if err != nil {
		if !errors.Is(err, ErrNotWaiting) {
			r.log.Warn("cannot claim a message", "name", name, "err", err)
		}
		// Another process has it: only the next rescan looks at it again.
		maps.DeleteFunc(r.messages, func(k key, _ retry) bool { return k.name == name })
		return
	}
	defer func() {
		if err := claim.Release(); err != nil {
			r.log.Warn("cannot release a message", "name", name, "err", err)
		}
	}()
	entry := claim.Entry()
	for _, t := range entry.Targets {
		if t.Outcome != Pending || r.messages[key{name, t.To}].due.After(time.Now()) {
			continue
		}
		if ctx.Err() != nil || r.channel.due.After(time.Now()) {
			return
		}
		m := entry.Message
		m.To = t.To
		r.attempt(ctx, claim, key{name, t.To}, m)
	}
}

// attempt calls the Notifier once and notes what came of it.
func (r *run) attempt(ctx context.Context, claim Claim, k key, m Message) {
	timeout := r.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	start := time.Now()
	attemptCtx, cancel := context.WithTimeout(ctx, timeout)
	err := r.Notifier.Notify(attemptCtx, m)
	cancel()

	log := r.log.With("id", m.ID, "process", m.Process, "to", m.To)
	switch {
	case err == nil:
		note(log, claim.Delivered(m.To))
		delete(r.messages, k)
		if r.channel.failures > 0 {
			log.Info("the service takes messages again", "after_failures", r.channel.failures)
		}
		r.channel = retry{}
	case r.hopeless(k, err):
		log.Error("message refused for good; it is set aside", "err", err)
		note(log, claim.Refused(m.To, err.Error()))
		delete(r.messages, k)
		r.channel = retry{}
	default:
		r.postpone(log, k, err, start)
	}
}

// hopeless tells whether an error ends the attempts for a target.
func (r *run) hopeless(k key, err error) bool {
	var permanent *PermanentError
	if errors.As(err, &permanent) {
		return true
	}
	var temporary *TemporaryError
	return errors.As(err, &temporary) && temporary.GiveUpAfter > 0 && r.messages[k].unclear+1 >= temporary.GiveUpAfter
}

// postpone decides when to try again after a temporary failure of an attempt
// that began at start.
func (r *run) postpone(log *slog.Logger, k key, err error, start time.Time) {
	m := r.messages[k]
	m.failures++
	which, own := &r.channel, false
	var temporary *TemporaryError
	if errors.As(err, &temporary) && temporary.GiveUpAfter > 0 {
		m.unclear++
	}
	if temporary != nil && temporary.MessageOnly {
		which, own = &m, true
		r.channel = retry{}
	} else {
		r.channel.failures++
	}
	now := time.Now()
	which.due = start.Add(pause(which.failures, r.random))
	if soonest := now.Add(minPause); which.due.Before(soonest) {
		which.due = soonest // the attempt itself took that long
	}
	if temporary != nil && temporary.RetryAfter > 0 {
		which.due = now.Add(temporary.RetryAfter)
	}
	r.messages[k] = m
	log.Warn("cannot deliver a message; trying again", "err", err, "message_only", own,
		"failures", which.failures, "retry_in", which.due.Sub(now).Round(time.Millisecond))
}

// note reports an outcome that could not be noted.
func note(log *slog.Logger, err error) {
	if err != nil {
		log.Error("cannot note the outcome; after a restart the message may be sent again", "err", err)
	}
}
