package supervisor

import "time"

// restPause is the time between two looks whether the start is over.
const restPause = 500 * time.Millisecond

// awaitRest has Options.Rest called once, when the programs that start by
// themselves have been born.
func (d *Daemon) awaitRest() {
	if d.opts.Rest == nil {
		return
	}
	look := &deadline{}
	look.fire = func(now time.Time) {
		if len(d.autostart) > 0 || len(d.waiting) > 0 || d.inFlight > 0 {
			d.timers.set(look, now.Add(restPause))
			return
		}
		go d.opts.Rest() // ends by itself
	}
	d.timers.set(look, d.now().Add(restPause))
}
