package osproc

import (
	"errors"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Pipe is the daemon's end of a child's stdout or stderr. While nothing
// arrives it costs a parked goroutine and no buffer.
type Pipe struct {
	memory *pipeMemory
	bulk   bool
	behind func() bool // when to read in bulk; nil for always, if bulk
	done   chan struct{}

	mu     sync.Mutex
	file   *os.File // a closed one while Serve samples a flood
	drain  bool
	closed bool
}

func newPipe(f *os.File, memory *pipeMemory) *Pipe {
	return &Pipe{file: f, memory: memory, done: make(chan struct{})}
}

// Bulk tells Serve, which has not begun, that it does not matter into which
// chunks the stream is cut. A child that floods its pipe is then read in fewer
// and larger ones, and two milliseconds late.
func (p *Pipe) Bulk() { p.bulk = true }

// Gather is Bulk for a stream of whose chunks somebody is told who has work
// with each. Serve asks behind, on its own goroutine, whether they have more
// of it than they can do: as long as they have not, chunks come as the child
// writes them, and at once. Otherwise those of a flood are gathered into some
// of about 56 KiB. A chunk that does not end where the child has paused ends
// with a line where it can.
func (p *Pipe) Gather(behind func() bool) { p.bulk, p.behind = true, behind }

// Serve hands each chunk that the child writes to sink, in order, and returns
// at the end of the stream, after Drain or after Close, with the pipe closed.
// A chunk is valid only during the call, and at most 64 KiB long; 128 KiB
// after Bulk. Serve is called once, on a goroutine of the caller; a sink that
// blocks makes the child wait in its turn.
func (p *Pipe) Serve(sink func(chunk []byte)) {
	defer close(p.done)
	defer func() { _ = p.Close() }()
	r := reader{memory: p.memory, buffers: &p.memory.small, limit: wideBufferSize}
	if p.behind != nil {
		lines := &wholeLines{sink: sink, memory: &p.memory.large}
		defer lines.flush()
		sink, r.limit, r.idle = lines.add, gatherSize, lines.flush
	}
	defer r.narrow()
	for p.await(&r, sink) && p.sample(&r, sink) {
	}
}

// await reads whenever the poller says that there is something. It returns
// true in a flood, and false at the end.
func (p *Pipe) await(r *reader, sink func([]byte)) bool {
	conn, err := p.File().SyscallConn()
	if err != nil {
		return false // closed before it was served
	}
	f := flood{within: manyTime}
	if p.behind != nil {
		f.within = manyTimeTold
	}
	next := r.read // one allocation for all chunks
	for conn.Read(next) == nil {
		if !r.deliver(sink) {
			return false
		}
		if p.bulk && (p.behind == nil || p.behind()) && f.rises(r, conn) {
			return true
		}
	}
	if drain, _ := p.state(); drain {
		_ = conn.Control(func(fd uintptr) { r.rest(fd, sink) })
	}
	return false
}

// Drain tells Serve that the process has ended: it hands over what the pipe
// holds now, and no more than that, because a grandchild that has inherited
// the pipe may write to it for ever; then it closes the pipe and returns.
// Drain does not wait for that: see Done. It may come before Serve.
func (p *Pipe) Drain() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drain = true
	wake(p.file)
}

// wake ends the wait of a read.
func wake(f *os.File) {
	_ = f.SetReadDeadline(time.Unix(1, 0)) // fails only where nothing is left to wake
}

// Close closes the pipe; what it still holds is lost. Serve returns as soon
// as its sink has.
func (p *Pipe) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return os.ErrClosed
	}
	p.closed = true
	return p.file.Close()
}

// state tells whether Drain and Close were called.
func (p *Pipe) state() (drain, closed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.drain, p.closed
}

// Done is closed when Serve has returned: sink is not called any more.
func (p *Pipe) Done() <-chan struct{} { return p.done }

// File returns the descriptor, for uses beyond Serve, such as to hand it to
// another process. Pipe keeps owning it. Reach it through SyscallConn, so that
// it cannot be closed meanwhile. Once a Pipe that is Bulk is served, it may be
// replaced by another at any time, and be closed.
func (p *Pipe) File() *os.File {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.file
}

// reader takes a buffer only when there may be something to put in it.
type reader struct {
	memory  *pipeMemory
	buffers *sync.Pool // of memory, that of the size in use
	wide    bool       // the pipe was enlarged
	limit   int        // bytes that are read at a time, if they fit into the buffer
	idle    func()     // called when there is nothing to read; may be nil
	buf     *[]byte    // nil unless a read has just happened
	n       int
	err     error
}

// read is what RawConn.Read calls, before it waits and each time the pipe
// becomes readable. It returns false in order to wait.
func (r *reader) read(fd uintptr) bool {
	r.readUpTo(fd, r.limit)
	if errors.Is(r.err, syscall.EAGAIN) {
		r.release()
		if r.idle != nil {
			r.idle()
		}
		return false
	}
	return true
}

func (r *reader) readUpTo(fd uintptr, limit int) {
	r.buf = r.buffers.Get().(*[]byte)
	for {
		r.n, r.err = syscall.Read(int(fd), (*r.buf)[:min(limit, r.limit, len(*r.buf))])
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
func (r *reader) rest(fd uintptr, sink func([]byte)) {
	for left := held(fd); left > 0; left -= r.n {
		r.readUpTo(fd, left)
		if !r.deliver(sink) {
			return
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
