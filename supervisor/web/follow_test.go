package web

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// log is a log file that a test writes.
type testLog struct {
	t    *testing.T
	path string
	f    *os.File
}

func newTestLog(t *testing.T) *testLog {
	t.Helper()
	l := &testLog{t: t, path: filepath.Join(t.TempDir(), "log")}
	l.create()
	return l
}

func (l *testLog) create() {
	l.t.Helper()
	var err error
	if l.f, err = os.Create(l.path); err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { _ = l.f.Close() })
}

func (l *testLog) write(text string) {
	l.t.Helper()
	if _, err := l.f.WriteString(text); err != nil {
		l.t.Fatal(err)
	}
}

// seen is the text of a piece, with what else it says before it.
func seen(p piece, ok bool) string {
	if !ok {
		return "nothing"
	}
	var b strings.Builder
	if p.Fresh {
		b.WriteString("[fresh]")
	}
	if p.Skipped > 0 {
		b.WriteString("[skipped]")
	}
	if p.Note != "" {
		b.WriteString("[" + p.Note + "]")
	}
	for _, r := range p.Runs {
		b.WriteString(r.Text)
	}
	return b.String()
}

func TestFollowerReadsWhatIsNew(t *testing.T) {
	l := newTestLog(t)
	f := &follower{}
	defer f.close()
	expect := func(what, want string) {
		t.Helper()
		if got := seen(f.look(l.path)); got != want {
			t.Errorf("look %s = %q, want %q", what, got, want)
		}
	}
	l.write("one\n")
	expect("at first", "one\n")
	expect("again", "nothing")
	l.write("tw")
	expect("in the middle of a line", "tw")

	l.write("o\n")
	if err := os.Rename(l.path, l.path+".1"); err != nil {
		t.Fatal(err)
	}
	l.create()
	l.write("three\n")
	expect("after rotation", "o\n")
	expect("for the second time after rotation", "three\n")

	if err := os.Remove(l.path); err != nil {
		t.Fatal(err)
	}
	l.create()
	l.write("four\n")
	expect("after clearing", "[fresh]")
	expect("for the second time after clearing", "four\n")

	if err := l.f.Truncate(0); err != nil {
		t.Fatal(err)
	}
	if _, err := l.f.Seek(0, 0); err != nil {
		t.Fatal(err)
	}
	l.write("5\n")
	expect("after truncation", "[fresh]5\n")

	if err := os.Remove(l.path); err != nil {
		t.Fatal(err)
	}
	expect("when it is gone", "[fresh]")
	expect("while it is gone", "[Nothing has been logged yet.]")
	expect("while it is gone, again", "nothing")
	l.create()
	l.write("six\n")
	expect("when it is back", "six\n")
}

func TestFollowerBoundsWhatItReads(t *testing.T) {
	l := newTestLog(t)
	f := &follower{}
	defer f.close()
	l.write(strings.Repeat("x", 2*firstBytes))
	if got := seen(f.look(l.path)); len(got) != firstBytes {
		t.Errorf("the first look reads %d bytes, want %d", len(got), firstBytes)
	}
	l.write(strings.Repeat("y", 3*mostBytes))
	p, ok := f.look(l.path)
	if got := seen(p, ok); len(got) != mostBytes+len("[skipped]") || p.Skipped != 2*mostBytes {
		t.Errorf("a look at a flood reads %d bytes and skips %d, want %d and %d", len(got), p.Skipped, mostBytes, 2*mostBytes)
	}
}

func TestFollowerShowsNothingButFiles(t *testing.T) {
	dir := t.TempDir()
	fifo := newFIFO(t, filepath.Join(dir, "fifo"))
	for path, want := range map[string]string{
		"":                         "[There is no log.]",
		filepath.Join(dir, "gone"): "[Nothing has been logged yet.]",
		dir:                        "[The log, " + dir + ", is no file that could be shown.]",
		fifo.Name():                "[The log, " + fifo.Name() + ", is no file that could be shown.]",
		"/dev/zero":                "[The log, /dev/zero, is no file that could be shown.]",
	} {
		f := &follower{}
		if got := seen(f.look(path)); got != want {
			t.Errorf("look at %q = %q, want %q", path, got, want)
		}
		f.close()
	}
}
