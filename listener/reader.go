package listener

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// maxHeaderLen bounds a header line, in bytes. Real ones have about 120.
const maxHeaderLen = 64 << 10

// eventReader reads events off a stream, in pieces of any size.
type eventReader struct {
	in *bufio.Reader
}

func newEventReader(in io.Reader) eventReader {
	return eventReader{bufio.NewReaderSize(in, maxHeaderLen)}
}

// next returns the next event without its Body. The error is io.EOF, not
// wrapped, when the stream ends before an event; it wraps io.ErrUnexpectedEOF
// when the stream ends within one, and ErrOutOfStep when there is no header.
func (r eventReader) next() (Event, error) {
	line, err := r.in.ReadSlice('\n')
	switch {
	case err == nil:
	case errors.Is(err, bufio.ErrBufferFull):
		return Event{}, fmt.Errorf("%w: read event header %q: longer than %d bytes", ErrOutOfStep, shorten(string(line)), maxHeaderLen)
	case err == io.EOF && len(line) == 0: //nolint:errorlint // bufio passes the reader's error on as it is
		return Event{}, io.EOF
	default:
		return Event{}, fmt.Errorf("read event header: %w", unexpected(err))
	}
	header, err := ParseHeader(line)
	if err != nil {
		return Event{}, fmt.Errorf("%w: %w", ErrOutOfStep, err)
	}
	payload, err := r.payload(header.PayloadLen)
	if err != nil {
		return Event{}, fmt.Errorf("read %d characters of payload of event %d: %w", header.PayloadLen, header.Serial, unexpected(err))
	}
	return Event{Header: header, Payload: payload}, nil
}

// payload reads that many characters, each byte outside of UTF-8 counting as
// one, and not a byte more.
func (r eventReader) payload(chars int) ([]byte, error) {
	var payload bytes.Buffer
	for range chars {
		char, size, err := r.in.ReadRune()
		switch {
		case err != nil:
			return nil, err
		case char == utf8.RuneError && size == 1:
			if err := r.keepByte(&payload); err != nil {
				return nil, err
			}
		default:
			payload.WriteRune(char)
		}
	}
	return payload.Bytes(), nil
}

// keepByte copies the byte that ReadRune has just read as U+FFFD.
func (r eventReader) keepByte(to *bytes.Buffer) error {
	if err := r.in.UnreadRune(); err != nil {
		return err
	}
	b, err := r.in.ReadByte()
	to.WriteByte(b)
	return err
}

// unexpected marks an end of the stream as one within an event.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
