package batchmail

import (
	"fmt"

	"github.com/vigilance-go/vigilance/cmd/internal/chat"
	"github.com/vigilance-go/vigilance/listener"
)

// usage is what --help prints, and what an incomplete command line gets.
func (t Tool) usage() string {
	subject := "none"
	if t.Subject != "" {
		subject = `"` + t.Subject + `"`
	}
	return fmt.Sprintf(usage, t.Name, t.Purpose, subject, listener.Tick60, defaultMaxLength) +
		t.defaults().Describe(t.Name, unused()...) + "\n" + chat.Usage
}

const usage = `Usage: %[1]s [options]

%[2]s

It is an event listener, to be run by supervisord from a section of its
configuration:

    [eventlistener:%[1]s]
    command=%[1]s --toEmail=ops@example.com --fromEmail=supervisord@example.com
    events=PROCESS_STATE,%[4]s

Options:
  -h, --help            show this text and exit
  -i INTERVAL, --interval=INTERVAL
                        how long events are gathered, in minutes. Default is
                        1.0
  -t TO_EMAILS, --toEmail=TO_EMAILS
                        who gets the mails, with commas between. Required
  -f FROM_EMAIL, --fromEmail=FROM_EMAIL
                        who they are from. Required
  -s SUBJECT, --subject=SUBJECT
                        their subject. Default is %[3]s
  -H SMTP_HOST, --smtpHost=SMTP_HOST
                        the SMTP server, HOST or HOST:PORT. Default is
                        localhost
  -e EVENTNAME, --tickEvent=EVENTNAME
                        the event at which batches end: TICK_5, TICK_60 or
                        TICK_3600. It must stand in events= too. Default is
                        %[4]s
  -u SMTP_USER, --userName=SMTP_USER
                        log in as this user
  -p SMTP_PASSWORD, --password=SMTP_PASSWORD
                        with this password, which everyone can see who runs ps
  --password-file=FILE  the file that holds the password. The environment
                        variable VIGILANCE_SMTP_PASSWORD does as well
  --tls                 use TLS, and check the server's certificate: STARTTLS,
                        or TLS from the first byte on port 465
  --smtp-ca-file=FILE   certificates (PEM) to check it with, in place of the
                        system's
  --max-length=N        the longest text of a mail, in characters. What has no
                        room is counted at its end. Default is %[5]d; 0
                        is no limit
  --spool=DIR           where events and mails wait, in a folder of the
                        listener's name. Default is /var/lib/vigilance/spool
                        for root, else vigilance/spool in $XDG_STATE_HOME or
                        ~/.local/state
  --check               check the options, and whether the server and the spool
                        are there, and send nothing
  --test                send a test mail now, and print the conversation.
                        Needs no supervisord
  --version             print the version and exit

Mails are superlance's, until one of these options is given. Batches end at ticks
all the same:

`

// notAListener is what follows superlance's own message.
func (t Tool) notAListener() string {
	return fmt.Sprintf(notAListener, t.Name, listener.Tick60)
}

const notAListener = `
It needs a supervisord that starts it and tells it about its processes. Put this
into the configuration of supervisord, with addresses of yours, and run
"supervisorctl update":

    [eventlistener:%[1]s]
    command=%[1]s --toEmail=ops@example.com --fromEmail=supervisord@example.com
    events=PROCESS_STATE,%[2]s

"%[1]s --test" with these options sends a test mail now and shows what becomes
of it. "%[1]s --help" lists all options.`
