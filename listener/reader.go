package listener

import (
	"bufio"
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
	payload := make([]byte, 0, min(chars, maxHeaderLen))
	for chars > 0 {
		if _, err := r.in.Peek(1); err != nil {
			return nil, err
		}
		// So many bytes hold no more characters than are wanted.
		block, err := r.in.Peek(min(r.in.Buffered(), chars))
		if err != nil {
			return nil, err
		}
		if block = wholeCharacters(block); len(block) == 0 {
			if payload, err = r.character(payload); err != nil {
				return nil, err
			}
			chars--
			continue
		}
		payload = append(payload, block...)
		chars -= utf8.RuneCount(block)
		if _, err := r.in.Discard(len(block)); err != nil {
			return nil, err
		}
	}
	return payload, nil
}

// wholeCharacters returns block without a character at its end that has begun
// and might go on.
func wholeCharacters(block []byte) []byte {
	for i := len(block) - 1; i >= 0 && i > len(block)-utf8.UTFMax; i-- {
		if !utf8.RuneStart(block[i]) {
			continue
		}
		if !utf8.FullRune(block[i:]) {
			return block[:i]
		}
		break
	}
	return block
}

// character reads one character that the buffer does not hold as a whole. A
// byte that is none is kept as it is.
func (r eventReader) character(payload []byte) ([]byte, error) {
	char, size, err := r.in.ReadRune()
	if err != nil {
		return nil, err
	}
	if char != utf8.RuneError || size > 1 {
		return utf8.AppendRune(payload, char), nil
	}
	if err := r.in.UnreadRune(); err != nil {
		return nil, err
	}
	b, err := r.in.ReadByte()
	return append(payload, b), err
}

// unexpected marks an end of the stream as one within an event.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
