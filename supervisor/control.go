package supervisor

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"syscall"

	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/supervisor/config"
	"github.com/vigilance-go/vigilance/supervisor/osproc"
	"github.com/vigilance-go/vigilance/supervisor/process"
)

// Result is what became of one process of a request for several.
type Result struct {
	Name, Group string
	Status      FaultCode // FaultSuccess when it went well
	Description string    // "OK", or the fault string
}

// action is something that clients do to a process, to a group or to all.
type action struct {
	// fits selects the processes of a group that the action is for.
	fits func(process.State) bool
	// check looks, off the loop, for what makes the action impossible; nil
	// for nothing.
	check func(p *proc) error
	// begin acts, in the loop, on a process that the client calls namespec.
	// It either returns a Fault or sees to it that w is answered.
	begin func(p *proc, namespec string, w *waiter) error
}

// StartProcess starts the process that namespec names, and with wait returns
// when it is RUNNING. Without wait it returns once the child exists. It does
// not take groups: see StartGroup. The error is a Fault: BAD_NAME, NO_FILE,
// NOT_EXECUTABLE, ALREADY_STARTED, FAILED, SPAWN_ERROR, ABNORMAL_TERMINATION
// or SHUTDOWN_STATE.
func (d *Daemon) StartProcess(ctx context.Context, namespec string, wait bool) error {
	return d.one(ctx, namespec, d.starting(wait))
}

// StopProcess stops the process that namespec names, and with wait returns
// when it has ended. It does not take groups: see StopGroup. The error is a
// Fault: BAD_NAME, NOT_RUNNING, FAILED or SHUTDOWN_STATE.
func (d *Daemon) StopProcess(ctx context.Context, namespec string, wait bool) error {
	return d.one(ctx, namespec, d.stoppingAction(wait))
}

// SignalProcess sends a signal, by name or number, to the process that
// namespec names. It does not take groups: see SignalGroup. The error is a
// Fault: BAD_NAME, BAD_SIGNAL, NOT_RUNNING, FAILED or SHUTDOWN_STATE.
func (d *Daemon) SignalProcess(ctx context.Context, namespec, signal string) error {
	return d.one(ctx, namespec, d.signalling(signal))
}

// one carries an action out on the process that namespec names.
func (d *Daemon) one(ctx context.Context, namespec string, a action) error {
	var p *proc
	err := d.ask(ctx, func() (err error) {
		p, err = d.findOne(namespec)
		return err
	})
	if err != nil {
		return err
	}
	if a.check != nil {
		if err := a.check(p); err != nil {
			return err
		}
	}
	w := d.newWaiter()
	err = d.ask(ctx, func() error { return a.begin(p, namespec, w) })
	if err != nil {
		return err
	}
	return d.wait(ctx, w)
}

// starting is the action of starting.
func (d *Daemon) starting(wait bool) action {
	return action{
		fits:  func(s process.State) bool { return !s.InRunningStates() },
		check: d.checkCommand,
		begin: func(p *proc, namespec string, w *waiter) error {
			switch {
			case p.st.State.InRunningStates():
				return NewFault(FaultAlreadyStarted, namespec)
			case p.st.State == process.Unknown:
				return NewFault(FaultFailed, namespec+" is in an unknown process state")
			}
			d.step(p, process.Start{})
			w.settled = started(namespec, wait)
			d.await(p, w)
			return nil
		},
	}
}

// started tells when a start is over.
func started(namespec string, wait bool) func(p *proc) (bool, error) {
	return func(p *proc) (bool, error) {
		switch {
		case p.run != nil && p.run.child == nil:
			return false, nil // being born
		case p.st.SpawnErr != "":
			return true, NewFault(FaultSpawnError, namespec)
		case !wait || p.st.State == process.Running:
			return true, nil
		case p.st.State != process.Starting:
			return true, NewFault(FaultAbnormalTermination, namespec)
		}
		return false, nil
	}
}

