package notify

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"time"
)

// Dispatcher takes messages from a Backlog and gives them to a Notifier as
// its Policy says: what belongs together, or came too fast, goes out as one
// message that names each event. A Deliverer, in contrast, sends each message
// as it is.
//
// Events stay in the Backlog until the message that holds them is delivered or
// refused. So a kill loses none; one between the service's answer and the note
// of it makes the same message be sent once more. While the service is down
// they are put together anew for each attempt: when it is back, it gets one
// message and not a backlog of them.
//
// Attempts are repeated as a Deliverer's are, for each target on its own.
type Dispatcher struct {
	Queue    Backlog
	Notifier Notifier
	Policy   Policy
	// Compose writes the message for events, oldest first; nil stands for
	// Digest's. ID, Events and To are set by the Dispatcher.
	Compose func(events []Message) Message
	// Store keeps what must survive a restart: when messages were sent, and
	// about what. nil is for none.
	Store Store
	// Begin, when not nil, is called when this process holds the queue, before
	// the first message. ctx ends with Run.
	Begin func(ctx context.Context)
	// Log hears of failures and of messages that were sent; nil stands for
	// slog.Default().
	Log *slog.Logger
	// Timeout bounds one attempt; 0 stands for DefaultTimeout.
	Timeout time.Duration
	// StopTimeout is how long Run goes on after its context is done.
	StopTimeout time.Duration
	// Random returns numbers from [0, 1) for the jitter; nil stands for
	// math/rand.
	Random func() float64

	clock systemClock
}

// Store keeps a few bytes over a restart.
type Store interface {
	// Load returns what was saved last; nil where nothing was.
	Load() ([]byte, error)
	Save(data []byte) error
}

const (
	// look is how often a Dispatcher looks for what another process has put,
	// and whether a silence has changed.
	look = 2 * time.Second
	// Where a look takes long, because much waits, the time to the next one is
	// idle times as long, but never more than maxLook.
	idle    = 1000
	maxLook = 20 * time.Second
	// crowd is how many waiting events make passes rarer, and pause by how much.
	crowd      = 200
	crowdPause = 100 * time.Millisecond
)

// Run sends until ctx is done. Then it sends what still waits, for company or
// for its turn, but not what quiet hours, silences and limits hold back, until
// the service fails or StopTimeout has passed. It returns how many events are
// left in the queue.
func (d *Dispatcher) Run(ctx context.Context) (left int) {
	r := d.newRun()
	attempts, cancel := outlive(ctx, d.StopTimeout)
	defer cancel()
	release, ok := r.hold(ctx)
	if ok {
		defer release()
		r.load()
		if d.Begin != nil {
			beside, end := context.WithCancel(context.WithoutCancel(ctx))
			defer end()
			d.Begin(beside)
		}
		for ctx.Err() == nil {
			next := r.pass(attempts, ctx.Done(), false)
			r.wait(ctx, next)
		}
		for _, l := range r.lanes {
			l.retry = retry{}
		}
		r.pass(attempts, nil, true)
	}
	names, err := d.Queue.Waiting()
	if err != nil {
		r.log.Warn("cannot list the messages that are left", "err", err)
	}
	return len(names)
}

// outlive returns a context that ends d after ctx.
func outlive(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel()
		case <-longer.Done():
		}
	})
	return longer, func() { stop(); cancel() }
}

// dispatch is the state of one Dispatcher.Run: it is used by one goroutine.
type dispatch struct {
	*Dispatcher
	log    *slog.Logger
	random func() float64
	pacer  *Pacer // nil where the Notifier is none
	// events are those that wait, by the queue's names.
	events map[string]indexed
	// lanes are the targets, by their names.
	lanes map[string]*runningLane
	// unsaved tells that the last Save failed, which is logged once.
	unsaved bool
	passed  time.Time     // the end of the last pass
	effort  time.Duration // what it took
}

// indexed is what is kept in memory of a waiting message.
type indexed struct {
	waiting
	targets []string // those that are pending
}

type runningLane struct {
	lane
	to string
	retry
	// doubts counts attempts in a row whose error said GiveUpAfter.
	doubts int
	// pressed tells that the pacer has held up the next message.
	pressed bool
	// unnoted are outcomes that could not be noted yet.
	unnoted map[string]verdict
}

type verdict struct {
	outcome Outcome
	reason  string
}

func (d *Dispatcher) newRun() *dispatch {
	r := &dispatch{
		Dispatcher: d, log: cmp.Or(d.Log, slog.Default()), random: randomOr(d.Random),
		events: make(map[string]indexed), lanes: make(map[string]*runningLane),
	}
	r.pacer, _ = d.Notifier.(*Pacer)
	return r
}

