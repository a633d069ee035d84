package main

import (
	"testing"

	"github.com/vigilance-go/vigilance/cmd/internal/check/checktest"
)

// A chat is told what a mail says, beside mail or alone.
func TestChatIsToldAsWell(t *testing.T) {
	fake := checktest.NewFake(t, checktest.Process("foo", "foo", sleeper(t)))
	checktest.ToldInChat(t, fake, []string{"-p", "foo=0"}, "memmon: process foo:foo restarted", "because it was consuming too much memory")
}
