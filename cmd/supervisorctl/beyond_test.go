package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/test/peer"
)

// control starts our daemon and returns it with a function that runs our
// supervisorctl on it.
func control(t *testing.T, config string) (*peer.Daemon, func(line string) result) {
	t.Helper()
	return controlDaemon(t, os.Getenv(daemonVariable), config)
}

func controlDaemon(t *testing.T, daemon, config string) (*peer.Daemon, func(line string) result) {
	t.Helper()
	d, err := peer.Start(peer.Spec{Command: []string{daemon}, Config: config, Dir: t.TempDir()})
	if d != nil {
		t.Cleanup(d.Stop)
	}
	if err == nil {
		err = d.WaitLog("success: cat entered RUNNING state", 1)
	}
	if err != nil {
		t.Fatal(err)
	}
	own := ours(t)
	return d, func(line string) result { return args(line).run(t, own, d.Dir) }
}

func TestJSON(t *testing.T) {
	t.Parallel()
	d, run := control(t, programs)
	settle(t, d)
	tests := []struct {
		line   string
		status int
		want   string // of the document's interesting part, as JSON
		stderr string
		pick   func(any) any
	}{
		{"status --json cat", 0, `["cat","cat","RUNNING"]`, "", nameGroupState},
		{"status cat --json", 0, `["cat","cat","RUNNING"]`, "", nameGroupState},
		{"status --json fatal", 3, `["fatal","fatal","FATAL"]`, "", nameGroupState},
		{"status --json nosuch", 4, `[]`, "nosuch: ERROR (no such process)\n", whole},
		{"version --json", 0, `"3.0"`, "", func(v any) any { return v.(map[string]any)["api_version"] }},
		{"reread --json", 0, `{"added":[],"changed":[],"removed":[]}`, "", whole},
		{"update --json", 0, `{"added":[],"changed":[],"removed":[]}`, "", whole},
		{"avail --json", 0, `{"autostart":false,"group":"mixed","group_prio":7,"inuse":true,"name":"a","process_prio":5}`, "", pick("a")},
	}
	for _, tt := range tests {
		got := run(tt.line)
		var document any
		if err := json.Unmarshal([]byte(got.stdout), &document); err != nil {
			t.Errorf("supervisorctl %s: %v in %q", tt.line, err, got.stdout)
			continue
		}
		text, err := json.Marshal(tt.pick(document))
		if err != nil || string(text) != tt.want || got.status != tt.status || got.stderr != tt.stderr {
			t.Errorf("supervisorctl %s: status %d, %s, stderr %q, want %d, %s, %q",
				tt.line, got.status, text, got.stderr, tt.status, tt.want, tt.stderr)
		}
	}
}

func whole(v any) any { return v }

func nameGroupState(v any) any {
	p := v.([]any)[0].(map[string]any)
	return []any{p["name"], p["group"], p["statename"]}
}

// pick returns the element of that name.
func pick(name string) func(any) any {
	return func(v any) any {
		for _, p := range v.([]any) {
			if p.(map[string]any)["name"] == name {
				return p
			}
		}
		return nil
	}
}

func TestPatterns(t *testing.T) {
	t.Parallel()
	d, run := control(t, programs+"[program:web*]\ncommand=sleep 1000\nautostart=false\nstartsecs=0\n")
	settle(t, d)
	tests := []struct {
		line   string
		status int
		want   string
	}{
		{"stop web:web_[01]", 0, "web:web_0: stopped\nweb:web_1: stopped\n"},
		{"start w?b:web_0", 0, "web:web_0: started\n"},
		{"start web*", 0, "web*: started\n"}, // a program has that very name
		{"stop web*", 0, "web*: stopped\n"},
		{"stop we*", 0, "web:web_0: stopped\nweb:web_1: ERROR (not running)\nweb:web_2: stopped\nweb*: ERROR (not running)\n"},
		{"stop xyz*", 1, "xyz*: ERROR (no such process)\n"},
		{"stop xyz*:*", 1, "xyz*: ERROR (no such group)\n"},
		{"start mix*:*", 0, "mixed:a: started\nmixed:a-very-long-name-of-a-program-that-widens-the-table: started\n"},
		{"restart i*", 0, "idle: ERROR (not running)\nidle: started\n"},
		{"clear web:*", 0, "web:web_0: cleared\nweb:web_1: cleared\nweb:web_2: cleared\n"},
		{"clear w*:web_2", 0, "web:web_2: cleared\n"},
		{"signal CONT id* ca?", 0, "idle: signalled\ncat: signalled\n"},
		{"remove nos*", 1, "ERROR: no such process/group: nos*\n"},
		{"update nos*", 1, "ERROR: no such group: nos*\n"},
	}
	for _, tt := range tests {
		got := run(tt.line)
		if got.stdout != tt.want || got.status != tt.status {
			t.Errorf("supervisorctl %s: status %d, %q, want %d, %q", tt.line, got.status, got.stdout, tt.status, tt.want)
		}
	}
	for line, want := range map[string]int{"status w*:web_?": 3, "status mixed:a*": 2, "status *": 15, "status ca* cat": 2} {
		if got := strings.Count(run(line).stdout, "\n"); got != want {
			t.Errorf("supervisorctl %s: %d processes, want %d", line, got, want)
		}
	}
}