// hold waits until no other process delivers from the queue. ok is false when
// ctx is done before.
func (r *dispatch) hold(ctx context.Context) (release func(), ok bool) {
	for told := false; ctx.Err() == nil; told = true {
		release, ok, err := r.Queue.Hold()
		switch {
		case err != nil && !told:
			r.log.Warn("cannot take hold of the queue; trying on", "err", err)
		case err == nil && ok:
			return release, true
		case err == nil && !told:
			r.log.Info("another process delivers from this queue; standing by")
		}
		timer := time.NewTimer(look)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
	return nil, false
}

func (r *dispatch) lane(to string) *runningLane {
	l := r.lanes[to]
	if l == nil {
		l = &runningLane{to: to, unnoted: make(map[string]verdict)}
		r.lanes[to] = l
	}
	return l
}

// wait returns when there may be something to do, or ctx is done.
func (r *dispatch) wait(ctx context.Context, next time.Time) {
	now := time.Now()
	rest := look
	if len(r.events) >= crowd {
		rest = max(look, min(r.effort*idle, maxLook))
	}
	if soon := now.Add(rest); next.IsZero() || next.After(soon) {
		next = soon
	}
	timer := time.NewTimer(next.Sub(now))
	defer timer.Stop()
	select {
	case <-timer.C:
		return
	case <-ctx.Done():
		return
	case <-r.Queue.Changed():
	}
	if len(r.events) < crowd {
		return
	}
	timer.Reset(time.Until(r.passed.Add(crowdPause)))
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// pass sends what is due, until stop is closed, and returns when something
// will be due; the zero time for nothing that is known.
func (r *dispatch) pass(ctx context.Context, stop <-chan struct{}, flush bool) (next time.Time) {
	began := time.Now()
	r.refresh()
	for _, to := range slices.Sorted(maps.Keys(r.lanes)) {
		l := r.lanes[to]
		r.noteAgain(l)
		at := r.serve(ctx, stop, l, flush)
		if !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	r.passed = time.Now()
	r.effort = r.passed.Sub(began)
	return next
}

// refresh brings the index up to date with the queue.
func (r *dispatch) refresh() {
	names, err := r.Queue.Waiting()
	if err != nil {
		r.log.Warn("cannot list the waiting messages", "err", err)
		if len(names) == 0 {
			return
		}
	}
	now := r.clock.now()
	there := make(map[string]bool, len(names))
	for _, name := range names {
		there[name] = true
		if _, ok := r.events[name]; ok {
			continue
		}
		entry, err := r.Queue.Peek(name)
		if err != nil {
			if !errors.Is(err, ErrNotWaiting) {
				r.log.Warn("cannot read a message", "name", name, "err", err)
			}
			continue
		}
		what := entry.Message.Occurrence()
		e := indexed{waiting: waiting{name, now.past(what.Time), what}}
		for _, t := range entry.Targets {
			if t.Outcome == Pending {
				e.targets = append(e.targets, t.To)
				r.lane(t.To) // there is one from now on
			}
		}
		r.events[name] = e
	}
	maps.DeleteFunc(r.events, func(name string, _ indexed) bool { return !there[name] })
}

// pending returns what waits for a target, oldest first.
func (r *dispatch) pending(l *runningLane) []waiting {
	var events []waiting
	for name, e := range r.events {
		if _, done := l.unnoted[name]; !done && slices.Contains(e.targets, l.to) {
			events = append(events, e.waiting)
		}
	}
	slices.SortFunc(events, inOrder)
	return events
}

// serve sends what is due to one target.
func (r *dispatch) serve(ctx context.Context, stop <-chan struct{}, l *runningLane, flush bool) (next time.Time) {
	for {
		select {
		case <-stop:
			return time.Time{}
		default:
		}
		now := r.clock.now()
		if ctx.Err() != nil || l.due.After(now.steady) {
			return l.due
		}
		d := r.Policy.decide(&l.lane, r.pending(l), now, haste{flush: flush, pressed: l.pressed})
		if len(d.forget)+len(d.drop) > 0 {
			for _, e := range d.drop {
				r.log.Info("an event is dropped, because its process is silenced",
					"process", e.Namespec(), "event", e.Event, "pid", e.PID, "id", e.ID)
			}
			r.settle(l, append(d.forget, d.drop...), Delivered, "")
		}
		if len(d.send) == 0 {
			return d.next
		}
		if r.pacer != nil {
			if due := r.pacer.due(); due.After(now.steady) && (!flush || due.After(now.steady.Add(r.StopTimeout))) {
				l.pressed = true
				return due // more may come in until then
			}
		}
		l.pressed = false
		r.attempt(ctx, l, d.send)
	}
}
