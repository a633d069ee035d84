package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/vigilance-go/vigilance/cmd/internal/alert/alerttest"
)

// The options reach the service, and no secret reaches the terminal.
func TestTestSendsWhatTheServiceExpects(t *testing.T) {
	var mu sync.Mutex
	var request string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("read request: %v", err)
		}
		mu.Lock()
		defer mu.Unlock()
		request = r.Method + " " + r.Header.Get("X-Key") + " " + string(data)
		_, _ = io.WriteString(w, `{"ok":true,"id":"1"}`)
	}))
	defer server.Close()
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte("s3cret-key\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args   []string
		status int
		want   string // in the request, or in the output
	}{
		{[]string{"--url", server.URL + "/s3cret", "--request", `{"say":{{json .Subject}},"tone":{{json .Tone}}}`, "--header", "X-Key=@" + key, "--method", "PUT"},
			0, `PUT s3cret-key {"say":"test exited unexpectedly`},
		{[]string{"--preset", "discord", "--url", server.URL + "/s3cret"}, 0, `"content":`},
		{[]string{"--preset", "teams", "--url", server.URL + "/s3cret"}, 0, "AdaptiveCard"},
		{[]string{"--url", server.URL + "/s3cret", "--request", `{"a":1}`, "--expect", "nothing like it"}, 1, "1 of 1 were not accepted"},
		{[]string{"--preset", "unknown", "--url", server.URL + "/s3cret"}, 1, "unknown"},
		{[]string{"--url", server.URL + "/s3cret"}, 1, "webhookalert: "},
		{nil, 2, "neither --url nor --preset"},
		{[]string{"--preset", "telegram", "--param", "x"}, 2, `--param "x", want NAME=VALUE`},
		{[]string{"--help"}, 0, "[eventlistener:webhookalert]"},
	} {
		mu.Lock()
		request = ""
		mu.Unlock()
		output, status := alerttest.Run(t, append(tt.args, "--test")...)
		mu.Lock()
		if status != tt.status || !strings.Contains(request+output, tt.want) || strings.Contains(output, "s3cret") {
			t.Errorf("webhookalert %q = %d, request %s, output %s; want %d, %q, and no secret", tt.args, status, request, output, tt.status, tt.want)
		}
		mu.Unlock()
	}
}
