package test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// toolMemory is how much an idle listener may hold, in KiB: at its start and
// after an alert.
const toolMemory = 12 << 10

// listenerTool is a listener with the options that make it send to {url} and
// keep its messages in {spool}.
type listenerTool struct {
	name  string
	reply string // of the service that it posts to; empty where it posts nothing
	args  []string
}

var listenerTools = []listenerTool{
	{"slackalert", "ok", []string{"-a", "--spool", "{spool}", "--webhook-url", "{url}"}},
	{"dingtalkalert", `{"errcode":0,"errmsg":"ok"}`, []string{"-a", "--spool", "{spool}", "--token", "t", "--base-url", "{url}"}},
	{"wechatalert", `{"errcode":0,"errmsg":"ok"}`, []string{"-a", "--spool", "{spool}", "--key", "t", "--base-url", "{url}"}},
	{"feishualert", `{"code":0,"msg":"success"}`, []string{"-a", "--spool", "{spool}", "--hook", "t", "--base-url", "{url}"}},
	{"webhookalert", "{}", []string{"-a", "--spool", "{spool}", "--url", "{url}", "--request", `{"say":{{json .Subject}}}`}},
	{"alertmanageralert", "{}", []string{"-a", "--spool", "{spool}", "--url", "{url}"}},
	{"crashmail", "", []string{"-a", "--spool", "{spool}", "-m", "ops@example.com", "-s", "cat >/dev/null"}},
	{"crashmailbatch", "", []string{"--spool", "{spool}", "--toEmail", "ops@example.com", "--fromEmail", "a@example.com"}},
	{"fatalmailbatch", "", []string{"--spool", "{spool}", "--toEmail", "ops@example.com", "--fromEmail", "a@example.com"}},
	{"crashsms", "", []string{"--spool", "{spool}", "--toEmail", "ops@example.com", "--fromEmail", "a@example.com"}},
	{"httpok", "", []string{"-p", "web", "--spool", "{spool}", "http://127.0.0.1:1/"}},
	{"memmon", "", []string{"--spool", "{spool}", "-a", "200MB"}},
	{"oommon", "", []string{"-a", "--spool", "{spool}"}},
}

// shipped is the folder of the listeners built as make build does it, without
// the race detector and libc, which take room of their own.
var shipped = sync.OnceValues(func() (string, error) {
	dir := filepath.Join(os.Getenv(binVariable), "shipped")
	args := []string{"build", "-trimpath", "-tags", "urfave_cli_no_docs", "-o", dir + "/"}
	for _, tool := range listenerTools {
		args = append(args, "../cmd/"+tool.name)
	}
	build := exec.Command("go", args...)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the listeners: %w\n%s", err, out)
	}
	return dir, nil
})

// runningTool is a listener whose supervisord is the test.
type runningTool struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *bufio.Reader
	spool  string
}

// startTool starts a listener, whose files are in home, and returns when it is
// READY, with the time that this took.
func startTool(tb testing.TB, tool listenerTool, url, home string) (*runningTool, time.Duration) {
	tb.Helper()
	dir, err := shipped()
	if err != nil {
		tb.Fatal(err)
	}
	r := &runningTool{spool: filepath.Join(home, "vigilance")}
	var args []string
	for _, arg := range tool.args {
		args = append(args, strings.NewReplacer("{url}", url, "{spool}", r.spool).Replace(arg))
	}
	r.cmd = exec.Command(filepath.Join(dir, tool.name), args...)
	r.cmd.Env = append(os.Environ(), "SUPERVISOR_ENABLED=1", "SUPERVISOR_SERVER_URL=http://127.0.0.1:1",
		"SUPERVISOR_PROCESS_NAME="+tool.name, "SUPERVISOR_GROUP_NAME="+tool.name, "XDG_STATE_HOME="+home)
	r.stdin, err = r.cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	stdout, err := r.cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	r.stdout = bufio.NewReader(stdout)
	begin := time.Now()
	if err := r.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(r.stop)
	r.ready(tb)
	return r, time.Since(begin)
}

func (r *runningTool) stop() {
	_ = r.cmd.Process.Kill()
	_ = r.cmd.Wait() // killed
}

func (r *runningTool) ready(tb testing.TB) {
	tb.Helper()
	if line, err := r.stdout.ReadString('\n'); err != nil || line != "READY\n" {
		tb.Fatalf("%s said %q, %v; want READY", r.cmd.Path, line, err)
	}
}

// fatal tells of a program that could not be started, and returns when the
// listener has taken the event.
func (r *runningTool) fatal(tb testing.TB) {
	tb.Helper()
	const payload = "processname:web groupname:web from_state:BACKOFF"
	if _, err := fmt.Fprintf(r.stdin, "ver:3.0 server:supervisor serial:1 pool:x poolserial:1 eventname:PROCESS_STATE_FATAL len:%d\n%s",
		len(payload), payload); err != nil {
		tb.Fatal(err)
	}
	result := make([]byte, len("RESULT 2\nOK"))
	if _, err := io.ReadFull(r.stdout, result); err != nil || string(result) != "RESULT 2\nOK" {
		tb.Fatalf("%s said %q, %v; want RESULT 2 and OK", r.cmd.Path, result, err)
	}
	r.ready(tb)
}

// memory returns the resident set of the listener, in KiB.
func (r *runningTool) memory(tb testing.TB) int {
	tb.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.cmd.Process.Pid))
	if err != nil {
		tb.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "\nVmRSS:")
	kib, err := strconv.Atoi(strings.TrimSpace(strings.SplitN(rest, "kB", 2)[0]))
	if err != nil {
		tb.Fatalf("read VmRSS in %q: %v", text, err)
	}
	return kib
}

// settled tells whether nothing waits in the spool any more.
func (r *runningTool) settled() bool {
	waiting, err := filepath.Glob(filepath.Join(r.spool, "*", "new", "*"))
	return err == nil && len(waiting) == 0
}

// TestListenersAreSmall: an idle listener holds at most 12 MiB, both when it has
// started and when it has sent an alert.
func TestListenersAreSmall(t *testing.T) {
	t.Parallel()
	for _, tool := range listenerTools {
		t.Run(tool.name, func(t *testing.T) {
			var posts atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, tool.reply)
				posts.Add(1)
			}))
			defer server.Close()
			r, _ := startTool(t, tool, server.URL, t.TempDir())
			started := r.memory(t)
			r.fatal(t)
			if tool.reply != "" {
				if err := poll("an alert", func() bool { return posts.Load() > 0 && r.settled() }); err != nil {
					t.Fatal(err)
				}
			}
			sent := r.memory(t)
			t.Logf("%.1f MiB at READY, %.1f MiB after an alert", float64(started)/1024, float64(sent)/1024)
			if max(started, sent) > toolMemory {
				t.Errorf("%s holds %d KiB at READY and %d KiB after an alert, want at most %d", tool.name, started, sent, toolMemory)
			}
		})
	}
}

// BenchmarkListenerStart measures the time from the start of a listener that has
// run before, and so has its spool, to its first READY.
func BenchmarkListenerStart(b *testing.B) {
	for _, tool := range listenerTools {
		b.Run(tool.name, func(b *testing.B) {
			home := b.TempDir()
			warm, _ := startTool(b, tool, "http://127.0.0.1:1", home)
			warm.stop()
			var total time.Duration
			for b.Loop() {
				r, took := startTool(b, tool, "http://127.0.0.1:1", home)
				total += took
				r.stop()
			}
			b.ReportMetric(total.Seconds()*1000/float64(b.N), "ms/READY")
		})
	}
}
