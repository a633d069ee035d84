package alert

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/vigilance-go/vigilance/internal/cmdline"
	"github.com/vigilance-go/vigilance/internal/version"
	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/notify/mail"
)

// Tool is an alerting command. Its main is
//
//	os.Exit(alert.Main(tool))
//
// and everything but the service it talks to is the same for all.
type Tool struct {
	Name string
	// Summary is a sentence that says what the tool does.
	Summary string
	// Example are the options in its section of the configuration.
	Example string
	// Flags are the tool's own, and Usage describes them.
	Flags []cli.Flag
	Usage string
	// Defaults are those of the shared options; nil stands for StandardDefaults.
	Defaults *Defaults
	// Recoveries are the events that may end an alert; nil stands for RUNNING.
	Recoveries []listener.EventType
	// Loop, when not nil, makes an event of many crashes.
	Loop func(c *cli.Context) (*CrashLoop, error)
	// Destinations reads the tool's own options. Conversations are written to
	// trace where it is not nil.
	Destinations func(c *cli.Context, trace io.Writer) ([]Destination, error)
}

// StandardDefaults are those of the chat tools.
func StandardDefaults() Defaults {
	return Defaults{Events: DefaultEvents(), Flood: 5 * time.Minute, PerMinute: 10, UseSilence: true}
}

// Main runs a tool and returns its exit status.
func Main(t Tool) int {
	return t.tool(os.Stdout, os.Stderr).Main(context.Background(), os.Args[1:])
}

func (t Tool) defaults() Defaults {
	if t.Defaults == nil {
		return StandardDefaults()
	}
	return *t.Defaults
}

func (t Tool) flags() []cli.Flag {
	flags := []cli.Flag{
		&cli.StringSliceFlag{Name: "program", Aliases: []string{"p"}},
		&cli.BoolFlag{Name: "any", Aliases: []string{"a"}},
		&cli.StringFlag{Name: "log-lines"},
		&cli.StringFlag{Name: "spool"},
		&cli.StringSliceFlag{Name: "email", Aliases: []string{"m"}},
		&cli.StringFlag{Name: "sendmail-program", Aliases: []string{"s"}, Value: mail.DefaultSendmail},
		&cli.BoolFlag{Name: "test"},
		&cli.BoolFlag{Name: "check"},
	}
	flags = append(flags, t.Flags...)
	flags = append(flags, EngineFlags()...)
	return append(flags, MailFlags()...)
}

// tool is the command as package cmdline runs it.
func (t Tool) tool(stdout, stderr io.Writer) cmdline.Tool {
	flags := t.flags()
	return cmdline.Tool{
		Name: t.Name, Stdout: stdout, Stderr: stderr, Flags: flags,
		Shows: []cmdline.Show{
			{Name: "help", Aliases: []string{"h"}, Text: t.usage()},
			{Name: "version", Text: version.Own() + "\n"},
		},
		Run: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return cmdline.Usagef("unexpected argument %q", c.Args().First())
			}
			if err := UseConfig(c, t.Name, flags, nil); err != nil {
				return err
			}
			o, err := t.read(c)
			if err != nil {
				return err
			}
			switch {
			case c.Bool("check"):
				return t.check(c, o, stdout)
			case c.Bool("test"):
				return t.test(c, o, stdout)
			default:
				return t.listen(c, o, NewStderr(stderr))
			}
		},
	}
}

// options are what the command line, the file and the environment say.
type options struct {
	EngineOptions
	selection Selection
	logLines  int
	spool     string
	host      string
	env       listener.Environment
	loop      *CrashLoop
}

const (
	defaultLogLines = 10
	maxLogLines     = 500
)

func (t Tool) read(c *cli.Context) (options, error) {
	o := options{
		selection: Selection{Any: c.Bool("any"), Programs: c.StringSlice("program")},
		logLines:  defaultLogLines,
		spool:     c.String("spool"),
		host:      Host(),
		env:       listener.ReadEnvironment(os.Getenv),
	}
	var err error
	if o.EngineOptions, err = ReadEngine(c, t.defaults()); err != nil {
		return o, err
	}
	if text := c.String("log-lines"); text != "" {
		if o.logLines, err = strconv.Atoi(text); err != nil || o.logLines < 0 || o.logLines > maxLogLines {
			return o, cmdline.Usagef("--log-lines %q, want a number from 0 to %d", text, maxLogLines)
		}
	}
	if t.Loop != nil {
		o.loop, err = t.Loop(c)
	}
	return o, err
}

// Host is the name of this machine.
func Host() string {
	host, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return host
}

