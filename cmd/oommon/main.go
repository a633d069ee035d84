// Command oommon is an event listener that tells when a process of a
// supervisord's programs was killed because memory ran out, and restarts the
// program if it goes on without it. It also does so when a program leaves a
// file that says that it has run out of memory.
package main

import (
	"context"
	"errors"
	"io"
	"os"

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
	return cmdline.Tool{
		Name:   "oommon",
		Stdout: stdout,
		Stderr: stderr,
		Flags:  flags(),
		Shows: []cmdline.Show{
			{Name: "help", Aliases: []string{"h"}, Text: usage()},
			{Name: "version", Category: cmdline.Beyond, Text: version.Own() + "\n"},
		},
		Complain: func(stderr io.Writer, name string, err error) int {
			_, _ = io.WriteString(stdout, usage())  // as its siblings do, and nothing else can be done
			_ = cmdline.Complain(stderr, name, err) // its status is supervisord's
			return check.UsageStatus
		},
		Run: func(c *cli.Context) error {
			if err := alert.UseConfig(c, "oommon", flags(), nil); err != nil {
				return err
			}
			o, err := readOptions(c)
			if err != nil {
				return err
			}
			err = run(c.Context, o, alert.NewStderr(stderr), stdout)
			if errors.Is(err, check.ErrNotAListener) {
				return nil // its siblings' exit status
			}
			return err
		},
	}
}

// flags declares the options.
func flags() []cli.Flag {
	return append([]cli.Flag{
		&cli.StringSliceFlag{Name: "program", Aliases: []string{"p"}},
		&cli.StringSliceFlag{Name: "group", Aliases: []string{"g"}},
		&cli.BoolFlag{Name: "any", Aliases: []string{"a"}},
		&cli.StringSliceFlag{Name: "sentinel"},
		&cli.BoolFlag{Name: "alert-only"},
	}, check.Flags()...)
}

// options are what the command line and the environment say.
type options struct {
	check.Options
	selection alert.Selection
	sentinels []template
	// alertOnly restarts nothing, and says nothing of it.
	alertOnly bool
}

// readOptions reads the command line. Its errors name the option.
func readOptions(c *cli.Context) (options, error) {
	o := options{
		selection: alert.Selection{Any: c.Bool("any"), Programs: c.StringSlice("program")},
		alertOnly: c.Bool("alert-only"),
	}
	if c.NArg() > 0 {
		return o, cmdline.Usagef("positional arguments are not supported: %s", check.ReprList(c.Args().Slice()))
	}
	for _, group := range c.StringSlice("group") {
		o.selection.Programs = append(o.selection.Programs, group+":*")
	}
	for _, text := range c.StringSlice("sentinel") {
		t, err := parseTemplate(text)
		if err != nil {
			return o, cmdline.Usagef("--sentinel %v", err)
		}
		o.sentinels = append(o.sentinels, t)
	}
	var err error
	o.Options, err = check.ReadOptions(c, "oommon")
	return o, err
}
