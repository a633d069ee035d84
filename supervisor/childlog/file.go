// Package childlog decides where the bytes that a child writes end up: in
// which file, behind which rotation, in syslog, in a captured event, or
// nowhere. It never starts, signals or waits for a process, never decides when
// one runs, and never makes a child wait for a log that cannot be written: what
// cannot be kept is counted, said once, and the child goes on.
package childlog

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Levels of the texts given to FileOptions.Report, with the reference's
// numbers.
const (
	levelInfo  = 20
	levelWarn  = 30
	levelError = 40
)

const (
	// lookEvery is how often a log that is being written is compared with the
	// file system: it may have been deleted, truncated, or written by others.
	lookEvery = time.Second
	// firstPause and longestPause bound the time between two attempts to open
	// or rotate a log that could not be.
	firstPause   = 100 * time.Millisecond
	longestPause = 5 * time.Second
)

// FileOptions say where a log is and how it rotates.
type FileOptions struct {
	// Path names the log. It may be a regular file, a fifo, a terminal, a
	// device, or one of the daemon's own descriptors such as /dev/stdout.
	Path string
	// MaxBytes is the size from which a regular file is rotated, in bytes;
	// 0 or less for never.
	MaxBytes int64
	// Backups is how many rotated files are kept, as Path.1 to Path.Backups. At
	// 0 a file that has reached MaxBytes starts again from nothing.
	Backups int
	// Report is told, with the level of the line, when the log becomes
	// unwritable and when it has recovered, once each. It may be nil. It is
	// called from whatever goroutine noticed, and under no lock.
	Report func(level int, text string)
	// Predecessor is the File that the same log had before, suspended: what it
	// has said about an outage is not said again, and what the outage has cost
	// is told when it is over. nil for none.
	Predecessor *File
}

// File is one log. It is open from OpenFile to Close, whatever happens to the
// file below: a log that cannot be opened or written is tried again when there
// is more to write. Its methods may be called from several goroutines, and two
// streams may share one File.
type File struct {
	opts FileOptions
	now  func() time.Time

	mu     sync.Mutex
	closed bool
	fd     int   // the regular file; -1 when there is none
	pipe   *pipe // the target when it is anything but a regular file
	shared bool  // fd duplicates a descriptor of the daemon: never rotated
	size   int64 // of the regular file, in bytes, as far as it is known
	looked time.Time
	opens  pause
	turns  pause // attempts to rotate
	// Two things can be wrong at once: the log does not take bytes, or it
	// cannot be rotated.
	writing, rotating outage
	notes             []note
}

// note is a line for FileOptions.Report.
type note struct {
	level int
	text  string
}

// OpenFile opens the log that o describes, creating it with mode 0644 less the
// umask. It never fails: Err tells what is wrong with the log, if anything is.
func OpenFile(o FileOptions) *File {
	return openFile(o, time.Now)
}

func openFile(o FileOptions, now func() time.Time) *File {
	f := &File{opts: o, now: now, fd: -1}
	f.writing = outage{began: "could not write log '%s'", ended: "log '%s' can be written again", log: o.Path}
	f.rotating = outage{began: "could not rotate log '%s'", ended: "log '%s' can be rotated again", log: o.Path}
	f.inherit(o.Predecessor)
	f.opts.Predecessor = nil // a chain of them would never be freed
	f.mu.Lock()
	f.open(now())
	f.unlockAndReport()
	return f
}

// inherit takes over the account of the outages that p ended with. It does not
// wait for a p that hangs in its disk.
func (f *File) inherit(p *File) {
	if p == nil || !p.mu.TryLock() {
		return
	}
	defer p.mu.Unlock()
	f.writing, p.writing = p.writing, f.writing
	f.rotating, p.rotating = p.rotating, f.rotating
}

// Path returns the path that the log was opened with.
func (f *File) Path() string { return f.opts.Path }

// Err returns why the log cannot be written at present, or nil when nothing is
// known to be wrong.
func (f *File) Err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.writing.err
}

// Write appends p to the log and rotates the log when it is long enough then.
// What the log does not take is counted as lost, and reported; the caller has
// nothing to handle. After Close it does nothing.
//
// A regular file is written at once, in the caller's goroutine, by one write(2)
// if the file system takes it whole. A pipe, terminal or socket whose reader is
// slow may fall maxBacklog behind; then Write waits for it, but only as long as
// the reader goes on reading: see stallAfter. Close and Reopen end the wait.
func (f *File) Write(p []byte) {
	now := f.now()
	f.mu.Lock()
	for len(p) > 0 && !f.closed {
		f.prepare(now)
		switch {
		case f.pipe != nil:
			p = f.writePipe(p)
			continue // with what a pipe left that Reopen has replaced meanwhile
		case f.fd >= 0:
			f.writeRegular(p, now)
		default:
			f.writing.lost += int64(len(p))
		}
		break
	}
	f.unlockAndReport()
}

// prepare makes the target ready for a write: it opens one that is missing,
// and now and then looks whether the open one is still the log.
func (f *File) prepare(now time.Time) {
	if f.pipe == nil && f.fd < 0 {
		if f.opens.due(now) {
			f.open(now)
		}
		return
	}
	if f.fd >= 0 && now.Sub(f.looked) >= lookEvery {
		f.look(now)
	}
}

