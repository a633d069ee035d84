package supervisor

import "time"

// Manager is what the daemon's loop tells about itself: the service manager
// that started it. Its methods are called on the loop's goroutine, so that
// silence means a loop that does not turn, and must return at once.
type Manager interface {
	// Ready says that the loop begins to supervise.
	Ready()
	// Reloading says that everything is being stopped to be started anew.
	Reloading()
	// Stopping says that everything is being stopped for good.
	Stopping()
	// Alive says that the loop turns; it is called each Every().
	Alive()
	Every() time.Duration
}

// reports is what the Manager has been told.
type reports struct {
	to    Manager // nil when there is none
	mood  Mood
	alive deadline
}

// begin tells the Manager that the loop runs, now and from now on.
func (r *reports) begin(d *Daemon) {
	r.to, r.mood = d.opts.Manager, d.mood
	if r.to == nil {
		return
	}
	r.to.Ready()
	r.alive.fire = func(now time.Time) {
		r.to.Alive()
		d.timers.set(&r.alive, now.Add(r.to.Every()))
	}
	r.alive.fire(d.now())
}

// tell passes a change of the daemon's mood on.
func (r *reports) tell(mood Mood) {
	if r.to == nil || r.mood == mood {
		return
	}
	r.mood = mood
	switch mood {
	case MoodRestarting:
		r.to.Reloading()
	case MoodShutdown:
		r.to.Stopping()
	case MoodRunning, MoodFatal: // neither follows another
	}
}
