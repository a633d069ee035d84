package batchmail

import (
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/vigilance-go/vigilance/cmd/internal/alert"
	"github.com/vigilance-go/vigilance/cmd/internal/chat"
	"github.com/vigilance-go/vigilance/internal/cmdline"
	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/notify/mail"
	"github.com/vigilance-go/vigilance/supervisor/config"
)

// flags declares the options: superlance's, then what goes beyond.
func flags() []cli.Flag {
	beyond := func(name string) cli.Flag { return &cli.StringFlag{Name: name, Category: cmdline.Beyond} }
	own := []cli.Flag{
		&cli.StringFlag{Name: "interval", Aliases: []string{"i"}, Value: "1.0"},
		&cli.StringFlag{Name: "toEmail", Aliases: []string{"t"}},
		&cli.StringFlag{Name: "fromEmail", Aliases: []string{"f"}},
		&cli.StringFlag{Name: "subject", Aliases: []string{"s"}},
		&cli.StringFlag{Name: "smtpHost", Aliases: []string{"H"}, Value: "localhost"},
		&cli.StringFlag{Name: "tickEvent", Aliases: []string{"e"}, Value: string(listener.Tick60)},
		&cli.StringFlag{Name: "userName", Aliases: []string{"u"}},
		&cli.StringFlag{Name: "password", Aliases: []string{"p"}},
		&cli.BoolFlag{Name: "tls"},

		beyond("password-file"), beyond("smtp-ca-file"), beyond("max-length"), beyond("spool"),
		&cli.BoolFlag{Name: "test", Category: cmdline.Beyond},
		&cli.BoolFlag{Name: "check", Category: cmdline.Beyond},
	}
	return slices.Concat(own, alert.EngineFlags(unused()...), chat.Flags())
}

// unused are the options of the chat tools that are superlance's here, or have
// nothing to do: these mails hold no output.
func unused() []string { return []string{"interval", "recovered", "mask"} }

// defaults are superlance's.
func (t Tool) defaults() alert.Defaults {
	return alert.Defaults{Events: alert.Events{Types: []listener.EventType{t.Event}}}
}

// options are what the command line and the environment say.
type options struct {
	interval time.Duration // of a batch
	tick     listener.EventType
	period   time.Duration // of tick
	to       []string      // as they are shown
	from     string        // as it is shown
	subject  string
	// hasSubject tells an empty subject that was asked for from none.
	hasSubject  bool
	mail        alert.MailOptions
	targets     []string // what a mail is queued for
	maxLength   int      // of a mail's text, in characters; 0 for no limit
	engine      alert.EngineOptions
	others      []alert.Destination
	spool       string
	test, check bool
	host        string // this one
	env         listener.Environment
}

// errIncomplete is a command line without recipient or sender.
var errIncomplete = errors.New("there is no --toEmail or no --fromEmail")

// defaultMaxLength and minMaxLength are values of --max-length, in characters.
const (
	defaultMaxLength = 1_000_000
	minMaxLength     = 40
)

// maxInterval is the longest batch, in minutes: a year.
const maxInterval = 366 * 24 * 60

// readOptions reads the command line. Its errors name the option.
func (t Tool) readOptions(c *cli.Context) (options, error) {
	o := options{
		to:         addresses(c.String("toEmail")),
		from:       c.String("fromEmail"),
		subject:    t.Subject,
		hasSubject: t.Subject != "" || c.IsSet("subject"),
		maxLength:  defaultMaxLength,
		spool:      c.String("spool"),
		test:       c.Bool("test"),
		check:      c.Bool("check"),
		host:       alert.Host(),
		env:        listener.ReadEnvironment(os.Getenv),
	}
	if len(o.to) == 0 || o.from == "" {
		return o, errIncomplete
	}
	if c.IsSet("subject") {
		o.subject = c.String("subject")
	}
	minutes, err := parseMinutes(c.String("interval"))
	if err != nil {
		return o, cmdline.Usagef("--interval: %v", err)
	}
	o.interval = time.Duration(minutes * float64(time.Minute))
	if err := o.readTick(c.String("tickEvent")); err != nil {
		return o, err
	}
	if text := c.String("max-length"); text != "" {
		o.maxLength, err = strconv.Atoi(text)
		if err != nil || o.maxLength < minMaxLength && o.maxLength != 0 {
			return o, cmdline.Usagef("--max-length %q, want a number of characters, %d or more, or 0 for no limit", text, minMaxLength)
		}
	}
	if o.engine, err = alert.ReadEngine(c, t.defaults(), unused()...); err != nil {
		return o, err
	}
	if o.others, err = chat.Destinations(c, nil); err != nil {
		return o, err
	}
	if err := o.readMail(c); err != nil {
		return o, err
	}
	qualified := make([]string, len(o.to))
	for i, address := range o.to {
		qualified[i] = o.qualify(address)
	}
	o.targets, err = o.mail.Targets(qualified)
	return o, err
}

