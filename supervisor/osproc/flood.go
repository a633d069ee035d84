package osproc

import (
	"bytes"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unicode/utf8"

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
	// once in a pause, until so many pauses have brought less than a trickle.
	manyChunks  = 32
	manyTime    = 4 * time.Millisecond
	pause       = 2 * time.Millisecond
	quietPauses = 8
	trickle     = 256

	// Where somebody is told of the chunks, each costs far more, so that fewer
	// are many. With what is said around it, the largest chunk just fits into
	// the pipe through which a child is told: gatherSize and the line before,
	// if it is not longer than longestTail.
	manyTimeTold = 16 * time.Millisecond
	gatherSize   = 56 << 10
	longestTail  = 4 << 10
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
	within time.Duration // in which many chunks are a flood
	full   int           // chunks that nearly emptied a full pipe, one after the other
	chunks int           // that were not, since began
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
	if time.Since(f.began) >= f.within {
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
	much := min(r.limit, bufferSize)
	for quiet := 0; quiet < quietPauses; time.Sleep(pause) {
		for r.n = much; r.n >= much; { // more than a pause brings may be there
			if drain, closed := p.state(); drain || closed {
				if !closed {
					r.rest(uintptr(fd), sink)
				}
				_ = syscall.Close(fd)
				return false
			}
			if !r.read(uintptr(fd)) {
				break
			}
			if !r.deliver(sink) {
				_ = syscall.Close(fd)
				return false
			}
		}
		if quiet++; r.n >= trickle {
			quiet = 0
		}
	}
	return p.watch(fd)
}

// wholeLines moves the ends of chunks that were cut off at gatherSize to the
// end of a line, or at least of a character.
type wholeLines struct {
	sink   func([]byte)
	memory *sync.Pool // of buffers that hold a tail and a chunk
	tail   []byte     // begins the next chunk
}

func (w *wholeLines) add(chunk []byte) {
	cut := len(chunk) == gatherSize
	if len(w.tail) > 0 {
		buf := w.memory.Get().(*[]byte)
		defer w.memory.Put(buf)
		chunk = append(append((*buf)[:0], w.tail...), chunk...)
	}
	end := len(chunk)
	if cut {
		end = bytes.LastIndexByte(chunk, '\n') + 1
		if len(chunk)-end > longestTail {
			end = wholeRunes(chunk)
		}
	}
	w.sink(chunk[:end])
	w.tail = append(w.tail[:0], chunk[end:]...)
}

// flush hands over what was kept for the next chunk, which is not there yet.
func (w *wholeLines) flush() {
	if len(w.tail) > 0 {
		w.sink(w.tail)
	}
	w.tail = nil
}

// wholeRunes returns the length of p without a character that has only begun.
func wholeRunes(p []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(p); n++ {
		if start := len(p) - n; utf8.RuneStart(p[start]) {
			if !utf8.FullRune(p[start:]) {
				return start
			}
			break
		}
	}
	return len(p)
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
