package rpc

import (
	"errors"
	"fmt"
	"io"
	"os"
	"unicode/utf8"

	sys "golang.org/x/sys/unix"

	"github.com/vigilance-go/vigilance/internal/chars"
)

const (
	// tailBegin is where a stream begins, in bytes before the file's end.
	tailBegin = 1024
	// tailChunk is the most that is read at once.
	tailChunk = 8 << 10
	// truncated is what the reference sends when a file has become shorter.
	truncated = "==> File truncated <==\n"
)

// tail reads what is appended to the file at a path, whichever file that is:
// after a rotation it reads the old one to its end and goes on with the new
// one.
type tail struct {
	path   string
	file   *os.File
	info   os.FileInfo
	offset int64
	held   []byte // the beginning of a UTF-8 sequence whose rest is to come
}

// openTail opens the file at path, close to its end.
func openTail(path string) (*tail, error) {
	t := &tail{path: path}
	if err := t.open(); err != nil {
		return nil, err
	}
	t.offset = max(t.info.Size()-tailBegin, 0)
	if t.offset > 0 {
		t.skipContinuation()
	}
	return t, nil
}

// open opens the file that the path leads to now.
func (t *tail) open() error {
	file, err := os.OpenFile(t.path, os.O_RDONLY|sys.O_NONBLOCK|sys.O_NOCTTY, 0)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("follow %q: want a regular file", t.path)
	}
	if err != nil {
		_ = file.Close() // it was only looked at
		return err
	}
	t.close()
	t.file, t.info, t.offset = file, info, 0
	return nil
}

func (t *tail) close() {
	if t.file != nil {
		_ = t.file.Close() // it was only read
	}
}

// skipContinuation moves the beginning to that of a character.
func (t *tail) skipContinuation() {
	var begin [utf8.UTFMax - 1]byte
	n, _ := t.file.ReadAt(begin[:], t.offset) // an error comes again
	for i := range n {
		if utf8.RuneStart(begin[i]) {
			t.offset += int64(i)
			return
		}
	}
}

// read returns the next bytes, in buf, or nothing where there are none yet. It
// never ends in the middle of a UTF-8 sequence: clients show each chunk by
// itself.
func (t *tail) read(buf []byte) ([]byte, error) {
	n := copy(buf, t.held)
	got, err := t.file.ReadAt(buf[n:], t.offset)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	t.offset += int64(got)
	if got == 0 {
		return nil, nil
	}
	chunk := buf[:n+got]
	complete := chars.Whole(chunk)
	t.held = append(t.held[:0], chunk[complete:]...)
	return chunk[:complete], nil
}

// look compares the open file with what the path leads to. It tells whether
// the path leads to another one, and whether the open one has become shorter,
// which it then is read from its beginning again.
func (t *tail) look() (moved, shorter bool) {
	if now, err := os.Stat(t.path); err == nil && now.Mode().IsRegular() && !os.SameFile(now, t.info) {
		return true, false
	}
	if now, err := t.file.Stat(); err == nil && now.Size() < t.offset {
		t.offset, t.held = 0, t.held[:0]
		return false, true
	}
	return false, false
}

// rest returns what was held back, at the end of a file.
func (t *tail) rest() []byte {
	rest := t.held
	t.held = nil
	return rest
}
