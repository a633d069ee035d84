package web

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

const (
	// firstBytes is how much of a log a browser gets to begin with.
	firstBytes = 64 << 10
	// mostBytes is the most that it gets at once; a log that grows faster is
	// shown with gaps.
	mostBytes = 256 << 10
)

// piece is what has come to a log since the last look.
type piece struct {
	Runs []run `json:"runs,omitempty"`
	// Begin says that this is the first piece, which takes the place of what
	// the page shows.
	Begin bool `json:"begin,omitempty"`
	// Skipped counts bytes before Runs that were left out.
	Skipped int64 `json:"skipped,omitempty"`
	// Fresh says that Runs begin a log from the start: the one shown until
	// now was cleared.
	Fresh bool `json:"fresh,omitempty"`
	// Note is a sentence instead of a log.
	Note string `json:"note,omitempty"`
}

// follower reads a log as it grows, across rotation and clearing. It looks when
// asked to.
type follower struct {
	path   string
	file   *os.File // nil while there is none
	offset int64
	began  bool
	noted  string
	paint  painter
}

// look returns what is new; ok is false for nothing. An empty path means that
// there is no log.
func (f *follower) look(path string) (p piece, ok bool) {
	if path != f.path {
		f.close()
		f.path = path
	}
	if f.file == nil {
		if note := f.open(); note != "" {
			return f.note(note)
		}
	} else if replaced, removed := f.replaced(); replaced {
		if p, ok := f.read(); ok {
			return p, true // the end of the old one comes first
		}
		f.close()
		if removed {
			f.paint = painter{}
			return piece{Fresh: true}, true
		}
		return f.look(path)
	}
	f.noted = ""
	return f.read()
}

// note says something once.
func (f *follower) note(text string) (piece, bool) {
	if f.noted == text {
		return piece{}, false
	}
	f.noted = text
	f.began = true // what is written from now on is shown from its start
	return piece{Note: text}, true
}

// open opens the log; the note says why there is none.
func (f *follower) open() (note string) {
	if f.path == "" {
		return "There is no log."
	}
	file, err := os.OpenFile(f.path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return "Nothing has been logged yet."
		}
		return fmt.Sprintf("The log cannot be read: %v.", err)
	}
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		_ = file.Close() // nothing was written
		return fmt.Sprintf("The log, %s, is no file that could be shown.", f.path)
	}
	f.file, f.offset = file, 0
	if !f.began {
		f.began = true
		f.offset = max(0, info.Size()-firstBytes)
	}
	return ""
}

// replaced tells whether another file, or none, has the log's name now, and
// whether the one that was read has been removed rather than renamed.
func (f *follower) replaced() (replaced, removed bool) {
	was, err := f.file.Stat()
	if err != nil {
		return true, true
	}
	is, err := os.Stat(f.path)
	if err == nil && os.SameFile(was, is) {
		return false, false
	}
	st, ok := was.Sys().(*syscall.Stat_t)
	return true, ok && st.Nlink == 0
}

// read returns what the open file has more than before.
func (f *follower) read() (p piece, ok bool) {
	info, err := f.file.Stat()
	if err != nil {
		f.close()
		return piece{}, false
	}
	size := info.Size()
	if size < f.offset { // truncated
		f.offset, f.paint = 0, painter{}
		p.Fresh = true
	}
	if size-f.offset > mostBytes {
		p.Skipped = size - mostBytes - f.offset
		f.offset = size - mostBytes
	}
	data := make([]byte, size-f.offset)
	n, err := f.file.ReadAt(data, f.offset)
	if err != nil && !errors.Is(err, io.EOF) {
		p.Note = fmt.Sprintf("The log cannot be read: %v.", err)
		f.close()
		return p, true
	}
	f.offset += int64(n)
	p.Runs = f.paint.paint(data[:n])
	return p, p.Fresh || p.Skipped > 0 || len(p.Runs) > 0
}

// close lets go of the file.
func (f *follower) close() {
	if f.file != nil {
		_ = f.file.Close() // it was only read
		f.file = nil
	}
}
