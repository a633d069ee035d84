package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/vigilance-go/vigilance/cmd/internal/check/checktest"
)

// What superlance does not have: batches, flood control and own words, as those
// of the chat tools.
func TestEngineOptions(t *testing.T) {
	checktest.Engine(t, "httpok", "foo is in RUNNING state, restarting", "foo 检查失败", func(t *testing.T, args ...string) (*checktest.Listener, func()) {
		failures := make(chan struct{}, 1)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			select {
			case <-failures:
				w.WriteHeader(http.StatusInternalServerError)
			default:
			}
		}))
		t.Cleanup(server.Close)
		fake := checktest.NewFake(t, checktest.Process("foo", "foo", 11))
		tool := checktest.Listen(t, fake, append([]string{"-m", "a@b", "-p", "foo", "--url", server.URL}, args...)...)
		return tool, func() {
			failures <- struct{}{}
			tool.TickUntilRestart(fake)
		}
	})
}
