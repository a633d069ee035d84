package osproc

import (
	"math"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// prepareThread gives the calling thread a umask of its own and an empty
// signal mask; its children inherit both. Refusals leave what the daemon has.
func prepareThread() {
	_ = unix.Unshare(unix.CLONE_FS)
	_ = unix.PthreadSigmask(unix.SIG_SETMASK, &unix.Sigset_t{}, nil)
}

// closeOnExec keeps the descriptors that the daemon was started with from its
// children. Those that Go opens are close-on-exec anyway.
func closeOnExec() {
	if unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC) == nil {
		return
	}
	closeOnExecIn("/proc/self/fd")
}

// ignoredSignals returns the signals that the process ignores.
func ignoredSignals() []os.Signal {
	status, err := os.ReadFile("/proc/thread-self/status")
	if err != nil {
		return knownIgnored()
	}
	for line := range strings.Lines(string(status)) {
		hex, found := strings.CutPrefix(line, "SigIgn:")
		if !found {
			continue
		}
		mask, err := strconv.ParseUint(strings.TrimSpace(hex), 16, 64)
		if err != nil {
			break
		}
		var sigs []os.Signal
		for n := 1; n <= 64; n++ {
			if mask&(1<<(n-1)) != 0 {
				sigs = append(sigs, syscall.Signal(n))
			}
		}
		return sigs
	}
	return knownIgnored()
}

// fionread asks a pipe how many bytes it holds.
const fionread = unix.TIOCINQ

// enlarge lets a pipe hold size bytes, and reports whether it now does.
func enlarge(fd uintptr, size int) bool {
	n, err := unix.FcntlInt(fd, unix.F_SETPIPE_SZ, size)
	return err == nil && n >= size
}

// noExec reports whether the file's file system forbids execution.
func noExec(file string) bool {
	var st unix.Statfs_t
	return unix.Statfs(file, &st) == nil && st.Flags&unix.ST_NOEXEC != 0
}
