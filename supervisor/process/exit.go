package process

import (
	"slices"
	"strconv"
	"time"
)

// A process that ends within quickExit after its start may be restarted at
// once quickRestarts times in a row. After that its starts are quickExit apart,
// which is the pace of the reference, so that a crash loop with startsecs=0
// leaves the CPU to others.
const (
	quickExit     = time.Second
	quickRestarts = 5
)

// ended handles the end of the process with an exit status, or bySignal, and
// its description. It starts the process again where the policy asks for it.
func (m *machine) ended(code int, text string) {
	if m.s.PID == 0 {
		return
	}
	inFuture := m.now.Before(m.s.LastStart)
	m.adjustToClock()
	m.s.LastStop = m.now
	ran := m.now.Sub(m.s.LastStart)
	if inFuture {
		m.log(Warn, "process '"+m.c.Name+"' ("+m.pid()+") laststart time is in the future, don't "+
			"know how long process was running so assuming it did not exit too quickly")
	}
	m.s.Pending = Pending{}
	switch {
	case m.s.State == Unknown:
		m.endedOutOfControl(code, text)
	case m.s.Killing:
		m.endedByStop(code, text)
	case m.s.State == Starting && ran < m.c.StartSecs && !inFuture:
		m.endedTooQuickly(text)
	default:
		m.endedRunning(code, text, ran)
	}
}

// expected tells whether an exit status is one of exitcodes.
func (m *machine) expected(code int) bool { return slices.Contains(m.c.ExitCodes, code) }

// logEnd logs an end: expected ones as information, others as a warning.
func (m *machine) logEnd(expected bool, text string) {
	level := Warn
	if expected {
		level = Info
	}
	m.log(level, text)
}

// endedByStop is STOPPING -> STOPPED.
func (m *machine) endedByStop(code int, text string) {
	m.s.Killing = false
	m.s.Deadline = time.Time{}
	m.s.ExitStatus = code
	m.enter(Stopped)
	m.logEnd(m.expected(code), "stopped: "+m.c.Name+" ("+text+")")
	m.s.PID = 0
}

// endedTooQuickly is STARTING -> BACKOFF, and further after too many tries.
func (m *machine) endedTooQuickly(text string) {
	m.s.ExitStatus = 0
	m.s.SpawnErr = "Exited too quickly (process log may have details)"
	m.enter(Backoff)
	m.log(Warn, "exited: "+m.c.Name+" ("+text+"; not expected)")
	m.s.PID = 0
	m.checkRetries()
}

// endedRunning is RUNNING -> EXITED. A process that is STARTING passes through
// RUNNING: it stayed up for startsecs but its Timer is late, or the clock went
// back and nobody knows.
func (m *machine) endedRunning(code int, text string, ran time.Duration) {
	m.s.Deadline = time.Time{}
	m.s.Tries = 0
	m.s.ExitStatus = code
	if m.s.State == Starting {
		m.enter(Running)
	}
	expected := m.expected(code)
	word := "expected"
	if !expected {
		word = "not expected"
		m.s.SpawnErr = "Bad exit code " + strconv.Itoa(code)
	}
	m.enterExpected(Exited, expected)
	m.logEnd(expected, "exited: "+m.c.Name+" ("+text+"; "+word+")")
	m.s.PID = 0
	if ran < quickExit {
		m.s.QuickExits++
	} else {
		m.s.QuickExits = 0
	}
	m.restart()
}

// endedOutOfControl records the end of a process in UNKNOWN. It stays there,
// since nobody can say what its end was the result of.
func (m *machine) endedOutOfControl(code int, text string) {
	m.s.ExitStatus = code
	m.logEnd(m.expected(code), "exited: "+m.c.Name+" ("+text+")")
	m.s.PID = 0
}

// restart is EXITED -> STARTING where autorestart asks for it: now or, after
// several quick exits, at the deadline that it sets.
func (m *machine) restart() {
	m.s.Deadline = time.Time{}
	if m.env.ShuttingDown || !m.restartWanted() {
		return
	}
	if due := m.restartTime(); m.now.Before(due) {
		m.s.Deadline = due
		return
	}
	m.start()
}

// restartTime returns when a process that has just exited may be restarted,
// which may be in the past, and is not more than quickExit ahead.
func (m *machine) restartTime() time.Time {
	if m.s.QuickExits <= quickRestarts {
		return m.now
	}
	due := m.s.LastStart.Add(quickExit)
	if latest := m.now.Add(quickExit); due.After(latest) {
		return latest // the clock went back
	}
	return due
}

// restartWanted applies autorestart to the last exit.
func (m *machine) restartWanted() bool {
	switch m.c.AutoRestart {
	case RestartAlways:
		return true
	case RestartUnexpected:
		return !m.expected(m.s.ExitStatus)
	case RestartNever:
	}
	return false
}
