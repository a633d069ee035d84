// Package osproc decides how a child process comes to life, how its pipes are
// read and written, how its end is learned, and which limits the daemon runs
// under. It never decides what then happens: it knows no program, no state,
// no log and no restart.
package osproc

import (
	"fmt"
	"os"
	"syscall"
)

// Spec says how one child is to be started.
type Spec struct {
	// Path is the file to execute, as Resolve found it. A relative one is
	// taken from Dir.
	Path string
	// Args is the child's argv, its own name included.
	Args []string
	// Env is the child's whole environment, each entry "NAME=value".
	Env []string
	// Dir is the child's working directory; empty for the daemon's.
	Dir string
	// Umask is the child's file mode creation mask; -1 for the daemon's.
	Umask int
	// Credential is whom the child runs as; nil for the daemon's own user.
	Credential *Credential
	// RedirectStderr lets stderr share stdout's pipe, so that both arrive in
	// the order in which they were written; Child.Stderr is nil then.
	RedirectStderr bool
	// Stdin becomes the child's fd 0, and Child.Stdin is nil: the listening
	// socket of a FastCGI program. Spawn makes it blocking, because such a
	// program waits in accept, and leaves it open. nil asks for a pipe.
	Stdin *os.File
}

// Child is a process that has been started, with the daemon's ends of its
// pipes. Its owner serves Stdout and Stderr and closes all three.
type Child struct {
	// PID is the process ID, and the ID of the child's session and group too.
	PID int
	// Stdin is nil when Spec.Stdin was given.
	Stdin *Stdin
	// Stdout is never nil.
	Stdout *Pipe
	// Stderr is nil under Spec.RedirectStderr.
	Stderr *Pipe
}

// Kill sends sig to the process pid, or to its whole process group. A process
// or group that is gone is syscall.ESRCH under errors.Is. IDs below 2 are
// refused with EINVAL: kill(2) would take them for the caller's own group or
// for every process there is.
func Kill(pid int, sig syscall.Signal, group bool) error {
	target, what := pid, "process"
	if group {
		target, what = -pid, "process group"
	}
	err := error(syscall.EINVAL)
	if pid > 1 {
		err = syscall.Kill(target, sig)
	}
	if err != nil {
		return fmt.Errorf("send signal %d to %s %d: %w", int(sig), what, pid, err)
	}
	return nil
}
