package main

import (
	"testing"
	"time"
)

// TestPauseIsShort holds the grain of what is measured by looking again and
// again: the least of many pauses, since others want the CPU, too.
func TestPauseIsShort(t *testing.T) {
	least := time.Hour
	for range 50 {
		began := time.Now()
		pause()
		least = min(least, time.Since(began))
	}
	if most := 4 * betweenLooks; least < betweenLooks || least > most {
		t.Errorf("pause() took %v at least, want %v to %v", least, betweenLooks, most)
	}
}
