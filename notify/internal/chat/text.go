// Package chat is what the integrations for chat services share: it cuts a
// notify.Message into the parts that such a service shows, cleans them, and
// fits them into what the service takes.
//
// It knows no service: how a part is marked up and escaped is theirs.
package chat

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/vigilance-go/vigilance/notify"
)

// Bounds of what stands beside the body, in bytes.
const (
	titleMax = 300
	factMax  = 120
	lineMax  = 400 // all facts in one line
	factsMax = 20  // a number

	labelMax  = 1024
	labelsMax = 50 // a number
)

// Tone is how a message sounds: it decides about colour and mentions.
type Tone int

// The tones.
const (
	Plain Tone = 0
	Bad   Tone = 1
	Good  Tone = 2
)

// ToneOf returns the tone of what happened.
func ToneOf(m notify.Message) Tone {
	switch m.Event {
	case "PROCESS_STATE_FATAL", "PROCESS_STATE_BACKOFF", "PROCESS_STATE_UNKNOWN":
		return Bad
	case "PROCESS_STATE_EXITED":
		if !m.Expected {
			return Bad
		}
	case "PROCESS_STATE_RUNNING":
		return Good
	}
	return Plain
}

// Fact is something about a message that its text does not say.
type Fact struct{ Name, Value string }

// Text is a message in parts. They are UTF-8 without control characters other
// than line feeds, in Body and Log, and tabs.
type Text struct {
	Title string
	Body  string
	// Log is the end of a program's output, if Body does not show it already.
	Log   string
	Facts []Fact
	Tone  Tone
	Time  time.Time
	// Lang is the language of what is added: names of facts, marks.
	Lang notify.Lang
}

// Compose returns the parts of a message.
func Compose(m notify.Message) Text {
	t := Text{
		Title: Head(oneLine(m.Subject), titleMax),
		Body:  strings.Trim(Clean(m.Body), "\n"),
		Log:   strings.Trim(Clean(m.Log), "\n"),
		Tone:  ToneOf(m),
		Time:  m.Time,
		Lang:  m.Lang,
	}
	if t.Title == "" {
		t.Title = Head(oneLine(t.Body), titleMax)
	}
	if shows(t.Body, t.Log) {
		t.Log = ""
	}
	said := t.Title + "\n" + t.Body
	fact := func(name, value string) {
		if value != "" && len(t.Facts) < factsMax {
			t.Facts = append(t.Facts, Fact{Head(oneLine(name), factMax), Head(oneLine(value), factMax)})
		}
	}
	if !strings.Contains(said, m.Host) {
		fact(wordsOf(m.Lang).host, m.Host)
	}
	if !m.Time.IsZero() && !strings.Contains(said, m.Time.Format(time.DateTime)) {
		fact(wordsOf(m.Lang).time, m.Time.Format("2006-01-02 15:04:05 -07:00"))
	}
	for _, name := range slices.Sorted(maps.Keys(m.Labels)) {
		fact(name, m.Labels[name])
	}
	return t
}

// FactLine returns the facts in one line of at most 400 bytes.
func (t Text) FactLine() string {
	parts := make([]string, len(t.Facts))
	for i, f := range t.Facts {
		parts[i] = f.Name + ": " + f.Value
	}
	return Head(strings.Join(parts, " · "), lineMax)
}

// shows tells whether all lines of a log stand in a body.
func shows(body, log string) bool {
	for line := range strings.Lines(log) {
		if !strings.Contains(body, strings.TrimRight(line, "\n")) {
			return false
		}
	}
	return true
}

// Clean returns a text that every service can show: invalid UTF-8 becomes
// U+FFFD, line ends become line feeds, and terminals' escape sequences and
// other control characters go.
func Clean(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if strings.IndexFunc(s, func(r rune) bool { return r != '\n' && unicode.IsControl(r) }) < 0 {
		return s
	}
	s = strings.ReplaceAll(s, "\r\n", "\n")
	var b strings.Builder
	for i := 0; i < len(s); {
		if n := escapeLen(s[i:]); n > 0 {
			i += n
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		i += size
		switch {
		case r == '\r':
			b.WriteByte('\n')
		case r == '\n', r == '\t', !unicode.IsControl(r):
			b.WriteRune(r)
		}
	}
	return b.String()
}

// CleanMessage returns m with all its texts cleaned, and no more labels than
// a person reads.
func CleanMessage(m notify.Message) notify.Message {
	for _, s := range []*string{&m.ID, &m.Host, &m.Subject, &m.Body, &m.Event, &m.Group, &m.Process, &m.FromState, &m.Log} {
		*s = Clean(*s)
	}
	labels := make(map[string]string)
	for _, name := range slices.Sorted(maps.Keys(m.Labels)) {
		if len(labels) < labelsMax {
			labels[Head(oneLine(name), labelMax)] = Head(oneLine(m.Labels[name]), labelMax)
		}
	}
	m.Labels = labels
	return m
}

// escapeLen returns the length of the terminal control sequence at the
// beginning of a text (ECMA-48, 5.4: ESC [, parameters, a final byte), or 0.
func escapeLen(s string) int {
	if !strings.HasPrefix(s, "\x1b[") {
		return 0
	}
	for i := 2; i < len(s); i++ {
		switch {
		case s[i] >= 0x40 && s[i] <= 0x7e:
			return i + 1
		case s[i] < 0x20 || s[i] > 0x3f:
			return i
		}
	}
	return len(s)
}

// oneLine returns a text, of which no more than the beginning is wanted, as one
// clean line.
func oneLine(s string) string {
	return strings.Join(strings.Fields(Clean(s[:min(len(s), 4*labelMax)])), " ")
}

// Head returns the beginning of a text, with a mark where it is cut, in at
// most n bytes; n is at least 3.
func Head(s string, n int) string {
	const mark = "…"
	if len(s) <= n {
		return s
	}
	n -= len(mark)
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + mark
}

// CutEnd returns a text in at most about limit bytes: what is beyond goes, and
// a mark says so.
func CutEnd(s string, limit int, lang notify.Lang) string {
	if len(s) <= limit {
		return s
	}
	return cutEnd(s, len(s)-limit, lang)
}

// CutStart is CutEnd for a text whose end matters.
func CutStart(s string, limit int, lang notify.Lang) string {
	if len(s) <= limit {
		return s
	}
	return cutStart(s, len(s)-limit, lang)
}

// cutEnd takes at least n bytes from the end of a text, on a rune boundary,
// and says so.
func cutEnd(s string, n int, lang notify.Lang) string {
	keep := max(len(s)-n, 0)
	for keep > 0 && keep < len(s) && !utf8.RuneStart(s[keep]) {
		keep--
	}
	return s[:keep] + "\n" + wordsOf(lang).cut(len(s)-keep)
}

// cutStart takes at least n bytes from the beginning of a text, on a rune
// boundary, and says so.
func cutStart(s string, n int, lang notify.Lang) string {
	from := min(n, len(s))
	for from < len(s) && !utf8.RuneStart(s[from]) {
		from++
	}
	return wordsOf(lang).cut(from) + "\n" + s[from:]
}

// words are what the package itself says, in one language.
type words struct {
	host, time string
	cut        func(bytes int) string
}

func wordsOf(lang notify.Lang) words {
	if lang == notify.Chinese {
		return words{"主机", "时间", func(n int) string { return fmt.Sprintf("……（已截断，略去 %d 字节）", n) }}
	}
	return words{"host", "time", func(n int) string { return fmt.Sprintf("… (truncated: %d bytes left out)", n) }}
}
