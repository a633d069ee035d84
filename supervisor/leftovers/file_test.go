package leftovers

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// lines makes a file of entries.
func lines(t testing.TB, entries ...Entry) []byte {
	t.Helper()
	text, err := appendLine(nil, header{Daemon: 1})
	for _, e := range entries {
		if err == nil {
			text, err = appendLine(text, e)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestParseKeepsTheLastOfEachProcess(t *testing.T) {
	t.Parallel()
	first := Entry{Group: "g", Name: "a b\n", PID: 10, Start: 1}
	second := Entry{Group: "g", Name: "a b\n", PID: 11, Start: 2}
	other := Entry{Group: "h", Name: "x", Start: 3}
	p, err := parse(bytes.NewReader(lines(t, first, other, second)))
	if err != nil || p.damaged != 0 || p.header.Daemon != 1 || len(p.entries) != 2 ||
		p.entries[first.key()] != second || p.entries[other.key()] != other {
		t.Errorf("parse = %+v, %v, want %+v and %+v", p, err, second, other)
	}
}

// TestParsePassesOverDamage: whatever happens to a part of the file, the rest
// of it counts, and nothing is invented.
func TestParsePassesOverDamage(t *testing.T) {
	t.Parallel()
	a, b := Entry{Group: "g", Name: "a", PID: 10, Start: 1}, Entry{Group: "g", Name: "b", PID: 11, Start: 2}
	whole := lines(t, a, b)
	for name, c := range map[string]struct {
		text    []byte
		entries int
		damaged int
	}{
		"empty":        {nil, 0, 0},
		"cut off":      {whole[:len(whole)-3], 1, 1},
		"a bit":        {bytes.Replace(whole, []byte(`"pid":10`), []byte(`"pid":11`), 1), 1, 1},
		"torn line":    {append([]byte("00000000 {\"gro"), whole...), 2, 1},
		"zeros":        {append(whole, make([]byte, 1<<20)...), 2, 0},
		"long line":    {append(append([]byte(strings.Repeat("x", 1<<20)), '\n'), whole...), 2, 1},
		"no line feed": {bytes.ReplaceAll(whole, []byte("\n\n"), []byte("\n")), 2, 0},
	} {
		p, err := parse(bytes.NewReader(c.text))
		if err != nil || len(p.entries) != c.entries || p.damaged != c.damaged {
			t.Errorf("%s: parse = %d entries, %d damaged, %v, want %d, %d", name, len(p.entries), p.damaged, err, c.entries, c.damaged)
		}
	}
}

func FuzzParse(f *testing.F) {
	whole := lines(f, Entry{Group: "g", Name: "a", PID: 10, Start: 1})
	f.Add(whole)
	f.Add([]byte("00000000 {}\n"))
	f.Fuzz(func(t *testing.T, noise []byte) {
		p, err := parse(bytes.NewReader(noise))
		if err != nil {
			t.Errorf("parse(%q): %v, want that noise is passed over", noise, err)
		}
		for k, e := range p.entries {
			if k != e.key() {
				t.Errorf("parse(%q): %+v under %v", noise, e, k)
			}
		}
		// Noise before a whole file costs nothing of it.
		p, _ = parse(bytes.NewReader(append(append(bytes.Clone(noise), '\n'), whole...)))
		if p.entries[key{"g", "a"}].PID != 10 {
			t.Errorf("parse(%q and a file) does not find the file's entry", noise)
		}
	})
}

// TestClaimBelievesOnlyItsOwnFile: the file names what is to be killed.
func TestClaimBelievesOnlyItsOwnFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	target := path("target")
	for _, err := range []error{
		os.WriteFile(target, []byte("mine\n"), 0o600),
		os.Symlink(target, path("link")),
		os.WriteFile(path("open"), nil, 0o600), os.Chmod(path("open"), 0o666),
		os.Mkdir(path("folder"), 0o700),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"link", "open", "folder", "missing/file"} {
		j, _, _, err := Claim(path(name))
		if err == nil {
			t.Errorf("Claim(%s) succeeded, want an error", name)
		}
		j.note(Entry{Group: "g", Name: "n"}) // tries again, and must not succeed either
		j.Close(true)
	}
	if text, err := os.ReadFile(target); string(text) != "mine\n" {
		t.Errorf("the link's target holds %q, %v, want it untouched", text, err)
	}
}

// isHeldBy tells whether err says that a process has the file.
func isHeldBy(err error, pid int) bool {
	held, ok := errors.AsType[*HeldError](err)
	return ok && held.PID == pid
}

func TestClaimIsExclusive(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	j, _, _, err := Claim(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := Claim(path); !isHeldBy(err, os.Getpid()) {
		t.Errorf("Claim of a file that is claimed: %v, want that pid %d has it", err, os.Getpid())
	}
	j.Close(true)
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("Stat after Close(true) = %v, want that the file is gone", err)
	}
	j, _, _, err = Claim(path)
	if err != nil {
		t.Fatalf("Claim after Close: %v", err)
	}
	j.Close(true)
}
