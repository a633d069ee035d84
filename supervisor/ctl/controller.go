// Package ctl is supervisorctl: its actions, and the shell in which they can be
// typed.
//
// It decides what a user types and sees, and with which exit status an action
// ends, as Supervisor's supervisorctl does. What a server is told and asked is
// package client's; it never reads the daemon's configuration or state.
package ctl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"github.com/vigilance-go/vigilance/supervisor/ctl/client"
)

// Exit statuses of actions, named as by the Linux Standard Base for init
// scripts.
const (
	exitSuccess                = 0
	exitGeneric                = 1
	exitInvalidArgs            = 2
	exitUnimplementedFeature   = 3
	exitInsufficientPrivileges = 4
	exitNotInstalled           = 5
	exitNotRunning             = 7

	// For the status action alone.
	exitStatusNotRunning = 3
	exitStatusUnknown    = 4
)

// apiVersion is the version of the XML-RPC interface that is spoken here.
const apiVersion = "3.0"

// Options says which server is controlled, and how the user is spoken to.
type Options struct {
	Server client.Options
	// Origin says where Server.URL was found, in words for the user.
	Origin string
	// Prompt is the shell's, without the "> " that follows it.
	Prompt string
	// HistoryFile keeps what is typed into the shell; empty for nowhere.
	HistoryFile string
	// Interactive asks before a shutdown or reload, and for credentials.
	Interactive bool
	// Color marks states, for people only.
	Color bool
	// Safe shows the escape sequences in what others wrote, apart from colours,
	// instead of letting the terminal obey them.
	Safe bool

	Stdin          *os.File
	Stdout, Stderr io.Writer
}

// Controller carries out actions one after the other.
type Controller struct {
	options    Options
	terminal   io.Writer      // standard output as it was given
	safe       []*safeWriter  // before standard output and error, if wanted
	client     *client.Client // made when it is first needed
	in         lineReader     // made when it is first needed
	exitStatus int
	quit       bool // the shell is to end
	interrupt  bool // the user interrupted the action
	// known caches the processes for completion between two actions.
	known []client.ProcessInfo
}

// New returns a controller. It does not connect to the server yet.
func New(o Options) *Controller {
	c := &Controller{options: o, terminal: o.Stdout}
	if o.Safe {
		c.safe = []*safeWriter{{w: o.Stdout}, {w: o.Stderr}}
		c.options.Stdout, c.options.Stderr = c.safe[0], c.safe[1]
	}
	return c
}

// Close gives up the connection and leaves the terminal as it was.
func (c *Controller) Close() {
	for _, w := range c.safe {
		w.flush()
	}
	c.disconnect()
	if c.in != nil {
		c.in.close()
	}
}

// ExitStatus is that of the actions done so far.
func (c *Controller) ExitStatus() int { return c.exitStatus }

// action is what a command line can name.
type action struct {
	name string
	help string // with its line end
	run  func(c *Controller, ctx context.Context, arg string) error
}

// Do carries out one line, as it may be typed into the shell. All errors are
// shown to the user and leave their mark in the exit status.
func (c *Controller) Do(ctx context.Context, line string) {
	name, arg, line := parseLine(line)
	if line == "" {
		return
	}
	c.known = nil
	a, ok := findAction(name)
	if !ok {
		c.output("*** Unknown syntax: " + line)
		c.exitStatus = exitGeneric
		return
	}
	for {
		err := a.run(c, ctx, arg)
		var refused *client.ProtocolError
		if !errors.As(err, &refused) || refused.Status != 401 {
			c.report(err)
			return
		}
		c.output("Server requires authentication")
		if !c.options.Interactive {
			c.report(err) // the reference tries once more
			return
		}
		if err := c.askCredentials(ctx); err != nil {
			c.report(err)
			return
		}
	}
}

// parseLine splits a line into an action's name and its argument; the third
// result is the line as an error message quotes it. The name is empty when the
// line cannot be an action.
func parseLine(text string) (name, arg, line string) {
	line = strip(text)
	if rest, ok := strings.CutPrefix(line, "?"); ok {
		line = "help " + rest
	}
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	rest := strings.TrimLeft(line, letters+"0123456789_")
	return strings.TrimSuffix(line, rest), strip(rest), line
}

// report shows the error that ended an action, if there is one.
func (c *Controller) report(err error) {
	switch {
	case err == nil:
		return
	case errors.Is(err, context.Canceled):
		c.interrupt = true
		return
	}
	c.exitStatus = exitGeneric
	class, text := describe(err)
	c.output(fmt.Sprintf("error: <class '%s'>, %s: file: supervisorctl line: 1", class, text))
	c.diagnose(err)
}

// output writes a line to standard output. That it cannot be written there is
// nothing anyone could be told.
func (c *Controller) output(line string) { _, _ = io.WriteString(c.options.Stdout, line+"\n") }

func (c *Controller) outputf(format string, args ...any) { c.output(fmt.Sprintf(format, args...)) }

// complain writes a line beside the output proper, which scripts may read.
func (c *Controller) complain(format string, args ...any) {
	_, _ = fmt.Fprintf(c.options.Stderr, format+"\n", args...)
}

// misuse is the answer to wrong arguments.
func (c *Controller) misuse(status int, message, action string) {
	c.output(message)
	c.exitStatus = status
	c.help(action)
}

// server returns the connection to the server.
func (c *Controller) server() (*client.Client, error) {
	if c.client == nil {
		var err error
		if c.client, err = client.New(c.options.Server); err != nil {
			c.client = nil
			return nil, err
		}
	}
	return c.client, nil
}

// disconnect forgets the connection, as new credentials or a new URL demand.
func (c *Controller) disconnect() {
	if c.client != nil {
		c.client.Close()
		c.client = nil
	}
}

// upcheck returns the connection to a server that is there and speaks the same
// version of the interface. It returns nil when there is none, of which it has
// told the user.
func (c *Controller) upcheck(ctx context.Context) (*client.Client, error) {
	server, err := c.server()
	if err != nil {
		return nil, err
	}
	api, err := server.APIVersion(ctx)
	switch {
	case err == nil && api != apiVersion:
		c.outputf("Sorry, this version of supervisorctl expects to talk to a server with API version %s, "+
			"but the remote version is %s.", apiVersion, api)
		c.exitStatus = exitNotInstalled
	case err == nil:
		return server, nil
	case client.FaultCode(err) == client.UnknownMethod:
		c.output("Sorry, supervisord responded but did not recognize the supervisor namespace commands that " +
			"supervisorctl uses to control it.  Please check that the [rpcinterface:supervisor] section is " +
			"enabled in the configuration file (see sample.conf).")
		c.exitStatus = exitUnimplementedFeature
	case connectionRefused(err):
		c.outputf("%s refused connection", c.options.Server.URL)
		c.exitStatus = exitInsufficientPrivileges
		c.diagnose(err)
	case noSuchFile(err):
		c.outputf("%s no such file", c.options.Server.URL)
		c.exitStatus = exitNotRunning
		c.diagnose(err)
	default:
		return nil, err
	}
	return nil, nil
}

// setStatus lets the result for one process have its effect on the exit
// status; ignored is a code that counts as success.
func (c *Controller) setStatus(code, ignored int) {
	switch code {
	case ignored, client.Success:
	case client.SpawnError, client.AbnormalTermination, client.NotRunning:
		c.exitStatus = exitNotRunning
	default:
		c.exitStatus = exitGeneric
	}
}

// untilInterrupt returns a context that the user's ^C ends.
func untilInterrupt(ctx context.Context) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(ctx, os.Interrupt)
}
