// Command crashmail is an event listener that sends a mail when a process of
// a supervisord ends unexpectedly. It takes the place of superlance's
// crashmail: same options, same mail.
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/vigilance-go/vigilance/cmd/internal/alert"
	"github.com/vigilance-go/vigilance/cmd/internal/chat"
	"github.com/vigilance-go/vigilance/internal/cmdline"
	"github.com/vigilance-go/vigilance/internal/version"
	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/notify/mail"
)

func main() {
	os.Exit(tool(os.Stdout, os.Stderr).Main(context.Background(), os.Args[1:]))
}

// usageStatus is the exit status for a wrong command line, as superlance's.
const usageStatus = 255

// tool is the command as package cmdline runs it.
func tool(stdout, stderr io.Writer) cmdline.Tool {
	return cmdline.Tool{
		Name:   "crashmail",
		Stdout: stdout,
		Stderr: stderr,
		Flags:  flags(),
		Shows: []cmdline.Show{
			{Name: "help", Aliases: []string{"h"}, Text: usage()},
			{Name: "version", Category: cmdline.Beyond, Text: version.Own() + "\n"},
		},
		Complain: func(stderr io.Writer, name string, err error) int {
			_, _ = io.WriteString(stdout, usage())  // as superlance does, and nothing else can be done
			_ = cmdline.Complain(stderr, name, err) // its status is supervisord's
			return usageStatus
		},
		Run: func(c *cli.Context) error {
			if err := alert.UseConfig(c, "crashmail", flags(), nil); err != nil {
				return err
			}
			o, err := readOptions(c)
			if err != nil {
				return err
			}
			err = run(c.Context, o, alert.NewStderr(stderr), stdout)
			if errors.Is(err, errNotAListener) {
				return nil // superlance's exit status
			}
			return err
		},
	}
}

// flags declares the options: superlance's, then what goes beyond.
func flags() []cli.Flag {
	own := []cli.Flag{
		&cli.StringSliceFlag{Name: "program", Aliases: []string{"p"}},
		&cli.BoolFlag{Name: "any", Aliases: []string{"a"}},
		&cli.StringFlag{Name: "optionalheader", Aliases: []string{"o"}},
		&cli.StringFlag{Name: "sendmail_program", Aliases: []string{"s"}, Value: mail.DefaultSendmail},
		&cli.StringSliceFlag{Name: "email", Aliases: []string{"m"}},

		&cli.BoolFlag{Name: "subject-host", Category: cmdline.Beyond},
		&cli.StringFlag{Name: "log-lines", Category: cmdline.Beyond},
		&cli.StringFlag{Name: "spool", Category: cmdline.Beyond},
		&cli.BoolFlag{Name: "test", Category: cmdline.Beyond},
		&cli.BoolFlag{Name: "check", Category: cmdline.Beyond},
	}
	return slices.Concat(own, alert.EngineFlags(), alert.MailFlags(), chat.Flags())
}

// defaults are superlance's: one mail for each unexpected exit.
func defaults() alert.Defaults {
	return alert.Defaults{Events: alert.Events{Types: []listener.EventType{listener.ProcessStateExited}}}
}

// options are what the command line and the environment say.
type options struct {
	selection  alert.Selection
	prefix     string   // of the subject
	recipients []string // values of -m
	targets    []string // what a message is queued for
	others     []alert.Destination
	mail       alert.MailOptions
	host       string // this one
	// subjectHost puts host into the subject.
	subjectHost bool
	logLines    int // of the program's output; 0 for none
	spool       string
	test, check bool
	engine      alert.EngineOptions
	env         listener.Environment
}

// maxLogLines is how many lines of output a mail may hold.
const maxLogLines = 500

// readOptions reads the command line. Its errors name the option.
func readOptions(c *cli.Context) (options, error) {
	host := alert.Host()
	o := options{
		selection:   alert.Selection{Any: c.Bool("any"), Programs: c.StringSlice("program")},
		prefix:      c.String("optionalheader"),
		recipients:  c.StringSlice("email"),
		host:        host,
		subjectHost: c.Bool("subject-host"),
		spool:       c.String("spool"),
		test:        c.Bool("test"),
		check:       c.Bool("check"),
		env:         listener.ReadEnvironment(os.Getenv),
	}
	var err error
	if text := c.String("log-lines"); text != "" {
		if o.logLines, err = strconv.Atoi(text); err != nil || o.logLines < 0 || o.logLines > maxLogLines {
			return o, cmdline.Usagef("--log-lines %q, want a number from 0 to %d", text, maxLogLines)
		}
	}
	if o.engine, err = alert.ReadEngine(c, defaults()); err != nil {
		return o, err
	}
	if o.others, err = chat.Destinations(c, nil); err != nil {
		return o, err
	}
	o.mail, err = alert.ReadMail(c, c.String("sendmail_program"), "crashmail@"+host)
	if err != nil || len(o.recipients) == 0 {
		return o, err
	}
	o.targets, err = o.mail.Targets(o.recipients)
	return o, err
}
