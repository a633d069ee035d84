package osproc

import "syscall"

func diagnose(spec Spec, errno syscall.Errno) *SpawnError {
	return newSpawnError(spec, StageExec, errno)
}
