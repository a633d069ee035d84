package main

import "syscall"

// pause waits for a moment between two looks at a daemon, as long as the kernel
// is asked for: the runtime's timers take a millisecond at least where nothing
// else happens, and what is looked for would seem to come as late.
func pause() {
	ts := syscall.NsecToTimespec(betweenLooks.Nanoseconds())
	_ = syscall.Nanosleep(&ts, nil) // a signal makes it shorter
}
