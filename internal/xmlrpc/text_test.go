package xmlrpc

import (
	"errors"
	"io"
	"strings"
	"testing"
)

// text is what a source reads.
type text interface {
	io.ReaderAt
	Size() int64
}

// shrunk is a file that has become shorter since its size was asked for.
type shrunk struct {
	text
	size int64
}

func (s shrunk) Size() int64 { return s.size }

// source is a text that is not in memory, and says what becomes of it.
type source struct {
	text
	closed int
	fails  error
}

func (s *source) Close() error { s.closed++; return nil }

func (s *source) ReadAt(p []byte, off int64) (int, error) {
	if s.fails != nil {
		return 0, s.fails
	}
	return s.text.ReadAt(p, off)
}

// TestTextIsSentAsAString: whatever its length, and wherever it is cut.
func TestTextIsSentAsAString(t *testing.T) {
	for _, unit := range []string{"x", "é", "€", "😀", "<&>", "\xff", "\xe2\x82", "\x00"} {
		for _, size := range []int{0, 1, ShortText - 1, ShortText, ShortText + 1, ShortText + textPiece + 1} {
			text := strings.Repeat(unit, size/len(unit)+1)[:size]
			src := &source{text: strings.NewReader(text)}
			got, want := NewAnswer(0), NewAnswer(0)
			got.BeginArray()
			want.BeginArray()
			if err := got.Text(src); err != nil {
				t.Fatalf("Text of %d bytes of %q: %v", size, unit, err)
			}
			want.String(text)
			for _, a := range []*Answer{got, want} {
				a.Int(7)
				a.EndArray()
			}
			if ended(t, got) != ended(t, want) {
				t.Errorf("Text of %d bytes of %q is sent otherwise than as a string", size, unit)
			}
			if size > ShortText && got.InMemory() > 1000 {
				t.Errorf("%d bytes of an answer with %d are in memory, want what stands around them", got.InMemory(), size)
			}
			got.Release()
			want.Release()
			if src.closed != 1 {
				t.Errorf("a source of %d bytes was closed %d times, want once", size, src.closed)
			}
		}
	}
}

// TestTextsAreTakenBack: with what stands around them, and closed.
func TestTextsAreTakenBack(t *testing.T) {
	long := strings.Repeat("Q", 2*ShortText)
	kept, dropped, late := &source{text: strings.NewReader(long)}, &source{text: strings.NewReader(long)}, &source{text: strings.NewReader(long)}
	a := NewAnswer(0)
	defer a.Release()
	a.BeginArray()
	add := func(s *source) {
		t.Helper()
		if err := a.Text(s); err != nil {
			t.Fatal(err)
		}
	}
	add(kept)
	mark := a.Len()
	add(dropped)
	a.Truncate(mark)
	add(late)
	a.EndArray()
	if n := strings.Count(ended(t, a), "Q"); n != 2*len(long) {
		t.Errorf("%d characters are sent, want those of two texts, %d", n, 2*len(long))
	}
	if kept.closed != 0 || dropped.closed != 1 || late.closed != 0 {
		t.Errorf("closed %d, %d and %d times, want the second alone", kept.closed, dropped.closed, late.closed)
	}
	if text := faulted(t, a, 1, "x"); strings.Contains(text, "Q") || kept.closed != 1 || late.closed != 1 {
		t.Errorf("after a fault %d bytes are sent, and the texts closed %d and %d times", len(text), kept.closed, late.closed)
	}
}

// TestTextsThatCannotBeSentAreErrors: those that cannot be read leave the
// answer as it was, and those that change while it is sent break it off.
func TestTextsThatCannotBeSentAreErrors(t *testing.T) {
	broken := errors.New("no disk")
	for _, size := range []int{1, 2 * ShortText} {
		src := &source{text: strings.NewReader(strings.Repeat("x", size)), fails: broken}
		a := NewAnswer(0)
		mark := a.Len()
		if err := a.Text(src); !errors.Is(err, broken) || a.Len() != mark || src.closed != 1 {
			t.Errorf("Text of %d bytes = %v, %d bytes appended, closed %d times", size, err, a.Len()-mark, src.closed)
		}
		a.Release()
	}
	src := &source{text: strings.NewReader(strings.Repeat("x", 2*ShortText))}
	a := NewAnswer(0)
	defer a.Release()
	if err := a.Text(src); err != nil {
		t.Fatal(err)
	}
	a.End()
	for _, now := range []string{strings.Repeat("x", ShortText), "xx\xe2\x82", "\xe2", ""} { // also within a character
		src.text = shrunk{strings.NewReader(now), src.Size()}
		if n, err := a.WriteTo(io.Discard); err == nil {
			t.Errorf("a text that became %d bytes was sent in %d bytes without an error", len(now), n)
		}
	}
}
