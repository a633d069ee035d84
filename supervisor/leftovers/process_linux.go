package leftovers

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ticksPerSecond is the unit of /proc/PID/stat, the same on every system that
// Go runs on.
const ticksPerSecond = 100

// pollPause is how often a kernel without pidfds is asked whether a process
// lives.
const pollPause = 100 * time.Millisecond

// signalGroup is PIDFD_SIGNAL_PROCESS_GROUP (Linux 6.9).
const signalGroup = 1 << 2

// stat is what is needed of /proc/PID/stat.
type stat struct {
	state                  byte
	parent, group, session int
	threads                int
	start                  uint64
}

// dead tells whether the process waits only to be reaped.
func (s *stat) dead() bool { return s.state == 'Z' || s.state == 'X' }

// statRoom holds the first 22 fields of any /proc/PID/stat, in bytes: a name of
// at most 64, and numbers of at most 20 digits.
const statRoom = 640

// readStat reads /proc/PID/stat (proc_pid_stat(5)).
func readStat(pid int) (stat, error) {
	var room [statRoom]byte
	text, err := readAtOnce("/proc/"+strconv.Itoa(pid)+"/stat", room[:])
	if err != nil {
		return stat{}, err
	}
	var s stat
	const state, parent, group, session, threads, start = 3, 4, 5, 6, 20, 22
	field := state - 1
	// The fields after the name, which may hold anything, begin with the third.
	for word := range bytes.FieldsSeq(text[bytes.LastIndexByte(text, ')')+1:]) {
		switch field++; field {
		case state:
			s.state = word[0]
		case parent:
			s.parent, err = strconv.Atoi(string(word))
		case group:
			s.group, err = strconv.Atoi(string(word))
		case session:
			s.session, err = strconv.Atoi(string(word))
		case threads:
			s.threads, err = strconv.Atoi(string(word))
		case start:
			s.start, err = strconv.ParseUint(string(word), 10, 64)
		}
		if err != nil {
			return stat{}, fmt.Errorf("read stat of process %d: %w", pid, err)
		}
		if field == start {
			return s, nil
		}
	}
	return stat{}, fmt.Errorf("read stat of process %d: %d fields, want at least %d", pid, field, start)
}

// readAtOnce reads what fits into room of a file of /proc. Each birth has it
// read one, for which os.ReadFile makes twice the system calls: it tries to have
// the file polled.
func readAtOnce(path string, room []byte) ([]byte, error) {
	fd, err := retried(func() (int, error) { return unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0) })
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	n, err := retried(func() (int, error) { return unix.Read(fd, room) })
	_ = unix.Close(fd) // nothing was written
	if err != nil {
		return nil, &os.PathError{Op: "read", Path: path, Err: err}
	}
	return room[:n], nil
}

// retried calls do until no signal interrupts it.
func retried(do func() (int, error)) (n int, err error) {
	for {
		if n, err = do(); !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}

// world identifies the boot and the PID namespace; it is empty where /proc does
// not tell, or tells about the processes of another namespace.
func world() string {
	if self, err := os.Readlink("/proc/self"); err != nil || self != strconv.Itoa(os.Getpid()) {
		return ""
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	namespace, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(boot)) + " " + namespace
}

// sinceBoot is the clock of Entry.Start.
func sinceBoot() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return 0
	}
	return time.Duration(ts.Nano())
}

// ticksNow is the moment as Entry.Start has it.
func ticksNow() uint64 { return uint64(sinceBoot() / (time.Second / ticksPerSecond)) } //nolint:gosec // the time since the boot is not negative

// Age is how long the process has been running.
func (e *Entry) Age() time.Duration {
	return max(0, sinceBoot()-time.Duration(e.Start)*(time.Second/ticksPerSecond)) //nolint:gosec // a wrong one in the file makes a wrong age, as any would
}

// Process is a leftover that is held on to: what stands for it never comes to
// stand for another process. It is not a child of this one.
type Process struct {
	entry Entry
	pidfd *os.File      // nil where the kernel has none
	ended chan struct{} // closed by Close, without a pidfd
}

