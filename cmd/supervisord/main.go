// Command supervisord starts programs, watches them and keeps them running.
// It takes the place of Supervisor's supervisord: same options, same
// configuration file, same log.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/vigilance-go/vigilance/internal/cmdline"
	"github.com/vigilance-go/vigilance/internal/version"
	"github.com/vigilance-go/vigilance/supervisor"
	"github.com/vigilance-go/vigilance/supervisor/config"
)

func main() {
	starter := adoptStarter()
	// A reader of standard output that goes away must not take the daemon with
	// it. Caught, unlike ignored, the signal keeps its meaning in children.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	prog := cmdline.ProgName(os.Args[0])
	os.Exit(tool(prog, starter).Main(context.Background(), os.Args[1:]))
}

// tool is the command as package cmdline runs it.
func tool(prog string, starter *starter) cmdline.Tool {
	line := &commandLine{}
	options := line.options()
	return cmdline.Tool{
		Name:  prog,
		Flags: flags(options),
		Shows: []cmdline.Show{
			{Name: "help", Aliases: []string{"h", "?"}, Text: usageText(prog)},
			{Name: "version", Aliases: []string{"v"}, Text: supervisor.ReferenceVersion + "\n"},
			{Name: "vigilance-version", Category: cmdline.Beyond, Text: version.Own() + "\n"},
		},
		CheckArgs: refuseArgs,
		Option:    func(given cmdline.Option) error { return take(options, given) },
		Run: func(c *cli.Context) error {
			switch {
			case line.check != nil:
				return check(prog, line, c.App.Writer)
			case line.json != nil:
				return cmdline.Usagef("--json prints what --check finds, and means nothing without it")
			}
			return start(c.Context, prog, line, starter)
		},
	}
}

// start reads the configuration and becomes the daemon, here or, unless the
// file or the command line forbids it, in the background.
func start(ctx context.Context, prog string, line *commandLine, starter *starter) error {
	s := &session{line: line, starter: starter, collect: restCollector()}
	defer s.collect()
	line.load.Cwd, _ = os.Getwd() // without one, package config says so where it matters
	warnings := io.Writer(os.Stderr)
	if starter != nil {
		warnings = io.Discard // the starter has given them
	}
	var err error
	if s.file, err = configFile(prog, line, warnings); err != nil {
		return err
	}
	cfg, err := s.load()
	if err != nil {
		return err
	}
	s.absolute()
	if starter == nil && !cfg.Supervisord.NoDaemon {
		status, err := startDaemon(os.Args)
		if err != nil {
			return err
		}
		return cli.Exit("", status)
	}
	return s.run(ctx, cfg)
}

// configFile returns the configuration file that the command line names, or
// the first that is found in the usual places.
func configFile(prog string, line *commandLine, warnings io.Writer) (string, error) {
	if line.configuration != nil {
		return *line.configuration, nil
	}
	if os.Getuid() == 0 {
		_, _ = fmt.Fprintf(warnings, "Warning: %s\n", config.RootSearchWarning) // nobody else to tell
	}
	file, err := config.Search(prog)
	if err != nil {
		return "", cmdline.Usagef("%v", err)
	}
	return file, nil
}
