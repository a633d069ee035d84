//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package listener

import (
	"fmt"
	"os"
	"syscall"
)

// takeStdio moves the two ends of the protocol to descriptors of their own,
// which child processes do not inherit, and leaves an empty stdin and a stdout
// that leads to stderr in their place.
func takeStdio() (stdin, stdout *os.File, err error) {
	if stdin, err = duplicate(syscall.Stdin, "stdin"); err != nil {
		return nil, nil, err
	}
	if stdout, err = duplicate(syscall.Stdout, "stdout"); err != nil {
		return nil, nil, err
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, nil, fmt.Errorf("replace stdin: %w", err)
	}
	defer func() { _ = null.Close() }() // only read from
	if err := dup2(int(null.Fd()), syscall.Stdin); err != nil {
		return nil, nil, fmt.Errorf("replace stdin: %w", err)
	}
	if err := dup2(syscall.Stderr, syscall.Stdout); err != nil {
		return nil, nil, fmt.Errorf("redirect stdout to stderr: %w", err)
	}
	return stdin, stdout, nil
}

func duplicate(fd int, name string) (*os.File, error) {
	syscall.ForkLock.RLock() // no child may be forked before CloseOnExec
	defer syscall.ForkLock.RUnlock()
	copied, err := syscall.Dup(fd)
	if err != nil {
		return nil, fmt.Errorf("duplicate %s: %w", name, err)
	}
	syscall.CloseOnExec(copied)
	return os.NewFile(uintptr(copied), name), nil
}
