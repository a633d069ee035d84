package childlog

import (
	"errors"
	"io/fs"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// maxBacklog is how many bytes wait for a reader that is slow.
	maxBacklog = 1 << 20
	// stallAfter is how long a reader may take nothing at all, with the backlog
	// full, before its output is dropped. A reader that is merely slow thus
	// slows the child down, as any pipe would, and loses nothing; one that has
	// stopped (a terminal after ^S, a stopped pager) costs the child this much,
	// once.
	stallAfter = time.Second
	// drainFor is how long a closed log goes on offering its backlog.
	drainFor = 2 * time.Second
	// sharedPiece is how many bytes a pipe that poll(2) calls writable takes
	// without blocking, by POSIX.
	sharedPiece = 512
)

// errStalled says that the target's reader has stopped reading.
var errStalled = errors.New("its reader has stopped reading")

// pipe is a target that may refuse bytes for a while: a pipe, fifo, terminal,
// socket or device. Writes go straight to it while it keeps up. Only when it
// does not is there a backlog, and a goroutine that lives as long as that.
type pipe struct {
	fd     int
	shared bool
	stall  time.Duration // stallAfter, but for tests

	mu       sync.Mutex
	backlog  []byte
	stalled  bool
	err      error // why the target is of no use any more
	closed   bool
	draining bool          // the goroutine runs, and closes fd when it ends after closed
	wake     *os.File      // closing this end of a pipe wakes the goroutine
	progress chan struct{} // closed when bytes were taken or err or closed set
}

func newPipe(fd int, shared bool) *pipe {
	return &pipe{fd: fd, shared: shared, stall: stallAfter}
}

// write passes b on, or keeps it in the backlog. It returns how many bytes it
// has taken care of, and with fewer than len(b) why: errStalled, fs.ErrClosed,
// or what the system says.
func (p *pipe) write(b []byte) (n int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var patience *time.Timer
	for {
		switch {
		case p.closed:
			return n, fs.ErrClosed
		case p.err != nil:
			return n, p.err
		}
		if len(p.backlog) == 0 {
			n += p.try(b[n:])
			if p.err != nil {
				return n, p.err
			}
		}
		n += p.keep(b[n:])
		if n == len(b) {
			return n, nil
		}
		if p.stalled {
			return n, errStalled
		}
		if patience == nil {
			patience = time.NewTimer(p.stall)
			defer patience.Stop()
		} else {
			patience.Reset(p.stall)
		}
		p.await(patience.C)
	}
}

// await lets go of p.mu until there is progress. Without any before patience
// ends the target counts as stalled.
func (p *pipe) await(patience <-chan time.Time) {
	progress := p.progressed()
	p.mu.Unlock()
	defer p.mu.Lock()
	select {
	case <-progress:
	case <-patience:
		p.mu.Lock()
		p.stalled = p.progress == progress
		p.mu.Unlock()
	}
}

func (p *pipe) progressed() chan struct{} {
	if p.progress == nil {
		p.progress = make(chan struct{})
	}
	return p.progress
}

func (p *pipe) tell() {
	if p.progress != nil {
		close(p.progress)
		p.progress = nil
	}
}

// keep appends as much of b to the backlog as there is room for, and sees to
// it that the backlog is drained.
func (p *pipe) keep(b []byte) int {
	n := min(len(b), maxBacklog-len(p.backlog))
	if n <= 0 || p.stalled && n < len(b) {
		return 0
	}
	p.backlog = append(p.backlog, b[:n]...)
	if !p.draining {
		p.startDrain()
	}
	return n
}

// try offers b to the target without blocking and returns how much it took.
func (p *pipe) try(b []byte) (n int) {
	for n < len(b) {
		m, err := writeOnce(p.fd, p.shared, b[n:])
		if m > 0 {
			n += m
			p.stalled = false
		}
		switch {
		case err == nil && m > 0, errors.Is(err, unix.EINTR):
		case err == nil, errors.Is(err, unix.EAGAIN):
			return n
		default:
			p.err = err
			return n
		}
	}
	return n
}

