package supervisor

import (
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"syscall"
	"time"

	"github.com/vigilance-go/vigilance/supervisor/config"
	"github.com/vigilance-go/vigilance/supervisor/leftovers"
	"github.com/vigilance-go/vigilance/supervisor/osproc"
	"github.com/vigilance-go/vigilance/supervisor/process"
)

// orphans are the processes that a daemon which was killed has left running.
// Each is stopped by its own stop rules, while the birth of its successor
// waits, or is adopted: then it runs on as the process of its program, but
// that its output cannot be read, and older kernels do not tell its exit status.
type orphans struct {
	d    *Daemon
	left map[orphanKey]*leftover
}

// orphanKey is the group and the process that a leftover was started for.
type orphanKey struct{ group, name string }

// leftover is one of the orphans, until it has ended.
type leftover struct {
	leftovers.Found
	run     *run     // its life as an adopted process; nil for one that is stopped
	held    *run     // the successor that waits for its end
	killing deadline // when SIGKILL follows the stop signal
	refused bool     // that it cannot be signalled was said
}

// leftoverKillPace is the least time between two SIGKILLs.
const leftoverKillPace = time.Second

// receive takes care of what was found when the daemon started.
func (o *orphans) receive(d *Daemon) {
	o.d, o.left = d, make(map[orphanKey]*leftover)
	for _, f := range d.opts.Leftovers {
		l := &leftover{Found: f}
		o.left[orphanKey{f.Group, f.Name}] = l
		go func() { // ends with the process, or by letGo
			if end, ok := l.Process.Wait(); ok {
				d.send(leftoverEnded{l, end})
			}
		}()
		if p := o.heir(l); p != nil {
			o.adopt(p, l)
		} else {
			o.stop(l)
		}
	}
}

// letGo gives up what is left when the daemon ends.
func (o *orphans) letGo() {
	for _, l := range o.left {
		l.Process.Close()
	}
}

// heir returns the process that l may go on as, or nil. A listener cannot,
// because its events come through a pipe, nor can a FastCGI program, because
// its socket was closed.
func (o *orphans) heir(l *leftover) *proc {
	if o.d.opts.Config.Supervisord.Orphans != config.OrphansAdopt {
		return nil
	}
	g := o.d.groups[l.Group]
	if g == nil || g.cfg.Kind != config.GroupPrograms {
		return nil
	}
	i := slices.IndexFunc(g.procs, func(p *proc) bool { return p.cfg.Name == l.Name })
	if i < 0 || fingerprint(g.procs[i].cfg) != l.Program {
		return nil
	}
	return g.procs[i]
}

// adopt lets l go on as the process p.
func (o *orphans) adopt(p *proc, l *leftover) {
	l.run = &run{proc: p, child: &osproc.Child{PID: l.PID}}
	p.run = l.run
	o.d.step(p, process.Adopted{PID: l.PID, Since: o.d.steady(o.d.now()).Add(-l.Age())})
}

// stop sends l the stop signal of its program.
func (o *orphans) stop(l *leftover) {
	o.d.log.Logf(levelInfo, "stopping %s with pid %d, which an earlier supervisord has started", config.PyRepr(l.Name), l.PID)
	l.killing.fire = func(time.Time) {
		if !l.refused {
			o.d.log.Logf(levelWarn, "killing %s (%d) with SIGKILL", config.PyRepr(l.Name), l.PID)
		}
		o.send(l, syscall.SIGKILL, l.KillAsGroup)
		o.d.timers.set(&l.killing, o.d.now().Add(max(l.StopWaitSecs, leftoverKillPace)))
	}
	o.send(l, syscall.Signal(l.StopSignal), l.StopAsGroup)
	o.d.timers.set(&l.killing, o.d.now().Add(l.StopWaitSecs))
}

