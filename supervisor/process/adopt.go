package process

import "time"

type (
	// Adopted takes over a process that an earlier daemon has left running and
	// that was started at Since: STOPPED -> STARTING, and RUNNING when it has
	// been up for startsecs.
	Adopted struct {
		PID   int
		Since time.Time
	}
	// Vanished reports the end of an adopted process whose wait status nobody
	// could learn, so that it counts as unexpected.
	Vanished struct{}
)

func (Adopted) event()  {}
func (Vanished) event() {}

// vanishedText describes an end of which nothing else is known.
const vanishedText = "exit status unknown"

// adopted gives a process that was never started here its PID.
func (m *machine) adopted(e Adopted) {
	if m.s.State != Stopped || m.s.PID != 0 || !m.s.LastStart.IsZero() {
		return
	}
	m.enter(Starting)
	m.s.PID = e.PID
	m.s.LastStart = e.Since.UTC().Round(0)
	m.s.Deadline = m.s.LastStart.Add(m.c.StartSecs)
	m.log(Info, "adopted: '"+m.c.Name+"' with pid "+m.pid()+", which an earlier supervisord has started")
	if !m.now.Before(m.s.Deadline) {
		m.stayedUp()
	}
}
