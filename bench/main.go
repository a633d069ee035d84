// Command bench measures supervisord-compatible daemons beside each other, from
// outside: it writes a configuration, starts the daemon that a command line
// names, and looks at its log, its RPC answers and /proc. It shares no code
// with any daemon.
//
// Figures on a shared machine drift, so the daemons take turns within one run
// and what counts is the ratio of their medians. CPU time per unit of work is
// steadier than wall time. Beside them stand floors: what the same work takes
// a small C program, or another supervisor, on the same machine in the same run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

func main() {
	if role := os.Getenv(roleVar); role != "" {
		os.Exit(playRole(role))
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options are what the command line asks for.
type options struct {
	short    bool
	only     wordList
	programs numberList
	rounds   int
	out      string
	from     string
	readme   string
	daemons  daemonList
	args     []string // the command line itself, for the report
}

// parseOptions reads the command line.
func parseOptions(args []string, progress io.Writer) (options, error) {
	o := options{args: args}
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.SetOutput(progress)
	fs.BoolVar(&o.short, "short", false, "fewer rounds and programs: a minute or two")
	fs.Var(&o.only, "only", "comma-separated `names` of measures ("+strings.Join(measureNames(), ", ")+"); all without it")
	fs.Var(&o.programs, "programs", "comma-separated `numbers` of programs, for the measures that grow with them")
	fs.IntVar(&o.rounds, "rounds", 0, "how often each measure is taken at most; 0 for its own choice")
	fs.StringVar(&o.out, "o", "", "write the report as Markdown to `file`, its data beside it as JSON, and its plots into images/ there")
	fs.StringVar(&o.from, "from", "", "measure nothing: report again what `file`, the JSON of an earlier run, says")
	fs.StringVar(&o.readme, "readme", "", "put the rows at the top of the report into `file` as well, between the same two marks")
	fs.Var(&o.daemons, "daemon", "a daemon as `name='command {conf}'`; may be repeated. Its supervisorctl is that of its folder")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	switch {
	case fs.NArg() > 0:
		return o, fmt.Errorf("want options alone, got %q; a daemon is given as -daemon name='command {conf}'", fs.Arg(0))
	case o.rounds < 0:
		return o, fmt.Errorf("want a number of rounds from 0, got -rounds %d", o.rounds)
	case o.readme != "" && o.out == "":
		return o, errors.New("-readme wants -o too, where the plots are written")
	}
	for _, name := range o.only {
		if names := measureNames(); !slices.Contains(names, name) {
			return o, fmt.Errorf("there is no measure %q; want some of %s", name, strings.Join(names, ", "))
		}
	}
	return o, nil
}

// run measures as args say and reports to w. It tells progress what it does.
func run(ctx context.Context, args []string, w, progress io.Writer) error {
	o, err := parseOptions(args, progress)
	if err != nil {
		return err
	}
	if o.out != "" { // what is wrong shows now, not after a quarter of an hour
		if err := os.MkdirAll(imagesOf(o.out), 0o755); err != nil {
			return fmt.Errorf("make the folder of the report: %w", err)
		}
	}
	if o.from != "" {
		r, err := readReport(o.from)
		if err != nil {
			return err
		}
		return r.publish(o, w)
	}
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return fmt.Errorf("make a folder to work in: %w", err)
	}
	b := &bench{options: o, dir: dir, progress: progress}
	defer func() {
		b.sweep()
		_ = os.RemoveAll(dir) // only what this run has made
	}()
	var gaps []gap
	if len(b.daemons) == 0 {
		if b.daemons, gaps, err = defaultDaemons(ctx, dir); err != nil {
			return err
		}
	}
	r := newReport(b.options)
	results, more := b.measureAll(ctx)
	r.add(results, append(gaps, more...))
	if ctx.Err() != nil { // what was found counts, but not as the whole run that a page promises
		return errors.Join(r.text(w), fmt.Errorf("%w, and no file was written", errInterrupted))
	}
	return r.publish(b.options, w)
}

// defaultDaemons are ours, built from this checkout, and Debian's.
func defaultDaemons(ctx context.Context, dir string) (daemonList, []gap, error) {
	bin := filepath.Join(dir, "bin")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-tags", "urfave_cli_no_docs", "-o", bin+"/", "./cmd/...")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, nil, fmt.Errorf("build the daemon (run this at the top of the checkout): %w\n%s", err, out)
	}
	list := daemonList{{"vigilance", []string{filepath.Join(bin, "supervisord"), "-n", "-c", "{conf}"}}}
	python, err := exec.LookPath("supervisord")
	if err != nil {
		return list, []gap{{"python", "there is no supervisord in PATH; install Debian's package supervisor"}}, nil
	}
	return append(list, daemon{"python", []string{python, "-n", "-c", "{conf}"}}), nil, nil
}

// daemonList is the value of -daemon.
type daemonList []daemon

func (l *daemonList) String() string { return fmt.Sprint(*l) }

// Set adds a daemon given as name='command {conf}'.
func (l *daemonList) Set(s string) error {
	name, command, ok := strings.Cut(s, "=")
	words := strings.Fields(strings.Trim(command, `'"`))
	if !ok || name == "" || strings.ContainsAny(name, "/|") || len(words) == 0 || !strings.Contains(command, "{conf}") {
		return fmt.Errorf("want name='command {conf}', got %q", s)
	}
	if _, err := exec.LookPath(words[0]); err != nil {
		return fmt.Errorf("want name='command {conf}' with a command that can be run: %w", err)
	}
	if slices.ContainsFunc(*l, func(d daemon) bool { return d.name == name }) {
		return fmt.Errorf("want a name for each daemon, got %q twice", name)
	}
	*l = append(*l, daemon{name, words})
	return nil
}

// wordList is the value of -only.
type wordList []string

func (l *wordList) String() string { return strings.Join(*l, ",") }

// Set adds comma-separated words.
func (l *wordList) Set(s string) error {
	for word := range strings.SplitSeq(s, ",") {
		*l = append(*l, strings.TrimSpace(word))
	}
	return nil
}

// numberList is the value of -programs.
type numberList []int

func (l *numberList) String() string { return strings.Trim(fmt.Sprint([]int(*l)), "[]") }

// Set adds comma-separated numbers.
func (l *numberList) Set(s string) error {
	for word := range strings.SplitSeq(s, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(word))
		if err != nil || n < 1 || n > 20000 {
			return fmt.Errorf("want numbers of programs from 1 to 20000 with commas between, got %q", word)
		}
		*l = append(*l, n)
	}
	return nil
}
