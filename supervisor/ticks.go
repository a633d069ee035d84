package supervisor

import (
	"time"

	"github.com/vigilance-go/vigilance/listener"
)

// tickKinds are the TICK events with their periods, in the order in which the
// reference sends them. They are only read.
var tickKinds = [3]struct {
	kind   listener.EventType
	period int64 // seconds
}{
	{listener.Tick5, 5},
	{listener.Tick60, 60},
	{listener.Tick3600, 3600},
}

// ticks sends the TICK events when a period of the wall clock rolls over. It
// wakes the loop for those alone that somebody subscribes to.
type ticks struct {
	d     *Daemon
	due   deadline
	last  [3]int64 // the slice in which each kind was last looked at
	armed [3]bool
	began bool
}

func (t *ticks) init(d *Daemon) {
	t.d = d
	t.due.fire = t.tick
}

// lookAgain is the longest time without a look at the clock, which may have been
// set so that a period ends sooner.
const lookAgain = time.Minute

// start begins with the slices of now: the first tick comes when one ends.
func (t *ticks) start(now time.Time) {
	t.began = true
	t.arm(now)
}

// arm sets the deadline for the next tick that is subscribed to.
func (t *ticks) arm(now time.Time) {
	if !t.began {
		return
	}
	var next time.Duration
	for i, k := range tickKinds {
		wanted := t.d.bus.wanted(k.kind)
		if wanted && !t.armed[i] {
			t.last[i] = slice(now, k.period)
		}
		t.armed[i] = wanted
		if left := untilSlice(now, k.period); wanted && (next == 0 || left < next) {
			next = left
		}
	}
	if next == 0 {
		t.d.timers.set(&t.due, time.Time{})
		return
	}
	t.d.timers.set(&t.due, now.Add(min(next, lookAgain)))
}

// tick announces each period that has rolled over.
func (t *ticks) tick(now time.Time) {
	for i, k := range tickKinds {
		if this := slice(now, k.period); t.armed[i] && this != t.last[i] {
			t.last[i] = this
			t.d.notify(listener.Tick{EventType: k.kind, When: this})
		}
	}
	t.arm(now)
}

// slice is the start, in Unix seconds, of the period that now lies in.
func slice(now time.Time, period int64) int64 {
	return now.Unix() - now.Unix()%period
}

// untilSlice is the time until the next period begins. It is never zero.
func untilSlice(now time.Time, period int64) time.Duration {
	return time.Unix(slice(now, period)+period, 0).Sub(now.Round(0))
}
