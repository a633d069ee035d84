package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets this binary be supervisorctl where it is started by that name.
func TestMain(m *testing.M) {
	testscript.Main(withDaemon{m}, map[string]func(){"supervisorctl": main})
}

// daemonVariable names the environment variable that says which supervisord is
// ours. Where it is not set, the one of this checkout is built.
const daemonVariable = "VIGILANCE_SUPERVISORD"

// withDaemon runs the tests with the variable set.
type withDaemon struct{ m *testing.M }

func (w withDaemon) Run() int {
	flag.Parse()
	// They wait most of the time: one for each CPU would waste minutes.
	if err := flag.Set("test.parallel", "8"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if os.Getenv(daemonVariable) != "" {
		return w.m.Run()
	}
	dir, err := os.MkdirTemp("", "supervisorctl-test-")
	if err == nil {
		defer func() { _ = os.RemoveAll(dir) }()
		prog := filepath.Join(dir, "supervisord")
		build := exec.Command("go", "build", "-tags", "urfave_cli_no_docs", "-o", prog, "../supervisord")
		build.Stderr = os.Stderr
		err = errors.Join(build.Run(), os.Setenv(daemonVariable, prog))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "build the supervisord under test:", err)
		return 1
	}
	return w.m.Run()
}

// The reference's programs.
const (
	referenceCtl    = "/usr/bin/supervisorctl"
	referenceDaemon = "/usr/bin/supervisord"
)

// ours returns the path of the supervisorctl that TestMain makes of this binary.
func ours(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("supervisorctl") // testscript put it first in PATH
	if err != nil || path == referenceCtl {
		t.Fatalf("LookPath(supervisorctl) = %q, %v, want that of testscript", path, err)
	}
	return path
}

// needReference skips the test where Debian's Supervisor is missing.
func needReference(t *testing.T) {
	t.Helper()
	for _, path := range []string{referenceCtl, referenceDaemon} {
		if _, err := os.Stat(path); err != nil {
			if os.Getenv("VIGILANCE_REQUIRE_PEERS") != "" {
				t.Fatalf("%s is missing: install Debian's package supervisor", path)
			}
			t.Skipf("%s is missing: install Debian's package supervisor", path)
		}
	}
}

// pair is a supervisorctl and the supervisord that it controls.
type pair struct{ name, ctl, daemon string }

// pairs returns the combinations to compare, the reference with itself first.
func pairs(t *testing.T) []pair {
	t.Helper()
	needReference(t)
	ctl, daemon := ours(t), os.Getenv(daemonVariable)
	return []pair{
		{"reference ctl, reference daemon", referenceCtl, referenceDaemon},
		{"our ctl, reference daemon", ctl, referenceDaemon},
		{"reference ctl, our daemon", referenceCtl, daemon},
		{"our ctl, our daemon", ctl, daemon},
	}
}
