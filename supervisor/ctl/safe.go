package ctl

import (
	"fmt"
	"io"
	"sync"
	"unicode"
	"unicode/utf8"
)

// maxColor bounds, in bytes, a sequence that may still become a colour.
const maxColor = 32

// safeWriter passes on text to a terminal, and of what moves the cursor, sets
// titles, turns text around or asks the terminal for an answer only a picture:
// "^[" for an escape, "\u202e" for a bidirectional override. Lines, tabs and
// colours pass. Logs and names are other people's text; a terminal obeys it.
type safeWriter struct {
	w io.Writer

	mu   sync.Mutex
	held []byte // the beginning of a character or sequence that goes on
}

// Write is part of io.Writer.
func (s *safeWriter) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(p), s.pass(append(s.held, p...), false)
}

// flush passes on what is held.
func (s *safeWriter) flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.pass(s.held, true) // nobody is left to tell
}

// pass writes what of the data is complete, or all of it, and holds the rest.
func (s *safeWriter) pass(data []byte, all bool) error {
	out := make([]byte, 0, len(data)+16)
	for len(data) > 0 {
		n, shown := next(data, all)
		if n == 0 {
			break
		}
		if shown == "" {
			out = append(out, data[:n]...)
		} else {
			out = append(out, shown...)
		}
		data = data[n:]
	}
	s.held = append([]byte(nil), data...)
	if len(out) == 0 {
		return nil
	}
	_, err := s.w.Write(out)
	return err
}

// next looks at the first character or sequence of data: how many bytes it has,
// and how it is shown; empty for as it is. It has none when more must come.
func next(data []byte, all bool) (n int, shown string) {
	switch c := data[0]; {
	case c == '\n' || c == '\t' || ' ' <= c && c <= '~':
		return 1, ""
	case c == '\r':
		switch {
		case len(data) == 1 && !all:
			return 0, ""
		case len(data) > 1 && data[1] == '\n':
			return 2, ""
		}
		return 1, "^M"
	case c == 0x1b:
		n, complete := colorLength(data)
		switch {
		case n > 0:
			return n, ""
		case !complete && !all:
			return 0, ""
		}
		return 1, "^["
	case c < ' ' || c == 0x7f:
		return 1, "^" + string(rune(c^0x40))
	}
	if !all && !utf8.FullRune(data) {
		return 0, ""
	}
	r, n := utf8.DecodeRune(data)
	switch {
	case r == utf8.RuneError && n == 1:
		return 1, fmt.Sprintf(`\x%02x`, data[0])
	case unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r):
		return n, fmt.Sprintf(`\u%04x`, r)
	}
	return n, ""
}

// colorLength returns the length of the colour sequence, ESC [ numbers m, that
// data begins with; 0 if there is none, complete if none can come of it.
func colorLength(data []byte) (n int, complete bool) {
	if len(data) > 1 && data[1] != '[' {
		return 0, true
	}
	for i := 2; i < len(data); i++ {
		switch c := data[i]; {
		case c == 'm':
			return i + 1, true
		case i >= maxColor, (c < '0' || c > '9') && c != ';' && c != ':':
			return 0, true
		}
	}
	return 0, false
}
