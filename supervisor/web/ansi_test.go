package web

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestPaintKeepsColoursAndNothingElse(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     []run
	}{
		{"plain", "one\ntwo\tthree\n", []run{{"one\ntwo\tthree\n", ""}}},
		{"html is text", "<script>alert(1)</script>", []run{{"<script>alert(1)</script>", ""}}},
		{"colour", "a\x1b[31mb\x1b[0mc", []run{{"a", ""}, {"b", "c1"}, {"c", ""}}},
		{"empty parameter resets", "\x1b[31mb\x1b[mc", []run{{"b", "c1"}, {"c", ""}}},
		{"bold, underlined and bright", "\x1b[1;4;91mx\x1b[22my\x1b[24mz\x1b[39mq", []run{{"x", "b u c9"}, {"y", "u c9"}, {"z", "c9"}, {"q", ""}}},
		{"256 colours", "\x1b[38;5;12mx\x1b[38;5;200my", []run{{"xy", "c12"}}},
		{"true colour is not taken apart", "\x1b[38;2;1;4;31mx", []run{{"x", ""}}},
		{"background is no foreground", "\x1b[48;5;1mx\x1b[41my", []run{{"xy", ""}}},
		{"cursor, clearing and scrolling", "a\x1b[2J\x1b[H\x1b[10;20H\x1b[?25lb", []run{{"ab", ""}}},
		{"title by BEL", "\x1b]0;owned\x07x", []run{{"x", ""}}},
		{"title by ST", "\x1b]0;owned\x1b\\x", []run{{"x", ""}}},
		{"a hyperlink leaves its text", "\x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\", []run{{"link", ""}}},
		{"device control string", "\x1bP+q544e\x1b\\x", []run{{"x", ""}}},
		{"charset selection", "\x1b(0x\x1b=y", []run{{"xy", ""}}},
		{"an unfinished string ends with the line", "\x1b]0;abc\nx", []run{{"\nx", ""}}},
		{"control characters", "a\x00\x07\x08\rb\x7f", []run{{"ab", ""}}},
		{"C1 controls", "a\u009b31mb", []run{{"a31mb", ""}}},
		{"bidirectional overrides", "a\u202eb\u2066c", []run{{"abc", ""}}},
		{"not UTF-8", "a\xffb", []run{{"a\ufffdb", ""}}},
		{"other scripts", "żółć 日本", []run{{"żółć 日本", ""}}},
		{"nonsense parameters", "\x1b[99999999999;:;1mz", []run{{"z", "b"}}},
	} {
		var p painter
		got := merge(p.paint([]byte(c.in)))
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: paint(%q) = %q, want %q", c.name, c.in, got, c.want)
		}
	}
}

// merge joins neighbours of one style, which no reader tells apart.
func merge(runs []run) []run {
	var merged []run
	for _, r := range runs {
		if n := len(merged); n > 0 && merged[n-1].Class == r.Class {
			merged[n-1].Text += r.Text
			continue
		}
		merged = append(merged, r)
	}
	return merged
}

func TestPaintGoesOnWhereAReadEnds(t *testing.T) {
	text := "ab\x1b[1;31mcd\x1b]0;title\x1b\\ef żółć\x1b[0m\n日本"
	var whole painter
	want := merge(whole.paint([]byte(text)))
	for size := 1; size < len(text); size++ {
		var p painter
		var got []run
		for rest := []byte(text); len(rest) > 0; {
			n := min(size, len(rest))
			got = append(got, p.paint(rest[:n])...)
			rest = rest[n:]
		}
		if got = merge(got); !slices.Equal(got, want) {
			t.Errorf("paint in pieces of %d = %q, want %q", size, got, want)
		}
	}
}

func TestPaintDoesNotWaitForeverForASequencesEnd(t *testing.T) {
	var p painter
	got := merge(p.paint([]byte("a\x1b]" + strings.Repeat("x", 10000))))
	if len(got) != 1 || len(got[0].Text) < 10000 {
		t.Errorf("paint of an endless sequence returned %d runs, want its text", len(got))
	}
	if len(p.held) > maxSequence {
		t.Errorf("paint holds %d bytes back, want at most %d", len(p.held), maxSequence)
	}
}

func TestRunsAreArraysOnTheWire(t *testing.T) {
	got, err := json.Marshal([]run{{"a<b", ""}, {"c", "b c1"}})
	if want := `[["a\u003cb"],["c","b c1"]]`; err != nil || string(got) != want {
		t.Errorf("Marshal = %s, %v; want %s", got, err, want)
	}
}

func FuzzPaint(f *testing.F) {
	for _, seed := range []string{"", "a\x1b[31mb", "\x1b]8;;x\x07", "\x1b[38;2;1;2;3m", "\xff\x1b", "\u202e", "\x1b[99999999999;x;1mz"} {
		f.Add([]byte(seed), 3)
	}
	f.Fuzz(func(t *testing.T, data []byte, cut int) {
		if len(data) > 0 {
			cut = max(0, cut) % len(data)
		} else {
			cut = 0
		}
		var p painter
		runs := append(p.paint(data[:cut]), p.paint(data[cut:])...)
		for _, r := range runs {
			if !utf8.ValidString(r.Text) {
				t.Errorf("paint(%q) holds %q, which is not UTF-8", data, r.Text)
			}
			for _, c := range r.Text {
				if c < 0x20 && c != '\n' && c != '\t' || treacherous(c) || c == 0x7f {
					t.Errorf("paint(%q) lets %q through", data, c)
				}
			}
			for class := range strings.FieldsSeq(r.Class) {
				if class != "b" && class != "u" && (class[0] != 'c' || len(class) > 3) {
					t.Errorf("paint(%q) has the class %q", data, class)
				}
			}
		}
	})
}
