package web

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// run is a piece of a log in one style. On the wire it is an array of its text
// and, unless that is empty, its style.
type run struct {
	Text string
	// Class holds CSS classes, space-separated: "b" for bold, "u" for
	// underlined, "c0" to "c15" for a colour. No other value occurs.
	Class string
}

// painter turns a log's bytes into text with styles. Of the terminal's escape
// sequences only those for colours, bold and underline have an effect; all
// others are removed, as are control characters other than tab and line feed.
// What a read cuts in two is held back until the next.
type painter struct {
	held  []byte
	style style
}

// style is what the escape sequences so far have chosen.
type style struct {
	bold, underlined bool
	colour           int // 0 none, else 1 more than the colour's number
}

// maxSequence bounds an escape sequence; a longer one is no sequence at all,
// and what was held back is text again, without its ESC.
const maxSequence = 256

// colours names the classes, for style.class.
const colours = "c0 c1 c2 c3 c4 c5 c6 c7 c8 c9 c10c11c12c13c14c15"

// class is the style as CSS classes.
func (s style) class() string {
	var classes []string
	if s.bold {
		classes = append(classes, "b")
	}
	if s.underlined {
		classes = append(classes, "u")
	}
	if s.colour > 0 {
		at := (s.colour - 1) * 3
		classes = append(classes, strings.TrimSpace(colours[at:at+3]))
	}
	return strings.Join(classes, " ")
}

// paint returns data as runs. Bytes that are not UTF-8 become U+FFFD.
func (p *painter) paint(data []byte) []run {
	data = append(p.held, data...)
	p.held = nil
	var runs []run
	var text strings.Builder
	flush := func() {
		if text.Len() > 0 {
			runs = append(runs, run{text.String(), p.style.class()})
			text.Reset()
		}
	}
	for len(data) > 0 {
		switch c := data[0]; {
		case c == 0x1b:
			n, whole := sequence(data)
			if !whole {
				if len(data) < maxSequence {
					p.held = bytes.Clone(data)
					flush()
					return runs
				}
				n = 1
			}
			if after := p.style.after(data[:n]); after != p.style {
				flush()
				p.style = after
			}
			data = data[n:]
		case c == '\n' || c == '\t':
			text.WriteByte(c)
			data = data[1:]
		case c < 0x20 || c == 0x7f:
			data = data[1:]
		case c < utf8.RuneSelf:
			text.WriteByte(c)
			data = data[1:]
		case !utf8.FullRune(data):
			p.held = bytes.Clone(data)
			flush()
			return runs
		default:
			r, n := utf8.DecodeRune(data)
			if !treacherous(r) {
				text.WriteRune(r)
			}
			data = data[n:]
		}
	}
	flush()
	return runs
}

// treacherous characters are C1 controls, and those that reorder text, by
// which a log could show another line than it holds.
func treacherous(r rune) bool {
	return 0x80 <= r && r <= 0x9f || 0x202a <= r && r <= 0x202e || 0x2066 <= r && r <= 0x2069 ||
		r == 0x200e || r == 0x200f || r == 0x2028 || r == 0x2029
}

// sequence returns the length of the escape sequence that data begins with;
// whole is false when its end has not come yet.
func sequence(data []byte) (n int, whole bool) {
	if len(data) < 2 {
		return 0, false
	}
	switch data[1] {
	case '[': // CSI: parameters, intermediates, one final byte
		for i := 2; i < len(data); i++ {
			switch c := data[i]; {
			case 0x40 <= c && c <= 0x7e:
				return i + 1, true
			case c < 0x20 || c > 0x7e:
				return i, true // broken off
			}
		}
		return 0, false
	case ']', 'P', 'X', '^', '_': // OSC and other strings, up to BEL or ST
		for i := 2; i < len(data); i++ {
			switch {
			case data[i] == 0x07:
				return i + 1, true
			case data[i] == '\n':
				return i, true // nobody means a string of several lines
			case data[i] == 0x1b && i+1 < len(data):
				if data[i+1] == '\\' {
					return i + 2, true
				}
				return i, true
			}
		}
		return 0, false
	}
	// Two bytes, or some intermediates and a final one.
	for i := 1; i < len(data); i++ {
		if c := data[i]; c < 0x20 || c > 0x2f {
			if c >= 0x30 && c <= 0x7e {
				return i + 1, true
			}
			return i, true
		}
	}
	return 0, false
}

// after is the style that an escape sequence leads to from s.
func (s style) after(seq []byte) style {
	if len(seq) < 3 || seq[1] != '[' || seq[len(seq)-1] != 'm' {
		return s
	}
	codes := numbers(seq[2 : len(seq)-1])
	for i := 0; i < len(codes); i++ {
		switch n := codes[i]; {
		case n == 0:
			s = style{}
		case n == 1:
			s.bold = true
		case n == 4:
			s.underlined = true
		case n == 22:
			s.bold = false
		case n == 24:
			s.underlined = false
		case 30 <= n && n <= 37:
			s.colour = n - 30 + 1
		case n == 39:
			s.colour = 0
		case 90 <= n && n <= 97:
			s.colour = n - 90 + 8 + 1
		case n == 38 || n == 48:
			// 5;N or 2;R;G;B follows; only the first 16 of N have a class.
			switch {
			case i+2 < len(codes) && codes[i+1] == 5:
				if n == 38 && codes[i+2] < 16 {
					s.colour = codes[i+2] + 1
				}
				i += 2
			case i+1 < len(codes) && codes[i+1] == 2:
				i += 4
			}
		}
	}
	return s
}

// numbers splits the parameters of a sequence; what is not a number, or too
// large for one that means something, counts as -1.
func numbers(text []byte) []int {
	var all []int
	for part := range bytes.SplitSeq(text, []byte{';'}) {
		n := 0
		for _, c := range part {
			if c < '0' || c > '9' || n > 999 {
				n = -1
				break
			}
			n = n*10 + int(c-'0')
		}
		all = append(all, n)
	}
	return all
}
