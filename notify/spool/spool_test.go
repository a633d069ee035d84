package spool_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/notify/spool"
)

func open(t *testing.T, dir string, o spool.Options) *spool.Spool {
	t.Helper()
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s, err := spool.Open(dir, o)
	if err != nil {
		t.Fatalf("Open(%q) = %v, want nil", dir, err)
	}
	return s
}

func put(t *testing.T, s *spool.Spool, id string, to ...string) {
	t.Helper()
	if err := s.Put(notify.Message{ID: id, Subject: "subject of " + id, Body: "body"}, to...); err != nil {
		t.Fatalf("Put(%q) = %v, want nil", id, err)
	}
}

func waiting(t *testing.T, s *spool.Spool) []string {
	t.Helper()
	names, err := s.Waiting()
	if err != nil {
		t.Fatalf("Waiting() = %v, want nil", err)
	}
	return names
}

func claim(t *testing.T, s *spool.Spool, name string) notify.Claim {
	t.Helper()
	c, err := s.Claim(name)
	if err != nil {
		t.Fatalf("Claim(%q) = %v, want nil", name, err)
	}
	return c
}

func check(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s = %v, want nil", what, err)
	}
}

func TestSpoolReturnsWhatWasPut(t *testing.T) {
	dir := t.TempDir()
	want := notify.Message{
		ID: "strange / id\n", Time: time.Date(2026, 11, 22, 7, 0, 0, 5, time.UTC), Host: "h",
		Subject: "web <crashed>", Body: "line\nline\n", Event: "PROCESS_STATE_EXITED",
		Group: "web", Process: "web_01", PID: 7, FromState: "RUNNING", Log: "panic: x\n",
		Labels: map[string]string{"team": "a"},
	}
	check(t, "Put", open(t, dir, spool.Options{}).Put(want, "a@example.com", "b@example.com"))

	s := open(t, dir, spool.Options{}) // as after a restart
	names := waiting(t, s)
	if len(names) != 1 {
		t.Fatalf("Waiting() = %q, want one name", names)
	}
	got := claim(t, s, names[0]).Entry()
	if wantEntry := notify.NewEntry(want, "a@example.com", "b@example.com"); !reflect.DeepEqual(got, wantEntry) {
		t.Errorf("Entry() = %+v, want %+v", got, wantEntry)
	}
}

func TestSpoolListsInTheOrderOfPut(t *testing.T) {
	s := open(t, t.TempDir(), spool.Options{})
	var want []string
	for i := range 9 {
		id := fmt.Sprintf("%d", 9-i)
		put(t, s, id)
		at := time.Now().Add(time.Duration(i) * time.Second)
		check(t, "Chtimes", os.Chtimes(filepath.Join(s.Dir(), "new", id), at, at))
		want = append(want, id)
	}
	if got := waiting(t, s); !reflect.DeepEqual(got, want) {
		t.Errorf("Waiting() = %q, want %q", got, want)
	}
}

func TestSpoolIsSharedByTwoListeners(t *testing.T) {
	dir := t.TempDir()
	a, b := open(t, dir, spool.Options{}), open(t, dir, spool.Options{})
	put(t, a, "m")
	if got := waiting(t, b); len(got) != 1 {
		t.Fatalf("Waiting() of the other = %q, want one", got)
	}
	c := claim(t, a, "m")
	if _, err := b.Claim("m"); !errors.Is(err, notify.ErrNotWaiting) {
		t.Errorf("Claim of what another holds = %v, want %v", err, notify.ErrNotWaiting)
	}
	check(t, "Release", c.Release())
	c = claim(t, b, "m")
	check(t, "Delivered", c.Delivered(""))
	if _, err := a.Claim("m"); !errors.Is(err, notify.ErrNotWaiting) {
		t.Errorf("Claim of what was delivered = %v, want %v", err, notify.ErrNotWaiting)
	}
	check(t, "Release", c.Release())
	put(t, a, "m") // the event again, from a daemon that missed our answer
	if got := waiting(t, a); len(got) != 0 {
		t.Errorf("Waiting() after a repeated Put = %q, want none", got)
	}
}

func TestSpoolRemembersTheTargetsThatAreDone(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, spool.Options{})
	put(t, s, "m", "a", "b", "c")
	c := claim(t, s, "m")
	check(t, "Delivered", c.Delivered("a"))
	check(t, "Refused", c.Refused("b", "550 no such user"))
	check(t, "Release", c.Release())

	s = open(t, dir, spool.Options{})
	c = claim(t, s, "m")
	want := []notify.Target{
		{To: "a", Outcome: notify.Delivered},
		{To: "b", Outcome: notify.Refused, Reason: "550 no such user"},
		{To: "c"},
	}
	if got := c.Entry().Targets; !reflect.DeepEqual(got, want) {
		t.Fatalf("Targets = %v, want %v", got, want)
	}
	check(t, "Delivered", c.Delivered("c"))
	check(t, "Release", c.Release())
	if got := waiting(t, s); len(got) != 0 {
		t.Errorf("Waiting() = %q, want none", got)
	}
	reason, err := os.ReadFile(filepath.Join(dir, "dead", "m.reason"))
	if err != nil || string(reason) != "b: 550 no such user\n" {
		t.Errorf("dead/m.reason = %q, %v; want the reason", reason, err)
	}
}

