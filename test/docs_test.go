package test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestCompatibilityNamesItsTests: each test and transcript that COMPATIBILITY.md
// calls its witness is there.
func TestCompatibilityNamesItsTests(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../COMPATIBILITY.md")
	if err != nil {
		t.Fatal(err)
	}
	files, tests := make(map[string]bool), new(bytes.Buffer)
	err = filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != ".." && strings.HasPrefix(entry.Name(), "."):
			return filepath.SkipDir
		case entry.IsDir():
			return nil
		}
		files[entry.Name()] = true
		if strings.HasSuffix(path, "_test.go") {
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			tests.Write(content)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}

	named := regexp.MustCompile("`((?:Test|Fuzz|Example)\\w+|[\\w/.-]+\\.(?:txt|txtar|go))`").FindAllStringSubmatch(string(text), -1)
	if len(named) == 0 {
		t.Fatal("COMPATIBILITY.md names no test, want one for each difference")
	}
	for _, match := range named {
		name := match[1]
		if strings.Contains(name, ".") {
			if !files[filepath.Base(name)] {
				t.Errorf("COMPATIBILITY.md names %s, which does not exist", name)
			}
		} else if !bytes.Contains(tests.Bytes(), []byte("func "+name+"(")) {
			t.Errorf("COMPATIBILITY.md names %s, which is no test", name)
		}
	}
}
