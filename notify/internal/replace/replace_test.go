package replace

import (
	"os"
	"path/filepath"
	"testing"
)

func TestFileReplacesWholesOrNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	for _, c := range []struct {
		text string
		mode os.FileMode
	}{{"first", 0o600}, {"", 0o644}} {
		if err := File(path, []byte(c.text), c.mode); err != nil {
			t.Fatalf("File(%q, %v): %v", c.text, c.mode, err)
		}
		text, err := os.ReadFile(path)
		info, serr := os.Stat(path)
		if err != nil || serr != nil || string(text) != c.text || info.Mode() != c.mode {
			t.Errorf("after File(%q, %v) there is %q, %v, %v, %v", c.text, c.mode, text, info, err, serr)
		}
	}
	// A folder in its place cannot be replaced, and nothing is left beside it.
	folder := filepath.Join(dir, "folder")
	if err := os.MkdirAll(filepath.Join(folder, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := File(folder, []byte("x"), 0o600); err == nil {
		t.Error("File in the place of a folder succeeded, want an error")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Errorf("afterwards the folder holds %v, %v, want the file and the folder", entries, err)
	}
}
