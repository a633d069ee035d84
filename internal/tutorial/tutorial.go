// Package tutorial runs the Go code of pages in docs/, so that a reader can
// copy it.
//
// It decides that a page's blocks of Go, in their order, are the files of one
// program, whose tests pass and which is formatted. What the code does is for
// its own tests to check.
package tutorial

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// block finds the blocks of Go in a page.
var block = regexp.MustCompile("(?ms)^```go\n(.*?)^```$")

// Check writes the blocks of a page into files of these names, one for each
// block, and tests them.
func Check(t *testing.T, page string, names ...string) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	blocks := block.FindAllSubmatch(text, -1)
	if len(blocks) != len(names) {
		t.Fatalf("%s has %d blocks of Go, want %d: %q", page, len(blocks), len(names), names)
	}
	dir := t.TempDir()
	args := []string{"test"}
	for i, name := range names {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, blocks[i][1], 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, file)
	}
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		t.Errorf("go test on the code of %s: %v\n%s", page, err, out)
	}
	if out, err := exec.Command("gofmt", "-l", dir).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("gofmt -l on the code of %s = %v\n%s", page, err, out)
	}
}
