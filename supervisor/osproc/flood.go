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

const (
	// bufferSize is what a Linux pipe holds unless somebody enlarged it: one
	// read empties it.
	bufferSize = 64 << 10
	// wideBufferSize is for pipes that were enlarged to widePipe. It is what
	// Supervisor asks for in one read, so that logs are rotated no later.
	wideBufferSize = 128 << 10
	widePipe       = 512 << 10
	// mostWide is how many pipes may be wide at a time: the kernel's memory
	// for pipes is limited, and a pipe that it is short of gets a page or two.
	mostWide = 32

	// A stream of which manyChunks come within manyTime is a flood. It is read
	// once in a pause, until so many pauses have brought nothing.
	manyChunks  = 32
	manyTime    = 4 * time.Millisecond
	pause       = 2 * time.Millisecond
	emptyPauses = 8
)

// pipeMemory is what the pipes of all children share.
type pipeMemory struct {
	small, large sync.Pool // of *[]byte: bufferSize and wideBufferSize
	wide         atomic.Int32
}

func newPipeMemory() *pipeMemory {
	m := &pipeMemory{}
	m.small.New = func() any { return newBuffer(bufferSize) }
	m.large.New = func() any { return newBuffer(wideBufferSize) }
	return m
}

func newBuffer(size int) *[]byte {
	b := make([]byte, size)
	return &b
}

// flood looks at how a stream comes in.
type flood struct {
	full   int // chunks that nearly emptied a full pipe, one after the other
	chunks int // that were not, since began
	began  time.Time
}

// rises takes note of the chunk that r has read last. It enlarges a pipe that
// is always full, and returns true for one that brings many small chunks.
func (f *flood) rises(r *reader, conn syscall.RawConn) bool {
	if r.n >= bufferSize*3/4 {
		f.chunks = 0
		if f.full++; f.full > 1 {
			_ = conn.Control(r.widen)
		}
		return false
	}
	f.full = 0
	if f.chunks == 0 {
		f.began = time.Now()
	}
	if f.chunks++; f.chunks < manyChunks {
		return false
	}
	f.chunks = 0
	if time.Since(f.began) >= manyTime {
		return false
	}
	// A pipe of the usual size would be full long before the end of a pause.
	_ = conn.Control(r.widen)
	return r.wide
}

// sample reads a flood once in a pause. The pipe is taken away from the poller
// meanwhile, which would wake up for each write of the child. It returns true
// when the flood is over, and false at the end of the stream.
func (p *Pipe) sample(r *reader, sink func([]byte)) bool {
	fd, err := p.unwatch()
	if err != nil {
		return true
	}
	for empty := 0; ; {
		if drain, closed := p.state(); drain || closed {
			if !closed {
				r.rest(uintptr(fd), sink)
			}
			_ = syscall.Close(fd)
			return false
		}
		r.readUpTo(uintptr(fd), wideBufferSize)
		switch {
		case errors.Is(r.err, syscall.EAGAIN):
			r.release()
			if empty++; empty == emptyPauses {
				return p.watch(fd)
			}
			time.Sleep(pause)
		case !r.deliver(sink):
			_ = syscall.Close(fd)
			return false
		case r.n < bufferSize:
			empty = 0
			time.Sleep(pause)
		}
	}
}

// unwatch replaces the pipe's file by a descriptor that the poller does not
// know.
func (p *Pipe) unwatch() (fd int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	conn, err := p.file.SyscallConn()
	if err != nil {
		return noFD, err
	}
	closed := conn.Control(func(old uintptr) { fd, err = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 3) })
	if closed != nil || err != nil {
		return noFD, errors.Join(closed, err)
	}
	_ = p.file.Close() // only read from
	return fd, nil
}

// watch hands fd to the poller. It returns false when the pipe was closed.
func (p *Pipe) watch(fd int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.file = os.NewFile(uintptr(fd), p.file.Name())
	if p.closed {
		_ = p.file.Close() // only read from
	}
	if p.drain {
		wake(p.file)
	}
	return !p.closed
}

// widen enlarges the pipe, if there is room for one more.
func (r *reader) widen(fd uintptr) {
	if r.wide {
		return
	}
	r.wide = r.memory.wide.Add(1) <= mostWide && enlarge(fd, widePipe)
	if !r.wide {
		r.memory.wide.Add(-1)
		return
	}
	r.buffers = &r.memory.large
}

// narrow gives the place among the wide pipes back.
func (r *reader) narrow() {
	if r.wide {
		r.memory.wide.Add(-1)
	}
}
