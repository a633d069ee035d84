package osproc

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Limit is a resource limit, by its name in Supervisor's messages.
type Limit string

// The limits that a configuration can demand.
const (
	LimitNoFile Limit = "RLIMIT_NOFILE" // minfds
	LimitNProc  Limit = "RLIMIT_NPROC"  // minprocs
)

// EnsureLimit makes sure that the daemon, and so its children, may have at
// least least open files or processes: it raises the soft limit to that if it
// was lower, and the hard limit too if need be, which takes root. A higher
// limit is left alone. note is Supervisor's line for the log, or empty when
// there was nothing to do; the error's text is Supervisor's too (options.py,
// set_rlimits_or_exit).
//
// Call it before Reap begins: it may run a shell to learn a limit.
func EnsureLimit(limit Limit, least int) (note string, err error) {
	resource := unix.RLIMIT_NOFILE
	if limit == LimitNProc {
		resource = unix.RLIMIT_NPROC
	}
	var lim syscall.Rlimit
	if err := syscall.Getrlimit(resource, &lim); err != nil {
		return "", fmt.Errorf("read %s: %w", limit, err)
	}
	soft := lim.Cur
	if limit == LimitNoFile {
		soft = inheritedNoFile(lim)
	}
	wanted := rlimValue(least)        //nolint:gosec // less than one wants nothing
	if least <= 0 || soft >= wanted { // no limit is the highest value
		return "", nil
	}
	lim.Cur, lim.Max = wanted, max(lim.Max, wanted)
	if err := syscall.Setrlimit(resource, &lim); err != nil {
		hard := fmt.Sprint(lim.Max)
		if lim.Max == unix.RLIM_INFINITY {
			hard = "-1"
		}
		return "", errors.New(limit.refusal(least, hard))
	}
	return fmt.Sprintf("Increased %s limit to %d", limit, least), nil
}

// refusal is what Supervisor says before it exits. hard is in Supervisor, and
// so here, the limit that it tried to set.
func (l Limit) refusal(least int, hard string) string {
	things, things2, program, option := "file descriptors", "file descriptors", "process", "minfds"
	if l == LimitNProc {
		things, things2, program, option = "available processes", "processes", "program", "minprocs"
	}
	return fmt.Sprintf("The minimum number of %s required to run this %s is %d as per the %q "+
		"command-line argument or config file setting. The current environment will only allow you "+
		"to open %s %s.  Either raise the number of usable %s in your environment (see README.rst) "+
		"or lower the %s setting in the config file to allow the %s to start.",
		things, program, least, option, hard, things2, things2, option, program)
}

// inheritedNoFile returns the soft limit of open files that the daemon was
// started with. Go's runtime has raised the daemon's own, lim, as far as it
// goes, and tells nobody what it was; but it gives it back to children (until
// somebody calls Setrlimit), so a child can tell. Where no shell is to be
// found, the raised limit counts.
func inheritedNoFile(lim syscall.Rlimit) rlimValue {
	if lim.Cur >= lim.Max {
		return lim.Cur // there was nothing to raise
	}
	text, err := shell("ulimit -Sn")
	if err != nil {
		return lim.Cur
	}
	if text == "unlimited" {
		return unix.RLIM_INFINITY
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return lim.Cur
	}
	return rlimValue(n) //nolint:gosec // the shell tells no negative limit
}

// shell returns what a shell command writes to stdout, without white space
// around it.
func shell(command string) (string, error) {
	var p [2]int
	if err := pipe(&p); err != nil {
		return "", err
	}
	out := os.NewFile(uintptr(p[0]), "shell")
	defer func() { _ = out.Close() }()
	pid, err := syscall.ForkExec("/bin/sh", []string{"sh", "-c", command},
		attributes(nil, "", nil, []uintptr{^uintptr(0), uintptr(p[1]), ^uintptr(0)}))
	_ = syscall.Close(p[1])
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(out)
	for {
		if _, waitErr := syscall.Wait4(pid, nil, 0, nil); !errors.Is(waitErr, syscall.EINTR) {
			break
		}
	}
	return strings.TrimSpace(string(text)), err
}
