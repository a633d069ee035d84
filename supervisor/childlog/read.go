package childlog

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// The ways in which reading a log can fail, named as the reference's faults.
var (
	ErrBadArguments = errors.New("BAD_ARGUMENTS")
	ErrFailed       = errors.New("FAILED")
)

// Part is a part of a log, to be read from its file. A file that is renamed or
// removed meanwhile is read nevertheless.
type Part struct {
	*io.SectionReader
	file *os.File
}

// Close closes the file. It is part of io.Closer.
func (p *Part) Close() error { return p.file.Close() }

// ReadFile returns the bytes that OpenPart opens.
func ReadFile(path string, offset, length int64) ([]byte, error) {
	part, err := OpenPart(path, offset, length)
	if err != nil {
		return nil, err
	}
	defer part.Close() //nolint:errcheck // it was only read
	data, err := io.ReadAll(part)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFailed, err)
	}
	return data, nil
}

// OpenPart opens length bytes of the file at path from offset, fewer at its
// end, and everything from offset when length is 0. A negative offset counts
// from the file's end; with it length must be 0. The error is ErrBadArguments
// for other negative values and for a negative offset with a length, and
// ErrFailed when the file cannot be read.
func OpenPart(path string, offset, length int64) (*Part, error) {
	file, size, err := openForReading(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFailed, err)
	}
	switch {
	case offset < 0 && length != 0, length < 0:
		_ = file.Close() // nothing was read
		return nil, fmt.Errorf("%w: offset %d and length %d", ErrBadArguments, offset, length)
	case offset < 0:
		length = min(-offset, size)
		offset = size - length
	case length == 0:
		length = size
	}
	return newPart(file, offset, min(length, size-offset)), nil
}

// OpenTail opens at most length bytes of the file at path that begin at
// offset, for a client that follows a growing file: next is the offset to ask
// for next time. When the file has grown beyond offset+length, overflow is set
// and the bytes are the last ones of the file. The error is ErrFailed when the
// file cannot be read.
func OpenTail(path string, offset, length int64) (part *Part, next int64, overflow bool, err error) {
	file, size, err := openForReading(path)
	if err != nil {
		return nil, offset, false, fmt.Errorf("%w: %w", ErrFailed, err)
	}
	from := offset
	if size > from+length {
		overflow = true
		from = size - 1
	}
	if from+length > size {
		if from > size-1 {
			length = 0
		}
		from = size - length
	}
	from = max(from, 0)
	return newPart(file, from, min(length, size-from)), size, overflow, nil
}

// newPart returns the part of a file that begins at offset, as far as it is
// there.
func newPart(file *os.File, offset, length int64) *Part {
	return &Part{io.NewSectionReader(file, offset, max(length, 0)), file}
}

// openForReading opens a file and tells its size, in bytes. It does not wait
// for the writer of a fifo.
func openForReading(path string) (file *os.File, size int64, err error) {
	file, err = os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err == nil && info.IsDir() {
		err = unix.EISDIR // which only reading would tell
	}
	if err == nil {
		size, err = file.Seek(0, io.SeekEnd)
	}
	if err != nil {
		_ = file.Close() // nothing was read
		return nil, 0, err
	}
	return file, size, nil
}
