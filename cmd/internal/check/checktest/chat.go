package checktest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
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

// ToldInChat runs a tool beside a chat, with a recipient of mail and without one,
// until it has restarted a process, and wants texts in the chat's message.
func ToldInChat(t *testing.T, f *Fake, args []string, texts ...string) {
	t.Helper()
	for _, mail := range [][]string{{"-m", "a@b"}, nil} {
		chat := NewChat(t)
		tool := Listen(t, f, slices.Concat(args, chat.Args, mail)...)
		tool.TickUntilRestart(f)
		got := chat.Wait(1)[0]
		for _, want := range texts {
			if !strings.Contains(got, want) {
				t.Errorf("with %q: chat = %s, want %q in it", mail, got, want)
			}
		}
		if mail != nil {
			tool.WaitMails(1)
		}
		if mails := tool.End(); len(mails) > 0 != (mail != nil) {
			t.Errorf("with %q: mails = %q", mail, mails)
		}
	}
}
