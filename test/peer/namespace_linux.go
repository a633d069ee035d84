package peer

import "syscall"

// attributes returns how the daemon's process is made: in a group of its own,
// which keeps a terminal's Ctrl-C for the test, and on demand as PID 1 of a new
// namespace.
func attributes(namespace bool) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if namespace {
		attr.Cloneflags = syscall.CLONE_NEWPID
	}
	return attr
}
