// Package leftovers remembers, in a file beside the pidfile, which processes a
// supervisord has started, so that the one that follows a supervisord that was
// killed can tell its leftovers from strangers.
//
// It decides whether a process is the one that was started, whatever its pid
// stands for by now, and whether another supervisord is at work. It never
// decides what becomes of a leftover, and knows no program, state or restart.
// Where there is no /proc, only the second is known, and nothing is found.
package leftovers

import (
	"fmt"
	"syscall"
	"time"
)

// Rules are the stop rules of a program at the time of its start, so that its
// leftover is stopped in the right manner even when the program has gone from
// the configuration.
type Rules struct {
	StopSignal   int           `json:"stopsignal"`
	StopWaitSecs time.Duration `json:"stopwaitsecs"` // nanoseconds in the file
	StopAsGroup  bool          `json:"stopasgroup,omitzero"`
	KillAsGroup  bool          `json:"killasgroup,omitzero"`
}

// Entry is one process that a supervisord has started.
type Entry struct {
	Group string `json:"group"`
	Name  string `json:"name"`
	// PID is 0 for a process that was about to be born.
	PID int `json:"pid,omitzero"`
	// Start is when the process was started, in clock ticks since the boot as
	// /proc/PID/stat has it; for one that was about to be born, when that was.
	Start uint64 `json:"start"`
	// World is the boot and the PID namespace in which PID and Start mean
	// something.
	World string `json:"world"`
	// Program stands for how the process was started; it changes with the
	// command, the folder, the user or the environment.
	Program string `json:"program,omitempty"`
	Rules
}

// key identifies the one process that can be alive for a program.
type key struct{ group, name string }

func (e *Entry) key() key { return key{e.Group, e.Name} }

// Found is a process that an earlier supervisord has left behind, and is still
// the process that was started.
type Found struct {
	Entry
	Process *Process
}

// End is how a leftover has ended.
type End struct {
	Status syscall.WaitStatus
	// Known is false where the kernel does not tell (before Linux 6.15) or the
	// process is never reaped by its new parent.
	Known bool
}

// HeldError says that another supervisord holds the file.
type HeldError struct {
	Path string
	PID  int // 0 when it is not known
}

func (e *HeldError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("claim %q: another supervisord is running with it", e.Path)
	}
	return fmt.Sprintf("claim %q: another supervisord (pid %d) is running with it", e.Path, e.PID)
}
