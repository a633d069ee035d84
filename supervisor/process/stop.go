package process

import (
	"strconv"
	"time"
)

// reportInterval is the least time between two lines "waiting for x to stop".
const reportInterval = 2 * time.Second

// killPace is the least time between two SIGKILLs to a process that does not
// die, so that stopwaitsecs=0 is no reason to send them without a pause.
const killPace = time.Second

// noSuchProcess is what Python prints for ESRCH, on every system.
const noSuchProcess = "[Errno 3] No such process"

// stop tells whether the process is to be stopped.
func (p Pending) stop() bool { return p.Stop || p.StopAll }

// stopRequested carries out a Stop, or keeps it while there is no PID.
func (m *machine) stopRequested() {
	if m.s.SpawnInFlight() {
		m.s.Pending.Stop = true
		return
	}
	m.stop()
}

// stopAll carries out a StopAll, or keeps it while there is no PID.
func (m *machine) stopAll() {
	switch m.s.State {
	case Starting:
		if m.s.SpawnInFlight() {
			m.s.Pending.StopAll = true
			return
		}
		m.stop()
	case Running:
		m.stop()
	case Backoff:
		m.giveUp()
	case Stopped, Stopping, Exited, Fatal, Unknown:
		// Stopped already, or about to be.
	}
}

// stop sends the stop signal, for an administrator.
func (m *machine) stop() {
	m.s.AdministrativeStop = true
	m.s.LastStopReport = time.Time{}
	m.kill(m.c.StopSignal)
}

// kill sends a signal that is meant to end the process: RUNNING, STARTING or
// STOPPING -> STOPPING. A process in BACKOFF is STOPPED at once, lest the stop
// waits for its retries.
func (m *machine) kill(sig int) {
	if m.s.State == Backoff {
		m.log(Debug, "Attempted to kill "+m.c.Name+", which is in BACKOFF state.")
		m.s.Deadline = time.Time{}
		m.enter(Stopped)
		return
	}
	if m.s.PID == 0 {
		m.log(Debug, "attempted to kill "+m.c.Name+" with sig "+SignalName(sig)+" but it wasn't running")
		return
	}
	if !m.s.State.InSignallableStates() {
		return // UNKNOWN: what its PID stands for is not known either
	}
	// While it is STOPPING, the stop signal was sent already and did not help.
	group := m.c.StopAsGroup
	if m.s.State == Stopping {
		group = m.c.KillAsGroup
	}
	whom := ""
	if group {
		whom = "process group "
	}
	m.log(Debug, "killing "+m.c.Name+" (pid "+m.pid()+") "+whom+"with signal "+SignalName(sig))
	m.s.Killing = true
	m.s.Deadline = m.now.Add(m.c.StopWaitSecs)
	m.enter(Stopping)
	m.emit(Kill{PID: m.s.PID, Number: sig, Group: group, ToStop: true})
}

// signal sends a signal that is not meant to end the process, or keeps it
// while there is no PID.
func (m *machine) signal(sig int) {
	switch {
	case m.s.SpawnInFlight():
		m.s.Pending.Signals.Add(sig)
	case m.s.PID == 0:
		m.log(Debug, "attempted to send "+m.c.Name+" sig "+SignalName(sig)+" but it wasn't running")
	case m.s.State.InSignallableStates():
		m.log(Debug, "sending "+m.c.Name+" (pid "+m.pid()+") sig "+SignalName(sig))
		m.emit(Kill{PID: m.s.PID, Number: sig})
	}
}

// carryOutPending does the first thing that was asked for while the spawn was
// in flight. Each ends in a Kill, whose answer calls for the next.
func (m *machine) carryOutPending() {
	if sig, ok := m.s.Pending.Signals.takeFirst(); ok {
		m.signal(sig)
		return
	}
	if m.s.Pending.stop() {
		m.s.Pending = Pending{}
		m.stop()
	}
}

// killDone follows up a Kill. That the process had exited changes nothing, for
// its end will be reported; any other error means that it is out of control.
func (m *machine) killDone(done KillDone) {
	k := done.Kill
	switch {
	case done.Gone && k.ToStop:
		m.logGone(k, "just")
	case done.Gone:
		m.logGone(k, "just now")
	case done.Err != "":
		m.killFailed(k, done.Err)
	}
	if k.PID == m.s.PID && m.s.State.InSignallableStates() {
		m.carryOutPending()
	}
}

// logGone logs that there was no process to signal, in two manners that the
// reference has.
func (m *machine) logGone(k Kill, when string) {
	m.log(Debug, "unable to signal "+m.c.Name+" (pid "+strconv.Itoa(k.PID)+"), it probably "+
		when+" exited on its own: "+noSuchProcess)
}

// killFailed is RUNNING, STARTING or STOPPING -> UNKNOWN, unless the process
// has ended since.
func (m *machine) killFailed(k Kill, reason string) {
	problem := "sending sig"
	if k.ToStop {
		problem = "killing"
	}
	m.log(Critical, "unknown problem "+problem+" "+m.c.Name+" ("+strconv.Itoa(k.PID)+"):"+reason)
	if k.PID != m.s.PID || k.PID == 0 {
		return
	}
	m.s.Killing = false
	m.s.Deadline = time.Time{}
	m.s.Pending = Pending{}
	m.enter(Unknown)
}

// report logs that the process is still stopping, now and then.
func (m *machine) report() {
	if m.s.State != Stopping {
		return
	}
	m.adjustToClock()
	if m.now.Before(m.s.LastStopReport.Add(reportInterval)) {
		return
	}
	m.log(Info, "waiting for "+m.c.Name+" to stop")
	m.s.LastStopReport = m.now
}
