package chat_test

import (
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/notify/internal/chat"
)

func TestToneOf(t *testing.T) {
	for _, tt := range []struct {
		event    string
		expected bool
		want     chat.Tone
	}{
		{"PROCESS_STATE_EXITED", false, chat.Bad},
		{"PROCESS_STATE_EXITED", true, chat.Plain},
		{"PROCESS_STATE_FATAL", false, chat.Bad},
		{"PROCESS_STATE_BACKOFF", false, chat.Bad},
		{"PROCESS_STATE_UNKNOWN", false, chat.Bad},
		{"PROCESS_STATE_RUNNING", false, chat.Good},
		{"PROCESS_STATE_STOPPED", false, chat.Plain},
		{"", false, chat.Plain},
	} {
		if got := chat.ToneOf(notify.Message{Event: tt.event, Expected: tt.expected}); got != tt.want {
			t.Errorf("ToneOf(%q, expected %t) = %d, want %d", tt.event, tt.expected, got, tt.want)
		}
	}
}

// What the text says already is not said again.
func TestComposeDoesNotRepeat(t *testing.T) {
	at := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		m    notify.Message
		want chat.Text
	}{
		{notify.Message{}, chat.Text{}},
		{
			notify.Message{Subject: "cat crashed on web1 at 2026-11-22 08:00:00,000", Body: "body\n\nline 1\nline 2\n", Log: "line 1\nline 2\n\n", Host: "web1", Time: at},
			chat.Text{Title: "cat crashed on web1 at 2026-11-22 08:00:00,000", Body: "body\n\nline 1\nline 2", Time: at},
		},
		{
			notify.Message{Subject: "two\nlines", Body: "body", Log: "other\n", Host: "web1", Time: at, Labels: map[string]string{"b": "2", "a": "1", "c": ""}},
			chat.Text{
				Title: "two lines", Body: "body", Log: "other", Time: at,
				Facts: []chat.Fact{{"host", "web1"}, {"time", "2026-11-22 08:00:00 +00:00"}, {"a", "1"}, {"b", "2"}},
			},
		},
		{notify.Message{Body: "only a body"}, chat.Text{Title: "only a body", Body: "only a body"}},
	} {
		if got := chat.Compose(tt.m); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("Compose(%+v) = %+v\nwant %+v", tt.m, got, tt.want)
		}
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"":                                 "",
		"a\tb\nc":                          "a\tb\nc",
		"a\r\nb\rc":                        "a\nb\nc",
		"\x1b[1;31mred\x1b[0m \x1b[2Kgone": "red gone",
		"\x1b[31":                          "",
		"\x1b[\x01x":                       "x",
		"\x1bx\x00\x07\x7f\u0085":          "x",
		"\xff中\xfe":                        "\uFFFD中\uFFFD",
	} {
		if got := chat.Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestEscapes(t *testing.T) {
	const special = "*_`["
	for in, want := range map[string]string{
		"a_b *c*":                        `a\_b \*c\*`,
		"see http://x.test/a_b_(c). a_b": `see http://x.test/a_b_(c). a\_b`,
		"https://x.test/_":               "https://x.test/_",
		"http:// _":                      `http:// \_`,
		"[x](https://x.test/a_b), _":     `\[x](https://x.test/a_b), \_`,
		"中_文":                            `中\_文`,
	} {
		if got := chat.EscapeMarkdown(in, special); got != want {
			t.Errorf("EscapeMarkdown(%q) = %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{
		"a < b > c <- d <3":          "a < b > c <- d <3",
		"<@all> </font> <font> <!x>": "＜@all> ＜/font> ＜font> ＜!x>",
		"<<at>":                      "<＜at>",
	} {
		if got := chat.NoTags(in); got != want {
			t.Errorf("NoTags(%q) = %q, want %q", in, got, want)
		}
	}
	if got, want := chat.Fence("a```b"), "```\na'''b\n```"; got != want {
		t.Errorf("Fence = %q, want %q", got, want)
	}
	if got := chat.Chars("a中😀"); got != 4 {
		t.Errorf("Chars(a中😀) = %d, want 4", got)
	}
}

// The log goes first, from its beginning, then the body, from its end.
func TestFitCutsWhatMattersLeast(t *testing.T) {
	render := func(body, log string) string { return "T\n" + body + "|" + log }
	for _, tt := range []struct {
		body, log string
		limit     int
		want      string
	}{
		{"body", "log", 100, "T\nbody|log"},
		{"body", strings.Repeat("x", 100) + "last", 60, "T\nbody|… (truncated: 86 bytes left out)\nxxxxxxxxxxxxxxlast"},
		{"body", strings.Repeat("中", 40), 60, "T\nbody|… (truncated: 105 bytes left out)\n中中中中中"},
		{"body" + strings.Repeat("x", 100), "log", 60, "T\nbody" + strings.Repeat("x", 18) + "\n… (truncated: 82 bytes left out)|"},
	} {
		got := chat.Text{Body: tt.body, Log: tt.log}.Fit(tt.limit, chat.Bytes, render)
		if got != tt.want || len(got) > tt.limit {
			t.Errorf("Fit(%q, %q, %d) = %q of %d bytes, want %q", tt.body, tt.log, tt.limit, got, len(got), tt.want)
		}
	}
}

// What is added to a text is in its language.
func TestAdditionsAreInTheMessagesLanguage(t *testing.T) {
	at := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	got := chat.Compose(notify.Message{Subject: "s", Body: strings.Repeat("中", 40), Host: "web1", Time: at, Lang: notify.Chinese})
	if line, want := got.FactLine(), "主机: web1 · 时间: 2026-11-22 08:00:00 +00:00"; line != want {
		t.Errorf("FactLine = %q, want %q", line, want)
	}
	fitted := got.Fit(70, chat.Bytes, func(body, _ string) string { return body })
	if want := strings.Repeat("中", 9) + "\n……（已截断，略去 93 字节）"; fitted != want {
		t.Errorf("Fit = %q, want %q", fitted, want)
	}
}

func FuzzFit(f *testing.F) {
	f.Add("body", "log", 50)
	f.Add(strings.Repeat("中", 100), strings.Repeat("😀\n", 100), 200)
	f.Add(strings.Repeat("<&>", 100), "\xff\x1b[31m", 90)
	f.Fuzz(func(t *testing.T, body, log string, limit int) {
		limit = 90 + limit&0xfff
		text := chat.Compose(notify.Message{Subject: "s", Body: body, Log: log})
		got := text.Fit(limit, chat.Bytes, func(body, log string) string {
			return strings.ReplaceAll(body, "<", "&lt;") + "\n" + log
		})
		if len(got) > limit || !utf8.ValidString(got) {
			t.Fatalf("Fit(%q, %q, %d) = %q of %d bytes, want at most %d of UTF-8", body, log, limit, got, len(got), limit)
		}
	})
}
