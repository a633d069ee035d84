package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/vigilance-go/vigilance/cmd/internal/check/checktest"
)

// A chat is told what a mail says, beside mail or alone.
func TestChatIsToldAsWell(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(web))
	t.Cleanup(server.Close)
	checktest.ToldInChat(t, checktest.NewFake(t, checktest.Process("foo", "foo", 11)), []string{"-p", "foo", "--url", server.URL + "/fail"},
		"httpok: "+server.URL+"/fail: bad status returned", "foo restarted")
	chat := checktest.NewChat(t)
	stdout, stderr, status := checktest.Output(t, checktest.Command(append(chat.Args, "--test", server.URL)...))
	if status != 0 || stderr != "" || len(chat.Wait(1)) != 1 || strings.Contains(stdout, "s3cret") {
		t.Errorf("httpok --test = %d, %q, %q; want one message, and no secret", status, stdout, stderr)
	}
	stdout, stderr, status = checktest.Output(t, checktest.Command("--check", "--webhook-url", "http://127.0.0.1:1/s3cret", "--webhook-preset", "discord", server.URL))
	if status != 1 || strings.Contains(stdout+stderr, "s3cret") || !strings.Contains(stderr, "check webhook-") {
		t.Errorf("httpok --check of a chat that is down = %d, %q, %q; want 1, which one it is, and no secret", status, stdout, stderr)
	}
}
