package supervisor

import (
	"context"
	"strings"
	"time"

	"github.com/vigilance-go/vigilance/supervisor/process"
)

// reportStopEvery is the time between two "waiting for ... to stop".
const reportStopEvery = 2 * time.Second

// request is the message that somebody outside the loop wants something done
// in it.
type request struct {
	do   func()
	done chan struct{}
}

func (m request) apply(*Daemon) {
	m.do()
	close(m.done)
}

// inLoop executes do on the loop's goroutine and returns when it is done. The
// error is ctx's, or ErrStopped, and do has not been executed then. Once the
// loop has the message, which it never keeps waiting for long, the end of ctx
// makes no difference: do may write what its caller reads.
func (d *Daemon) inLoop(ctx context.Context, do func()) error {
	if err := ctx.Err(); err != nil {
		return err // below, it would be left to chance
	}
	m := request{do: do, done: make(chan struct{})}
	select {
	case d.inbox <- m:
	case <-d.done:
		return ErrStopped
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-m.done:
		return nil
	case <-d.done:
		select {
		case <-m.done: // it was the last thing that Run did
			return nil
		default:
			return ErrStopped
		}
	}
}

// ask executes do in the loop unless the daemon is going down, which the
// reference answers with SHUTDOWN_STATE whatever was asked.
func (d *Daemon) ask(ctx context.Context, do func() error) error {
	var answer error
	err := d.inLoop(ctx, func() {
		if d.mood < MoodRunning {
			answer = NewFault(FaultShutdownState, "")
			return
		}
		answer = do()
	})
	if err != nil {
		return err
	}
	return answer
}

// SplitNamespec splits a client's name for a process, "group:process",
// "group:*" or just "name" for the process of the group of that name. The
// process is empty when the whole group is meant.
func SplitNamespec(namespec string) (group, name string) {
	group, name, colon := strings.Cut(namespec, ":")
	switch {
	case !colon:
		return namespec, namespec
	case name == "*":
		return group, ""
	}
	return group, name
}

// Namespec is the name under which clients know a process.
func Namespec(group, name string) string {
	if group == name {
		return name
	}
	return group + ":" + name
}

// find looks up what a namespec means; p is nil for a whole group. The error
// is a Fault BAD_NAME.
func (d *Daemon) find(namespec string) (g *group, p *proc, err error) {
	groupName, name := SplitNamespec(namespec)
	g = d.groups[groupName]
	if g == nil {
		return nil, nil, NewFault(FaultBadName, namespec)
	}
	if name == "" {
		return g, nil, nil
	}
	for _, p := range g.procs {
		if p.cfg.Name == name {
			return g, p, nil
		}
	}
	return nil, nil, NewFault(FaultBadName, namespec)
}

// findOne is find for methods that do not take groups.
func (d *Daemon) findOne(namespec string) (*proc, error) {
	_, p, err := d.find(namespec)
	if err == nil && p == nil {
		err = NewFault(FaultBadName, namespec)
	}
	return p, err
}

// waiter waits for a process to come to a state that settles a request.
type waiter struct {
	// settled looks at the process and reports whether the wait is over.
	settled func(p *proc) (over bool, answer error)
	answer  chan error // buffered for one
	since   time.Time  // when the request came, by the steady clock
	// took is how long the answer took, not counting what went by before the
	// process was born. It is to be read after the answer.
	took time.Duration
}

// newWaiter makes a waiter that nobody has to collect.
func (d *Daemon) newWaiter() *waiter {
	return &waiter{answer: make(chan error, 1), since: d.steady(d.now())}
}

// give answers whoever waits for p.
func (d *Daemon) give(p *proc, w *waiter, answer error) {
	from := w.since
	if p.st.LastStart.After(from) {
		from = p.st.LastStart
	}
	w.took = d.steady(d.now()).Sub(from)
	w.answer <- answer
}

// await settles w now or registers it with p.
func (d *Daemon) await(p *proc, w *waiter) {
	if over, answer := w.settled(p); over {
		d.give(p, w, answer)
		return
	}
	p.waiters = append(p.waiters, w)
}

// settleWaiters ends the waits that the newest change of p settles.
func (d *Daemon) settleWaiters(p *proc) {
	if len(p.waiters) == 0 {
		return
	}
	left := p.waiters[:0]
	for _, w := range p.waiters {
		if over, answer := w.settled(p); over {
			d.give(p, w, answer)
		} else {
			left = append(left, w)
		}
	}
	clear(p.waiters[len(left):])
	p.waiters = left
}

// wait returns the answer of w.
func (d *Daemon) wait(ctx context.Context, w *waiter) error {
	select {
	case err := <-w.answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-d.done:
		return ErrStopped
	}
}

// reportStop logs that somebody waits for p to stop, now and every two
// seconds while that is so.
func (d *Daemon) reportStop(p *proc) {
	if p.st.State != process.Stopping || len(p.waiters) == 0 {
		return
	}
	d.step(p, process.Report{})
	d.timers.set(&p.report, d.now().Add(reportStopEvery))
}
