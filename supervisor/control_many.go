package supervisor

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"
)

// sameTime is how long after one another the processes of a request may be
// done and still be listed in their own order. It is the time after which the
// reference looks again.
const sameTime = 50 * time.Millisecond

// StartGroup starts the processes of a group that do not run, and with wait
// returns when each is RUNNING or has failed. The results are in the order in
// which they came to be known, and those of about the same time in the order
// of the processes' priorities. The error is a Fault BAD_NAME or
// SHUTDOWN_STATE.
func (d *Daemon) StartGroup(ctx context.Context, name string, wait bool) ([]Result, error) {
	return d.each(ctx, d.inGroup(name), d.starting(wait))
}

// StartAll is StartGroup for every group.
func (d *Daemon) StartAll(ctx context.Context, wait bool) ([]Result, error) {
	return d.each(ctx, d.everywhere, d.starting(wait))
}

// StopGroup stops the processes of a group that run, and with wait returns
// when all have ended. The error is a Fault BAD_NAME or SHUTDOWN_STATE.
func (d *Daemon) StopGroup(ctx context.Context, name string, wait bool) ([]Result, error) {
	return d.each(ctx, d.inGroup(name), d.stoppingAction(wait))
}

// StopAll is StopGroup for every group.
func (d *Daemon) StopAll(ctx context.Context, wait bool) ([]Result, error) {
	return d.each(ctx, d.everywhere, d.stoppingAction(wait))
}

// SignalGroup sends a signal to the processes of a group that can take one.
// The error is a Fault BAD_NAME or SHUTDOWN_STATE.
func (d *Daemon) SignalGroup(ctx context.Context, name, signal string) ([]Result, error) {
	return d.each(ctx, d.inGroup(name), d.signalling(signal))
}

// SignalAll is SignalGroup for every group.
func (d *Daemon) SignalAll(ctx context.Context, signal string) ([]Result, error) {
	return d.each(ctx, d.everywhere, d.signalling(signal))
}

// inGroup selects the processes of one group.
func (d *Daemon) inGroup(name string) func() ([]*proc, error) {
	return func() ([]*proc, error) {
		g := d.groups[name]
		if g == nil {
			return nil, NewFault(FaultBadName, name)
		}
		return g.byPriority(), nil
	}
}

// everywhere selects all processes.
func (d *Daemon) everywhere() ([]*proc, error) { return d.byPriority(), nil }

// attempt is the part of an action on several processes that concerns one.
type attempt struct {
	p    *proc
	wait *waiter
	err  error // settled before there was anything to wait for
	// round tells how many times sameTime it took.
	round time.Duration
}

// each carries an action out on all selected processes that it fits, in the
// order of the selection and without waiting for one before it begins the
// next. The results are in the order in which they came to be known.
func (d *Daemon) each(ctx context.Context, selected func() ([]*proc, error), a action) ([]Result, error) {
	var tries []*attempt
	err := d.ask(ctx, func() error {
		ps, err := selected()
		for _, p := range ps {
			if a.fits(p.st.State) {
				tries = append(tries, &attempt{p: p, wait: d.newWaiter()})
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if a.check != nil {
		for _, t := range tries {
			t.err = a.check(t.p)
		}
	}
	err = d.ask(ctx, func() error {
		for _, t := range tries {
			if t.err == nil {
				t.err = a.begin(t.p, Namespec(t.p.group.cfg.Name, t.p.cfg.Name), t.wait)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, t := range tries {
		if t.err != nil {
			continue
		}
		t.err = d.wait(ctx, t.wait)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		t.round = t.wait.took / sameTime
	}
	slices.SortStableFunc(tries, func(a, b *attempt) int { return cmp.Compare(a.round, b.round) })
	results := make([]Result, 0, len(tries))
	for _, t := range tries {
		results = append(results, result(t.p, t.err))
	}
	return results, nil
}

// result describes the outcome for one process.
func result(p *proc, err error) Result {
	r := Result{Name: p.cfg.Name, Group: p.group.cfg.Name, Status: FaultSuccess, Description: "OK"}
	if err != nil {
		r.Status, r.Description = FaultFailed, err.Error()
		if f, ok := errors.AsType[*Fault](err); ok {
			r.Status, r.Description = f.Code, f.Text
		}
	}
	return r
}
