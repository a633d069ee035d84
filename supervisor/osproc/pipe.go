package osproc

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// bufferSize is what a Linux pipe holds unless the child enlarged it: one
// read empties it.
const bufferSize = 64 << 10

func newBuffer() any {
	b := make([]byte, bufferSize)
	return &b
}

// Pipe is the daemon's end of a child's stdout or stderr. While nothing
// arrives it costs a parked goroutine and no buffer.
type Pipe struct {
	file    *os.File
	buffers *sync.Pool
	drain   atomic.Bool
	done    chan struct{}
}

func newPipe(f *os.File, buffers *sync.Pool) *Pipe {
	return &Pipe{file: f, buffers: buffers, done: make(chan struct{})}
}

// Serve hands each chunk that the child writes to sink, in order, and returns
// at the end of the stream, after Drain or after Close, with the pipe closed.
// A chunk is valid only during the call. Serve is called once, on a goroutine
// of the caller; a sink that blocks makes the child wait in its turn.
func (p *Pipe) Serve(sink func(chunk []byte)) {
	defer close(p.done)
	defer func() { _ = p.file.Close() }()
	conn, err := p.file.SyscallConn()
	if err != nil {
		return // closed before it was served
	}
	r := reader{buffers: p.buffers}
	next := r.read // one allocation for all chunks
	for conn.Read(next) == nil {
		if !r.deliver(sink) {
			return
		}
	}
	if p.drain.Load() {
		r.rest(conn, sink)
	}
}

// Drain tells Serve that the process has ended: it hands over what the pipe
// holds now, and no more than that, because a grandchild that has inherited
// the pipe may write to it for ever; then it closes the pipe and returns.
// Drain does not wait for that: see Done. It may come before Serve.
func (p *Pipe) Drain() {
	p.drain.Store(true)
	_ = p.file.SetReadDeadline(time.Unix(1, 0)) // fails only where nothing is left to wake
}

// Close closes the pipe; what it still holds is lost. Serve returns as soon
// as its sink has.
func (p *Pipe) Close() error { return p.file.Close() }

// Done is closed when Serve has returned: sink is not called any more.
func (p *Pipe) Done() <-chan struct{} { return p.done }

// File returns the descriptor, for uses beyond Serve: to splice from it, or to
// hand it to another process. Pipe keeps owning it. Reach it through
// SyscallConn, so that it cannot be closed meanwhile.
func (p *Pipe) File() *os.File { return p.file }

// reader takes a buffer only when there may be something to put in it.
type reader struct {
	buffers *sync.Pool
	buf     *[]byte // nil unless a read has just happened
	n       int
	err     error
}

// read is what RawConn.Read calls, before it waits and each time the pipe
// becomes readable. It returns false in order to wait.
func (r *reader) read(fd uintptr) bool {
	r.readUpTo(fd, bufferSize)
	if errors.Is(r.err, syscall.EAGAIN) {
		r.release()
		return false
	}
	return true
}

func (r *reader) readUpTo(fd uintptr, limit int) {
	r.buf = r.buffers.Get().(*[]byte)
	for {
		r.n, r.err = syscall.Read(int(fd), (*r.buf)[:min(limit, bufferSize)])
		if !errors.Is(r.err, syscall.EINTR) {
			return
		}
	}
}

// deliver hands over what was read; it returns false at the end of the
// stream, as which an error counts too.
func (r *reader) deliver(sink func([]byte)) bool {
	defer r.release()
	if r.err != nil || r.n <= 0 {
		return false
	}
	sink((*r.buf)[:r.n])
	return true
}

func (r *reader) release() {
	r.buffers.Put(r.buf)
	r.buf = nil
}

// rest hands over what the pipe holds at this moment.
func (r *reader) rest(conn syscall.RawConn, sink func([]byte)) {
	left := 0
	err := conn.Control(func(fd uintptr) { left = held(fd) })
	for err == nil && left > 0 {
		err = conn.Control(func(fd uintptr) { r.readUpTo(fd, left) })
		if err == nil {
			left -= r.n
			if !r.deliver(sink) {
				return
			}
		}
	}
}

// held returns how many bytes a pipe holds.
func held(fd uintptr) int {
	n, err := unix.IoctlGetInt(int(fd), fionread)
	if err != nil {
		return 0 // no pipe refuses the question
	}
	return n
}