// send sends a signal to l. That it cannot be sent is only told, once: what
// waits for the end of l goes on waiting, lest a program runs twice.
func (o *orphans) send(l *leftover, sig syscall.Signal, group bool) {
	if err := l.signal(l.PID, sig, group); err != nil && !l.refused {
		l.refused = true
		o.d.log.Logf(levelWarn, "could not signal %s (%d): %v", config.PyRepr(l.Name), l.PID, err)
	}
}

// signal is osproc.Kill for a process that is not a child. One that has ended
// meanwhile is no error: its end is on the way.
func (l *leftover) signal(pid int, sig syscall.Signal, group bool) error {
	if err := l.Process.Signal(sig, group); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("send signal %d to process %d: %w", int(sig), pid, err)
	}
	return nil
}

// holdBack keeps the birth of r back while its predecessor lives, and reports
// whether it does.
func (o *orphans) holdBack(r *run) bool {
	l := o.left[orphanKey{r.proc.group.cfg.Name, r.proc.cfg.Name}]
	if l == nil || l.run != nil {
		return false
	}
	l.held = r
	return true
}

// adopted returns the adopted process with that pid, or nil.
func (o *orphans) adopted(pid int) *leftover {
	for _, l := range o.left {
		if l.run != nil && l.PID == pid {
			return l
		}
	}
	return nil
}

// stopping tells whether one that is being stopped still lives.
func (o *orphans) stopping() bool {
	for _, l := range o.left {
		if l.run == nil {
			return true
		}
	}
	return false
}

// leftoverEnded is the message that a leftover has ended.
type leftoverEnded struct {
	left *leftover
	end  leftovers.End
}

func (m leftoverEnded) apply(d *Daemon) {
	l := m.left
	d.timers.set(&l.killing, time.Time{})
	delete(d.orphans.left, orphanKey{l.Group, l.Name})
	l.Process.Close()
	if l.run != nil {
		m.finish(d)
		return
	}
	d.log.Logf(levelInfo, "stopped: %s with pid %d, which an earlier supervisord has started", config.PyRepr(l.Name), l.PID)
	r := l.held
	switch {
	case r == nil:
	case d.mood < MoodRunning:
		r.proc.run = nil
		d.endRun(r.proc, process.SpawnFailed{Reason: "the daemon ends"})
	default:
		d.queueSpawn(r)
	}
}

// finish ends the run of an adopted process and tells the machine.
func (m leftoverEnded) finish(d *Daemon) {
	r := m.left.run
	p := r.proc
	p.run = nil
	if !m.end.Known {
		reason := ExitUnexpected
		if p.st.State == process.Stopping {
			reason = ExitStopped
		}
		p.counts.exits[reason]++
		d.endRun(p, process.Vanished{})
		return
	}
	r.end = &osproc.Exit{PID: m.left.PID, Status: m.end.Status}
	r.countEnd()
	d.endRun(p, process.Ended{WaitStatus: uint32(m.end.Status)})
}

// journalEntry is what a later daemon needs to know about a process of p.
func journalEntry(p *proc) leftovers.Entry {
	c := p.cfg
	return leftovers.Entry{
		Group: p.group.cfg.Name, Name: c.Name, Program: fingerprint(c),
		Rules: leftovers.Rules{
			StopSignal: int(c.StopSignal), StopWaitSecs: c.StopWaitSecs,
			StopAsGroup: c.StopAsGroup, KillAsGroup: c.KillAsGroup,
		},
	}
}

// fingerprint stands for how a program is started: one that has another is
// another program, though it has the same name.
func fingerprint(c *config.Program) string {
	sum := fnv.New64a()
	_, _ = fmt.Fprintf(sum, "%q %q", c.Command, c.Directory) // a hash takes everything
	if c.UID != nil {
		_, _ = fmt.Fprintf(sum, " %d", *c.UID)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Environment)) {
		_, _ = fmt.Fprintf(sum, " %q %q", name, c.Environment[name])
	}
	return fmt.Sprintf("%016x", sum.Sum64())
}