func TestStatusWait(t *testing.T) {
	t.Parallel()
	d, run := control(t, servers+`
[program:cat]
command=cat
[program:slow]
command=sleep 1000
autostart=false
startsecs=2
[program:fatal]
command=false
autostart=false
startretries=0
`)
	tests := []struct {
		line           string
		status         int
		stdout, stderr string // beginnings
	}{
		{"status cat --wait RUNNING --timeout 30s", 0, "cat  ", ""},
		{"status --wait=running,stopped --timeout=30", 0, "cat  ", ""},
		{"status slow --wait RUNNING --timeout 500ms", 1, "slow  ", "supervisorctl: waited for RUNNING in vain: slow is STOPPED\n"},
		{"status slow --wait STOPPED", 0, "slow  ", ""},
		{"status nosuch --wait RUNNING --timeout 300ms", 4, "nosuch: ERROR (no such process)\n", ""},
		{"status --wait", 1, "Error: --wait requires a value\n", ""},
		{"status --wait up", 1, "Error: bad state UP, want one of STOPPED, ", ""},
		{"status --timeout soon", 1, "Error: bad timeout soon, ", ""},
		{"status --timeout -3s", 1, "Error: bad timeout -3s, ", ""},
		{"status --json --wait STOPPED slow", 0, "[\n", ""},
	}
	for _, tt := range tests {
		got := run(tt.line)
		if got.status != tt.status || !strings.HasPrefix(got.stdout, tt.stdout) || !strings.HasPrefix(got.stderr, tt.stderr) {
			t.Errorf("supervisorctl %s: %+v, want %+v", tt.line, got, tt)
		}
	}
	own := ours(t)
	started := make(chan result, 1)
	go func() { started <- args("start slow").run(t, own, d.Dir) }() // ends when slow runs
	if got := run("status slow --wait RUNNING --timeout 30s"); got.status != 0 || !strings.Contains(got.stdout, "RUNNING") {
		t.Errorf("status --wait while the program starts: %+v, want status 0", got)
	}
	if got := <-started; got.status != 0 {
		t.Errorf("start slow: %+v", got)
	}
	if got := run("start fatal"); got.status != 7 {
		t.Errorf("start fatal: %+v, want status 7", got)
	}
	settle(t, d)
	began := time.Now()
	got := run("status fatal --wait RUNNING --timeout 5m")
	if got.status != 1 || !strings.Contains(got.stderr, "fatal is FATAL") || time.Since(began) > time.Minute {
		t.Errorf("status --wait for a program that is FATAL: %+v after %v, want status 1 at once", got, time.Since(began))
	}
	if got := run("-s unix:///nosuch/sock status --wait RUNNING --timeout 300ms"); got.status != 4 ||
		!strings.Contains(got.stderr, "no server answered") {
		t.Errorf("status --wait without a server: %+v, want status 4", got)
	}
}

// background runs our supervisorctl until the test ends it.
type background struct {
	cmd    *exec.Cmd
	lines  chan string // of its output; closed at its end
	stdin  *os.File
	stderr strings.Builder
}

