package check

import (
	"os"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/vigilance-go/vigilance/cmd/internal/alert"
	"github.com/vigilance-go/vigilance/cmd/internal/chat"
	"github.com/vigilance-go/vigilance/internal/cmdline"
	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/notify/mail"
)

// UsageStatus is the exit status for a wrong command line, as superlance's.
const UsageStatus = 255

// Options are what all of the tools can be told.
type Options struct {
	Tool string // the name of the command
	Name string // -n: which one of several this is; empty for none
	Host string // this one
	Env  listener.Environment

	Recipients []string // values of -m
	Targets    []string // what a message is queued for
	Others     []alert.Destination
	Mail       alert.MailOptions
	Spool      string // empty for the default place
	Test       bool
	Check      bool

	Engine alert.EngineOptions

	Limit           Limit
	ExternalRestart string
	DryRun          bool
}

// Flags declares the options that all of the tools have: superlance's first.
func Flags() []cli.Flag {
	own := []cli.Flag{
		&cli.StringFlag{Name: "sendmail_program", Aliases: []string{"s"}, Value: mail.DefaultSendmail},
		&cli.StringSliceFlag{Name: "email", Aliases: []string{"m"}},
		&cli.StringFlag{Name: "name", Aliases: []string{"n"}},

		&cli.StringFlag{Name: "restart-limit", Category: cmdline.Beyond},
		&cli.StringFlag{Name: "external-restart", Category: cmdline.Beyond},
		&cli.BoolFlag{Name: "dry-run", Category: cmdline.Beyond},
		&cli.StringFlag{Name: "spool", Category: cmdline.Beyond},
		&cli.BoolFlag{Name: "test", Category: cmdline.Beyond},
		&cli.BoolFlag{Name: "check", Category: cmdline.Beyond},
	}
	return slices.Concat(own, alert.EngineFlags(unused()...), alert.MailFlags(), chat.Flags())
}

// unused are the options of the chat tools that say nothing to these: what they
// report are no events of supervisord's.
func unused() []string { return []string{"events", "recovered"} }

// RestartUsage describes the options that say how processes are restarted.
const RestartUsage = `--restart-limit N/SPAN -- restart a process at most N times within SPAN, such
      as 3/1h. What would go beyond is told once and left alone until SPAN has
      passed. Default is no limit.

--external-restart COMMAND -- restart a process by this shell command and not
      by supervisord. It gets two more arguments, the name of the process and
      its pid, and has 5 minutes. What it prints is added to the mail.

--dry-run -- restart nothing. Mails and log say what would be restarted.
`

// MailUsage describes the options that say what is mailed, when and how.
func MailUsage(tool string) string {
	return (alert.Defaults{}).Describe(tool, unused()...) + mailUsage
}

const mailUsage = `
--check -- check the options, whether the mail server answers and the spool can be
      written, and send nothing.

` + alert.MailUsage + `
` + chat.Usage + `
--spool DIR -- where mails wait until they are delivered, in a folder of the
      listener's name. Default is /var/lib/vigilance/spool for root, else
      vigilance/spool in $XDG_STATE_HOME or ~/.local/state.
`

// ReadOptions reads the values of Flags for the tool of that name. Its errors
// name the option.
func ReadOptions(c *cli.Context, tool string) (Options, error) {
	host := alert.Host()
	o := Options{
		Tool:            tool,
		Name:            c.String("name"),
		Host:            host,
		Env:             listener.ReadEnvironment(os.Getenv),
		Recipients:      c.StringSlice("email"),
		Spool:           c.String("spool"),
		Test:            c.Bool("test"),
		Check:           c.Bool("check"),
		ExternalRestart: c.String("external-restart"),
		DryRun:          c.Bool("dry-run"),
	}
	var err error
	if o.Limit, err = ParseLimit(c.String("restart-limit")); err != nil {
		return o, cmdline.Usagef("--restart-limit %v", err)
	}
	if o.Engine, err = alert.ReadEngine(c, alert.Defaults{}); err != nil {
		return o, err
	}
	if o.Others, err = chat.Destinations(c, nil); err != nil {
		return o, err
	}
	o.Mail, err = alert.ReadMail(c, c.String("sendmail_program"), tool+"@"+host)
	if err != nil || len(o.Recipients) == 0 {
		return o, err
	}
	o.Targets, err = o.Mail.Targets(o.Recipients)
	return o, err
}

// Subject returns a subject in the manner of superlance's tools: the name of the
// tool, and of this one of several, before text.
func (o Options) Subject(text string) string {
	if o.Name == "" {
		return o.Tool + ": " + text
	}
	return o.Tool + " [" + o.Name + "]: " + text
}

// Own tells whether a process is this listener, or another of its pool.
func (o Options) Own(group string) bool {
	return o.Env.GroupName != "" && group == o.Env.GroupName
}
