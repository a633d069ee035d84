package listener_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// TestTheTutorialsCodeWorks runs the code of docs/listeners.md: a program, then
// its test.
func TestTheTutorialsCodeWorks(t *testing.T) {
	text, err := os.ReadFile("../docs/listeners.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?ms)^```go\n(.*?)^```$").FindAllSubmatch(text, -1)
	if len(blocks) != 2 {
		t.Fatalf("the tutorial has %d blocks of Go, want a program and its test", len(blocks))
	}
	dir := t.TempDir()
	args := []string{"test"}
	for i, name := range []string{"main.go", "main_test.go"} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, blocks[i][1], 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, file)
	}
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		t.Errorf("go test on the tutorial's code: %v\n%s", err, out)
	}
	if out, err := exec.Command("gofmt", "-l", dir).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("gofmt -l on the tutorial's code = %v\n%s", err, out)
	}
}
