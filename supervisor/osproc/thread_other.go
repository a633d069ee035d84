//go:build unix && !linux

package osproc

import "os"

// prepareThread does nothing: there is no umask of a single thread here, and
// the signal mask is the one that the daemon was started with.
func prepareThread() {}

// closeOnExec keeps the descriptors that the daemon was started with from its
// children. Those that Go opens are close-on-exec anyway.
func closeOnExec() { closeOnExecIn("/dev/fd") }

func ignoredSignals() []os.Signal { return knownIgnored() }

// fionread asks a pipe how many bytes it holds (sys/filio.h: _IOR('f', 127, int)).
const fionread = 0x4004667f

// enlarge does nothing: the system sizes its pipes by itself.
func enlarge(uintptr, int) bool { return false }

// noExec reports whether the file's file system forbids execution, where that
// is known.
func noExec(string) bool { return false }
