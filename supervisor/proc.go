package supervisor

import (
	"errors"
	"fmt"
	"sort"
	"syscall"
	"time"

	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/supervisor/childlog"
	"github.com/vigilance-go/vigilance/supervisor/config"
	"github.com/vigilance-go/vigilance/supervisor/osproc"
	"github.com/vigilance-go/vigilance/supervisor/process"
)

// proc is one supervised process: its configuration, what the machine knows
// about it, and the run that is alive, if any.
type proc struct {
	group *group
	cfg   *config.Program
	rules process.Config
	st    process.Status // its times are those of the steady clock
	// began and ended are st.LastStart and st.LastStop as the system's clock
	// told them then, for those who ask.
	began, ended time.Time
	// wake is st.Deadline in the heap, armedFor what it was set for.
	wake     deadline
	armedFor time.Time
	run      *run // nil when no child lives or is being born
	// logPath holds the files of stdout and stderr; empty for none.
	logPath [2]string
	// lastLog is the newest File of each of them, which knows what has been
	// said about a log that cannot be written. It is the spawner's.
	lastLog [2]*childlog.File
	waiters []*waiter
	counts  procCounts
	report  deadline // the next "waiting for ... to stop"
	// reader is the conversation with an event listener; nil for others.
	reader *conversation
}

// newProc makes a stopped process.
func newProc(d *Daemon, g *group, pc *config.Program) *proc {
	p := &proc{group: g, cfg: pc, rules: rules(pc)}
	p.report.fire = func(time.Time) { d.reportStop(p) }
	p.wake.fire = func(time.Time) { d.step(p, process.Timer{}) }
	if g.cfg.Kind == config.GroupEventListener {
		p.reader = newConversation(d, p)
	}
	return p
}

// rules picks what the process machine needs from the configuration.
func rules(pc *config.Program) process.Config {
	return process.Config{
		Name:         pc.Name,
		AutoStart:    pc.AutoStart,
		AutoRestart:  process.Restart(pc.AutoRestart),
		StartSecs:    pc.StartSecs,
		StartRetries: pc.StartRetries,
		ExitCodes:    pc.ExitCodes,
		StopSignal:   int(pc.StopSignal),
		StopWaitSecs: pc.StopWaitSecs,
		StopAsGroup:  pc.StopAsGroup,
		KillAsGroup:  pc.KillAsGroup,
	}
}

// byDescendingPriority returns the processes in the order in which they are
// stopped.
func byDescendingPriority(ps []*proc) []*proc {
	s := append([]*proc(nil), ps...)
	sort.SliceStable(s, func(i, j int) bool { return s[i].cfg.Priority < s[j].cfg.Priority })
	for i, j := 0, len(s)-1; i < j; i, j = i+1, j-1 {
		s[i], s[j] = s[j], s[i]
	}
	return s
}

// step gives one event to the process machine and carries out what comes
// back.
func (d *Daemon) step(p *proc, ev process.Event) {
	before := p.st.State
	env := process.Env{ShuttingDown: d.mood < MoodRunning}
	now := d.now()
	steady := d.steady(now)
	st, effects := process.Step(&p.rules, p.st, ev, steady, env)
	if !st.LastStart.Equal(p.st.LastStart) {
		p.began = now.Round(0).Add(st.LastStart.Sub(steady))
	}
	if !st.LastStop.Equal(p.st.LastStop) {
		p.ended = now.Round(0)
	}
	p.st = st
	p.group.count(before, st.State)
	for _, e := range effects {
		d.carryOut(p, e) // a Kill steps p again
	}
	d.rearm(p)
	if st.State != before {
		d.stateChanged(p)
	}
	d.settleWaiters(p)
}

// steady returns what the system's clock would tell at now if nobody had set it
// since the daemon began. The process machine goes by that, so that a clock
// that is set neither hastens nor delays what is due. It goes by the monotonic
// reading of now, where that has one.
func (d *Daemon) steady(now time.Time) time.Time {
	return d.began.Round(0).Add(now.Sub(d.began))
}