// A power cut may leave any part of the last note.
func TestSpoolReadsATornNote(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, spool.Options{})
	put(t, s, "m", "a", "b", "c")
	path := filepath.Join(dir, "new", "m")
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	check(t, "OpenFile", err)
	_, err = f.WriteString(`{"to":"a","outc`)
	check(t, "WriteString", err)
	check(t, "Close", f.Close())

	c := claim(t, s, "m")
	if got := c.Entry().Count(notify.Pending); got != 3 {
		t.Errorf("pending after a torn note = %d, want 3", got)
	}
	check(t, "Delivered", c.Delivered("b"))
	check(t, "Release", c.Release())
	c = claim(t, s, "m")
	want := []notify.Target{{To: "a"}, {To: "b", Outcome: notify.Delivered}, {To: "c"}}
	if got := c.Entry().Targets; !reflect.DeepEqual(got, want) {
		t.Errorf("Targets = %v, want %v", got, want)
	}
}

func TestSpoolSetsForeignFilesAside(t *testing.T) {
	for _, tt := range []struct {
		name   string
		make   func(path string) error
		reason string
	}{
		{"empty file", write(""), "cut short"},
		{"truncated message", write(`{"version":1,"to":[""],"message":{"id":"tr`), "cut short"},
		{"noise", write("\x00\xff\n\x01\n"), "no message"},
		{"later version", write(`{"version":2}` + "\n"), "version 2"},
		{"no target", write(`{"version":1,"message":{"id":"x"}}` + "\n"), "no ID or no target"},
		{"another's ID", write(`{"version":1,"to":[""],"message":{"id":"x"}}` + "\n"), "does not belong"},
		{"folder", func(p string) error { return os.Mkdir(p, 0o700) }, "not a regular file"},
		{"symbolic link", func(p string) error { return os.Symlink("/etc/passwd", p) }, "not a regular file"},
		{"named pipe", func(p string) error { return syscall.Mkfifo(p, 0o600) }, "not a regular file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			var log bytes.Buffer
			s := open(t, dir, spool.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
			check(t, "make", tt.make(filepath.Join(dir, "new", "odd")))
			put(t, s, "m")
			delivered := 0
			for _, name := range waiting(t, s) {
				c, err := s.Claim(name)
				if errors.Is(err, notify.ErrNotWaiting) {
					continue
				}
				check(t, "Claim", err)
				check(t, "Delivered", c.Delivered(""))
				check(t, "Release", c.Release())
				delivered++
			}
			if got := waiting(t, s); delivered != 1 || len(got) != 0 {
				t.Errorf("delivered = %d, Waiting() = %q; want 1 and none", delivered, got)
			}
			if _, err := os.Lstat(filepath.Join(dir, "dead", "odd")); err != nil {
				t.Errorf("dead/odd: %v, want it there", err)
			}
			reason, err := os.ReadFile(filepath.Join(dir, "dead", "odd.reason"))
			if err != nil || !strings.Contains(string(reason), tt.reason) {
				t.Errorf("dead/odd.reason = %q, %v; want %q in it", reason, err, tt.reason)
			}
			if !strings.Contains(log.String(), "level=WARN") {
				t.Errorf("log = %q, want a warning", log.String())
			}
		})
	}
}

func write(text string) func(string) error {
	return func(path string) error { return os.WriteFile(path, []byte(text), 0o600) }
}

func TestSpoolIsBounded(t *testing.T) {
	s := open(t, t.TempDir(), spool.Options{MaxMessages: 2})
	put(t, s, "a")
	put(t, s, "b")
	if err := s.Put(notify.Message{ID: "c"}); !errors.Is(err, notify.ErrFull) {
		t.Errorf("third Put of 2 = %v, want %v", err, notify.ErrFull)
	}
	c := claim(t, s, "a")
	check(t, "Delivered", c.Delivered(""))
	check(t, "Release", c.Release())
	put(t, s, "c")
}

func TestOpenSaysWhyThereCanBeNoSpool(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	check(t, "WriteFile", os.WriteFile(file, nil, 0o600))
	if _, err := spool.Open(filepath.Join(file, "spool"), spool.Options{}); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("Open below a file = %v, want an error that names %q", err, file)
	}
}

func TestOpenPrunesWhatIsOld(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, spool.Options{})
	old := time.Now().Add(-25 * time.Hour)
	for _, name := range []string{"tmp/old", "done/old", "tmp/young", "done/young"} {
		path := filepath.Join(dir, name)
		check(t, "WriteFile", os.WriteFile(path, nil, 0o600))
		if strings.HasSuffix(name, "old") {
			check(t, "Chtimes", os.Chtimes(path, old, old))
		}
	}
	open(t, dir, spool.Options{})
	for name, want := range map[string]bool{"tmp/old": false, "done/old": false, "tmp/young": true, "done/young": true} {
		_, err := os.Lstat(filepath.Join(dir, name))
		if got := err == nil; got != want {
			t.Errorf("%s is there: %v, want %v", name, got, want)
		}
	}
}

func TestGroupDir(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_STATE_HOME", "")
	want := filepath.Join(home, ".local", "state", "vigilance", "spool")
	if os.Geteuid() == 0 {
		want = "/var/lib/vigilance/spool"
	}
	if got, err := spool.DefaultDir(); got != want || err != nil {
		t.Errorf("DefaultDir() = %q, %v; want %q", got, err, want)
	}
	for group, want := range map[string]string{
		"crashmail": "/d/crashmail", "": "/d/_", "..": "/d/_..", "a/../b": "/d/a_.._b",
	} {
		if got := spool.GroupDir("/d", group); got != want {
			t.Errorf("GroupDir(%q) = %q, want %q", group, got, want)
		}
	}
}
