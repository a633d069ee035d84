package alert

import (
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"os"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/vigilance-go/vigilance/internal/cmdline"
	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/notify/mail"
)

// PasswordVariable is the environment variable that may hold the password for
// the SMTP server.
const PasswordVariable = "VIGILANCE_SMTP_PASSWORD" //nolint:gosec // the name of a variable, not a password

// MailFlags declares the options that say how mails get out: those that
// superlance's tools do not have.
func MailFlags() []cli.Flag {
	text := func(name string) cli.Flag { return &cli.StringFlag{Name: name, Category: cmdline.Beyond} }
	return []cli.Flag{
		text("smtp-host"), text("smtp-port"), text("smtp-tls"), text("smtp-ca-file"),
		text("smtp-user"), text("smtp-password"), text("smtp-password-file"), text("smtp-auth"),
		text("from"),
	}
}

// MailUsage describes the options of MailFlags.
const MailUsage = `--smtp-host HOST[:PORT] -- send mail through this SMTP server and not by the
      sendmail command.

--smtp-port PORT -- the server's port. Default is 25, or 465 with --smtp-tls
      implicit.

--smtp-tls MODE -- opportunistic (use STARTTLS where the server has it; the
      default), starttls (insist on it), implicit (TLS from the first byte) or
      none.

--smtp-ca-file FILE -- certificates (PEM) that the server's is checked with,
      in place of the system's.

--smtp-user USER -- log in as this user.

--smtp-password-file FILE -- the file that holds the password, or the token
      for xoauth2. The environment variable VIGILANCE_SMTP_PASSWORD does as
      well; --smtp-password PASSWORD shows it to everyone who runs ps.

--smtp-auth HOW -- auto (the default), plain, login, cram-md5 or xoauth2.

--from ADDRESS -- the sender. Default is this tool's name at this host for
      SMTP, and what the sendmail command makes of it otherwise.
`

// MailOptions are the options of MailFlags, typed, and what goes with them.
type MailOptions struct {
	// SMTP is used when its Host is not empty, else Sendmail.
	SMTP     mail.SMTPOptions
	Sendmail mail.Sendmail
}

// ReadMail reads the values of MailFlags. sender is used as SMTP's sender when
// --from is not given. Its errors name the option.
func ReadMail(c *cli.Context, sendmail, sender string) (MailOptions, error) {
	o := MailOptions{Sendmail: mail.Sendmail{Command: sendmail, From: c.String("from")}}
	o.SMTP = mail.SMTPOptions{
		Host:   c.String("smtp-host"),
		TLS:    mail.TLSMode(c.String("smtp-tls")),
		Auth:   mail.AuthMode(c.String("smtp-auth")),
		CAFile: c.String("smtp-ca-file"),
		User:   c.String("smtp-user"),
		From:   c.String("from"),
	}
	if o.SMTP.Host == "" {
		for _, f := range MailFlags() {
			if name := f.Names()[0]; name != "from" && c.IsSet(name) {
				return o, fmt.Errorf("read options: --%s without --smtp-host", name)
			}
		}
		return o, nil
	}
	if o.SMTP.From == "" {
		o.SMTP.From = sender
	}
	port := c.String("smtp-port")
	if host, p, err := net.SplitHostPort(o.SMTP.Host); err == nil {
		o.SMTP.Host = host
		if port == "" {
			port = p
		}
	}
	if port != "" {
		var err error
		if o.SMTP.Port, err = strconv.Atoi(port); err != nil {
			return o, fmt.Errorf("read options: --smtp-port %q, want a number", port)
		}
	}
	var err error
	o.SMTP.Password, err = password(c)
	if err == nil && o.SMTP.Password != "" && o.SMTP.User == "" && c.IsSet("smtp-password-file") {
		err = errors.New("read options: --smtp-password-file without --smtp-user")
	}
	return o, err
}

// password returns the password from its file, the option or the environment,
// whichever is there first.
func password(c *cli.Context) (string, error) {
	switch file := c.String("smtp-password-file"); {
	case file != "":
		data, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("read password file: %w", err)
		}
		return strings.TrimRight(string(data), "\r\n"), nil
	case c.IsSet("smtp-password"):
		return c.String("smtp-password"), nil
	default:
		return os.Getenv(PasswordVariable), nil
	}
}

// Notifier returns the Notifier that the options describe. A trace, when not
// nil, hears its conversations.
func (o MailOptions) Notifier(trace *mail.Trace) (notify.Notifier, error) {
	if o.SMTP.Host == "" {
		s := o.Sendmail
		s.Trace = trace
		return &s, nil
	}
	smtp := o.SMTP
	smtp.Trace = trace
	return mail.NewSMTP(smtp)
}

// Targets returns what a message for the recipients is to be queued for: each
// recipient alone for SMTP, all in one header for sendmail. The error names the
// recipient that is no address.
func (o MailOptions) Targets(recipients []string) ([]string, error) {
	if o.SMTP.Host == "" {
		return []string{strings.Join(recipients, ", ")}, nil
	}
	var targets []string
	for _, r := range recipients {
		list, err := netmail.ParseAddressList(r)
		if err != nil {
			return nil, fmt.Errorf("read recipient %q, want an address like user@example.com: %w", r, err)
		}
		for _, address := range list {
			targets = append(targets, address.Address)
		}
	}
	return targets, nil
}
