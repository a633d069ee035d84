package osproc

// rlimValue is how syscall.Rlimit counts.
type rlimValue = int64
