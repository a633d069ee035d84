//go:build unix && !linux && !freebsd

package osproc

import "syscall"

// pipe opens a pipe, both sides close-on-exec. Without pipe2 no fork may come
// between the two steps.
func pipe(p *[2]int) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := syscall.Pipe(p[:]); err != nil {
		return err
	}
	syscall.CloseOnExec(p[0])
	syscall.CloseOnExec(p[1])
	return nil
}