// open gets hold of the process of an entry; ok is false when that has ended.
func open(e Entry, world string) (p *Process, ok bool) {
	if e.PID <= 1 || e.PID == os.Getpid() || e.World != world || world == "" {
		return nil, false
	}
	p = &Process{entry: e, ended: make(chan struct{})}
	fd, err := unix.PidfdOpen(e.PID, unix.PIDFD_NONBLOCK)
	switch {
	case errors.Is(err, unix.ESRCH), errors.Is(err, unix.EINVAL):
		return nil, false
	case err == nil:
		unix.CloseOnExec(fd)
		p.pidfd = os.NewFile(uintptr(fd), "pidfd")
	}
	// Looked at afterwards: from here on, the pid cannot be another's.
	if !p.same() {
		p.Close()
		return nil, false
	}
	return p, true
}

// same tells whether the pid still stands for the process, and that lives.
func (p *Process) same() bool {
	s, err := readStat(p.entry.PID)
	return err == nil && !s.dead() && s.start == p.entry.Start
}

// Signal sends a signal to the process, or to its process group. The error is
// ESRCH when it has ended.
func (p *Process) Signal(sig syscall.Signal, group bool) error {
	if p.pidfd == nil {
		if !p.same() {
			return unix.ESRCH
		}
		return p.killByNumber(sig, group)
	}
	flags := 0
	if group {
		flags = signalGroup
	}
	err := p.send(sig, flags)
	if group && errors.Is(err, unix.EINVAL) { // a kernel before 6.9
		if err = p.send(0, 0); err == nil {
			err = p.killByNumber(sig, group)
		}
	}
	return err
}

// send sends a signal by the pidfd.
func (p *Process) send(sig syscall.Signal, flags int) error {
	raw, err := p.pidfd.SyscallConn()
	if err != nil {
		return err
	}
	if cerr := raw.Control(func(fd uintptr) { err = unix.PidfdSendSignal(int(fd), sig, nil, flags) }); cerr != nil {
		return cerr
	}
	return err
}

func (p *Process) killByNumber(sig syscall.Signal, group bool) error {
	pid := p.entry.PID
	if group {
		pid = -pid
	}
	return unix.Kill(pid, sig)
}

// Wait returns when the process has ended; ok is false after Close.
func (p *Process) Wait() (end End, ok bool) {
	if p.pidfd == nil {
		return End{}, p.poll()
	}
	raw, err := p.pidfd.SyscallConn()
	if err != nil || raw.Read(func(fd uintptr) bool { return happened(fd)&unix.POLLIN != 0 }) != nil {
		return End{}, false
	}
	for range reapPatience / reapPause { // the kernel tells once the process is reaped
		cerr := raw.Control(func(fd uintptr) { end = status(fd) })
		if cerr != nil || end.Known {
			break
		}
		<-time.After(reapPause)
	}
	return end, true
}

// How long a process that has ended may wait for its new parent.
const (
	reapPatience = 200 * time.Millisecond
	reapPause    = 5 * time.Millisecond
)

// happened returns what a pidfd has to tell now.
func happened(fd uintptr) int16 {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}} //nolint:gosec // descriptors are C's ints
	if _, err := unix.Poll(fds, 0); err != nil {
		return 0
	}
	return fds[0].Revents
}

// status asks for the wait status of a process that was reaped (ioctl_pidfd(2)).
func status(fd uintptr) End {
	info := unix.PidfdInfo{Mask: unix.PIDFD_INFO_EXIT}
	if err := unix.IoctlPidfdInfo(int(fd), &info); err != nil || info.Mask&unix.PIDFD_INFO_EXIT == 0 {
		return End{}
	}
	return End{Status: syscall.WaitStatus(info.Exit_code), Known: true} //nolint:gosec // the same bits
}

// poll is Wait for kernels without pidfds.
func (p *Process) poll() bool {
	ticker := time.NewTicker(pollPause)
	defer ticker.Stop()
	for p.same() {
		select {
		case <-ticker.C:
		case <-p.ended:
			return false
		}
	}
	return true
}

// Close lets go of the process, which goes on. It is called once.
func (p *Process) Close() {
	close(p.ended)
	if p.pidfd != nil {
		_ = p.pidfd.Close() // nothing was written
	}
}