// rearm puts the machine's deadline into the heap.
func (d *Daemon) rearm(p *proc) {
	switch {
	case p.st.Deadline.IsZero():
		d.timers.set(&p.wake, time.Time{})
	case p.wake.index != 0 && p.st.Deadline.Equal(p.armedFor):
	default:
		now := d.now()
		p.armedFor = p.st.Deadline
		d.timers.set(&p.wake, now.Add(p.st.Deadline.Sub(d.steady(now))))
	}
}

// carryOut executes one effect of the machine.
func (d *Daemon) carryOut(p *proc, e process.Effect) {
	switch e := e.(type) {
	case process.Spawn:
		d.requestSpawn(p)
	case process.Kill:
		d.step(p, d.kill(e))
	case process.Notify:
		d.notify(stateEvent(p, e))
	case process.Log:
		d.log.Log(int(e.Level), e.Text)
	}
}

// kill sends the signal and tells how that went.
func (d *Daemon) kill(k process.Kill) process.KillDone {
	send := osproc.Kill
	if l := d.orphans.adopted(k.PID); l != nil {
		send = l.signal
	}
	err := send(k.PID, syscall.Signal(k.Number), k.Group)
	done := process.KillDone{Kill: k}
	switch {
	case err == nil:
	case errors.Is(err, syscall.ESRCH):
		done.Gone = true
	default:
		done.Err = err.Error()
	}
	return done
}

// stateChanged tells whoever depends on the state of p.
func (d *Daemon) stateChanged(p *proc) {
	if p.reader != nil {
		p.reader.stateChanged()
	}
}

// forget takes a process that is at rest out of the loop's heap.
func (d *Daemon) forget(p *proc) {
	d.timers.set(&p.wake, time.Time{})
	d.timers.set(&p.report, time.Time{})
	if p.reader != nil {
		d.timers.set(&p.reader.revive, time.Time{})
	}
}

// stateEvent makes the PROCESS_STATE event of a transition.
func stateEvent(p *proc, n process.Notify) listener.ProcessState {
	return listener.ProcessState{
		EventType:   stateEventTypes[n.To],
		ProcessName: p.cfg.Name,
		GroupName:   p.group.cfg.Name,
		FromState:   n.From.String(),
		Tries:       n.Tries,
		Expected:    n.Expected,
		PID:         n.PID,
	}
}

// stateEventTypes names the event of each state that can be entered. It is
// only read.
var stateEventTypes = map[process.State]listener.EventType{
	process.Stopped:  listener.ProcessStateStopped,
	process.Starting: listener.ProcessStateStarting,
	process.Running:  listener.ProcessStateRunning,
	process.Backoff:  listener.ProcessStateBackoff,
	process.Stopping: listener.ProcessStateStopping,
	process.Exited:   listener.ProcessStateExited,
	process.Fatal:    listener.ProcessStateFatal,
	process.Unknown:  listener.ProcessStateUnknown,
}

// startNext lets one process of those that wait for their first start have
// its turn. Only as many are begun as the spawner can take up at once, so that
// a thousand programs do not all count their startsecs from the first fork,
// and requests are answered meanwhile.
func (d *Daemon) startNext() {
	for len(d.autostart) > 0 && d.inFlight < spawnsAhead {
		p := d.autostart[0]
		d.autostart = d.autostart[1:]
		if d.groups[p.group.cfg.Name] == p.group {
			d.step(p, process.AutoStart{})
		}
	}
}

// spawnsAhead is how many spawns are asked for before the first is done: one
// under way and one to follow without a pause.
const spawnsAhead = 2

// childEnded finds the process of a child that the reaper has collected.
func (d *Daemon) childEnded(e osproc.Exit) {
	r := d.byPID[e.PID]
	switch {
	case r != nil:
		delete(d.byPID, e.PID)
		d.runEnded(r, e)
	case d.inFlight > 0:
		// It may have died before the news of its birth arrived.
		d.strangers = append(d.strangers, e)
	default:
		d.reapedStranger(e)
	}
}

// reapedStranger logs the end of a child that was never ours: an orphan that
// the kernel gave to us.
func (d *Daemon) reapedStranger(e osproc.Exit) {
	d.log.Log(levelInfo, fmt.Sprintf("reaped unknown pid %d (%s)", e.PID, process.DescribeEnd(uint32(e.Status))))
}
