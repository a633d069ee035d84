package ctl

import (
	"bytes"
	"strings"
	"testing"
	"unicode"
)

func TestSafeWriterShowsWhatItDoesNotPass(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"plain text\n\ttab\r\n", "plain text\n\ttab\r\n"},
		{"grün 数据 🙂\n", "grün 数据 🙂\n"},
		{"\x1b[1;31mred\x1b[0m \x1b[38:5:9mx\x1b[m", "\x1b[1;31mred\x1b[0m \x1b[38:5:9mx\x1b[m"},
		{"\x1b[2J\x1b[H", "^[[2J^[[H"},
		{"\x1b]0;title\a", "^[]0;title^G"},
		{"\x1b]52;c;cm0gLXJm\x1b\\", "^[]52;c;cm0gLXJm^[\\"},
		{"\x1bP$q\x1b\\", "^[P$q^[\\"},
		{"\x1b[6n\x1b[c\x1bZ", "^[[6n^[[c^[Z"},
		{"\x1b[?1049h", "^[[?1049h"},
		{"\x1b[" + strings.Repeat("1;", 40) + "m", "^[[" + strings.Repeat("1;", 40) + "m"},
		{"\x1b\x1b[0m", "^[\x1b[0m"},
		{"safe\rEVIL\r", "safe^MEVIL^M"},
		{"a\bb\x00\x7f\v\f", "a^Hb^@^?^K^L"},
		{"\u009b2J \u0085 \x9b2J \xff", `\u009b2J \u0085 \x9b2J \xff`},
		{"\u202e\u2066txt\u200b\ufeff\u2028", `\u202e\u2066txt\u200b\ufeff\u2028`},
		{"end\x1b[3", "end^[[3"},
		{"end\xe6\x95", `end\xe6\x95`},
	} {
		for size := 1; size <= len(tt.in); size++ {
			var out bytes.Buffer
			w := &safeWriter{w: &out}
			for rest := []byte(tt.in); len(rest) > 0; rest = rest[min(size, len(rest)):] {
				_, _ = w.Write(rest[:min(size, len(rest))])
			}
			w.flush()
			if got := out.String(); got != tt.want {
				t.Errorf("%q in pieces of %d: got %q, want %q", tt.in, size, got, tt.want)
			}
		}
	}
}

// FuzzSafeWriter: whatever comes, in two pieces, nothing reaches the terminal
// but text, lines, tabs and colours, and it does not depend on the pieces.
func FuzzSafeWriter(f *testing.F) {
	for _, seed := range []string{"\x1b[31mx\x1b[0m", "\x1b]0;t\a", "\r\n\r", "\u202e", "\xc2", "\x1b[1;", "數\x9b"} {
		f.Add([]byte(seed), 1)
	}
	f.Fuzz(func(t *testing.T, data []byte, cut int) {
		show := func(parts ...[]byte) string {
			var out bytes.Buffer
			w := &safeWriter{w: &out}
			for _, part := range parts {
				if n, err := w.Write(part); n != len(part) || err != nil {
					t.Fatalf("Write(%q) = %d, %v", part, n, err)
				}
			}
			w.flush()
			return out.String()
		}
		cut = max(0, min(cut, len(data)))
		whole, cutUp := show(data), show(data[:cut], data[cut:])
		if whole != cutUp {
			t.Fatalf("%q: got %q, cut at %d %q", data, whole, cut, cutUp)
		}
		rest := strings.ReplaceAll(whole, "\r\n", "\n")
		for i := strings.IndexByte(rest, 0x1b); i >= 0; i = strings.IndexByte(rest, 0x1b) {
			n, _ := colorLength([]byte(rest[i:]))
			if n == 0 {
				t.Fatalf("%q: got %q, which holds an escape sequence that is no colour", data, whole)
			}
			rest = rest[:i] + rest[i+n:]
		}
		for _, r := range rest {
			if unicode.IsControl(r) && r != '\n' && r != '\t' || r == unicode.ReplacementChar && !bytes.ContainsRune(data, r) {
				t.Fatalf("%q: got %q, which holds %U", data, whole, r)
			}
		}
	})
}
