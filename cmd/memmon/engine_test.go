package main

import (
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/cmd/internal/check/checktest"
)

// What superlance does not have: batches, flood control and own words, as those
// of the chat tools.
func TestEngineOptions(t *testing.T) {
	foo := checktest.Process("foo", "foo", sleeper(t))
	const own = "memmon.py restarted the process named foo:foo at"
	checktest.Engine(t, "memmon", own, "foo 内存占用过多", func(t *testing.T, args ...string) (*checktest.Listener, func()) {
		fake := checktest.NewFake(t)
		tool := checktest.Listen(t, fake, append([]string{"-m", "a@b", "-p", "foo=0"}, args...)...)
		return tool, func() {
			before := len(fake.Calls())
			checktest.Until(t, "the restart", func() bool {
				// A process that is still being restarted is passed over.
				fake.Once(foo)
				asked := fake.Asked()
				for fake.Asked() == asked {
					tool.Tick()
				}
				later := time.After(2 * time.Second)
				for len(fake.Calls()) < before+2 {
					select {
					case <-later:
						return false
					case <-time.After(time.Millisecond):
					}
				}
				return true
			}, tool.Stderr)
		}
	})
}
