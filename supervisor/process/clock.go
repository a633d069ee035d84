package process

import "time"

// adjustToClock moves the times of the status when the system clock was set
// back behind them, so that nothing waits longer than it would have done
// before.
func (m *machine) adjustToClock() {
	switch m.s.State {
	case Starting:
		if m.now.Before(m.s.LastStart) {
			m.s.LastStart = m.now
		}
		m.limitDeadline(m.c.StartSecs)
	case Running:
		// It did stay up for startsecs, whatever the clock makes of it now.
		stayed := m.s.LastStart.Add(m.c.StartSecs)
		if !m.now.Before(m.s.LastStart) && m.now.Before(stayed) {
			m.s.LastStart = m.now.Add(-m.c.StartSecs)
		}
	case Stopping:
		if m.now.Before(m.s.LastStopReport) {
			m.s.LastStopReport = m.now
		}
		m.limitDeadline(max(m.c.StopWaitSecs, killPace))
	case Backoff:
		m.limitDeadline(m.backoffDelay())
	case Exited:
		m.limitDeadline(quickExit)
	case Stopped, Fatal, Unknown:
		// These wait for nothing.
	}
}

// limitDeadline brings a deadline that is further away than the whole wait
// back to that.
func (m *machine) limitDeadline(wait time.Duration) {
	if latest := m.now.Add(wait); !m.s.Deadline.IsZero() && m.s.Deadline.After(latest) {
		m.s.Deadline = latest
	}
}
