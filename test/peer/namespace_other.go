//go:build !linux

package peer

import "syscall"

// attributes returns how the daemon's process is made: in a group of its own,
// which keeps a terminal's Ctrl-C for the test. PID namespaces are Linux's.
func attributes(bool) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
