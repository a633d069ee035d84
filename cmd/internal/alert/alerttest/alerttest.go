// Package alerttest runs alerting commands in their own tests: the test binary
// becomes the command.
//
// It decides what every command for a chat robot does alike; what one sends is
// told to it.
package alerttest

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Variable names the environment variable that makes the test binary the
// command.
const Variable = "VIGILANCE_TEST_ALERT_COMMAND"

// Main is TestMain for a command: it runs the command where Run asks for it,
// and the tests elsewhere.
func Main(m *testing.M, main func()) {
	if os.Getenv(Variable) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// Command is the command as a process of its own, outside of a supervisord.
func Command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), Variable+"=1", "SUPERVISOR_ENABLED=", "SUPERVISOR_SERVER_URL=", "GORACE=atexit_sleep_ms=0")
	return cmd
}

// Run runs the command to its end and returns all that it said, and its exit
// status.
func Run(t *testing.T, args ...string) (output string, status int) {
	t.Helper()
	var out bytes.Buffer
	cmd := Command(args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	_ = cmd.Run() // the status tells
	return out.String(), cmd.ProcessState.ExitCode()
}

// Robot is a command that sends to a robot of a chat group.
type Robot struct {
	Name string
	// Args are its options. The robot is at SERVER, and all secrets have
	// "s3cret" in them.
	Args []string
	// Accepts and Refuses are what the service answers.
	Accepts, Refuses string
	// Sends is what stands in the URL or in the body of a test message.
	Sends []string
}

// Check tests what a robot's command sends, that no secret reaches the
// terminal, and its exit statuses.
func (r Robot) Check(t *testing.T) {
	t.Helper()
	var mu sync.Mutex // for reply and request
	reply, request := r.Accepts, ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		data, err := io.ReadAll(q.Body)
		if err != nil {
			t.Errorf("read request: %v", err)
		}
		mu.Lock()
		defer mu.Unlock()
		request = q.URL.String() + " " + string(data)
		_, _ = io.WriteString(w, reply)
	}))
	defer server.Close()
	var args []string
	for _, arg := range r.Args {
		args = append(args, strings.ReplaceAll(arg, "SERVER", server.URL))
	}
	for _, tt := range []struct {
		args   []string
		reply  string
		status int
		want   string
		sends  []string
	}{
		{slices.Concat(args, []string{"--test"}), r.Accepts, 0, "accepted", r.Sends},
		{slices.Concat(args, []string{"--check"}), r.Accepts, 0, "within reach", nil},
		{slices.Concat(args, []string{"--test"}), r.Refuses, 1, "1 of 1 were not accepted", nil},
		{[]string{"--help"}, "", 0, "[eventlistener:" + r.Name + "]", nil},
		{[]string{"--unknown"}, "", 2, "option --unknown not recognized", nil},
		{nil, "", 2, "there is nowhere to send alerts to", nil},
	} {
		mu.Lock()
		reply = tt.reply
		mu.Unlock()
		output, status := Run(t, tt.args...)
		if status != tt.status || !strings.Contains(output, tt.want) || strings.Contains(output, "s3cret") {
			t.Errorf("%s %q answered with %s = %d, %s; want %d, %q, and no secret", r.Name, tt.args, tt.reply, status, output, tt.status, tt.want)
		}
		mu.Lock()
		for _, want := range tt.sends {
			if !strings.Contains(request, want) {
				t.Errorf("%s %q requested %s, want %q in it", r.Name, tt.args, request, want)
			}
		}
		mu.Unlock()
	}
}
