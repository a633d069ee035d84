package sdnotify

import "golang.org/x/sys/unix"

// monotonic returns the system's monotonic clock, in nanoseconds, which is the
// one that a service manager compares with its own.
func monotonic() int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		return 0 // no kernel is without this clock
	}
	return t.Nano()
}
