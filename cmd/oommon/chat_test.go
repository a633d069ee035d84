package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/vigilance-go/vigilance/cmd/internal/check/checktest"
)

// A chat is told what a mail says, beside mail or alone. The sentinel is a
// folder with something in it, which cannot be removed, so it is there for each oommon anew.
func TestChatIsToldAsWell(t *testing.T) {
	sentinel := filepath.Join(t.TempDir(), "foo.oom")
	if err := os.MkdirAll(filepath.Join(sentinel, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	fake := checktest.NewFake(t, checktest.Process("foo", "foo", os.Getpid()))
	checktest.ToldInChat(t, fake, []string{"-a", "--sentinel", sentinel}, "oommon: process foo has run out of memory", "foo restarted")
}
