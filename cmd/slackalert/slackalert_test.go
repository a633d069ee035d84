package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/cmd/internal/alert/alerttest"
	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/listener/listenertest"
)

func TestMain(m *testing.M) { alerttest.Main(m, main) }

// listening is slackalert as a daemon starts it.
func listening(stderr io.Writer, args ...string) *exec.Cmd {
	cmd := alerttest.Command(args...)
	cmd.Env = append(cmd.Env, "SUPERVISOR_ENABLED=1", "SUPERVISOR_GROUP_NAME=slackalert")
	cmd.Stderr = stderr
	return cmd
}

// channel is a Slack channel behind a webhook.
type channel struct {
	*httptest.Server
	mu    sync.Mutex
	down  bool
	texts []string
}

func newChannel(t *testing.T) *channel {
	c := &channel{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m struct{ Text string }
		err := json.NewDecoder(r.Body).Decode(&m)
		c.mu.Lock()
		defer c.mu.Unlock()
		if err != nil || c.down {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		c.texts = append(c.texts, m.Text)
		_, _ = io.WriteString(w, "ok")
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *channel) setDown(down bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down = down
}

func (c *channel) got() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.texts)
}

func (c *channel) wait(t *testing.T, n int) []string {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); len(c.got()) < n; <-time.After(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("messages after 20 s = %q, want %d", c.got(), n)
		}
	}
	return c.got()
}

func crash(process string, pid int) listener.ProcessState {
	return listener.ProcessState{
		EventType: listener.ProcessStateExited, ProcessName: process, GroupName: process, FromState: "RUNNING", PID: pid,
	}
}

// A crash loop is one alert at once, and one more when slackalert ends, which
// counts the others.
func TestACrashLoopIsOneAlertAndASummary(t *testing.T) {
	c := newChannel(t)
	daemon := listenertest.StartCommand(t, listening(os.Stderr, "-p", "web", "--webhook-url", c.URL+"/s3cret",
		"--spool", t.TempDir(), "--silence-file", filepath.Join(t.TempDir(), "silence")))
	daemon.Deliver(crash("db", 1), listener.ResultOK)
	daemon.Deliver(crash("web", 2), listener.ResultOK)
	first := c.wait(t, 1)
	for pid := 3; pid < 10; pid++ {
		daemon.Deliver(crash("web", pid), listener.ResultOK)
	}
	expected := crash("web", 10)
	expected.Expected = true
	daemon.Deliver(expected, listener.ResultOK)
	if err := daemon.Close(); err != nil {
		t.Errorf("slackalert ended with %v, want nil", err)
	}
	all := c.got()
	if len(all) != 2 || !strings.Contains(first[0], "web exited unexpectedly on ") || !strings.Contains(all[1], "web exited unexpectedly, 7 times on ") {
		t.Errorf("messages = %q, want one at once, and one about 7 more", all)
	}
}

// One channel that is down keeps its messages and does not hold up the other.
func TestDestinationsFailApart(t *testing.T) {
	good, bad := newChannel(t), newChannel(t)
	bad.setDown(true)
	args := []string{"-a", "--webhook-url", bad.URL, "--webhook-url", good.URL, "--spool", t.TempDir(), "--silence-file", filepath.Join(t.TempDir(), "silence")}
	var stderr bytes.Buffer
	daemon := listenertest.StartCommand(t, listening(&stderr, args...))
	for pid := range 3 {
		daemon.Deliver(crash("web"+string(rune('a'+pid)), pid+1), listener.ResultOK)
	}
	good.wait(t, 1)
	if err := daemon.Close(); err != nil {
		t.Errorf("slackalert ended with %v, want nil", err)
	}
	if !strings.Contains(stderr.String(), "events=3") || len(bad.got()) != 0 {
		t.Errorf("stderr = %q, want that 3 events wait", stderr.String())
	}
	sent := len(good.got())
	bad.setDown(false)
	args[2], args[4] = args[4], args[2] // the order of destinations does not matter
	next := listenertest.StartCommand(t, listening(&stderr, args...))
	bad.wait(t, 1)
	if err := next.Close(); err != nil {
		t.Errorf("slackalert ended with %v, want nil", err)
	}
	if got := bad.got(); len(got) != 1 || !strings.Contains(got[0], "3 events of 3 programs") || len(good.got()) != sent {
		t.Errorf("messages = %q and %q, want one about all three, and no more to the other", got, good.got())
	}
}

