package rpc

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vigilance-go/vigilance/supervisor/access"
	"github.com/vigilance-go/vigilance/supervisor/config"
)

// TestCompressedRequestsAreNotExpanded sends a bomb: 64 MiB in 64 KiB.
func TestCompressedRequestsAreNotExpanded(t *testing.T) {
	var bomb bytes.Buffer
	w := gzip.NewWriter(&bomb)
	if _, err := w.Write([]byte(methodCall("system.listMethods", "") + strings.Repeat(" ", 64<<20))); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	h := idle(t, "supervisor")
	for _, encoding := range []string{"gzip", "x-gzip", "deflate", "br", "gzip, gzip"} {
		r := httptest.NewRequest(http.MethodPost, "/RPC2", bytes.NewReader(bomb.Bytes()))
		r.Header.Set("Content-Encoding", encoding)
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, r)
		if answer.Code != http.StatusBadRequest {
			t.Errorf("a body of Content-Encoding %s: got %d, want 400", encoding, answer.Code)
		}
	}
}

// TestLogsInABrowserAreText: what a program writes is no page, wherever another
// site embeds it.
func TestLogsInABrowserAreText(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, []byte("<script>alert(1)</script>"), 0o600); err != nil {
		t.Fatal(err)
	}
	logs := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { newStreams().serveFile(w, r, path) })
	server := httptest.NewServer(logs)
	defer server.Close()
	answer, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close() // which ends the stream
	for name, want := range map[string]string{
		"Content-Type": "text/plain;charset=utf-8", "X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin",
	} {
		if got := answer.Header.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
}

// TestRefusedCallsReachNothing: a call that a role does not allow is answered
// before its arguments are looked at, and is noted.
func TestRefusedCallsReachNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	audit, err := access.OpenAudit(&config.Supervisord{AuditLogFile: path})
	if err != nil {
		t.Fatal(err)
	}
	table := methodTable([]string{"supervisor"})
	changes := 0
	for name, m := range table {
		r := &request{ctx: access.With(t.Context(), &access.Caller{Role: config.RoleObserver, User: "olga", UID: access.Unknown}), audit: audit, methods: table}
		if m.needs == config.RoleObserver {
			continue
		}
		changes++
		r.args = []any{"x\nINFO user=root", "hunter2", "hunter2"}[:len(m.params)] // r.daemon is nil: reaching it fails
		if err := r.invoke(name); err == nil || !strings.Contains(err.Error(), "not permitted") {
			t.Errorf("%s as an observer: got %v, want it refused", name, err)
		}
	}
	audit.Close()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(lines) != changes {
		t.Errorf("%d calls left %d lines in the audit log:\n%s", changes, len(lines), text)
	}
	for _, line := range lines {
		secret := strings.Contains(line, "sendProcessStdin") || strings.Contains(line, "sendRemoteCommEvent")
		if !strings.HasSuffix(line, "outcome=refused") || secret && strings.Contains(line, "hunter2") {
			t.Errorf("the audit log says %q", line)
		}
	}
}
