package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/supervisor/ctl/client"
	"github.com/vigilance-go/vigilance/test/peer"
)

// step is one run of supervisorctl.
type step struct {
	args  []string
	stdin string
	// before happens before the run.
	before func(t *testing.T, d *peer.Daemon)
	// interrupt is text that, once it is in the output, brings the command a
	// ^C; empty for none.
	interrupt string
	// unordered compares the lines of the output as a set, without empty ones.
	unordered bool
	// firstLine compares only that line of the output.
	firstLine bool
	// bare leaves out the -c option.
	bare bool
}

// freePort returns a TCP port of the loopback that nobody listens on now.
func freePort(t *testing.T) string {
	t.Helper()
	port, err := peer.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return strconv.Itoa(port)
}

// session is a daemon and what is done to it, one step after the other. {port}
// in the configuration, arguments and input becomes a free port.
type session struct {
	config string
	files  map[string]string
	steps  []step
}

// compare runs the session with each pair and compares what every step shows
// and its exit status with what the reference makes of it.
func (s session) compare(t *testing.T) {
	all := pairs(t)
	results := make([][]result, len(all))
	var running sync.WaitGroup
	for i, p := range all {
		dir := t.TempDir()
		running.Go(func() { results[i] = s.run(t, p, dir) }) // ends with the session
	}
	running.Wait()
	if t.Failed() {
		return
	}
	for i, st := range s.steps {
		want := results[0][i].masked(st)
		for j, p := range all[1:] {
			if got := results[j+1][i].masked(st); got != want {
				t.Errorf("%s: supervisorctl %q (stdin %q)\n got %s\nwant %s", p.name, st.args, st.stdin, got, want)
			}
		}
	}
}

func (s session) run(t *testing.T, p pair, dir string) []result {
	port := freePort(t)
	d, err := peer.Start(peer.Spec{
		Command: []string{p.daemon},
		Config:  strings.ReplaceAll(s.config, "{port}", port),
		Files:   s.files,
		Dir:     dir,
	})
	if d != nil {
		defer d.Stop()
	}
	if err != nil {
		t.Errorf("%s: %v", p.name, err)
		return nil
	}
	if err := d.WaitLog("success: cat entered RUNNING state", 1); err != nil { // each has that one
		t.Error(err)
		return nil
	}
	var reference *referenceRuns
	if p.ctl == referenceCtl {
		if reference = startReference(t); reference == nil {
			return nil
		}
		defer reference.stop()
	}
	results := make([]result, len(s.steps))
	for i, st := range s.steps {
		if t.Failed() {
			break
		}
		if st.before != nil {
			st.before(t, d)
		}
		st.stdin = strings.ReplaceAll(st.stdin, "{port}", port)
		st.args = slices.Clone(st.args)
		for i := range st.args {
			st.args[i] = strings.ReplaceAll(st.args[i], "{port}", port)
		}
		settle(t, d)
		if reference != nil && st.interrupt == "" {
			results[i] = reference.run(t, st, d.Dir)
		} else {
			results[i] = st.run(t, p.ctl, d.Dir)
		}
		results[i].masks = strings.NewReplacer(p.ctl, "PROG", d.Dir, "DIR", ":"+port, ":PORT")
	}
	return results
}

// referenceRuns runs the reference's supervisorctl.
type referenceRuns struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	answers *json.Decoder
}

func startReference(t *testing.T) *referenceRuns {
	// Debian's own interpreter has Debian's packages.
	cmd := exec.Command("/usr/bin/python3", "testdata/ctl.py")
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // without a terminal
	in, err := cmd.StdinPipe()
	if err == nil {
		var out io.Reader
		if out, err = cmd.StdoutPipe(); err == nil {
			if err = cmd.Start(); err == nil {
				return &referenceRuns{cmd, in, json.NewDecoder(out)}
			}
		}
	}
	t.Errorf("start the reference's supervisorctl: %v", err)
	return nil
}

func (r *referenceRuns) stop() {
	_ = r.in.Close()
	_ = r.cmd.Wait()
}

func (r *referenceRuns) run(t *testing.T, st step, dir string) (done result) {
	request := map[string]any{"args": st.fullArgs(), "stdin": st.stdin, "dir": dir}
	answer := struct {
		Status         int
		Stdout, Stderr string
	}{}
	err := json.NewEncoder(r.in).Encode(request)
	if err == nil {
		err = r.answers.Decode(&answer)
	}
	if err != nil || answer.Status < 0 {
		t.Errorf("run the reference's supervisorctl %q: %v, %+v", st.args, err, answer)
	}
	return result{status: answer.Status, stdout: answer.Stdout, stderr: answer.Stderr}
}

// fullArgs is the whole command line.
func (st step) fullArgs() []string {
	if st.bare {
		return append([]string{}, st.args...)
	}
	return append([]string{"-c", "supervisord.conf"}, st.args...)
}

