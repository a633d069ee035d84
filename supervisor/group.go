package supervisor

import (
	"fmt"
	"path/filepath"

	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/supervisor/childlog"
	"github.com/vigilance-go/vigilance/supervisor/config"
	"github.com/vigilance-go/vigilance/supervisor/process"
)

// group is a running process group.
type group struct {
	cfg   *config.Group
	procs []*proc // in the order of the configuration
	pool  *pool   // event listeners only
	// socket is what the processes of a FastCGI group share; nil for others.
	socket *sharedSocket
	// active counts the processes that are not at rest, so that a shutdown of
	// thousands does not look at each of them for each that ends.
	active int
}

// count follows a process of the group from one state to another.
func (g *group) count(from, to process.State) {
	switch was, is := from.InStoppedStates(), to.InStoppedStates(); {
	case was && !is:
		g.active++
	case !was && is:
		g.active--
	}
}

// makeGroup makes a group with its processes, and creates the files that they
// need. It touches the disk and nothing that the loop owns, so it never runs
// in the loop.
func (d *Daemon) makeGroup(gc *config.Group) (*group, error) {
	g := &group{cfg: gc}
	for _, pc := range gc.Programs {
		p := newProc(d, g, pc)
		if err := d.nameAutoLogs(p); err != nil {
			return nil, fmt.Errorf("create log of %q: %w", pc.Name, err)
		}
		g.procs = append(g.procs, p)
	}
	switch gc.Kind {
	case config.GroupEventListener:
		g.pool = newPool(d, g)
	case config.GroupFastCGI:
		socket, err := newSharedSocket(d, gc.Socket)
		if err != nil {
			return nil, err
		}
		g.socket = socket
	case config.GroupPrograms:
	}
	return g, nil
}

// addGroup takes a group into the daemon and announces it. Its processes are
// started in turn by the loop.
func (d *Daemon) addGroup(g *group) {
	if g.pool != nil {
		d.bus.subscribe(g.pool)
	}
	d.groups[g.cfg.Name] = g
	d.order = append(d.order, g)
	d.notify(listener.ProcessGroup{EventType: listener.ProcessGroupAdded, GroupName: g.cfg.Name})
	d.autostart = append(d.autostart, g.procs...)
}

// nameAutoLogs creates the files of the logs whose name is the daemon's
// choice, as the reference does when a group is added.
func (d *Daemon) nameAutoLogs(p *proc) error {
	sd := &d.opts.Config.Supervisord
	for _, ch := range []struct {
		name string
		log  *config.Log
		path *string
	}{{"stdout", &p.cfg.Stdout, &p.logPath[stdout]}, {"stderr", &p.cfg.Stderr, &p.logPath[stderr]}} {
		switch ch.log.Target {
		case config.LogNone:
		case config.LogFile:
			*ch.path = ch.log.File
		case config.LogAuto:
			path, err := childlog.AutoName(sd.ChildLogDir, p.cfg.Name, ch.name, sd.Identifier)
			if err != nil {
				return err
			}
			*ch.path = filepath.Clean(path)
		}
	}
	return nil
}

// unstopped returns the processes that are not at rest.
func (g *group) unstopped() []*proc {
	var ps []*proc
	for _, p := range g.procs {
		if !p.st.State.InStoppedStates() {
			ps = append(ps, p)
		}
	}
	return ps
}

// stopAll stops the group's processes, those of the highest priority first.
func (d *Daemon) stopAll(g *group) {
	for _, p := range byDescendingPriority(g.procs) {
		d.step(p, process.StopAll{})
	}
}