// checkCommand finds out whether there is anything to start, as clients learn
// of a missing file by a fault of its own.
func (d *Daemon) checkCommand(p *proc) error {
	_, _, err := command(p.cfg)
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*osproc.ResolveError](err); ok && e.NotFound {
		return NewFault(FaultNoFile, err.Error())
	}
	return NewFault(FaultNotExecutable, err.Error())
}

// stoppingAction is the action of stopping.
func (d *Daemon) stoppingAction(wait bool) action {
	return action{
		fits: process.State.InRunningStates,
		begin: func(p *proc, namespec string, w *waiter) error {
			if !p.st.State.InRunningStates() {
				return NewFault(FaultNotRunning, namespec)
			}
			if p.reader != nil {
				p.reader.restarting = false
			}
			d.step(p, process.Stop{})
			if p.st.State == process.Unknown {
				return NewFault(FaultFailed, "unknown problem killing "+p.cfg.Name)
			}
			w.settled = func(p *proc) (bool, error) { return !wait || p.st.State.InStoppedStates(), nil }
			d.await(p, w)
			d.reportStop(p)
			return nil
		},
	}
}

// signalling is the action of sending a signal.
func (d *Daemon) signalling(signal string) action {
	return action{
		fits: process.State.InSignallableStates,
		begin: func(p *proc, namespec string, w *waiter) error {
			sig, err := config.ParseSignal(signal)
			if err != nil {
				return NewFault(FaultBadSignal, signal)
			}
			if !p.st.State.InSignallableStates() {
				return NewFault(FaultNotRunning, namespec)
			}
			d.step(p, process.Signal{Number: int(sig)})
			if p.st.State == process.Unknown {
				return NewFault(FaultFailed, "unknown problem sending sig "+p.cfg.Name+" ("+strconv.Itoa(p.st.PID)+")")
			}
			d.give(p, w, nil)
			return nil
		},
	}
}

// SendStdin writes to the stdin of the process that namespec names. The error
// is a Fault: BAD_NAME, NOT_RUNNING, NO_FILE when its stdin is closed, FAILED
// when it has not read what it was sent before, or SHUTDOWN_STATE.
func (d *Daemon) SendStdin(ctx context.Context, namespec string, data []byte) error {
	return d.ask(ctx, func() error {
		p, err := d.findOne(namespec)
		switch {
		case err != nil:
			return err
		case p.st.PID == 0 || p.st.Killing:
			return NewFault(FaultNotRunning, namespec)
		case p.run == nil || p.run.child.Stdin == nil:
			return NewFault(FaultNoFile, namespec)
		}
		switch err := p.run.child.Stdin.Write(data); {
		case errors.Is(err, syscall.EPIPE):
			return NewFault(FaultNoFile, namespec)
		case err != nil:
			return NewFault(FaultFailed, err.Error())
		}
		return nil
	})
}

// SendRemoteCommEvent emits a REMOTE_COMMUNICATION event. Like the reference,
// it does so even while the daemon is going down. It returns later, by
// holdTime at most, when the listeners do not keep up.
func (d *Daemon) SendRemoteCommEvent(ctx context.Context, kind, data string) error {
	err := d.inLoop(ctx, func() {
		d.notify(listener.RemoteCommunication{CommType: kind, Data: data})
	})
	d.holdBack()
	return err
}

// Shutdown begins an orderly shutdown.
func (d *Daemon) Shutdown(ctx context.Context) error {
	return d.ask(ctx, func() error {
		d.mood = MoodShutdown
		return nil
	})
}

// Restart begins an orderly stop after which the daemon starts anew.
func (d *Daemon) Restart(ctx context.Context) error {
	return d.ask(ctx, func() error {
		d.mood = MoodRestarting
		return nil
	})
}

// byPriority returns all processes in the order in which they are started.
func (d *Daemon) byPriority() []*proc {
	var ps []*proc
	for _, g := range d.sortedGroups() {
		ps = append(ps, g.byPriority()...)
	}
	return ps
}

// byPriority returns the processes of the group in the order in which they
// are started.
func (g *group) byPriority() []*proc {
	ps := slices.Clone(g.procs)
	slices.SortStableFunc(ps, func(a, b *proc) int { return a.cfg.Priority - b.cfg.Priority })
	return ps
}
