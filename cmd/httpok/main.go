// Command httpok is an event listener that asks a URL at each tick and restarts
// processes of the supervisord when the answer is not what it should be. It
// takes the place of superlance's httpok: same options, same restarts, same
// mail.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/vigilance-go/vigilance/cmd/internal/alert"
	"github.com/vigilance-go/vigilance/cmd/internal/check"
	"github.com/vigilance-go/vigilance/internal/cmdline"
	"github.com/vigilance-go/vigilance/internal/version"
)

func main() {
	os.Exit(tool(os.Stdout, os.Stderr).Main(context.Background(), os.Args[1:]))
}

// tool is the command as package cmdline runs it.
func tool(stdout, stderr io.Writer) cmdline.Tool {
	eager := true
	option := func(o cmdline.Option) error {
		switch o.Name { // of these two the last one counts
		case "eager":
			eager = true
		case "not-eager":
			eager = false
		}
		return nil
	}
	return cmdline.Tool{
		Name:   "httpok",
		Stdout: stdout,
		Stderr: stderr,
		Flags:  flags(),
		Shows: []cmdline.Show{
			{Name: "help", Aliases: []string{"h"}, Text: usage()},
			{Name: "version", Category: cmdline.Beyond, Text: version.Own() + "\n"},
		},
		Option: option,
		Complain: func(stderr io.Writer, name string, err error) int {
			_, _ = io.WriteString(stdout, usage())  // as superlance does, and nothing else can be done
			_ = cmdline.Complain(stderr, name, err) // its status is supervisord's
			return check.UsageStatus
		},
		Run: func(c *cli.Context) error {
			if err := alert.UseConfig(c, "httpok", flags(), option); err != nil {
				return err
			}
			o, err := readOptions(c)
			if err != nil {
				return err
			}
			o.eager = eager
			err = run(c.Context, o, alert.NewStderr(stderr), stdout)
			if errors.Is(err, check.ErrNotAListener) {
				return nil // superlance's exit status
			}
			return err
		},
	}
}

// flags declares the options: superlance's, then what goes beyond.
func flags() []cli.Flag {
	beyond := func(name string) cli.Flag { return &cli.StringFlag{Name: name, Category: cmdline.Beyond} }
	return append([]cli.Flag{
		&cli.StringSliceFlag{Name: "program", Aliases: []string{"p"}},
		&cli.BoolFlag{Name: "any", Aliases: []string{"a"}},
		&cli.StringFlag{Name: "timeout", Aliases: []string{"t"}, Value: "10"},
		&cli.StringSliceFlag{Name: "code", Aliases: []string{"c"}},
		&cli.StringFlag{Name: "body", Aliases: []string{"b"}},
		&cli.StringFlag{Name: "gcore", Aliases: []string{"g"}, Value: "/usr/bin/gcore -o"},
		&cli.StringFlag{Name: "coredir", Aliases: []string{"d"}},
		&cli.BoolFlag{Name: "eager", Aliases: []string{"e"}},
		&cli.BoolFlag{Name: "not-eager", Aliases: []string{"E"}},

		&cli.StringSliceFlag{Name: "restart-string", Aliases: []string{"B"}, Category: cmdline.Beyond},
		beyond("body-regex"), beyond("method"), beyond("ca-file"), beyond("unix-socket"),
		&cli.StringSliceFlag{Name: "header", Category: cmdline.Beyond},
		&cli.BoolFlag{Name: "insecure", Category: cmdline.Beyond},
		beyond("failures"), beyond("grace"), beyond("retry-interval"),
		&cli.BoolFlag{Name: "restart-fatal", Category: cmdline.Beyond},
		&cli.BoolFlag{Name: "recovery", Category: cmdline.Beyond}, beyond("recovered"),
		&cli.StringSliceFlag{Name: "url", Category: cmdline.Beyond},
	}, check.Flags()...)
}

