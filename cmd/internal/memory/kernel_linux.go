package memory

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// firstPIDNamespace has a number of its own, PROC_PID_INIT_INO in the kernel's
// sources.
const firstPIDNamespace = "pid:[4026531836]"

// KernelLog reads what the kernel says from now on.
type KernelLog struct {
	fd    int
	lines kernelLines
	buf   [8192]byte // a record is shorter
}

// OpenKernelLog opens the kernel's log at its end. The error says why it cannot
// be read: mostly that only root may.
func OpenKernelLog() (*KernelLog, error) {
	const device = "/dev/kmsg"
	// The kernel names processes by the pids that its first namespace gives them.
	if space, err := os.Readlink("/proc/self/ns/pid"); err != nil || space != firstPIDNamespace {
		return nil, fmt.Errorf("read %s: its pids are not those of this container (%s)", device, space)
	}
	fd, err := syscall.Open(device, syscall.O_RDONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", device, err)
	}
	if _, err := syscall.Seek(fd, 0, io.SeekEnd); err != nil {
		_ = syscall.Close(fd) // it was only opened
		return nil, fmt.Errorf("read %s: %w", device, err)
	}
	k := &KernelLog{fd: fd, lines: newKernelLines()}
	if _, err := k.Kills(); err != nil {
		_ = syscall.Close(fd) // it was only read
		return nil, err
	}
	return k, nil
}

// Kills returns the kills that the kernel has told of since the last call.
func (k *KernelLog) Kills() ([]Kill, error) {
	var kills []Kill
	for {
		n, err := syscall.Read(k.fd, k.buf[:])
		switch {
		case err == nil && n > 0:
			if message, ok := record(string(k.buf[:n])); ok {
				kills = k.lines.add(kills, message)
			}
		case errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.EINTR):
			// Records were overwritten before they were read: the next is there.
		case err == nil || errors.Is(err, syscall.EAGAIN):
			return kills, nil
		default:
			return kills, fmt.Errorf("read the kernel's log: %w", err)
		}
	}
}
