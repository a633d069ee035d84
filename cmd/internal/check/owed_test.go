package check

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vigilance-go/vigilance/cmd/internal/alert"
	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/notify/spool"
)

// begin returns a tool that has just been started, and what it logs. It delivers
// nothing.
func begin(t *testing.T, dir string) (*Station, *strings.Builder) {
	t.Helper()
	var log strings.Builder
	o := Options{Tool: "httpok", Targets: []string{"a@b"}, Spool: dir, Env: listener.Environment{ServerURL: "unix:///none", GroupName: "g"}}
	s, err := NewStation(t.Context(), o, alert.NewStderr(&log))
	if err != nil {
		t.Fatal(err)
	}
	s.openOutbox(notify.NotifierFunc(func(context.Context, notify.Message) error { return nil }))
	return s, &log
}

// bodies returns the texts of the mails in the spool, oldest first.
func bodies(t *testing.T, dir string) (texts []string) {
	t.Helper()
	items, err := spool.Attach(filepath.Join(dir, "g")).Items()
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range items {
		texts = append(texts, item.Entry.Message.Body)
	}
	return texts
}

// Whenever a tool is killed, its mail about a restart is in the spool once when
// the next one has begun.
func TestOwedMailGetsIntoTheSpoolOnce(t *testing.T) {
	const ended = "\nhttpok was ended before it knew what became of "
	text := func(body string) notify.Message { return notify.Message{Body: body} }
	for _, tt := range []struct {
		when string
		do   func(o *Owed)
		// then is done, too, but the kill comes before that is on disk.
		then func(o *Owed)
		want []string
	}{
		{when: "before the restart", do: func(*Owed) {}},
		{when: "within it", do: func(o *Owed) { o.Note("foo", text("x")) }, want: []string{"x" + ended + "foo"}},
		{when: "within the second", do: func(o *Owed) { o.Note("foo", text("x")); o.Note("bar", text("y")) }, want: []string{"y" + ended + "bar"}},
		{when: "after it, before the mail is struck out", do: func(o *Owed) { o.Note("foo", text("x")) },
			then: func(o *Owed) { o.Post(text("z")) }, want: []string{"z"}},
		{when: "after all", do: func(o *Owed) { o.Note("foo", text("x")); o.Post(text("z")) }, want: []string{"z"}},
		{when: "after a restart that is not mailed", do: func(o *Owed) { o.Note("foo", text("x")); o.Drop() }},
		{when: "after a mail without a restart", do: func(o *Owed) { o.Post(text("z")); o.Drop() }, want: []string{"z"}},
	} {
		dir := t.TempDir()
		s, _ := begin(t, dir)
		other := s.Owed()
		other.Note("other", text("o"))
		owed := s.Owed()
		tt.do(owed)
		file := filepath.Join(dir, "g", "owed.json")
		was, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if tt.then != nil {
			tt.then(owed)
			if err := os.WriteFile(file, was, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want := append([]string{"o" + ended + "other"}, tt.want...)
		for n := range 2 {
			_, log := begin(t, dir)
			got := bodies(t, dir)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) || log.Len() != 0 {
				t.Errorf("killed %s: mails in the spool after start %d = %q, log %q; want %q", tt.when, n+1, got, log, want)
			}
		}
		if now, err := os.ReadFile(file); string(now) != "[]" || err != nil {
			t.Errorf("killed %s: what is owed in the end = %s, %v; want nothing", tt.when, now, err)
		}
	}
}

// What is in the file may be anything.
func TestOwedMailsMayBeAnything(t *testing.T) {
	const good = `{"id":"1","body":"good"}`
	for file, want := range map[string][]string{
		"":                            nil,
		"null":                        nil,
		"\x00\xff{{":                  nil,
		"[" + good:                    nil,
		`{"foo":{"died":1}}`:          nil,
		"[null," + good + "]":         {"good"},
		`[1,` + good + "]":            {"good"},
		"[" + good + "," + good + "]": {"good"},
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, "g", "owed.json")
		if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		s, log := begin(t, dir)
		if got := bodies(t, dir); !slices.Equal(got, want) {
			t.Errorf("owed.json = %q: mails in the spool = %q, log %q; want %q", file, got, log, want)
		}
		s.Owed().Note("foo", notify.Message{Body: "x"})
		if begin(t, dir); len(bodies(t, dir)) != len(want)+1 {
			t.Errorf("owed.json = %q: mails = %q, want that of the restart after it, too", file, bodies(t, dir))
		}
	}
}
