package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/cmd/internal/check/checktest"
)

// What httpok and memmon have of the chat tools: batches, flood control and own
// words.
func TestEngineOptions(t *testing.T) {
	checktest.Engine(t, "oommon", "it ran out of memory", "foo 内存不足", func(t *testing.T, args ...string) (*checktest.Listener, func()) {
		file := filepath.Join(t.TempDir(), "foo.oom")
		fake := checktest.NewFake(t, checktest.Process("foo", "foo", os.Getpid()))
		tool := checktest.Listen(t, fake, append([]string{"-m", "a@b", "-a", "--alert-only", "--sentinel", file}, args...)...)
		when := time.Now()
		return tool, func() {
			// The file system's clock is not fine enough.
			when = when.Add(time.Hour)
			err := errors.Join(os.WriteFile(file+".new", nil, 0o600), os.Chtimes(file+".new", when, when), os.Rename(file+".new", file))
			if err != nil {
				t.Fatal(err)
			}
			before := tool.Kept()
			checktest.Until(t, "the mail in the spool", func() bool { tool.Tick(); return tool.Kept() > before }, tool.Stderr)
		}
	})
}
