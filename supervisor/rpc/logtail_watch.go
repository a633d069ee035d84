package rpc

import "time"

// pollEvery is the time between two looks at a file that the system does not
// watch for us.
const pollEvery = time.Second

// watch tells when a file may have changed. Its methods, but for wake, are for
// the goroutine that has it.
type watch struct {
	path string
	// changed has something in it when there is reason to look.
	changed chan struct{}
	watcher *watcher
	// ids are the system's numbers for the watches of the file and of its
	// folder; -1 for none.
	ids [2]int32
	// gone: one of them watches something else by now. It is the watcher's.
	gone   bool
	ticker *time.Ticker // nil unless polling
}

// wake gives reason to look.
func (w *watch) wake() {
	select {
	case w.changed <- struct{}{}:
	default: // it has not looked yet since the last time
	}
}

// poll gives reason to look again and again, until stopPolling.
func (w *watch) poll() {
	if w.ticker == nil {
		w.ticker = time.NewTicker(pollEvery)
	}
}

// ticks has something in it when it is time to look; nil where the system
// watches.
func (w *watch) ticks() <-chan time.Time {
	if w.ticker == nil {
		return nil
	}
	return w.ticker.C
}

func (w *watch) stopPolling() {
	if w.ticker != nil {
		w.ticker.Stop()
		w.ticker = nil
	}
}
