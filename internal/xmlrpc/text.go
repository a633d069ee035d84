package xmlrpc

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"

	"github.com/vigilance-go/vigilance/internal/chars"
)

const (
	// ShortText is the size, in bytes, up to which Text reads a source at once.
	// The others are read while the answer is sent, however long they are.
	ShortText = 64 << 10

	// textPiece is how many bytes of a source are in memory at one time.
	textPiece = 16 << 10
)

// Source is a text that is not in memory, as io.SectionReader has it.
type Source interface {
	io.ReaderAt
	io.Closer
	Size() int64 // in bytes
}

// longText is the content of an element, read while the answer is sent.
type longText struct {
	Source
	at     int // where in buf it belongs
	length int64
}

// Text appends a text and takes src over: the answer closes it, at the latest
// when it is released. A long one is read twice, now to know how long it will
// be as XML, and again when the answer is sent. The error is one of reading;
// nothing is appended then.
func (a *Answer) Text(src Source) error {
	mark := a.Len()
	a.buf = append(a.buf, "<value><string>"...)
	err := a.content(src)
	if err != nil {
		a.Truncate(mark)
		return err
	}
	a.buf = append(a.buf, "</string></value>\n"...)
	return nil
}

func (a *Answer) content(src Source) error {
	if src.Size() > ShortText {
		text := longText{Source: src, at: len(a.buf)}
		a.texts = append(a.texts, text)
		last := &a.texts[len(a.texts)-1]
		return escapeAll(src, func(p []byte) error { last.length += int64(len(p)); return nil })
	}
	err := escapeAll(src, func(p []byte) error { a.buf = append(a.buf, p...); return nil })
	_ = src.Close() // it was only read
	return err
}

// Size is the length of the answer so far, in bytes.
func (a *Answer) Size() int64 {
	size := int64(len(a.buf))
	for _, t := range a.texts {
		size += t.length
	}
	return size
}

// InMemory is the length of the part of the answer that is in memory, in bytes.
func (a *Answer) InMemory() int { return len(a.buf) }

// WriteTo sends the answer. An error is one of writing, or that a source reads
// otherwise than it did before. It is part of io.WriterTo.
func (a *Answer) WriteTo(w io.Writer) (sent int64, err error) {
	write := func(p []byte) error {
		n, err := w.Write(p)
		sent += int64(n)
		return err
	}
	from := 0
	for _, t := range a.texts {
		if err := write(a.buf[from:t.at]); err != nil {
			return sent, err
		}
		from = t.at
		before := sent
		if err := escapeAll(t, write); err != nil {
			return sent, err
		}
		if sent-before != t.length {
			return sent, errors.New("send a text: it has changed meanwhile")
		}
	}
	return sent, write(a.buf[from:])
}

// dropTexts closes the sources from the one at mark on.
func (a *Answer) dropTexts(mark int) {
	for len(a.texts) > 0 {
		last := len(a.texts) - 1
		if a.texts[last].at < mark {
			return
		}
		_ = a.texts[last].Close() // it was only read
		a.texts[last] = longText{}
		a.texts = a.texts[:last]
	}
}

// pieces holds the memory in which sources are escaped.
var pieces = sync.Pool{New: func() any { return new(piece) }}

type piece struct {
	raw     [textPiece]byte
	escaped []byte
}

// escapeAll reads a source from its beginning to its end and hands it on piece
// by piece, as it stands in XML. No piece ends within a character, so that they
// are together what the whole would be.
func escapeAll(src Source, emit func([]byte) error) error {
	p := pieces.Get().(*piece)
	defer pieces.Put(p)
	for at, size := int64(0), src.Size(); at < size; {
		n, err := src.ReadAt(p.raw[:min(textPiece, size-at)], at)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read a text: %w", err)
		}
		if err != nil {
			size = at + int64(n) // it has become shorter
		}
		whole := n
		if at+int64(n) < size {
			whole = chars.Whole(p.raw[:n])
		}
		p.escaped = appendEscaped(p.escaped[:0], p.raw[:whole])
		if err := emit(p.escaped); err != nil {
			return err
		}
		at += int64(whole)
		runtime.Gosched() // it may go on for long, and others are in a hurry
	}
	return nil
}
