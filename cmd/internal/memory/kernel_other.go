//go:build !linux

package memory

import "errors"

// KernelLog is the kernel's log, which is read only on Linux.
type KernelLog struct{}

// OpenKernelLog says that there is none.
func OpenKernelLog() (*KernelLog, error) {
	return nil, errors.New("open the kernel's log: only Linux has one that can be read")
}

// Kills returns nothing.
func (*KernelLog) Kills() ([]Kill, error) { return nil, nil }