// What a deployment does is told afterwards, without a restart.
func TestSilencedProgramsAreToldAfterwards(t *testing.T) {
	c := newChannel(t)
	file := filepath.Join(t.TempDir(), "silence")
	if err := os.WriteFile(file, []byte(`{"processes":["web:*"],"until":"2999-01-01T00:00:00Z"}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	daemon := listenertest.StartCommand(t, listening(os.Stderr, "-a", "--webhook-url", c.URL, "--silence-file", file, "--spool", t.TempDir()))
	daemon.Deliver(crash("web", 1), listener.ResultOK)
	daemon.Deliver(crash("web", 2), listener.ResultOK)
	daemon.Deliver(crash("db", 3), listener.ResultOK)
	if got := c.wait(t, 1); !strings.Contains(got[0], "db exited") {
		t.Errorf("first message = %q, want db's", got)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if got := c.wait(t, 2); !strings.Contains(got[1], "web exited unexpectedly, 2 times") {
		t.Errorf("second message = %q, want web's", got)
	}
	if err := daemon.Close(); err != nil {
		t.Errorf("slackalert ended with %v, want nil", err)
	}
}

func TestStatuses(t *testing.T) {
	c := newChannel(t)
	down := newChannel(t)
	down.setDown(true)
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	config := write("config", "[slackalert]\nwebhook-url = "+c.URL+"/s3cret ; a comment\nlang = zh\nprogram = web\n  db\n\n[other]\nx = y\n")
	for _, tt := range []struct {
		args           []string
		status         int
		stdout, stderr string // what they hold
	}{
		{[]string{"--help"}, 0, "[eventlistener:slackalert]", ""},
		{[]string{"--version"}, 0, "\n", ""},
		{nil, 2, "", "there is nowhere to send alerts to"},
		{[]string{"--webhook-url", c.URL}, 1, "", "[eventlistener:slackalert]"},
		{[]string{"--webhook-url", "ftp://x"}, 1, "", "slackalert: "},
		{[]string{"--flood", "soon"}, 2, "", `--flood: read time "soon"`},
		{[]string{"--events", "EXITED,DEAD"}, 2, "", `read event "DEAD"`},
		{[]string{"--quiet", "22-7"}, 2, "", `read quiet hours "22-7"`},
		{[]string{"--template", "{{.Nothing}}"}, 2, "", "--template: "},
		{[]string{"--lang", "fr"}, 2, "", `--lang: read language "fr"`},
		{[]string{"--mask", ".*"}, 2, "", "it matches everything"},
		{[]string{"--label", "x"}, 2, "", `--label "x"`},
		{[]string{"--config", write("bad", "[slackalert]\nflod = 5m\n")}, 2, "", "line 2: flod: there is no such option"},
		{[]string{"--check", "--webhook-url", c.URL + "/s3cret"}, 0, "within reach", ""},
		{[]string{"--check", "--webhook-url", "http://127.0.0.1:1/s3cret"}, 1, "refused", "1 of 1 destinations"},
		{[]string{"--test", "--webhook-url-file", write("url", c.URL+"/s3cret\n")}, 0, "accepted", ""},
		{[]string{"--test", "--webhook-url", down.URL + "/s3cret"}, 1, "503", "1 of 1 were not accepted"},
		{[]string{"--test", "--config", config}, 0, "意外退出", ""},
	} {
		var stdout, stderr bytes.Buffer
		cmd := alerttest.Command(tt.args...)
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		var exit *exec.ExitError
		if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		status := cmd.ProcessState.ExitCode()
		if status != tt.status || !strings.Contains(stdout.String(), tt.stdout) || !strings.Contains(stderr.String(), tt.stderr) ||
			strings.Contains(stdout.String()+stderr.String(), "s3cret") {
			t.Errorf("slackalert %q = %d, stdout %q, stderr %q; want %d, %q, %q, and no secret",
				tt.args, status, stdout.String(), stderr.String(), tt.status, tt.stdout, tt.stderr)
		}
	}
}

// Of two processes of a pool one sends. What the other has acknowledged is
// sent all the same, and when the first is killed, the other takes over.
func TestAPoolSharesASpool(t *testing.T) {
	c := newChannel(t)
	dir := t.TempDir()
	start := func() *listenertest.Supervisor {
		return listenertest.StartCommand(t, listening(os.Stderr, "-a", "--webhook-url", c.URL, "--flood", "off",
			"--spool", dir, "--silence-file", filepath.Join(dir, "silence")))
	}
	first := start()
	first.Deliver(crash("a", 1), listener.ResultOK)
	c.wait(t, 1)
	second := start()
	second.Header.Serial = 10
	second.Deliver(crash("b", 2), listener.ResultOK)
	c.wait(t, 2)
	noted(t, dir) // else a kill makes the message come again
	first.Kill()
	second.Deliver(crash("c", 3), listener.ResultOK)
	all := c.wait(t, 3)
	if err := second.Close(); err != nil {
		t.Errorf("slackalert ended with %v, want nil", err)
	}
	for i, process := range []string{"a", "b", "c"} {
		if !strings.HasPrefix(all[i], "*"+process+" exited") {
			t.Errorf("messages = %q, want one about each of a, b, c", all)
		}
	}
	if len(c.got()) != 3 {
		t.Errorf("messages = %q, want three", c.got())
	}
}

// noted waits until nothing is waiting in the spools below dir.
func noted(t *testing.T, dir string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; <-time.After(5 * time.Millisecond) {
		waiting, err := filepath.Glob(filepath.Join(dir, "*", "*", "new", "*"))
		if err == nil && len(waiting) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("messages after 20 s in the spool = %q, %v; want none", waiting, err)
		}
	}
}
