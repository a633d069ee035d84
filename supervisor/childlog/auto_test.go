package childlog

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

func TestAutoNameCreatesAPrivateFile(t *testing.T) {
	dir := t.TempDir()
	shape := regexp.MustCompile(`^web:00-stdout---supervisor-[a-z0-9_]{8}\.log$`)
	seen := map[string]bool{}
	for range 20 {
		path, err := AutoName(dir, "web:00", "stdout", "supervisor")
		must(t, err)
		st, err := os.Stat(path)
		must(t, err)
		if name := filepath.Base(path); !shape.MatchString(name) || seen[name] || st.Mode() != 0o600 || st.Size() != 0 {
			t.Errorf("AutoName: got %s, mode %v, %d bytes; want a new name like %s, mode 0600, empty", name, st.Mode(), st.Size(), shape)
		}
		seen[filepath.Base(path)] = true
	}
	if path, err := AutoName(filepath.Join(dir, "missing"), "p", "stdout", "s"); err == nil {
		t.Errorf("AutoName in a missing folder: got %q, want an error", path)
	}
}

func TestCleanAutoDeletesWhatTheReferenceDeletes(t *testing.T) {
	type folder struct {
		Names      []string `json:"names"`
		Identifier string   `json:"identifier"`
	}
	names := []string{
		"p-stdout---supervisor-abc_1234.log", "p-stderr---supervisor-abc_1234.log.1", "p-stdout---supervisor-a.log.99999",
		"p-stdout---supervisor-a.log~", "---supervisor-a.log", "p---supervisor-.log", "p---supervisor-a b.log",
		"p-stdout---other-abc.log", "p-stdout---supervisor2-abc.log", "p--supervisor-abc.log", "a b---supervisor-x.log",
		"supervisord.log", "p---supervisor-a.txt", "p---supervisor-a.log.log", "x---supervisor-ab.tar.log.gz",
	}
	cases := []folder{{names, "supervisor"}, {names, "other"}, {names, "none"}}
	var want [][]string
	reference(t, "auto", cases, &want)
	for i, c := range cases {
		dir := t.TempDir()
		for _, name := range c.Names {
			put(t, filepath.Join(dir, name), "")
		}
		failed, err := CleanAuto(dir, c.Identifier)
		if err != nil || len(failed) > 0 {
			t.Errorf("CleanAuto(%q): got %q, %v, want no failure", c.Identifier, failed, err)
		}
		left := files(t, dir)
		got := slices.DeleteFunc(slices.Clone(c.Names), func(name string) bool { _, ok := left[name]; return ok })
		if !slices.Equal(got, want[i]) {
			t.Errorf("CleanAuto(%q) deleted\n got %q\nwant %q", c.Identifier, got, want[i])
		}
	}
}

func TestCleanAutoTellsWhatItCouldNotDelete(t *testing.T) {
	dir := t.TempDir()
	stubborn := filepath.Join(dir, "p-stdout---supervisor-folder.log")
	must(t, os.Mkdir(stubborn, 0o755))
	failed, err := CleanAuto(dir, "supervisor")
	if err != nil || !slices.Equal(failed, []string{stubborn}) {
		t.Errorf("CleanAuto with a folder in the way: got %q, %v, want %q", failed, err, stubborn)
	}
	if _, err := CleanAuto(filepath.Join(dir, "missing"), "supervisor"); err == nil {
		t.Error("CleanAuto of a missing folder: got nil, want an error")
	}
	// The identifier is text, not a pattern.
	if _, err := CleanAuto(dir, "("); err != nil {
		t.Errorf("CleanAuto for identifier %q: %v", "(", err)
	}
}
