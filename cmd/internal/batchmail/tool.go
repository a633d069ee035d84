package batchmail

import (
	"errors"
	"fmt"
	"io"
	"strings"

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
			if err := alert.UseConfig(c, t.Name, flags(), nil); err != nil {
				return err
			}
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

// line tells in one line what has happened. superlance has words for one kind
// of event.
func (t Tool) line(p listener.ProcessState, at string) string {
	if p.EventType == t.Event && !p.Expected {
		return t.Line(p, at)
	}
	what := "went " + strings.TrimPrefix(string(p.EventType), string(listener.AnyProcessState)+"_")
	if p.EventType == listener.ProcessStateExited {
		what = "exited"
		if !p.Expected {
			what = "died unexpectedly"
		}
	}
	pid := ""
	if p.PID > 0 {
		pid = fmt.Sprintf(" (pid %d)", p.PID)
	}
	return fmt.Sprintf("%s -- Process %s:%s%s %s", at, p.GroupName, p.ProcessName, pid, what)
}
