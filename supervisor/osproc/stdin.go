package osproc

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
)

// StdinBacklog is how many bytes a Stdin keeps for a child that does not read
// them: 8 MiB, many times the largest event that a default configuration can
// produce (1 MB of captured output).
const StdinBacklog = 8 << 20

// BacklogError says that a child reads its stdin too slowly: nothing of the
// write was taken.
type BacklogError struct {
	Size    int // of the refused write, in bytes
	Pending int // bytes that were waiting already
	Limit   int // bytes that may wait
}

func (e *BacklogError) Error() string {
	return fmt.Sprintf("queue %d bytes for stdin: %d of %d bytes are waiting already", e.Size, e.Pending, e.Limit)
}

// Stdin is the daemon's end of a child's stdin. It is safe for concurrent use.
type Stdin struct {
	file  *os.File
	limit int

	mu      sync.Mutex
	backlog []byte
	// flushing is true while a goroutine owns the head of the backlog; whoever
	// holds mu writes to the pipe only when it is false.
	flushing bool
	closed   bool // by Close, or by the child
}

func newStdin(f *os.File, limit int) *Stdin { return &Stdin{file: f, limit: limit} }

// Write sends p to the child, all of it or nothing, and never blocks: what the
// pipe does not take now is kept, and follows in order when the child reads.
// The error is a *BacklogError when too much is waiting already, and EPIPE
// under errors.Is once the child has closed its stdin or Close was called.
func (s *Stdin) Write(p []byte) error {
	err := s.put(p)
	if errors.Is(err, syscall.EPIPE) {
		_ = s.closeFile()
	}
	return err
}

func (s *Stdin) put(p []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errClosedStdin()
	}
	if len(s.backlog)+len(p) > s.limit {
		return &BacklogError{Size: len(p), Pending: len(s.backlog), Limit: s.limit}
	}
	if s.flushing {
		s.backlog = append(s.backlog, p...)
		return nil
	}
	conn, err := s.file.SyscallConn()
	var n int
	if err == nil {
		if closed := conn.Control(func(fd uintptr) { n, err = writeAll(fd, p) }); closed != nil {
			err = closed
		}
	}
	switch {
	case errors.Is(err, syscall.EAGAIN):
		s.backlog = append(s.backlog, p[n:]...)
		s.flushing = true
		go s.flush(conn) // ends when the backlog is empty, the child has closed, or Close is called
	case err != nil:
		s.closed = true
		return errClosedStdin()
	}
	return nil
}

// Pending returns how many bytes wait for the child, those that the pipe
// itself holds not counted.
func (s *Stdin) Pending() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.backlog)
}

// Close closes the pipe at once: the child sees the end of its input after
// what the pipe itself holds, and the backlog is dropped. Only the first of
// several calls does anything.
func (s *Stdin) Close() error {
	s.mu.Lock()
	s.closed, s.backlog = true, nil
	s.mu.Unlock()
	return s.closeFile()
}

// closeFile must not be called with mu held, nor from inside a RawConn: it
// waits until nobody uses the descriptor, and flush uses it while it waits for
// mu.
func (s *Stdin) closeFile() error {
	if err := s.file.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("close stdin: %w", err)
	}
	return nil
}

// File returns the descriptor, to hand it to another process. Stdin keeps
// owning it. Reach it through SyscallConn.
func (s *Stdin) File() *os.File { return s.file }

// flush writes the backlog as the child makes room.
func (s *Stdin) flush(conn syscall.RawConn) {
	err := conn.Write(s.flushSome)
	s.mu.Lock()
	if err != nil { // after Close
		s.closed, s.backlog = true, nil
	}
	closed := s.closed
	s.mu.Unlock()
	if closed {
		_ = s.closeFile()
	}
}

// flushSome writes what the pipe takes, and returns false to wait for more
// room.
func (s *Stdin) flushSome(fd uintptr) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return true
	}
	n, err := writeAll(fd, s.backlog)
	s.backlog = s.backlog[n:]
	if errors.Is(err, syscall.EAGAIN) {
		return false
	}
	s.closed = err != nil
	s.backlog, s.flushing = nil, false
	return true
}

// writeAll writes until p is empty or an error comes, EAGAIN included, and
// returns how many bytes went.
func writeAll(fd uintptr, p []byte) (int, error) {
	done := 0
	for done < len(p) {
		n, err := syscall.Write(int(fd), p[done:])
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			return done, err
		}
		done += n
	}
	return done, nil
}

func errClosedStdin() error { return os.NewSyscallError("write to stdin", syscall.EPIPE) }
