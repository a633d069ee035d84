package batchmail

import (
	"errors"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/vigilance-go/vigilance/cmd/internal/alert"
	"github.com/vigilance-go/vigilance/internal/cmdline"
	"github.com/vigilance-go/vigilance/internal/version"
	"github.com/vigilance-go/vigilance/listener"
)

// Tool is one of the commands.
type Tool struct {
	Name string
	// Purpose is a sentence for --help: what is mailed, and when.
	Purpose string
	// Event is what it mails; of PROCESS_STATE_EXITED only exits that should
	// not have been.
	Event listener.EventType
	// Subject is the default of --subject; empty for none.
	Subject string
	// Line tells in one line what has happened, and at which time.
	Line func(p listener.ProcessState, at string) string
}

// usageStatus is the exit status of Python's optparse for a wrong option.
const usageStatus = 2

// Cmdline is the command as package cmdline runs it.
func (t Tool) Cmdline(stdout, stderr io.Writer) cmdline.Tool {
	return cmdline.Tool{
		Name:   t.Name,
		Manner: cmdline.Optparse,
		Stdout: stdout,
		Stderr: stderr,
		Flags:  flags(),
		Shows: []cmdline.Show{
			{Name: "help", Aliases: []string{"h"}, Text: t.usage()},
			{Name: "version", Category: cmdline.Beyond, Text: version.Own() + "\n"},
		},
		Option: checkOption,
		Complain: func(stderr io.Writer, name string, err error) int {
			_, _ = fmt.Fprintf(stderr, "Usage: %[1]s [options]\n\n%[1]s: error: %[2]v\n", name, err) // nothing else can be done
			return usageStatus
		},
		Run: func(c *cli.Context) error {
			o, err := t.readOptions(c)
			switch {
			case errors.Is(err, errIncomplete):
				_, _ = io.WriteString(stdout, t.usage()) // as superlance does
				return cli.Exit("", 1)
			case err != nil:
				return err
			}
			return t.run(c.Context, o, alert.NewStderr(stderr), stdout)
		},
	}
}

// wants tells whether an event is for a mail.
func (t Tool) wants(p listener.ProcessState) bool {
	return p.EventType == t.Event && (p.EventType != listener.ProcessStateExited || !p.Expected)
}
