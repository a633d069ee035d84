package config

import "syscall"

// realtimeSignals holds the two real-time signals that have a name, with the
// numbers that the C library leaves to programs.
func realtimeSignals() map[string]syscall.Signal {
	return map[string]syscall.Signal{"SIGRTMIN": 34, "SIGRTMAX": 64}
}
