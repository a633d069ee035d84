// Command memmon is an event listener that looks at each tick how much memory
// the processes of a supervisord use, and restarts those that use too much. It
// takes the place of superlance's memmon: same options, same restarts, same
// mail.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/vigilance-go/vigilance/cmd/internal/alert"
	"github.com/vigilance-go/vigilance/cmd/internal/check"
	"github.com/vigilance-go/vigilance/cmd/internal/memory"
	"github.com/vigilance-go/vigilance/internal/cmdline"
	"github.com/vigilance-go/vigilance/internal/version"
	"github.com/vigilance-go/vigilance/supervisor/config"
)

func main() {
	os.Exit(tool(os.Stdout, os.Stderr).Main(context.Background(), os.Args[1:]))
}

// unparseable is a value that superlance prints to standard output, before its
// usage.
type unparseable struct{ text string }

func (e *unparseable) Error() string { return e.text }

// Unwrap makes it a fault of the command line.
func (e *unparseable) Unwrap() error { return &cmdline.UsageError{Text: e.text} }

// tool is the command as package cmdline runs it.
func tool(stdout, stderr io.Writer) cmdline.Tool {
	limits := newLimits()
	return cmdline.Tool{
		Name:   "memmon",
		Stdout: stdout,
		Stderr: stderr,
		Flags:  flags(),
		Shows: []cmdline.Show{
			{Name: "help", Aliases: []string{"h"}, Text: usage()},
			{Name: "version", Category: cmdline.Beyond, Text: version.Own() + "\n"},
		},
		Option: limits.take,
		Complain: func(stderr io.Writer, name string, err error) int {
			var value *unparseable
			if errors.As(err, &value) {
				_, _ = fmt.Fprintln(stdout, value.text) // as superlance does, and nothing else can be done
			}
			_, _ = io.WriteString(stdout, usage())
			if value == nil {
				_ = cmdline.Complain(stderr, name, err) // its status is supervisord's
			}
			return check.UsageStatus
		},
		Run: func(c *cli.Context) error {
			if c.NumFlags() == 0 && c.NArg() == 0 {
				return cmdline.Usagef("no options")
			}
			if err := alert.UseConfig(c, "memmon", flags(), limits.take); err != nil {
				return err
			}
			o, err := readOptions(c, limits)
			if err != nil {
				return err
			}
			err = run(c.Context, o, alert.NewStderr(stderr), stdout)
			if errors.Is(err, check.ErrNotAListener) {
				return cli.Exit("", 1) // superlance's exit status; all is said
			}
			return err
		},
	}
}

// flags declares the options: superlance's, then what goes beyond.
func flags() []cli.Flag {
	beyond := func(name string) cli.Flag { return &cli.StringFlag{Name: name, Category: cmdline.Beyond} }
	return append([]cli.Flag{
		&cli.BoolFlag{Name: "cumulative", Aliases: []string{"c"}},
		&cli.StringSliceFlag{Name: "program", Aliases: []string{"p"}},
		&cli.StringSliceFlag{Name: "group", Aliases: []string{"g"}},
		&cli.StringFlag{Name: "any", Aliases: []string{"a"}},
		&cli.StringFlag{Name: "uptime", Aliases: []string{"u"}},

		beyond("measure"), beyond("warn"), beyond("samples"), beyond("growth"),
	}, check.Flags()...)
}

// limits are what -p, -g, -a and -u say.
type limits struct {
	programs map[string]int64 // in bytes, by name, group:name or a pattern
	groups   map[string]int64
	any      int64 // where hasAny
	hasAny   bool
	uptime   int64 // in seconds: a process that was up for longer is restarted without a mail
}

func newLimits() *limits {
	return &limits{programs: map[string]int64{}, groups: map[string]int64{}, uptime: math.MaxInt64}
}

// take reads an option. The error is an *unparseable, in superlance's words.
func (l *limits) take(o cmdline.Option) error {
	switch o.Name {
	case "program", "group":
		name, text, ok := strings.Cut(o.Value, "=")
		if !ok || strings.Contains(text, "=") {
			return &unparseable{fmt.Sprintf("Unparseable value %s for %s", config.PyRepr(o.Value), config.PyRepr(o.As))}
		}
		size, err := parseSize(o.As, text)
		if o.Name == "group" {
			l.groups[name] = size
		} else {
			l.programs[name] = size
		}
		return err
	case "any":
		var err error
		l.any, err = parseSize(o.As, o.Value)
		l.hasAny = true
		return err
	case "uptime":
		var err error
		if l.uptime, err = parseSeconds(o.Value); err != nil {
			return &unparseable{fmt.Sprintf("Unparseable value for time in %s for %s", config.PyRepr(o.Value), o.As)}
		}
	}
	return nil
}

// parseSize reads a number of bytes. The error is an *unparseable.
func parseSize(option, text string) (int64, error) {
	size, err := config.ParseByteSize(text)
	if err != nil {
		return 0, &unparseable{fmt.Sprintf("Unparseable byte_size in %s for %s", config.PyRepr(text), config.PyRepr(option))}
	}
	return size, nil
}

// parseSeconds reads a number of seconds with an optional s, m, h or d, in any
// case.
func parseSeconds(text string) (int64, error) {
	unit := 1
	digits := strings.ToLower(text)
	for _, u := range []struct {
		suffix string
		unit   int
	}{{"s", 1}, {"m", 60}, {"h", 60 * 60}, {"d", 24 * 60 * 60}} {
		if number, ok := strings.CutSuffix(digits, u.suffix); ok {
			digits, unit = number, u.unit
			break
		}
	}
	n, err := config.ParseInteger(digits)
	if err != nil {
		return 0, err
	}
	if n > math.MaxInt64/unit {
		return math.MaxInt64, nil
	}
	return int64(n) * int64(unit), nil
}

// options are what the command line and the environment say.
type options struct {
	check.Options
	*limits
	cumulative bool
	measure    memory.Measure
	warn       int // percent of the limit; 0 for no warning
	samples    int // above the limit, in a row, before anything is done
	growth     int64
	now        func() time.Time
}

// readOptions reads the command line. Its errors name the option.
func readOptions(c *cli.Context, l *limits) (options, error) {
	o := options{limits: l, cumulative: c.Bool("cumulative"), measure: memory.RSS, samples: 1, now: time.Now}
	var err error
	if o.Options, err = check.ReadOptions(c, "memmon"); err != nil {
		return o, err
	}
	if text := c.String("measure"); text != "" {
		o.measure = memory.Measure(strings.ToLower(text))
	}
	if text := c.String("warn"); text != "" {
		if o.warn, err = strconv.Atoi(strings.TrimSuffix(text, "%")); err != nil || o.warn < 1 || o.warn > 100 {
			return o, cmdline.Usagef("--warn %q, want a percentage such as 80", text)
		}
	}
	if text := c.String("samples"); text != "" {
		if o.samples, err = strconv.Atoi(text); err != nil || o.samples < 1 {
			return o, cmdline.Usagef("--samples %q, want a number of 1 or more", text)
		}
	}
	if text := c.String("growth"); text != "" {
		if o.growth, err = config.ParseByteSize(text); err != nil || o.growth <= 0 {
			return o, cmdline.Usagef("--growth %q, want a size such as 100MB", text)
		}
	}
	return o, nil
}
