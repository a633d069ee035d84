package supervisor

import (
	"context"
	"slices"

	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/supervisor/config"
)

// Changes names the groups by which a configuration differs from what runs.
type Changes struct{ Added, Changed, Removed []string }

// Reread reads the configuration again and tells what adding and removing
// groups would change. Nothing that runs is touched. The error is a Fault
// CANT_REREAD, after which the configuration of before stays in force, or
// SHUTDOWN_STATE.
func (d *Daemon) Reread(ctx context.Context) (Changes, error) {
	var changes Changes
	if err := d.ask(ctx, func() error { return nil }); err != nil {
		return changes, err
	}
	fresh, err := d.opts.Reload() // reads files: not in the loop
	if err != nil {
		return changes, NewFault(FaultCantReread, err.Error())
	}
	err = d.ask(ctx, func() error {
		d.wanted = fresh.Groups
		var running []*config.Group
		for _, g := range d.order {
			running = append(running, g.cfg)
		}
		added, changed, removed := config.Diff(running, d.wanted)
		changes = Changes{groupNames(added), groupNames(changed), groupNames(removed)}
		return nil
	})
	return changes, err
}

// groupNames lists the names of groups.
func groupNames(gs []*config.Group) []string {
	names := make([]string, 0, len(gs))
	for _, g := range gs {
		names = append(names, g.Name)
	}
	return names
}

// AddGroup adds a group of the configuration that was read last and starts
// its processes. The error is a Fault: BAD_NAME, ALREADY_ADDED, FAILED or
// SHUTDOWN_STATE.
func (d *Daemon) AddGroup(ctx context.Context, name string) error {
	var gc *config.Group
	err := d.ask(ctx, func() error {
		i := slices.IndexFunc(d.wanted, func(g *config.Group) bool { return g.Name == name })
		switch {
		case i < 0:
			return NewFault(FaultBadName, name)
		case d.groups[name] != nil:
			return NewFault(FaultAlreadyAdded, name)
		}
		gc = d.wanted[i]
		return nil
	})
	if err != nil {
		return err
	}
	g, err := d.makeGroup(gc)
	if err != nil {
		return NewFault(FaultFailed, err.Error())
	}
	return d.ask(ctx, func() error {
		if d.groups[name] != nil { // somebody else was quicker
			return NewFault(FaultAlreadyAdded, name)
		}
		d.addGroup(g)
		return nil
	})
}

// RemoveGroup removes a group whose processes have all stopped. The error is
// a Fault: BAD_NAME, STILL_RUNNING or SHUTDOWN_STATE.
func (d *Daemon) RemoveGroup(ctx context.Context, name string) error {
	return d.ask(ctx, func() error {
		g := d.groups[name]
		switch {
		case g == nil:
			return NewFault(FaultBadName, name)
		case g.active > 0:
			return NewFault(FaultStillRunning, name)
		}
		d.removeGroup(g)
		return nil
	})
}

// removeGroup forgets a group that is at rest.
func (d *Daemon) removeGroup(g *group) {
	if g.pool != nil {
		d.bus.unsubscribe(g.pool)
	}
	for _, p := range g.procs {
		d.forget(p)
	}
	delete(d.groups, g.cfg.Name)
	d.order = slices.DeleteFunc(d.order, func(o *group) bool { return o == g })
	d.notify(listener.ProcessGroup{EventType: listener.ProcessGroupRemoved, GroupName: g.cfg.Name})
}
