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

// ReadFile returns length bytes of the file at path from offset, fewer at its
// end, and everything from offset when length is 0. A negative offset counts
// from the file's end; with it length must be 0. The error is ErrBadArguments
// for other negative values and for a negative offset with a length, and
// ErrFailed when the file cannot be read.
func ReadFile(path string, offset, length int64) ([]byte, error) {
	file, err := openForReading(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFailed, err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFailed, err)
	}
	switch {
	case offset < 0 && length != 0, length < 0:
		return nil, fmt.Errorf("%w: offset %d and length %d", ErrBadArguments, offset, length)
	case offset < 0:
		length = min(-offset, size)
		offset = size - length
	case length == 0:
		length = max(size-offset, 0)
	}
	return readAt(file, offset, min(length, max(size-offset, 0)))
}

// TailFile returns at most length bytes of the file at path that begin at
// offset, for a client that follows a growing file: next is the offset to ask
// for next time. When the file has grown beyond offset+length, overflow is set
// and the bytes are the last ones of the file. A file that cannot be read gives
// no bytes, and offset again.
func TailFile(path string, offset, length int64) (data []byte, next int64, overflow bool) {
	file, err := openForReading(path)
	if err != nil {
		return nil, offset, false
	}
	defer file.Close() //nolint:errcheck // it was only read
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, offset, false
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
	from, length = max(from, 0), max(length, 0)
	data, err = readAt(file, from, min(length, size-from))
	if err != nil {
		return nil, offset, false
	}
	return data, size, overflow
}

// openForReading does not wait for the writer of a fifo.
func openForReading(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
}

func readAt(file *os.File, offset, length int64) ([]byte, error) {
	data := make([]byte, max(length, 0))
	n, err := file.ReadAt(data, offset)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: %w", ErrFailed, err)
	}
	return data[:n], nil
}
