package config

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// signalByName finds a signal by its name in capitals. The second names that
// some signals have are Python's.
func signalByName(name string) (syscall.Signal, bool) {
	switch name {
	case "SIGCLD":
		name = "SIGCHLD"
	case "SIGIOT":
		name = "SIGABRT"
	case "SIGPOLL":
		name = "SIGIO"
	}
	if signal, ok := realtimeSignals()[name]; ok {
		return signal, true
	}
	signal := unix.SignalNum(name)
	return signal, signal != 0
}

// isSignal says whether the number is a signal's that has a name.
func isSignal(signal syscall.Signal) bool {
	for _, realtime := range realtimeSignals() {
		if signal == realtime {
			return true
		}
	}
	return unix.SignalName(signal) != ""
}
