package notify

import "time"

// moment is now, by both clocks. The steady one is never set: intervals are
// counted by it, and every time that is kept in memory is one of its own. The
// system's clock may be set at any time: it tells the hour of the day, and the
// times of all that comes from outside, messages and files, which are placed
// on the steady clock once, when they come in.
type moment struct {
	steady time.Time // what time.Now returns, with its monotonic reading
	system time.Time // without one
}

// systemClock is the system's clock; nil is the real one.
type systemClock func() time.Time

func (c systemClock) now() moment {
	now := time.Now()
	if c != nil {
		return moment{steady: now, system: c()}
	}
	return moment{steady: now, system: now.Round(0)}
}

// place returns the steady time for one that the system's clock tells. The
// zero time, which is none, stays what it is.
func (m moment) place(told time.Time) time.Time {
	if told.IsZero() {
		return told
	}
	return m.steady.Add(told.Sub(m.system))
}

// past is place for what has happened. What lies in the future happened before
// the clock was set back, nobody knows when: it counts as happening now.
func (m moment) past(told time.Time) time.Time { return earlier(m.place(told), m.steady) }

// tell is the opposite of place.
func (m moment) tell(steady time.Time) time.Time {
	if steady.IsZero() {
		return steady
	}
	return m.system.Add(steady.Sub(m.steady))
}
