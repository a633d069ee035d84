//go:build linux || freebsd

package osproc

import "syscall"

// pipe opens a pipe, both sides close-on-exec.
func pipe(p *[2]int) error { return syscall.Pipe2(p[:], syscall.O_CLOEXEC) }
