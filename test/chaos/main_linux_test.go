package chaos

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"
)

// The flags. Each run prints its seed, with which it can be repeated.
var (
	duration = flag.Duration("duration", 0, "how long all faults together are kept up; 0 for about a minute")
	seed     = flag.Uint64("seed", 0, "seed of everything random; 0 for another one in each run")
)

// parallel is how many tests run at once: they wait most of the time.
const parallel = "4"

// roleVar makes the test binary play a program instead of running the tests.
const roleVar = "CHAOS_ROLE"

// binVariable names a folder of built binaries; where it is not set, they are
// built.
const binVariable = "VIGILANCE_TEST_BIN"

// table is what the tests have counted. It is printed when they have ended.
var table tally

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVar); role != "" {
		os.Exit(play(role))
	}
	flag.Parse()
	if *seed == 0 {
		*seed = rand.Uint64()
	}
	os.Exit(run(m))
}

// run builds the binaries where it must, runs the tests and prints the table.
func run(m *testing.M) int {
	if os.Getenv(binVariable) == "" {
		dir, err := os.MkdirTemp("", "chaos-bin-")
		if err == nil {
			defer func() { _ = os.RemoveAll(dir) }()
			_ = os.Chmod(dir, 0o755) // other users run it, too
			err = build(dir)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "build supervisord:", err)
			return 1
		}
		_ = os.Setenv(binVariable, dir) // fails for malformed names only
	}
	if err := flag.Set("test.parallel", parallel); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	status := m.Run()
	fmt.Printf("seed %d\n%s", *seed, table.String())
	return status
}

// build builds the daemon as it is shipped or, under the race detector, with it.
func build(dir string) error {
	cmd := exec.Command("go", "build", "-tags", "urfave_cli_no_docs", "-o", dir)
	if raceFactor > 1 {
		cmd.Args = append(cmd.Args, "-race")
	} else {
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	}
	cmd.Args = append(cmd.Args, "../../cmd/supervisord")
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, said)
	}
	return nil
}

// supervisord is the path of the daemon under test.
func supervisord() string { return filepath.Join(os.Getenv(binVariable), "supervisord") }

// span returns how long a fault is to be kept up: a few seconds, or its share,
// in percent, of -duration.
func span(short time.Duration, percent int) time.Duration {
	if *duration == 0 {
		return short
	}
	return max(short, *duration*time.Duration(percent)/100)
}

// scale returns a size: small without -duration, else large.
func scale(small, large int) int {
	if *duration == 0 {
		return small
	}
	return large
}

// random returns a source for one test, other than that of any other.
func random(t *testing.T) *rand.Rand {
	t.Helper()
	var sum uint64
	for _, r := range t.Name() {
		sum = sum*31 + uint64(r)
	}
	t.Logf("seed %d", *seed)
	return rand.New(rand.NewPCG(*seed, sum)) // to be repeated, not to be secret
}

// row is the account of one test.
type row struct {
	name   string
	load   string // what was held meanwhile
	faults int    // injected
	inputs int    // bad ones that were tried
	lost   int    // programs, events or bytes that should be there
	leaked int    // descriptors, goroutines, threads, zombies and processes too many
	note   string // figures
}

// tally is the accounts of all tests.
type tally struct {
	mu   sync.Mutex
	rows []*row
}

// account opens a row for the test; it counts what the test adds to it until
// its end.
func account(t *testing.T, name, load string) *row {
	t.Helper()
	r := &row{name: name, load: load}
	t.Cleanup(func() {
		table.mu.Lock()
		defer table.mu.Unlock()
		table.rows = append(table.rows, r)
		if r.lost != 0 || r.leaked != 0 {
			t.Errorf("%s: lost %d, leaked %d, want none", name, r.lost, r.leaked)
		}
	})
	return r
}

// String returns the table.
func (y *tally) String() string {
	y.mu.Lock()
	defer y.mu.Unlock()
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "what\tload held\tfaults injected\tbad inputs\tlost\tleaked\tfigures")
	var sum row
	for _, r := range y.rows {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%d\t%s\n", r.name, r.load, r.faults, r.inputs, r.lost, r.leaked, r.note)
		sum.faults, sum.inputs = sum.faults+r.faults, sum.inputs+r.inputs
		sum.lost, sum.leaked = sum.lost+r.lost, sum.leaked+r.leaked
	}
	_, _ = fmt.Fprintf(w, "all\t\t%d\t%d\t%d\t%d\t\n", sum.faults, sum.inputs, sum.lost, sum.leaked)
	_ = w.Flush() // it goes into memory
	return text.String()
}
