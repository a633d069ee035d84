package process

import (
	"strconv"
	"time"
)

// Step returns the status that a process has after an event, and what the
// caller must do about it, in this order. The effects are nil when there is
// nothing to do; they are the caller's to keep. Spawn and Kill are answered by
// events: Spawn once, whenever it is done, and Kill before any other event.
//
// The time is that of any clock; a monotonic reading is not used. The daemon's
// goes by the time that passes. With one that is set back, nothing waits for
// longer than the wait once more. An event that has no meaning in a state changes
// nothing.
func Step(c *Config, s Status, e Event, now time.Time, env Env) (Status, []Effect) {
	m := machine{c: c, s: s, now: now.UTC().Round(0), env: env}
	switch e := e.(type) {
	case AutoStart:
		if m.s.State == Stopped && m.s.LastStart.IsZero() && c.AutoStart {
			m.start()
		}
	case Start:
		m.startRequested()
	case Spawned:
		m.spawned(e.PID)
	case SpawnFailed:
		m.spawnFailed(e.Reason)
	case Ended:
		m.ended(decodeWaitStatus(e.WaitStatus))
	case Adopted:
		m.adopted(e)
	case Vanished:
		m.ended(bySignal, vanishedText)
	case Timer:
		m.timer()
	case Stop:
		m.stopRequested()
	case StopAll:
		m.stopAll()
	case Report:
		m.report()
	case Signal:
		m.signal(e.Number)
	case KillDone:
		m.killDone(e)
	}
	return m.s, m.effects
}

// machine is one Step under way.
type machine struct {
	c       *Config
	s       Status
	now     time.Time
	env     Env
	effects []Effect
}

// emit adds an effect.
func (m *machine) emit(e Effect) {
	if m.effects == nil {
		m.effects = make([]Effect, 0, 6) // as many as the busiest step has
	}
	m.effects = append(m.effects, e)
}

func (m *machine) log(level Level, text string) { m.emit(Log{Level: level, Text: text}) }

// pid returns the PID for a log line.
func (m *machine) pid() string { return strconv.Itoa(m.s.PID) }

// enter changes the state and announces it. Entering the present state again
// is no change.
func (m *machine) enter(to State) { m.enterExpected(to, true) }

// enterExpected is enter for EXITED, which says whether it was expected.
func (m *machine) enterExpected(to State, expected bool) {
	from := m.s.State
	if from == to {
		return
	}
	m.s.State = to
	n := Notify{From: from, To: to}
	switch to {
	case Backoff:
		m.s.Tries++
		m.s.Deadline = m.now.Add(m.backoffDelay())
		n.Tries = m.s.Tries
	case Starting:
		n.Tries = m.s.Tries
	case Exited:
		n.Expected = expected
		n.PID = m.s.PID
	case Running, Stopping, Stopped:
		n.PID = m.s.PID
	case Fatal, Unknown:
	}
	m.emit(n)
}

// backoffDelay returns how long a process in BACKOFF waits: a second for each
// failed start.
func (m *machine) backoffDelay() time.Duration { return time.Duration(m.s.Tries) * time.Second }

// startRequested is start for someone who may not know the state.
func (m *machine) startRequested() {
	switch {
	case m.s.State == Unknown:
	case m.s.PID != 0 || m.s.SpawnInFlight():
		m.log(Warn, "process '"+m.c.Name+"' already running")
	default:
		m.start()
	}
}

// start begins a run: STOPPED, EXITED, BACKOFF or FATAL -> STARTING.
func (m *machine) start() {
	if m.env.ShuttingDown {
		return
	}
	m.s.Killing = false
	m.s.SpawnErr = ""
	m.s.ExitStatus = 0
	m.s.SystemStop = false
	m.s.AdministrativeStop = false
	m.s.LastStart = m.now
	m.s.Deadline = time.Time{} // none is owed until the spawn is answered
	m.enter(Starting)
	m.emit(Spawn{})
}

// spawned gives the process its PID, and then does what was asked for before
// it had one.
func (m *machine) spawned(pid int) {
	if !m.s.SpawnInFlight() {
		return
	}
	m.s.PID = pid
	m.s.LastStart = m.now
	m.s.Deadline = m.now.Add(m.c.StartSecs)
	m.log(Info, "spawned: '"+m.c.Name+"' with pid "+m.pid())
	if m.c.StartSecs <= 0 && !m.s.Pending.stop() {
		m.stayedUp()
	}
	m.carryOutPending()
}

// spawnFailed is STARTING -> BACKOFF, and further when a stop was asked for or
// this was one try too many.
func (m *machine) spawnFailed(reason string) {
	if !m.s.SpawnInFlight() {
		return
	}
	m.s.LastStart = m.now
	m.s.SpawnErr = reason
	m.log(Info, "spawnerr: "+reason)
	m.enter(Backoff)
	pending := m.s.Pending
	m.s.Pending = Pending{}
	switch {
	case pending.Stop:
		m.stop()
	case pending.StopAll:
		m.giveUp()
	default:
		m.checkRetries()
	}
}

// stayedUp is STARTING -> RUNNING.
func (m *machine) stayedUp() {
	m.s.Deadline = time.Time{}
	m.s.Tries = 0
	m.enter(Running)
	secs := strconv.FormatInt(int64(m.c.StartSecs/time.Second), 10)
	m.log(Info, "success: "+m.c.Name+" entered RUNNING state, process has stayed up for > than "+
		secs+" seconds (startsecs)")
}

// checkRetries is BACKOFF -> FATAL after too many failed starts.
func (m *machine) checkRetries() {
	if m.s.Tries > m.c.StartRetries {
		m.giveUp()
		m.log(Info, "gave up: "+m.c.Name+" entered FATAL state, too many start retries too quickly")
	}
}

// giveUp is BACKOFF -> FATAL.
func (m *machine) giveUp() {
	m.s.Deadline = time.Time{}
	m.s.Tries = 0
	m.s.SystemStop = true
	m.enter(Fatal)
}

// timer does what the deadline was set for, once it has passed.
func (m *machine) timer() {
	m.adjustToClock()
	if m.s.Deadline.IsZero() || m.now.Before(m.s.Deadline) {
		return
	}
	switch m.s.State {
	case Starting:
		m.stayedUp()
	case Backoff, Exited:
		m.s.Deadline = time.Time{} // while shutting down, there is no next try
		m.start()
	case Stopping:
		m.log(Warn, "killing '"+m.c.Name+"' ("+m.pid()+") with SIGKILL")
		m.kill(sigKill)
		m.s.Deadline = m.now.Add(max(m.c.StopWaitSecs, killPace))
	case Stopped, Running, Fatal, Unknown:
		// Nothing is owed in these states.
	}
}