// writeOnce offers b to fd. A descriptor that others share cannot be told not
// to block, so it is asked first and given little at a time.
func writeOnce(fd int, shared bool, b []byte) (int, error) {
	if !shared {
		return unix.Write(fd, b)
	}
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}} //nolint:gosec // descriptors are C's ints
	if _, err := unix.Poll(fds, 0); err != nil {
		return 0, err
	}
	if fds[0].Revents == 0 {
		return 0, unix.EAGAIN
	}
	return unix.Write(fd, b[:min(len(b), sharedPiece)])
}

// startDrain starts the goroutine that offers the backlog. It ends when the
// backlog is empty or given up; abandon and finish stop it.
func (p *pipe) startDrain() {
	woken, wake, err := os.Pipe()
	if err != nil {
		p.err = err
		return
	}
	p.draining, p.wake = true, wake
	go p.drain(woken)
}

func (p *pipe) drain(woken *os.File) {
	defer woken.Close() //nolint:errcheck // nothing was written to it
	for p.drainOnce() {
		fds := []unix.PollFd{
			{Fd: int32(p.fd), Events: unix.POLLOUT},      //nolint:gosec // descriptors are C's ints
			{Fd: int32(woken.Fd()), Events: unix.POLLIN}, //nolint:gosec // descriptors are C's ints
		}
		// An interrupted or failed poll only means one more attempt.
		_, _ = unix.Poll(fds, -1)
	}
}

// drainOnce offers the backlog and tells whether to wait and go on.
func (p *pipe) drainOnce() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	if p.err == nil {
		n = p.try(p.backlog)
	}
	p.backlog = p.backlog[:copy(p.backlog, p.backlog[n:])]
	if len(p.backlog) > 0 && p.err == nil && p.wake != nil {
		if n > 0 {
			p.tell()
		}
		return true
	}
	p.draining = false
	p.dropWake()
	if p.closed {
		p.closeFD()
	}
	if len(p.backlog) == 0 {
		p.backlog = nil // the memory of a bad moment
	}
	p.tell()
	return false
}

func (p *pipe) dropWake() {
	if p.wake != nil {
		_ = p.wake.Close()
		p.wake = nil
	}
}

func (p *pipe) closeFD() {
	// Whatever close(2) says of a pipe, there is nothing left to do about it.
	_ = unix.Close(p.fd)
}

// adopt takes over the backlog of a predecessor.
func (p *pipe) adopt(backlog []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.backlog = backlog
	p.startDrain()
}

// abandon closes the target and returns the bytes that it has not taken.
func (p *pipe) abandon() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	left := p.backlog
	p.backlog = nil
	p.close()
	return left
}

// finish closes the target once it has taken the backlog, or after limit.
func (p *pipe) finish(limit time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.backlog) == 0 || p.err != nil {
		p.close()
		return
	}
	p.closed = true
	p.tell()
	time.AfterFunc(limit, func() { p.abandon() })
}

// close closes the target now, or has the goroutine do it.
func (p *pipe) close() {
	if p.closed && !p.draining {
		return
	}
	p.closed = true
	p.tell()
	if p.draining {
		p.dropWake()
		return
	}
	p.closeFD()
}

// flush waits until the backlog is empty, at most for timeout.
func (p *pipe) flush(timeout time.Duration) bool {
	limit := time.NewTimer(timeout)
	defer limit.Stop()
	for {
		p.mu.Lock()
		if len(p.backlog) == 0 || p.err != nil || p.closed {
			empty := len(p.backlog) == 0
			p.mu.Unlock()
			return empty
		}
		progress := p.progressed()
		p.mu.Unlock()
		select {
		case <-progress:
		case <-limit.C:
			return false
		}
	}
}
