// Package test runs the project's binaries end to end: real daemons with real
// programs, beside Python's supervisord where that is the measure.
package test

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/vigilance-go/vigilance/test/peer"
)

// binVariable names the environment variable that hands the folder of built
// binaries from TestMain to the tests. Where it is set already, nothing is built.
const binVariable = "VIGILANCE_TEST_BIN"

// parallel is how many tests run at once. They wait most of the time, so the
// default, the number of CPUs, would waste minutes.
const parallel = "12"

func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", parallel); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if os.Getenv(binVariable) != "" {
		os.Exit(m.Run())
	}
	os.Exit(buildAndRun(m))
}

// buildAndRun builds every command into a folder that lives as long as the tests
// do, and runs them.
func buildAndRun(m *testing.M) int {
	bin, err := os.MkdirTemp("", "vigilance-test-bin-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(bin) }()
	args := []string{"build", "-tags", "urfave_cli_no_docs", "-o", bin}
	if raceEnabled {
		args = append(args, "-race")
	}
	build := exec.Command("go", append(args, "../cmd/...", "../examples/mailcatcher")...)
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "build the binaries under test:", err)
		return 1
	}
	if err := os.Setenv(binVariable, bin); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// ours returns the command of the supervisord under test: the one just built, or
// the one that VIGILANCE_SUPERVISORD names. With Python's there, both sides are
// the reference, which shows whether a comparison itself is sound.
func ours() []string {
	if path := os.Getenv("VIGILANCE_SUPERVISORD"); path != "" {
		return []string{path}
	}
	return []string{filepath.Join(os.Getenv(binVariable), "supervisord")}
}

// reference is Python's Supervisor on this machine.
type reference struct {
	supervisord []string
	python      string // the interpreter that can import supervisor
}

// findReference returns Debian's supervisor, or skips the test.
func findReference(t *testing.T) reference {
	t.Helper()
	const script = "/usr/bin/supervisord"
	file, err := os.Open(script)
	if err != nil {
		missingPeer(t, "Debian's package supervisor", err)
	}
	defer func() { _ = file.Close() }()
	first, err := bufio.NewReader(file).ReadString('\n')
	interpreter, found := strings.CutPrefix(strings.TrimSpace(first), "#!")
	if err != nil || !found {
		missingPeer(t, "Debian's package supervisor", fmt.Errorf("%s begins with %q, not with an interpreter", script, first))
	}
	return reference{supervisord: []string{script}, python: strings.TrimSpace(interpreter)}
}

// missingPeer skips the test, or fails it where CI promises every peer.
func missingPeer(t *testing.T, name string, reason error) {
	t.Helper()
	if os.Getenv("VIGILANCE_REQUIRE_PEERS") == "1" {
		t.Fatalf("needs %s: %v", name, reason)
	}
	t.Skipf("needs %s: %v", name, reason)
}

// scenario is one thing that a supervisord is made to do.
type scenario struct {
	config    string            // see peer.Spec; {python} becomes the interpreter, {port} a free TCP port
	options   string            // see peer.Spec
	files     map[string]string // see peer.Spec
	env       []string
	daemonize bool
	namespace bool // see peer.Spec
	// drive waits for what is to happen and causes it; then the daemon gets
	// SIGTERM if it has not ended yet. Nil only stops it.
	drive func(d *peer.Daemon) error
}

// outcome is what can be compared between two runs of a scenario.
type outcome struct {
	log       []string          // supervisord.log, masked
	out       map[string]string // files of out/, by name
	childlogs map[string]string // files of childlogs/, by name
	stdout    []string          // of the daemon, masked
	stderr    []string
	status    int      // exit status of the daemon
	leftovers []string // processes that outlived the daemon
	port      string   // {port}; :PORT in the lines above
	daemon    *peer.Daemon
}

// runBoth runs the scenario under the reference and under ours, at the same
// time, and returns what came of it.
func runBoth(t *testing.T, s scenario) (want, got outcome) {
	t.Helper()
	return runPair(t, s, s)
}

// runPair is runBoth where the scenarios differ, as in the client that they use.
func runPair(t *testing.T, forReference, forOurs scenario) (want, got outcome) {
	t.Helper()
	ref := findReference(t)
	type result struct {
		outcome outcome
		err     error
	}
	theirs := make(chan result, 1)
	refDir, ourDir := t.TempDir(), t.TempDir()
	// Ends with the scenario, whose waits are bounded.
	go func() {
		o, err := forReference.run(ref.supervisord, ref.python, refDir)
		theirs <- result{o, err}
	}()
	got, err := forOurs.run(ours(), ref.python, ourDir)
	reference := <-theirs
	if reference.err != nil {
		t.Errorf("the reference: %v", reference.err)
	}
	if err != nil {
		t.Errorf("ours: %v", err)
	}
	if t.Failed() {
		t.FailNow()
	}
	return reference.outcome, got
}

// runOurs runs the scenario under our daemon alone.
func runOurs(t *testing.T, s scenario) outcome {
	t.Helper()
	ref := findReference(t) // its listeners' library is Python's
	got, err := s.run(ours(), ref.python, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func (s scenario) run(command []string, python, dir string) (outcome, error) {
	port, err := peer.FreePort()
	if err != nil {
		return outcome{}, err
	}
	o := outcome{port: strconv.Itoa(port)}
	d, err := peer.Start(peer.Spec{
		Command:   command,
		Config:    strings.NewReplacer("{python}", python, "{port}", o.port).Replace(s.config),
		Options:   s.options,
		Files:     s.files,
		Dir:       dir,
		Env:       s.env,
		Daemonize: s.daemonize,
		Namespace: s.namespace,
	})
	if d != nil {
		defer d.Stop()
	}
	if err != nil {
		return o, err
	}
	if s.drive == nil {
		s.drive = func(*peer.Daemon) error { return nil }
	}
	if err := s.drive(d); err != nil {
		return o, err
	}
	if o.status, err = d.End(); err != nil {
		return o, err
	}
	return o, o.collect(d)
}

// collect reads what the ended daemon and its programs have written.
func (o *outcome) collect(d *peer.Daemon) (err error) {
	o.daemon = d
	o.leftovers = d.Leftovers()
	if o.log, err = d.Log(); err != nil {
		return err
	}
	if o.out, err = d.Tree("out"); err != nil {
		return err
	}
	if o.childlogs, err = d.Tree("childlogs"); err != nil {
		return err
	}
	if o.stdout, err = d.Lines("daemon.stdout"); err != nil {
		return err
	}
	if o.stderr, err = d.Lines("daemon.stderr"); err != nil {
		return err
	}
	for _, lines := range [][]string{o.log, o.stdout, o.stderr} {
		for i, line := range lines {
			lines[i] = strings.ReplaceAll(line, ":"+o.port, ":PORT")
		}
	}
	for _, line := range o.stderr {
		if strings.Contains(line, "DATA RACE") {
			return fmt.Errorf("the race detector spoke:\n%s", strings.Join(o.stderr, "\n"))
		}
	}
	return nil
}
