package osproc

import (
	"errors"
	"fmt"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// Stage is how far the start of a child got.
type Stage string

// The stages, in their order.
const (
	StagePipes  Stage = "pipes"  // making its pipes
	StageFork   Stage = "fork"   // making the process
	StageSetuid Stage = "setuid" // becoming another user
	StageChdir  Stage = "chdir"  // changing directory
	StageExec   Stage = "exec"   // executing the file
)

// SpawnError says why a child was not started.
type SpawnError struct {
	Stage Stage
	// Path is the file, the directory at StageChdir, or the uid at StageSetuid.
	Path string
	// Err is mostly a syscall.Errno.
	Err error
	// Hint explains Err where it is known to mislead, or is empty: "no such
	// file" about a file that exists but names a missing interpreter.
	Hint string

	arg0 string
}

func newSpawnError(spec Spec, stage Stage, err error) *SpawnError {
	e := &SpawnError{Stage: stage, Path: spec.Path, Err: err, arg0: spec.Path}
	if len(spec.Args) > 0 {
		e.arg0 = spec.Args[0]
	}
	return e
}

func setuidError(uid int, text string, cause error) *SpawnError {
	return &SpawnError{Stage: StageSetuid, Path: strconv.Itoa(uid), Err: &credentialError{text, cause}}
}

// Error names the file and the reason, for the daemon's log.
func (e *SpawnError) Error() string {
	var text string
	switch e.Stage {
	case StagePipes:
		text = fmt.Sprintf("make pipes for %q: %v", e.Path, e.Err)
	case StageFork:
		text = fmt.Sprintf("fork for %q: %v", e.Path, e.Err)
	case StageSetuid:
		text = fmt.Sprintf("set uid to %s: %v", e.Path, e.Err)
	case StageChdir:
		text = fmt.Sprintf("change directory to %q: %v", e.Path, e.Err)
	case StageExec:
		text = fmt.Sprintf("execute %q: %v", e.Path, e.Err)
	}
	if e.Hint != "" {
		text += " (" + e.Hint + ")"
	}
	return text
}

// Unwrap returns Err.
func (e *SpawnError) Unwrap() error { return e.Err }

// ChildText returns what Supervisor writes to the child's stderr about such a
// failure, or an empty string at the stages before there is a child
// (process.py, _spawn_as_child).
func (e *SpawnError) ChildText() string {
	var text string
	switch e.Stage {
	case StagePipes, StageFork:
		return ""
	case StageSetuid:
		text = fmt.Sprintf("couldn't setuid to %s: %v", e.Path, e.Err)
	case StageChdir:
		text = fmt.Sprintf("couldn't chdir to %s: %s", e.Path, errorCode(e.Err))
	case StageExec:
		text = fmt.Sprintf("couldn't exec %s: %s", e.arg0, errorCode(e.Err))
	}
	return "supervisor: " + text + "\nsupervisor: child process was not spawned\n"
}

// Reason returns the spawnerr of the process so named: Supervisor's text at the
// stages before there is a child (process.py, spawn), and Error's afterwards,
// where Supervisor knows nothing but that the child exited.
func (e *SpawnError) Reason(process string) string {
	switch e.Stage {
	case StagePipes:
		if errors.Is(e.Err, syscall.EMFILE) {
			return fmt.Sprintf("too many open files to spawn '%s'", process)
		}
		return fmt.Sprintf("unknown error making dispatchers for '%s': %s", process, errorCode(e.Err))
	case StageFork:
		if errors.Is(e.Err, syscall.EAGAIN) {
			return fmt.Sprintf("Too many processes in process table to spawn '%s'", process)
		}
		return fmt.Sprintf("unknown error during fork for '%s': %s", process, errorCode(e.Err))
	case StageSetuid, StageChdir, StageExec:
	}
	return e.Error()
}

// errorCode returns an error as Python's errno.errorcode does: "ENOENT".
func errorCode(err error) string {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return err.Error()
	}
	if name := unix.ErrnoName(errno); name != "" {
		return name
	}
	return strconv.Itoa(int(errno))
}
