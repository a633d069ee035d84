// Command bench measures supervisord-compatible daemons beside each other, from
// outside: it writes a configuration, starts the daemon that a command line
// names, and looks at its log, its RPC answers and /proc. It shares no code
// with any daemon.
//
// Figures on a shared machine drift, so the daemons take turns within one run
// and what counts is the ratio of their medians. CPU time per unit of work is
// steadier than wall time.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

func main() {
	if role := os.Getenv(roleVar); role != "" {
		os.Exit(playRole(role))
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options are what the command line asks for.
type options struct {
	short   bool
	only    string
	sizes   string
	rounds  int
	out     string
	daemons daemonList
	args    []string // the command line itself, for the report
}

// run measures as args say and reports to w.
func run(ctx context.Context, args []string, w io.Writer) error {
	var o options
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.BoolVar(&o.short, "short", false, "fewer rounds and programs: about a minute")
	fs.StringVar(&o.only, "only", "", "comma-separated `names` of measures; empty for all")
	fs.StringVar(&o.sizes, "programs", "", "comma-separated `numbers` of programs for the measures that grow with them")
	fs.IntVar(&o.rounds, "rounds", 0, "how often each measure is taken; 0 for its own choice")
	fs.StringVar(&o.out, "o", "", "also write the report as Markdown to `file`")
	fs.Var(&o.daemons, "daemon", "a daemon as `name='command {conf}'`; may be repeated. Its supervisorctl is that of its folder")
	if err := fs.Parse(args); err != nil {
		return err
	}
	o.args = args
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return fmt.Errorf("make a folder to work in: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // only what this run has made
	if len(o.daemons) == 0 {
		if o.daemons, err = defaultDaemons(ctx, dir); err != nil {
			return err
		}
	}
	b := &bench{options: o, dir: dir, w: w}
	results, err := b.measureAll(ctx)
	if len(results) == 0 {
		return err
	}
	report := newReport(o, results) // what was found before an error counts
	report.text(w)
	if o.out == "" {
		return err
	}
	return errors.Join(err, os.WriteFile(o.out, []byte(report.markdown()), 0o644))
}

// defaultDaemons are ours, built from this checkout, and Debian's.
func defaultDaemons(ctx context.Context, dir string) (daemonList, error) {
	bin := filepath.Join(dir, "bin")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-tags", "urfave_cli_no_docs",
		"-o", bin+"/", "./cmd/supervisord", "./cmd/supervisorctl")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the daemon (run this at the top of the checkout): %w\n%s", err, out)
	}
	list := daemonList{{"vigilance", []string{filepath.Join(bin, "supervisord"), "-n", "-c", "{conf}"}}}
	if python, err := exec.LookPath("supervisord"); err == nil {
		list = append(list, daemon{"python", []string{python, "-n", "-c", "{conf}"}})
	}
	return list, nil
}

// daemonList is the value of -daemon.
type daemonList []daemon

func (l *daemonList) String() string { return fmt.Sprint(*l) }

// Set adds a daemon given as name='command {conf}'.
func (l *daemonList) Set(s string) error {
	name, command, ok := strings.Cut(s, "=")
	words := strings.Fields(strings.Trim(command, `'"`))
	if !ok || name == "" || len(words) == 0 || !strings.Contains(command, "{conf}") {
		return fmt.Errorf("want name='command {conf}', got %q", s)
	}
	*l = append(*l, daemon{name, words})
	return nil
}

// defaultBudget is the time of a measure that says nothing else: rounds are
// left out when it is spent.
const defaultBudget = time.Minute

// bench is one run.
type bench struct {
	options
	dir string
	w   io.Writer
}

// result is what one measure found for each daemon.
type result struct {
	measure measure
	size    int // programs; 0 where that means nothing
	samples map[string]samples
}

// measureAll takes every measure that is asked for, the daemons in turn.
func (b *bench) measureAll(ctx context.Context) ([]result, error) {
	var results []result
	for _, m := range measures {
		if b.only != "" && !contains(strings.Split(b.only, ","), m.name) {
			continue
		}
		for _, size := range b.sizesOf(m) {
			r, err := b.measureOne(ctx, m, size)
			if err != nil {
				return results, err
			}
			results = append(results, r...)
		}
	}
	if len(results) == 0 {
		return nil, fmt.Errorf("no measure of that name: %q; there are %s", b.only, strings.Join(measureNames(), ", "))
	}
	return results, nil
}

// measureOne takes a measure round by round. A measure may yield several
// figures at once.
func (b *bench) measureOne(ctx context.Context, m measure, size int) ([]result, error) {
	found := make([]result, len(m.figures))
	for i, f := range m.figures {
		found[i] = result{measure: m.only(f), size: size, samples: make(map[string]samples)}
	}
	rounds := m.rounds
	if b.short {
		rounds = max(1, rounds/3)
	}
	if b.rounds > 0 {
		rounds = b.rounds
	}
	budget := cmp.Or(m.budget, defaultBudget)
	for began, round := time.Now(), 0; round < rounds && time.Since(began) < budget; round++ {
		for _, d := range b.daemons {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			fmt.Fprintf(os.Stderr, "\r%-60s", fmt.Sprintf("%s (%d), round %d of %d: %s", m.name, size, round+1, rounds, d.name))
			got, err := m.take(ctx, b, d, size)
			if err != nil {
				return nil, fmt.Errorf("measure %s of %s: %w", m.name, d.name, err)
			}
			for i := range m.figures {
				found[i].samples[d.name] = append(found[i].samples[d.name], got[i]...)
			}
		}
	}
	fmt.Fprintf(os.Stderr, "\r%-60s\r", "")
	return found, nil
}

// sizesOf returns the numbers of programs that a measure is taken with.
func (b *bench) sizesOf(m measure) []int {
	if b.sizes != "" && m.grows {
		var sizes []int
		for s := range strings.SplitSeq(b.sizes, ",") {
			var n int
			if _, err := fmt.Sscan(s, &n); err == nil && n > 0 {
				sizes = append(sizes, n)
			}
		}
		return sizes
	}
	if b.short && m.short > 0 {
		return []int{m.short}
	}
	if b.short {
		return m.sizes[:1]
	}
	return m.sizes
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if strings.TrimSpace(l) == s {
			return true
		}
	}
	return false
}

// machine describes where the figures come from.
func machine() string {
	load, _ := os.ReadFile("/proc/loadavg")
	return fmt.Sprintf("%s/%s, %d cores, load %s, %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(),
		strings.Join(strings.Fields(string(load))[:min(3, len(strings.Fields(string(load))))], " "),
		time.Now().UTC().Format("2006-01-02 15:04 MST"))
}
