package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets this binary be supervisord where it is started by that name.
func TestMain(m *testing.M) {
	// The race detector has every supervisord sleep for a second at its end.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0"); err != nil {
		panic(err)
	}
	testscript.Main(m, map[string]func(){"supervisord": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("GORACE", os.Getenv("GORACE"))
			return nil
		},
		Condition: func(cond string) (bool, error) {
			if cond == "root" {
				return os.Getuid() == 0, nil
			}
			return false, fmt.Errorf("evaluate condition %q: want root", cond)
		},
	})
}

// ours returns the path of the supervisord that TestMain makes of this binary.
func ours(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("supervisord") // testscript put it first in PATH
	if err != nil || path == "/usr/bin/supervisord" {
		t.Fatalf("LookPath(supervisord) = %q, %v, want that of testscript", path, err)
	}
	return path
}

// peer returns the path of Debian's supervisord.
func peer(t *testing.T) string {
	t.Helper()
	const path = "/usr/bin/supervisord"
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("VIGILANCE_REQUIRE_PEERS") != "" {
			t.Fatalf("%s is missing: install Debian's package supervisor", path)
		}
		t.Skipf("%s is missing: install Debian's package supervisor", path)
	}
	return path
}

// result is what a command did.
type result struct {
	status         int
	stdout, stderr string
}

// runIn runs prog in dir to its end. Its own path reads as PROG in what it
// prints.
func runIn(t *testing.T, dir, prog string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, prog, args...)
	cmd.Dir = dir
	cmd.WaitDelay = 10 * time.Second // a daemon that kept a stream is an error, not a hang
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("run %s %q: %v", prog, args, err)
	}
	mask := func(b *bytes.Buffer) string { return strings.ReplaceAll(b.String(), prog, "PROG") }
	return result{cmd.ProcessState.ExitCode(), mask(&stdout), mask(&stderr)}
}

// TestUsageErrorsAreTheReferences gives command lines that are refused to both
// supervisords, all of them to one process of the reference.
func TestUsageErrorsAreTheReferences(t *testing.T) {
	_, own := peer(t), ours(t)
	dir := t.TempDir()
	// Nothing here can start: there is no such file.
	never := []string{"-n", "-c", "/nonexistent/supervisord.conf"}
	tests := [][]string{
		{"-x"},
		{"-nx"},
		{"--nosuch"},
		{"--nosuch=1"},
		{"--n"},
		{"--nodaemon=1"},
		{"-c"},
		{"--conf"},
		{"-é"},
		{"start"},
		{"start", "it's"},
		{"-h", "start"},
		{"--", "-n"},
		{"-"},
		{"-m", "999"},
		{"-m", "0o22x"},
		{"-mabc"},
		{"--umask="},
		{"-d", "/nonexistent"},
		{"-d", "~/nonexistent"},
		{"--directory=" + dir + "/nonexistent"},
		{"-l", "/nonexistent/supervisord.log"},
		{"-j", "/nonexistent/supervisord.pid"},
		{"-q", "/nonexistent"},
		{"-y", "5x"},
		{"-y", "kb"},
		{"-y", "1.5mb"},
		{"-z", "ten"},
		{"-a", "1.5"},
		{"--minfds", ""},
		{"--minprocs", "many"},
		{"-e", "loud"},
		{"-e", "Verbose"},
		{"-n", "-n"},
		{"-n", "--nodaemon"},
		{"-i", "a", "--identifier", "a"},
		{"-y", "1mb", "-y", "x"},
		{"-c", "a", "-c", "b"},
		{"-kk"},
		{"-tt"},
		{"-ss"},
		{"--profile_options=a", "--profile_options=b"},
		never,
		append([]string{"-m", "0o22", "-y", "50MB", "-z", "1_0", "-e", "DEBUG", "-a", " 5 ", "-d", "/"}, never...),
		append([]string{"-nkts", "-i", "", "-u", "nosuchuser", "-q", dir, "--minprocs=-1"}, never[1:]...),
	}
	for i, want := range refusals(t, tests) {
		got := runIn(t, dir, own, tests[i]...)
		if want.status != 2 {
			t.Fatalf("the reference ends with status %d on %q, want 2: %s", want.status, tests[i], want.stderr)
		}
		if got != want {
			t.Errorf("supervisord %q: got %+v\nwant %+v", tests[i], got, want)
		}
	}
}

// refusals returns what the supervisor package says to each of the command
// lines.
func refusals(t *testing.T, argvs [][]string) []result {
	t.Helper()
	var in bytes.Buffer
	for _, argv := range argvs {
		if err := json.NewEncoder(&in).Encode(argv); err != nil {
			t.Fatal(err)
		}
	}
	// Debian's own interpreter has Debian's packages.
	cmd := exec.Command("/usr/bin/python3", "testdata/usage.py")
	cmd.Stdin = &in
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("run usage.py: %v", err)
	}
	answers := json.NewDecoder(bytes.NewReader(out))
	said := make([]result, len(argvs))
	for i := range said {
		if err := answers.Decode(&[]any{&said[i].status, &said[i].stdout, &said[i].stderr}); err != nil {
			t.Fatalf("read answer %d of usage.py: %v", i, err)
		}
	}
	return said
}

// TestConfigErrorsAreTheReferences runs configurations that are refused with
// both supervisords. Ours may name the option beside.
func TestConfigErrorsAreTheReferences(t *testing.T) {
	t.Parallel()
	debian, own := peer(t), ours(t)
	tests := []struct{ text, place string }{
		{"[program:x]\ncommand=true\n", ""},
		{"[supervisord]\nminfds=many\n", " ([supervisord] minfds)"},
		{"[supervisord]\nloglevel=loud\n", " ([supervisord] loglevel)"},
		{"[supervisord]\nuser=nosuchuser\n", ""},
		{"[supervisord]\nuser=123456789\n", ""},
		{"[supervisord]\nlogfile=/nonexistent/supervisord.log\n", " ([supervisord] logfile)"},
		{"[supervisord]\nminfds=2000000000\n", ""},
		{"[supervisord]\n[program:x]\n", ""},
		{"[supervisord]\n[include]\n", ""},
	}
	for _, tt := range tests {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "x.conf"), []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		want := runIn(t, dir, debian, "-n", "-c", "x.conf")
		if want.status != 2 {
			t.Fatalf("Debian's supervisord ended with status %d, want 2, with\n%s", want.status, tt.text)
		}
		want.stderr = strings.Replace(want.stderr, "\n", tt.place+"\n", 1)
		for _, mode := range []string{"-n", "-k"} { // in the foreground and not
			got := runIn(t, dir, own, mode, "-c", "x.conf")
			if got != want {
				t.Errorf("supervisord %s with\n%s\ngot %+v\nwant %+v", mode, tt.text, got, want)
			}
		}
	}
}
