//go:build !linux

package leftovers

import (
	"errors"
	"syscall"
	"time"
)

// Process is a leftover; there is none on systems without /proc.
type Process struct{}

// stat is what is needed of /proc/PID/stat.
type stat struct{ start uint64 }

func readStat(int) (stat, error) { return stat{}, errors.ErrUnsupported }

// world is empty: nothing can be told apart here.
func world() string { return "" }

func ticksNow() uint64 { return 0 }

func findAll(map[key]Entry, string) []Found { return nil }

func open(Entry, string) (*Process, bool) { return nil, false }

// Age is how long the process has been running.
func (e *Entry) Age() time.Duration { return 0 }

// Signal is never called.
func (p *Process) Signal(syscall.Signal, bool) error { return errors.ErrUnsupported }

// Wait is never called.
func (p *Process) Wait() (End, bool) { return End{}, false }

// Close is never called.
func (p *Process) Close() {}
