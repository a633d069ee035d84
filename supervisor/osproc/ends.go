package osproc

import (
	"fmt"
	"os"
	"syscall"
	"time"
)

// noFD marks a descriptor that is not open.
const noFD = -1

// end is one pipe between the daemon and a child. The daemon's side is
// non-blocking and watched by the runtime's poller; the child's side is a
// plain descriptor, blocking as programs expect their stdio to be.
type end struct {
	parent *os.File
	child  int
}

// ends are the pipes of a child that is being started.
type ends struct {
	stdin, stdout, stderr end
	inherited             uintptr // Spec.Stdin's descriptor, if stdin has no pipe
}

// openEnds makes the pipes that spec asks for. On error none is left open.
func openEnds(spec Spec) (_ *ends, err error) {
	e := &ends{stdin: end{child: noFD}, stdout: end{child: noFD}, stderr: end{child: noFD}}
	defer func() {
		if err != nil {
			e.closeChild()
			e.closeParent()
		}
	}()
	if spec.Stdin != nil {
		e.inherited, err = blockingFD(spec.Stdin)
	} else {
		e.stdin, err = openEnd("stdin", true)
	}
	if err != nil {
		return nil, err
	}
	if e.stdout, err = openEnd("stdout", false); err != nil {
		return nil, err
	}
	if spec.RedirectStderr {
		return e, nil
	}
	e.stderr, err = openEnd("stderr", false)
	return e, err
}

// openEnd makes one pipe, of which the daemon keeps the writing or the
// reading side.
func openEnd(name string, parentWrites bool) (end, error) {
	var p [2]int
	if err := pipe(&p); err != nil {
		return end{child: noFD}, fmt.Errorf("open pipe for %s: %w", name, err)
	}
	mine, theirs := p[0], p[1]
	if parentWrites {
		mine, theirs = theirs, mine
	}
	if err := syscall.SetNonblock(mine, true); err != nil {
		_ = syscall.Close(mine)
		_ = syscall.Close(theirs)
		return end{child: noFD}, fmt.Errorf("make pipe for %s non-blocking: %w", name, err)
	}
	e := end{parent: os.NewFile(uintptr(mine), name), child: theirs}
	// NewFile says nothing when the poller refuses a descriptor; without a
	// poller there are no deadlines.
	if err := e.parent.SetDeadline(time.Time{}); err != nil {
		_ = e.parent.Close()
		_ = syscall.Close(theirs)
		return end{child: noFD}, fmt.Errorf("watch pipe for %s: %w", name, err)
	}
	return e, nil
}

// child returns what becomes the child's fd 0, 1 and 2.
func (e *ends) child() []uintptr {
	stdin, stderr := e.inherited, uintptr(e.stdout.child)
	if e.stdin.child != noFD {
		stdin = uintptr(e.stdin.child)
	}
	if e.stderr.child != noFD {
		stderr = uintptr(e.stderr.child)
	}
	return []uintptr{stdin, uintptr(e.stdout.child), stderr}
}

func (e *ends) closeChild() {
	for _, fd := range []int{e.stdin.child, e.stdout.child, e.stderr.child} {
		if fd != noFD {
			_ = syscall.Close(fd)
		}
	}
}

func (e *ends) closeParent() {
	for _, f := range []*os.File{e.stdin.parent, e.stdout.parent, e.stderr.parent} {
		if f != nil {
			_ = f.Close()
		}
	}
}

// blockingFD returns f's descriptor after making it blocking.
func blockingFD(f *os.File) (fd uintptr, err error) {
	conn, err := f.SyscallConn()
	if err != nil {
		return 0, fmt.Errorf("use %q as stdin: %w", f.Name(), err)
	}
	var blockErr error
	err = conn.Control(func(raw uintptr) {
		fd, blockErr = raw, syscall.SetNonblock(int(raw), false)
	})
	if err == nil {
		err = blockErr
	}
	if err != nil {
		return 0, fmt.Errorf("use %q as stdin: %w", f.Name(), err)
	}
	return fd, nil
}
