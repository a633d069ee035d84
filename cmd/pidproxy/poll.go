package main

import "time"

// pollInterval is how often a file is looked at that cannot be watched.
const pollInterval = 100 * time.Millisecond

// poll tells at regular times, until the process ends.
func poll() <-chan struct{} {
	changed := make(chan struct{}, 1)
	// Ends with the process.
	go func() {
		for range time.Tick(pollInterval) {
			select {
			case changed <- struct{}{}:
			default: // it has been told already
			}
		}
	}()
	return changed
}