// checkOption refuses a value as soon as it is read, as optparse does.
func checkOption(o cmdline.Option) error {
	if o.Name != "interval" {
		return nil
	}
	if _, err := parseMinutes(o.Value); err != nil {
		return cmdline.Usagef("option %s: %v", o.As, err)
	}
	return nil
}

// parseMinutes reads a number of minutes, with optparse's words for one that is
// none.
func parseMinutes(text string) (float64, error) {
	bare := strings.TrimSpace(text)
	minutes, err := strconv.ParseFloat(bare, 64)
	if err != nil || strings.ContainsAny(bare, "xX") {
		return 0, fmt.Errorf("invalid floating-point value: %s", config.PyRepr(text))
	}
	if math.IsNaN(minutes) || minutes > maxInterval {
		return 0, fmt.Errorf("value %q, want a number of minutes up to %d", text, maxInterval)
	}
	return max(minutes, 0), nil
}

// readTick reads the name of a tick event that supervisord sends.
func (o *options) readTick(name string) error {
	periods := map[listener.EventType]time.Duration{
		listener.Tick5: 5 * time.Second, listener.Tick60: time.Minute, listener.Tick3600: time.Hour,
	}
	o.tick = listener.EventType(name)
	o.period = periods[o.tick]
	if o.period == 0 {
		return fmt.Errorf("read --tickEvent: invalid TICK event name: %q, want TICK_5, TICK_60 or TICK_3600", name)
	}
	return nil
}

// addresses splits a list at its commas.
func addresses(list string) []string {
	var all []string
	for address := range strings.SplitSeq(list, ",") {
		if address = strings.TrimSpace(address); address != "" {
			all = append(all, address)
		}
	}
	return all
}

// qualify adds this host to the name of a local user: superlance leaves that to
// the server.
func (o *options) qualify(address string) string {
	if strings.Contains(address, "@") {
		return address
	}
	return address + "@" + o.host
}

// readMail reads the options that say how a mail gets out. As with superlance,
// TLS is used where --tls says so, and a login needs a name and a password.
func (o *options) readMail(c *cli.Context) error {
	s := mail.SMTPOptions{
		Host: c.String("smtpHost"), From: o.qualify(o.from), TLS: mail.TLSNone,
		CAFile: c.String("smtp-ca-file"), User: c.String("userName"), Password: c.String("password"),
	}
	if host, port, err := net.SplitHostPort(s.Host); err == nil {
		s.Host = host
		if s.Port, err = strconv.Atoi(port); err != nil || s.Port < 1 || s.Port > math.MaxUint16 {
			return cmdline.Usagef("--smtpHost %q, want HOST or HOST:PORT", c.String("smtpHost"))
		}
	}
	const smtps = 465
	switch {
	case c.Bool("tls") && s.Port == smtps:
		s.TLS = mail.TLSImplicit
	case c.Bool("tls"):
		s.TLS = mail.TLSRequired
	case s.CAFile != "":
		return cmdline.Usagef("--smtp-ca-file without --tls")
	}
	switch file := c.String("password-file"); {
	case file != "" && s.User == "":
		return cmdline.Usagef("--password-file without --userName")
	case file != "":
		data, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("read password file: %w", err)
		}
		s.Password = strings.TrimRight(string(data), "\r\n")
	case s.Password == "":
		s.Password = os.Getenv(alert.PasswordVariable)
	}
	if s.User == "" || s.Password == "" {
		s.User, s.Password = "", ""
	}
	o.mail.SMTP = s
	_, err := o.mail.Notifier(nil)
	return err
}