// settle waits until none of the daemon's processes is on its way to another
// state. A daemon that has ended is as it will stay.
func settle(t *testing.T, d *peer.Daemon) {
	t.Helper()
	user, password := "user", "secret"
	c, err := client.New(client.Options{URL: "unix://" + d.Path("supervisor.sock"), Username: &user, Password: &password})
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	eventually(t, "the daemon's processes to settle", func() bool {
		infos, err := c.AllProcessInfo(t.Context())
		for _, info := range infos {
			switch info.State {
			case client.Starting, client.Backoff, client.Stopping:
				return false
			}
		}
		_, gone := os.Stat(d.Path("supervisord.pid"))
		return err == nil || gone != nil
	})
}

// eventually polls until the condition holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.After(peer.Deadline)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Errorf("waited %v in vain for %s", peer.Deadline, what)
			return
		}
	}
}

// result is what a command did.
type result struct {
	status         int
	stdout, stderr string
	masks          *strings.Replacer // of what differs between pairs
}

// run runs supervisorctl to its end.
func (st step) run(t *testing.T, ctl, dir string) result {
	ctx, cancel := context.WithTimeout(context.Background(), peer.Deadline)
	defer cancel()
	args := st.fullArgs()
	cmd := exec.CommandContext(ctx, ctl, args...)
	cmd.Dir = dir
	cmd.Stdin = strings.NewReader(st.stdin)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // without a terminal
	if st.interrupt != "" {
		// An input that does not end: the interrupt comes first.
		reader, writer, err := os.Pipe()
		if err != nil {
			t.Error(err)
			return result{}
		}
		defer reader.Close()
		defer writer.Close()
		_, _ = io.WriteString(writer, st.stdin) // little enough for the pipe
		cmd.Stdin = reader
		cmd.Env = append(os.Environ(), "PYTHONUNBUFFERED=1")
	}
	var stdout, stderr watchedBuffer
	var once sync.Once
	stdout.notice = func(text string) {
		if st.interrupt != "" && strings.Contains(text, st.interrupt) {
			once.Do(func() { _ = cmd.Process.Signal(syscall.SIGINT) })
		}
	}
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Errorf("run %s %q: %v", ctl, args, err)
	}
	if ctx.Err() != nil {
		t.Errorf("%s %q did not end; it showed %q and %q", ctl, args, stdout.String(), stderr.String())
	}
	return result{status: cmd.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}
}

// watchedBuffer tells of each growth.
type watchedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
	notice func(text string)
}

func (w *watchedBuffer) Write(data []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n, err := w.buffer.Write(data)
	if w.notice != nil {
		w.notice(w.buffer.String())
	}
	return n, err
}

func (w *watchedBuffer) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buffer.String()
}

// What differs between two runs of the same thing, and between a Python
// program and ours where it shows its own source.
func masks() []struct {
	pattern *regexp.Regexp
	with    string
} {
	return []struct {
		pattern *regexp.Regexp
		with    string
	}{
		{regexp.MustCompile(`pid \d+, uptime \d+:\d\d:\d\d`), "pid N, uptime T"},
		{regexp.MustCompile(`[A-Z][a-z]{2} \d\d \d\d:\d\d [AP]M`), "DATE"},
		{regexp.MustCompile(`(?m)^(.*> )?[1-9]\d*$`), "${1}N"},
		{regexp.MustCompile(`(?m)^\S+ GetPassWarning.*\n.*\n`), ""},
		// An interrupt reaches the reference in one of several places.
		{regexp.MustCompile(`(?m)^\S+ Cannot connect, error: <class 'KeyboardInterrupt'> \(\)\n`), ""},
		// Ours explains itself.
		{regexp.MustCompile(`(?m)( cannot be resolved within \[\S+\]).*`), "$1"},
		{regexp.MustCompile(`: file: \S+ line: \d+`), ": file: F line: N"},
		{regexp.MustCompile(`(?m)^supervisorctl: tried .*\n`), ""},
		{regexp.MustCompile(`(?m)^(.*> )?4\.\d+\.\d+$`), "${1}VERSION"},
	}
}

// masked is the result as it is compared.
func (r result) masked(st step) string {
	mask := func(text string) string {
		text = r.masks.Replace(text)
		for _, m := range masks() {
			text = m.pattern.ReplaceAllString(text, m.with)
		}
		if st.firstLine {
			text, _, _ = strings.Cut(text, "\n")
		}
		if st.unordered {
			lines := strings.Fields(strings.ReplaceAll(text, " ", "_"))
			slices.Sort(lines)
			text = strings.Join(lines, "\n")
		}
		return text
	}
	return fmt.Sprintf("status %d\n--- stdout:\n%s\n--- stderr:\n%s", r.status, mask(r.stdout), mask(r.stderr))
}

// write makes a file in the daemon's folder.
func write(name, content string) func(*testing.T, *peer.Daemon) {
	return func(t *testing.T, d *peer.Daemon) {
		if err := os.WriteFile(filepath.Join(d.Dir, name), []byte(content), 0o644); err != nil {
			t.Error(err)
		}
	}
}
