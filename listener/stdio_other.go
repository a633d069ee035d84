//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package listener

import "os"

// takeStdio keeps what Go code prints away from the daemon. Child processes
// that get descriptor 1 still write to it.
func takeStdio() (stdin, stdout *os.File, err error) {
	stdin, stdout = os.Stdin, os.Stdout
	os.Stdout = os.Stderr
	return stdin, stdout, nil
}