// look learns the size of the open file, which others may have truncated or
// extended, and replaces a file that was deleted: what goes there is lost.
func (f *File) look(now time.Time) {
	f.looked = now
	var st unix.Stat_t
	if err := unix.Fstat(f.fd, &st); err != nil {
		return
	}
	f.size = st.Size
	if st.Nlink == 0 && !f.shared {
		f.release()
		f.open(now)
	}
}

func (f *File) writeRegular(p []byte, now time.Time) {
	n, err := writeAll(f.fd, p)
	f.size += int64(n)
	if err != nil {
		f.writing.fail(err, int64(len(p)-n), now)
		f.note(f.writing.announce())
	} else {
		f.note(f.writing.succeed(now))
	}
	if f.opts.MaxBytes > 0 && f.size >= f.opts.MaxBytes && !f.shared {
		f.rotate(now)
	}
}

// writePipe is called with f.mu held, and holds it again when it returns; it
// lets go of it meanwhile, because a slow reader may take its time. It returns
// what is still to be written, to another target than the one it found.
func (f *File) writePipe(p []byte) []byte {
	target := f.pipe
	f.mu.Unlock()
	n, err := target.write(p)
	now := f.now()
	f.mu.Lock()
	p = p[n:]
	switch {
	case err == nil:
		f.opens.reset()
		f.note(f.writing.succeed(now))
		return nil
	case f.pipe != target:
		return p
	case errors.Is(err, errStalled):
		f.writing.fail(err, int64(len(p)), now)
	default:
		lost := len(p) + f.release()
		f.opens.failed(now)
		f.writing.fail(err, int64(lost), now)
	}
	f.note(f.writing.announce())
	return nil
}

// Reopen opens the log's path anew, as after something else renamed the file.
// When that fails the log is without a file until a later write succeeds in
// opening it. Output that a slow pipe has not taken yet is carried over.
func (f *File) Reopen() {
	f.mu.Lock()
	f.reopen()
	f.unlockAndReport()
}

func (f *File) reopen() {
	if f.closed {
		return
	}
	var backlog []byte
	if f.pipe != nil {
		backlog = f.pipe.abandon()
		f.pipe = nil
	}
	f.release()
	f.opens.reset()
	f.open(f.now())
	switch {
	case len(backlog) == 0:
	case f.pipe != nil:
		f.pipe.adopt(backlog)
	case f.fd >= 0:
		f.writeRegular(backlog, f.now())
	default:
		f.writing.lost += int64(len(backlog))
	}
}

// Clear deletes the log's file and starts a new one; a file that is already
// gone is no error. When it cannot be deleted the error says why and the log
// goes on as it was. A log that is not a regular file has nothing to clear.
func (f *File) Clear() error {
	f.mu.Lock()
	defer f.unlockAndReport()
	if f.closed {
		return fmt.Errorf("clear log %q: %w", f.opts.Path, fs.ErrClosed)
	}
	if f.pipe != nil || f.shared {
		return nil
	}
	if err := unix.Unlink(f.opts.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete log %q: %w", f.opts.Path, err)
	}
	f.reopen()
	return nil
}

// Close closes the log without waiting: what a slow pipe has not taken yet is
// offered to it for drainFor more, and then dropped.
func (f *File) Close() {
	f.mu.Lock()
	if f.shut() {
		f.note(f.writing.close())
	}
	f.unlockAndReport()
}

// Suspend is Close for a log that will be opened again as the Predecessor of
// another File: an outage that goes on is not reported as over.
func (f *File) Suspend() {
	f.mu.Lock()
	f.shut()
	f.unlockAndReport()
}

// shut closes the log's target, and reports whether it was open.
func (f *File) shut() bool {
	if f.closed {
		return false
	}
	f.closed = true
	if f.pipe != nil {
		f.pipe.finish(drainFor)
		f.pipe = nil
	}
	f.release()
	return true
}

// Flush waits until the log's target has taken everything written so far, at
// most for timeout. It tells whether it has. Only pipes, terminals and sockets
// can be behind.
func (f *File) Flush(timeout time.Duration) bool {
	f.mu.Lock()
	target := f.pipe
	f.mu.Unlock()
	return target == nil || target.flush(timeout)
}

// release closes the target and returns how many bytes it still had not taken.
func (f *File) release() (lost int) {
	if f.pipe != nil {
		lost = len(f.pipe.abandon())
		f.pipe = nil
	}
	if f.fd >= 0 {
		// Nothing is buffered on our side, and what close(2) reports late is
		// beyond repair.
		_ = unix.Close(f.fd)
		f.fd = -1
	}
	f.shared, f.size = false, 0
	return lost
}

func (f *File) note(n note) {
	if n.text != "" {
		f.notes = append(f.notes, n)
	}
}

func (f *File) unlockAndReport() {
	notes := f.notes
	f.notes = nil
	f.mu.Unlock()
	if f.opts.Report == nil {
		return
	}
	for _, n := range notes {
		f.opts.Report(n.level, n.text)
	}
}

// writeAll writes p to a regular file and returns how much of it is there.
func writeAll(fd int, p []byte) (int, error) {
	done := 0
	for done < len(p) {
		n, err := unix.Write(fd, p[done:])
		if n > 0 {
			done += n
		}
		if err == nil || errors.Is(err, unix.EINTR) {
			continue
		}
		return done, err
	}
	return done, nil
}
