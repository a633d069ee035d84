package checktest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
)

// Chat is a chat service of the preset discord.
type Chat struct {
	// Args make a tool send to it.
	Args []string
	t    *testing.T
	mu   sync.Mutex
	got  []string
}

// NewChat starts a Chat that ends with the test.
func NewChat(t *testing.T) *Chat {
	t.Helper()
	c := &Chat{t: t}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("read request: %v", err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.got = append(c.got, string(body))
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "url")
	if err := os.WriteFile(file, []byte(server.URL+"/s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.Args = []string{"--webhook-url-file", file, "--webhook-preset", "discord"}
	return c
}

// Wait waits until n requests have come and returns them.
func (c *Chat) Wait(n int) []string {
	c.t.Helper()
	var got []string
	Until(c.t, "messages in the chat", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		got = slices.Clone(c.got)
		return len(got) >= n
	})
	return got
}