// options are what the command line and the environment say.
type options struct {
	check.Options
	programs []string
	any      bool
	urls     []string
	request  request
	want     expectation
	gcore    string
	coredir  string
	// eager asks the URL even when none of the processes runs.
	eager        bool
	failures     int // in a row, before anything is done
	grace        time.Duration
	restartFatal bool
	recovery     bool
}

// readOptions reads the command line. Its errors name the option.
func readOptions(c *cli.Context) (options, error) {
	o := options{
		programs:     c.StringSlice("program"),
		any:          c.Bool("any"),
		urls:         append(c.Args().Slice(), c.StringSlice("url")...),
		gcore:        c.String("gcore"),
		coredir:      c.String("coredir"),
		restartFatal: c.Bool("restart-fatal"),
		recovery:     c.Bool("recovery"),
		failures:     1,
	}
	if len(o.urls) == 0 {
		return o, cmdline.Usagef("no URL")
	}
	for _, text := range o.urls {
		if strings.HasPrefix(text, "-") {
			return o, cmdline.Usagef("URL %q, want options before the URL", text)
		}
	}
	var err error
	if o.Options, err = check.ReadOptions(c, "httpok"); err != nil {
		return o, err
	}
	o.recovery = o.recovery || o.Engine.Policy.Recovered > 0
	if o.recovery && o.Engine.Policy.Recovered == 0 {
		o.Engine.Policy.Recovered = time.Nanosecond // at once
	}
	if text := c.String("failures"); text != "" {
		if o.failures, err = strconv.Atoi(text); err != nil || o.failures < 1 {
			return o, cmdline.Usagef("--failures %q, want a number of 1 or more", text)
		}
	}
	if text := c.String("grace"); text != "" {
		if o.grace, err = check.ParseDuration(text); err != nil {
			return o, cmdline.Usagef("--grace %v", err)
		}
	}
	if o.request, err = readRequest(c); err != nil {
		return o, err
	}
	o.want, err = readExpectation(c)
	return o, err
}

// readRequest reads the options that say how a URL is asked.
func readRequest(c *cli.Context) (r request, err error) {
	r = request{
		method: "GET", header: map[string][]string{}, caFile: c.String("ca-file"),
		insecure: c.Bool("insecure"), socket: c.String("unix-socket"), retryInterval: retryInterval,
	}
	// Not a usage error: superlance's exit status for it is 1.
	if r.timeout, err = check.ParseDuration(strings.TrimSpace(c.String("timeout"))); err != nil || r.timeout <= 0 {
		return r, fmt.Errorf("read options: -t %q, want a number of seconds above 0", c.String("timeout"))
	}
	if text := c.String("retry-interval"); text != "" {
		if r.retryInterval, err = check.ParseDuration(text); err != nil || r.retryInterval <= 0 {
			return r, cmdline.Usagef("--retry-interval %q, want a span of time above 0", text)
		}
	}
	if text := c.String("method"); text != "" {
		r.method = strings.ToUpper(text)
	}
	for _, line := range c.StringSlice("header") {
		name, value, ok := strings.Cut(line, ":")
		if !ok || strings.TrimSpace(name) == "" {
			return r, cmdline.Usagef("--header, want NAME: VALUE") // the value may be a secret
		}
		r.header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	return r, nil
}

// readExpectation reads the options that say what a good answer is.
func readExpectation(c *cli.Context) (want expectation, err error) {
	want.absent = c.StringSlice("restart-string")
	want.body = c.String("body")
	for _, text := range c.StringSlice("code") {
		status, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil {
			return want, fmt.Errorf("read options: -c %q, want a number", text) // status 1, as superlance's
		}
		want.statuses = append(want.statuses, status)
	}
	if len(want.statuses) == 0 {
		want.statuses = []int{200}
	}
	if text := c.String("body-regex"); text != "" {
		if want.regex, err = regexp.Compile(text); err != nil {
			return want, cmdline.Usagef("--body-regex %q: %v", text, err)
		}
	}
	return want, nil
}
