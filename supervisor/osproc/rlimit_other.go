//go:build unix && !freebsd

package osproc

// rlimValue is how syscall.Rlimit counts.
type rlimValue = uint64
