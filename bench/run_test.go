package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// buildDaemon builds our daemon and its supervisorctl and returns the value of
// -daemon behind the name.
func buildDaemon(t *testing.T) string {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("processes are looked up in /proc, which is Linux's")
	}
	bin := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-tags", "urfave_cli_no_docs", "-o", bin+"/", "../cmd/supervisord", "../cmd/supervisorctl")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", build, err, out)
	}
	return filepath.Join(bin, "supervisord") + " -n -c {conf}"
}

// workIn gives the runs of a test a folder of their own with a short name, as
// sockets want it.
func workIn(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "b")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) }) // the test has looked into it
	t.Setenv("TMPDIR", dir)
	return dir
}

// mustBeClean looks for what runs in dir have left behind.
func mustBeClean(t *testing.T, dir string) {
	t.Helper()
	if n := marked(dir); n > 0 {
		t.Errorf("%d processes were left behind", n)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind in the folder for temporary files: %v, %v", left, err)
	}
}

// marked returns how many processes runs in dir have started.
func marked(dir string) int {
	files, _ := filepath.Glob("/proc/[0-9]*/environ") // the pattern is sound
	n := 0
	for _, f := range files {
		env, _ := os.ReadFile(f) // one that has ended counts no more
		if bytes.Contains(env, []byte(runVar+"="+dir+"/bench")) {
			n++
		}
	}
	return n
}

// TestAnyDaemonCanBeMeasured: daemons are given by their commands; one that
// does not work becomes a line of the report and costs the others nothing.
func TestAnyDaemonCanBeMeasured(t *testing.T) {
	command, dir := buildDaemon(t), workIn(t)
	page := filepath.Join(t.TempDir(), "b.md")
	var text, progress bytes.Buffer
	err := run(t.Context(), []string{
		"-daemon", "one=" + command, "-daemon", "broken=/bin/false {conf}", "-short", "-rounds", "1",
		"-programs", "3", "-only", "start,stop", "-o", page,
	}, &text, &progress)
	if err != nil {
		t.Fatalf("run = %v\n%s", err, &progress)
	}
	for _, want := range []string{"one", "broken", "3 programs: exec of the daemon to all programs RUNNING", "not measured: broken, "} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, &text)
		}
	}
	r, err := readReport(strings.TrimSuffix(page, ".md") + ".json")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Findings {
		if _, measured := f.Values["one"]; !measured && f.Figure != "start/rpc-p99" { // three are started too fast for a question
			t.Errorf("%s of one was not measured: %+v", f.Figure, f)
		}
	}
	if !strings.Contains(progress.String(), "budget ") {
		t.Errorf("progress lacks a budget: %q", &progress)
	}
	mustBeClean(t, dir)
}

// TestInterruptedRunReportsAndCleansUp: what was found before Ctrl-C counts,
// and nothing stays, whether the daemon was still starting programs or not.
func TestInterruptedRunReportsAndCleansUp(t *testing.T) {
	for _, c := range []struct {
		name           string
		programs, upTo int // as many processes are there when it comes
	}{{"at rest", 3, 4}, {"while starting", 300, 2}} {
		t.Run(c.name, func(t *testing.T) { mustEndInterrupted(t, c.programs, c.upTo) })
	}
}

func mustEndInterrupted(t *testing.T, programs, upTo int) {
	t.Helper()
	command, dir := buildDaemon(t), workIn(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { // ends with the test's context
		for marked(dir) < upTo && ctx.Err() == nil {
			<-time.After(5 * time.Millisecond)
		}
		cancel()
	}()
	var text bytes.Buffer
	page := filepath.Join(t.TempDir(), "b.md")
	args := []string{"-daemon", "one=" + command, "-short", "-programs", strconv.Itoa(programs), "-only", "idle,restart", "-o", page}
	if err := run(ctx, args, &text, io.Discard); !errors.Is(err, errInterrupted) {
		t.Errorf("an interrupted run = %v, want %v", err, errInterrupted)
	}
	if _, err := os.Stat(page); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an interrupted run wrote its page (%v), which is that of whole ones", err)
	}
	for _, want := range []string{
		fmt.Sprintf("not measured: one, idle, %d programs: the run was interrupted", programs),
		"not measured: restart: the run was interrupted before",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, &text)
		}
	}
	mustBeClean(t, dir)
}
