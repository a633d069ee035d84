package osproc

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// passage hands descriptors to a thread that has a table of its own. A child
// begins with a copy of the table of the thread that forks it, and closes what
// is in there one by one before it becomes its program: for a daemon with a
// thousand children that would be three thousand, for each that it starts.
type passage struct {
	near, far int // a pair of sockets; noFD before open
}

// open prepares the passage, on any thread. Without one, threads go on to
// share their descriptors.
func (p *passage) open() {
	p.near, p.far = noFD, noFD
	// The runtime's poller must be there before the table is copied: every
	// thread uses its descriptors now and then.
	r, w, err := os.Pipe()
	if err != nil {
		return
	}
	_ = r.Close()
	_ = w.Close()
	if fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0); err == nil {
		p.near, p.far = fds[0], fds[1]
	}
}

// enter gives the calling thread a table of its own that holds nothing but the
// standard streams, the passage, and what the runtime needs. It does nothing
// where the kernel refuses that or /proc is missing.
func (p *passage) enter() {
	if p.near == noFD {
		return
	}
	link := func(fd int) string {
		target, _ := os.Readlink("/proc/thread-self/fd/" + strconv.Itoa(fd))
		return target
	}
	if link(p.far) == "" || unix.Unshare(unix.CLONE_FILES) != nil {
		p.close()
		p.near, p.far = noFD, noFD
		return
	}
	// An error leaves everything open, which costs time but no more.
	names, _ := filepath.Glob("/proc/thread-self/fd/*")
	for _, name := range names {
		fd, err := strconv.Atoi(filepath.Base(name))
		if err != nil || fd <= 2 || fd == p.far {
			continue
		}
		if target := link(fd); target != "anon_inode:[eventpoll]" && target != "anon_inode:[eventfd]" {
			_ = unix.Close(fd) // of a copy; that of the listing is gone already
		}
	}
}

// send puts fds into the passage, and returns them as they are where there is
// none.
func (p *passage) send(fds []uintptr) error {
	if p.near == noFD {
		return nil
	}
	rights := make([]int, len(fds))
	for i, fd := range fds {
		rights[i] = int(fd)
	}
	if err := unix.Sendmsg(p.near, []byte{0}, unix.UnixRights(rights...), nil, 0); err != nil {
		return fmt.Errorf("hand %d pipes to the spawner: %w", len(fds), err)
	}
	return nil
}

// receive returns what was sent as fds, under the numbers of this thread. The
// caller lets go of them by release.
func (p *passage) receive(fds []uintptr) ([]uintptr, error) {
	if p.near == noFD {
		return fds, nil
	}
	oob := make([]byte, unix.CmsgSpace(4*len(fds)))
	_, n, flags, _, err := unix.Recvmsg(p.far, make([]byte, 1), oob, unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("take %d pipes: %w", len(fds), err)
	}
	var got []uintptr
	messages, err := unix.ParseSocketControlMessage(oob[:n])
	for i := range messages {
		rights, _ := unix.ParseUnixRights(&messages[i]) // there is no other kind
		for _, fd := range rights {
			got = append(got, uintptr(fd))
		}
	}
	if err != nil || len(got) != len(fds) || flags&unix.MSG_CTRUNC != 0 {
		p.release(got)
		return nil, fmt.Errorf("take %d pipes: got %d: %w", len(fds), len(got), unix.EMFILE)
	}
	return got, nil
}

// release closes what receive returned.
func (p *passage) release(fds []uintptr) {
	if p.near == noFD {
		return
	}
	for _, fd := range fds {
		_ = unix.Close(int(fd))
	}
}

// close closes the process's ends. The thread that has entered the passage
// closes its own by ending.
func (p *passage) close() {
	if p.near != noFD {
		_ = unix.Close(p.near)
		_ = unix.Close(p.far)
	}
}
