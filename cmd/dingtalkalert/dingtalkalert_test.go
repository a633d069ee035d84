package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// commandEnv makes the test binary dingtalkalert.
const commandEnv = "VIGILANCE_TEST_ALERT_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(commandEnv) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// run runs dingtalkalert to its end.
func run(t *testing.T, args ...string) (output string, status int) {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), commandEnv+"=1", "SUPERVISOR_ENABLED=", "SUPERVISOR_SERVER_URL=", "GORACE=atexit_sleep_ms=0")
	cmd.Stdout, cmd.Stderr = &out, &out
	_ = cmd.Run() // the status tells
	return out.String(), cmd.ProcessState.ExitCode()
}

// The options reach the service, and no secret reaches the terminal.
func TestTestSendsWhatTheServiceExpects(t *testing.T) {
	var mu sync.Mutex // for reply and body
	reply := `{"errcode":0,"errmsg":"ok"}`
	var body string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("read request: %v", err)
		}
		mu.Lock()
		defer mu.Unlock()
		body = r.URL.String() + " " + string(data)
		_, _ = io.WriteString(w, reply)
	}))
	defer server.Close()
	args := []string{"--token", "s3cret-token", "--secret", "SECs3cret", "--base-url", "SERVER", "--at-mobile", "13800000000", "--lang", "zh"}
	for i, arg := range args {
		args[i] = strings.ReplaceAll(arg, "SERVER", server.URL)
	}
	output, status := run(t, append(args, "--test")...)
	mu.Lock()
	for _, want := range []string{"access_token=s3cret", "timestamp=", "sign=", "test 意外退出", "138"} {
		if !strings.Contains(body, want) {
			t.Errorf("request = %s, want %q in it", body, want)
		}
	}
	mu.Unlock()
	if status != 0 || !strings.Contains(output, "accepted") || strings.Contains(output, "s3cret") {
		t.Errorf("dingtalkalert --test = %d, %s; want 0, accepted, and no secret", status, output)
	}
	output, status = run(t, append(args, "--check")...)
	if status != 0 || strings.Contains(output, "s3cret") {
		t.Errorf("dingtalkalert --check = %d, %s; want 0 and no secret", status, output)
	}
	mu.Lock()
	reply = `{"errcode":310000,"errmsg":"keywords not in content"}`
	mu.Unlock()
	output, status = run(t, append(args, "--test")...)
	if status != 1 || !strings.Contains(output, "1 of 1 were not accepted") || strings.Contains(output, "s3cret") {
		t.Errorf("dingtalkalert --test when refused = %d, %s; want 1, and no secret", status, output)
	}
}

func TestStatuses(t *testing.T) {
	for _, tt := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{"--help"}, 0, "[eventlistener:dingtalkalert]"},
		{[]string{"--unknown"}, 2, "option --unknown not recognized"},
		{nil, 2, "there is nowhere to send alerts to"},
	} {
		if output, status := run(t, tt.args...); status != tt.status || !strings.Contains(output, tt.want) {
			t.Errorf("dingtalkalert %q = %d, %s; want %d and %q", tt.args, status, output, tt.status, tt.want)
		}
	}
}