// destinations are the tool's own, and mail where it is asked for.
func (t Tool) destinations(c *cli.Context, trace io.Writer) ([]Destination, error) {
	all, err := t.Destinations(c, trace)
	if err != nil {
		return nil, err
	}
	if recipients := c.StringSlice("email"); len(recipients) > 0 {
		o, err := ReadMail(c, c.String("sendmail-program"), t.Name+"@"+Host())
		if err != nil {
			return nil, err
		}
		d := Destination{Name: "mail", Full: true}
		if d.Targets, err = o.Targets(recipients); err != nil {
			return nil, err
		}
		var mailTrace *mail.Trace
		if trace != nil {
			mailTrace = mail.NewTrace(trace)
		}
		if d.Notifier, err = o.Notifier(mailTrace); err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	if len(all) == 0 {
		return nil, cmdline.Usagef("there is nowhere to send alerts to")
	}
	return all, nil
}

// errNotAListener is a start by something else than a supervisord.
var errNotAListener = errors.New("this must be run as a supervisor event listener")

// listen is the tool under a supervisord.
func (t Tool) listen(c *cli.Context, o options, stderr *Stderr) error {
	destinations, err := t.destinations(c, nil)
	if err != nil {
		return err
	}
	if o.env.ServerURL == "" && !o.env.Enabled {
		return fmt.Errorf("%w: put this into the configuration of supervisord and run \"supervisorctl update\":\n\n%s\n"+
			"%[3]s --test sends a test message now, %[3]s --help lists all options", errNotAListener, t.section(), t.Name)
	}
	log := stderr.Logger()
	channels := OpenChannels(destinations, o.spool, o.env.GroupName, o.EngineOptions, log)
	w := &watcher{options: o, tool: t, identity: NewIdentity(os.Getppid()), channels: channels, log: log}
	w.facts = NewFacts(o.env, o.logLines, o.Mask, log)
	channels.Start(c.Context)
	defer channels.Stop()
	return listener.Serve(c.Context, w.handle, listener.WithLogger(log))
}

// test sends a message to every destination and prints the conversations.
func (t Tool) test(c *cli.Context, o options, stdout io.Writer) error {
	destinations, err := t.destinations(c, stdout)
	if err != nil {
		return err
	}
	now := time.Now()
	m := notify.Message{
		ID: fmt.Sprintf("test.%d.%d", os.Getpid(), now.UnixNano()), Time: now, Host: o.host,
		Event: string(listener.ProcessStateExited), Group: "test", Process: "test", PID: os.Getpid(),
		FromState: "RUNNING", Reason: "exit status 0, and this is only a test of " + t.Name, Labels: o.Labels,
	}
	failed, total := 0, 0
	for _, d := range destinations {
		composer := o.Composer
		composer.MaxBytes, composer.Full = room(notify.LimitsOf(d.Notifier)), d.Full
		message := composer.Compose([]notify.Message{m})
		for _, to := range notify.NewEntry(message, d.Targets...).Targets {
			message.To = to.To
			total++
			if !try(c.Context, stdout, strings.TrimSpace(d.Name+" "+to.To), "accepted", func(ctx context.Context) error {
				return d.Notifier.Notify(ctx, message)
			}) {
				failed++
			}
		}
	}
	if failed > 0 {
		return fmt.Errorf("send a test message: %d of %d were not accepted", failed, total)
	}
	return nil
}

// check looks whether everything is there, and sends nothing.
func (t Tool) check(c *cli.Context, o options, stdout io.Writer) error {
	destinations, err := t.destinations(c, nil)
	if err != nil {
		return err
	}
	failed := 0
	for _, d := range destinations {
		checker, ok := d.Notifier.(notify.Checker)
		if !ok {
			_, _ = fmt.Fprintf(stdout, "== %s: options are good; whether it is within reach, only --test can tell\n", d.Name)
			continue
		}
		if !try(c.Context, stdout, d.Name, "within reach", checker.Check) {
			failed++
		}
	}
	if err := CheckSpool(o.spool, o.env.GroupName); err != nil {
		return err
	}
	if o.env.Enabled {
		tail, err := NewLogTail(o.env)
		ask := func(context.Context) error { return err }
		if err == nil {
			ask = tail.Answers
		}
		_ = try(c.Context, stdout, "supervisord", "answers", ask) // messages are sent without it
	}
	if failed > 0 {
		return fmt.Errorf("check: %d of %d destinations are not within reach", failed, len(destinations))
	}
	return nil
}

// try does something that may take long, and prints what came of it.
func try(ctx context.Context, stdout io.Writer, name, good string, do func(context.Context) error) bool {
	attempt, cancel := context.WithTimeout(ctx, notify.DefaultTimeout)
	defer cancel()
	err := do(attempt)
	if err != nil {
		good = err.Error()
	}
	_, _ = fmt.Fprintf(stdout, "== %s: %s\n", name, good) // the exit status tells as well
	return err == nil
}
