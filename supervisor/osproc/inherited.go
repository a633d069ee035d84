package osproc

import (
	"os"
	"os/signal"
	"strconv"
	"syscall"
)

// closeOnExecIn marks all descriptors above 2 that the folder lists.
func closeOnExecIn(folder string) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return
	}
	for _, e := range entries {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd > 2 {
			syscall.CloseOnExec(fd)
		}
	}
}

// knownIgnored returns the ignored signals that Go's runtime knows of.
func knownIgnored() []os.Signal {
	var sigs []os.Signal
	for n := syscall.Signal(1); n < 32; n++ {
		if signal.Ignored(n) {
			sigs = append(sigs, n)
		}
	}
	return sigs
}
