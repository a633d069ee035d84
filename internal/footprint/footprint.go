// Package footprint keeps what an idle process holds of the machine's memory
// small.
//
// It decides what can be given up without losing anything: what the garbage
// collector has freed, and those pages of the executable that the kernel can
// map again from its cache. It never decides when; a process that is about to
// work would only fetch again what it has given up.
package footprint

import "runtime/debug"

// Trim gives back what is not needed while nothing happens. It takes a garbage
// collection, some milliseconds, and about as long again is spent later on the
// pages that turn out to be needed.
func Trim() {
	debug.FreeOSMemory()
	dropExecutable()
}