func startCtl(t *testing.T, dir, line string) *background {
	t.Helper()
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	b := &background{lines: make(chan string, 1000), stdin: out}
	b.cmd = exec.Command(ours(t), append([]string{"-c", "supervisord.conf"}, strings.Fields(line)...)...)
	b.cmd.Dir, b.cmd.Stdin, b.cmd.Stderr = dir, in, &b.stderr
	stdout, err := b.cmd.StdoutPipe()
	if err == nil {
		err = b.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	_ = in.Close()
	t.Cleanup(func() {
		_ = b.cmd.Process.Kill()
		_ = out.Close()
	})
	go func() { // ends with the command
		defer close(b.lines)
		for s := bufio.NewScanner(stdout); s.Scan(); {
			b.lines <- s.Text()
		}
	}()
	return b
}

// until reads lines until each of the wanted ones was there, in any order, and
// returns all that were read.
func (b *background) until(t *testing.T, wanted ...string) []string {
	t.Helper()
	var got []string
	deadline := time.After(peer.Deadline)
	for len(wanted) > 0 {
		select {
		case line, ok := <-b.lines:
			if !ok {
				t.Fatalf("supervisorctl %q ended with %q, stderr %q; still wanted %q", b.cmd.Args, got, b.stderr.String(), wanted)
			}
			got = append(got, line)
			for i, w := range wanted {
				if w == line {
					wanted = append(wanted[:i:i], wanted[i+1:]...)
					break
				}
			}
		case <-deadline:
			t.Fatalf("supervisorctl %q: waited in vain for %q after %q", b.cmd.Args, wanted, got)
		}
	}
	return got
}

// interrupted sends a ^C and returns the lines that follow and the status.
func (b *background) interrupted(t *testing.T) ([]string, int) {
	t.Helper()
	if err := b.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	var rest []string
	for line := range b.lines {
		rest = append(rest, line)
	}
	_ = b.cmd.Wait()
	return rest, b.cmd.ProcessState.ExitCode()
}

// logging is a program that echoes what it is sent, on both outputs.
const logging = servers + `
[program:cat]
command=cat
[program:echo]
command=sh -c 'while read line; do echo "out $line"; echo "err $line" >&2; done'
[group:pair]
programs=one,two
[program:one]
command=sh -c 'echo first of one; exec sleep 1000'
[program:two]
command=sh -c 'echo first of two; printf "no end"; exec sleep 1000'
`

func TestTailOfSeveral(t *testing.T) {
	t.Parallel()
	d, run := control(t, logging)
	settle(t, d)
	b := startCtl(t, d.Dir, "tail -f pair:* echo cat")
	b.until(t, "==> Press Ctrl-C to exit <==", "pair:one | first of one", "pair:two | first of two")
	fg := startCtl(t, d.Dir, "fg cat")
	_, _ = fg.stdin.WriteString("hello\n")
	fg.until(t, "hello")
	b.until(t, "cat      | hello")
	rest, status := b.interrupted(t)
	if status != 0 || strings.Join(rest, "\n") != "pair:two | no end\n" {
		t.Errorf("after ^C: status %d, lines %q, want 0, the line without an end, and an empty one", status, rest)
	}
	if got := run("tail -f echo nosuch"); got.status != 1 || got.stdout != "Error: bad channel 'nosuch'\n" {
		t.Errorf("tail -f echo nosuch: %+v, want the complaint about the channel", got)
	}
	b = startCtl(t, d.Dir, "tail -f pair:o* pair:two stderr")
	b.until(t, "==> Press Ctrl-C to exit <==")
	if _, status := b.interrupted(t); status != 0 {
		t.Errorf("tail -f of the other channel, after ^C: status %d, want 0", status)
	}
}

func TestForeground(t *testing.T) {
	t.Parallel()
	d, run := control(t, logging)
	settle(t, d)
	b := startCtl(t, d.Dir, "fg echo")
	b.until(t, "==> Press Ctrl-C to exit <==")
	_, _ = b.stdin.WriteString("one\n")
	b.until(t, "out one", "err one")
	rest, status := b.interrupted(t)
	if status != 0 || strings.Join(rest, "\n") != "Exiting foreground" {
		t.Errorf("after ^C: status %d, lines %q, want 0 and the end of the foreground", status, rest)
	}

	b = startCtl(t, d.Dir, "fg echo")
	b.until(t, "out one") // the log's end comes first
	_ = b.stdin.Close()
	b.until(t, "Exiting foreground")

	b = startCtl(t, d.Dir, "fg cat")
	b.until(t, "==> Press Ctrl-C to exit <==")
	if got := run("stop cat"); got.status != 0 {
		t.Fatalf("stop cat: %+v", got)
	}
	_, _ = b.stdin.WriteString("anyone?\n")
	b.until(t, "Process got killed", "Exiting foreground")
}

func TestRawControlBytesInLogs(t *testing.T) {
	t.Parallel()
	needReference(t) // our daemon sends no such bytes
	d, run := controlDaemon(t, referenceDaemon, servers+"[program:cat]\ncommand=sh -c 'printf \"\\033[31mred\\033[0m \\001 \\342\\202\\254\\n\"; exec cat'\n")
	settle(t, d)
	if got := run("tail cat"); got.status != 0 || got.stdout != "\x1b[31mred\x1b[0m \x01 \u20ac\n\n" {
		t.Errorf("tail of a log with control characters: %+v", got)
	}
}

// TestRefusalsAreExplained: for some actions the reference has no words for what
// a role does not allow, and leaves out the server's.
func TestRefusalsAreExplained(t *testing.T) {
	t.Parallel()
	config := strings.Replace(servers, "[rpcinterface", "username=root\npassword=root\n[user:olga]\npassword=olga\nrole=observer\n[rpcinterface", 1)
	_, run := control(t, config+"[program:cat]\ncommand=cat\n")
	const why = "supervisorctl: FAILED: not permitted: supervisor.%s is for an operator, and user olga is an observer\n"
	for _, tt := range []struct{ action, stdout, stderr string }{
		{"status", "RUNNING", ""},
		{"start cat", "error: <class 'ValueError'>, Unknown result code 30 for cat", fmt.Sprintf(why, "startProcess")},
		{"clear cat", "cat: ERROR (failed)", fmt.Sprintf(why, "clearProcessLogs")},
		{"stop cat", "FAILED: not permitted: supervisor.stopProcess is for an operator", ""},
	} {
		got := run("-u olga -p olga " + tt.action)
		if !strings.Contains(got.stdout, tt.stdout) || got.stderr != tt.stderr {
			t.Errorf("%s as an observer: got %q and %q, want %q and %q", tt.action, got.stdout, got.stderr, tt.stdout, tt.stderr)
		}
	}
}
