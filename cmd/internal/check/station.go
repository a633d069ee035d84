package check

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/vigilance-go/vigilance/cmd/internal/alert"
	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/notify"
)

// patience is how long restarts that are under way are waited for when the
// daemon has asked the tool to stop. Mails are sent after that, for as long as
// alert.StopTimeout says. The daemon kills a listener after stopwaitsecs, 10 s
// by default.
const patience = 4 * time.Second

// ErrNotAListener is a start by something else than a supervisord.
var ErrNotAListener = errors.New("must be run as a supervisor event listener")

// Station is a tool at work: how it reaches the daemon, its mail's readers and
// its standard error.
type Station struct {
	Options
	Daemon  Daemon
	Restart *Restarter
	Beside  *Beside
	Stderr  *alert.Stderr
	Log     *slog.Logger
	// Echo writes each mail that was sent to standard error, as httpok does.
	Echo bool

	outbox *alert.Outbox // nil where nobody is to be told
	owed   ledger
}

// NotAListener tells that the tool was not started by a supervisord that can be
// asked: in superlance's words, then in ours, with a section to paste.
func (o Options) NotAListener(stderr *alert.Stderr, section string) error {
	stderr.Text(o.Tool + " " + ErrNotAListener.Error() + "\n")
	why := "It needs a supervisord that starts it and tells it about its processes."
	if o.Env.Enabled {
		why = "supervisord has no server that it can be asked by: its configuration needs a\n[unix_http_server] section and an [rpcinterface:supervisor] section."
	}
	stderr.Text("\n" + why + ` Put this
into the configuration of supervisord, with names and addresses of yours, and
run "supervisorctl update":

` + section + `
"` + o.Tool + ` --help" lists all options.
`)
	return ErrNotAListener
}

// NewStation returns a Station at the daemon that runs this process.
func NewStation(ctx context.Context, o Options, stderr *alert.Stderr) (*Station, error) {
	daemon, err := NewDaemon(o.Env)
	if err != nil {
		return nil, fmt.Errorf("find the daemon's XML-RPC server: %w", err)
	}
	log := stderr.Logger()
	return &Station{
		Options: o, Daemon: daemon, Restart: NewRestarter(o, daemon, log), Beside: NewBeside(ctx), Stderr: stderr, Log: log,
		owed: ledger{saved: o.Saved("owed", log)},
	}, nil
}

// Serve answers events until the daemon ends it. handle is given each event
// and must not take long: work is for s.Beside.
func (s *Station) Serve(ctx context.Context, handle func(context.Context, listener.Event), options ...listener.Option) error {
	options = append([]listener.Option{listener.WithLogger(s.Log)}, options...)
	for _, name := range s.Restart.notes.left() {
		s.Beside.Go(name, func() { s.Restart.resume(s.Beside.Watch, name) })
	}
	serve := func() error {
		err := listener.Serve(ctx, func(ctx context.Context, ev listener.Event) error {
			handle(ctx, ev)
			return nil
		}, options...)
		s.Beside.Stop(patience)
		return err
	}
	if len(s.Targets)+len(s.Others) == 0 {
		return serve()
	}
	notifier, err := s.notifier()
	if err != nil {
		return err
	}
	if s.Echo && notifier != nil {
		notifier = s.Stderr.Reporting(notifier, s.Mail.Sendmail.From)
	}
	s.openOutbox(notifier)
	s.outbox.Start(ctx)
	defer s.outbox.Stop()
	return serve()
}

// openOutbox opens the spool, and puts into it what the tool before owes.
func (s *Station) openOutbox(mail notify.Notifier) {
	s.outbox = alert.OpenOutbox(alert.OutboxOptions{
		Mail: mail, Targets: s.Targets, Others: s.Others, Spool: s.Spool, Group: s.Env.GroupName,
		Prefix: s.Subject(""), Engine: s.Engine, Log: s.Log,
	})
	for _, m := range s.owed.load() {
		s.send(m)
		s.owed.strike(m.ID)
	}
}

// Post sends a mail to those that -m names. Subject and Body are what it says;
// the fields that every mail has are filled in.
func (s *Station) Post(m notify.Message) { s.send(s.fill(m, rand.Text())) }

// fill fills in the fields that every mail has, and masks.
func (s *Station) fill(m notify.Message, id string) notify.Message {
	m.ID, m.Time, m.Host, m.Labels = id, time.Now(), s.Host, s.Engine.Labels
	if s.Engine.Masked {
		m.Body, m.Reason = s.Engine.Mask.Text(m.Body), s.Engine.Mask.Text(m.Reason)
	}
	return m
}

// send puts a mail into the spool, unless one of its ID was put there before.
func (s *Station) send(m notify.Message) {
	if s.outbox == nil {
		return
	}
	if err := s.outbox.Put(m); err != nil {
		s.Log.Error("cannot keep a mail, so it is lost", "subject", m.Subject, "err", err)
	}
}

// notifier returns that of mail; nil where no mail is asked for.
func (o Options) notifier() (notify.Notifier, error) {
	if len(o.Targets) == 0 {
		return nil, nil //nolint:nilnil // documented: none
	}
	return o.Mail.Notifier(nil)
}

// CheckMail checks what can be checked of the options for mail without sending
// one, once the rest is known to be right, and prints that all is well.
func (o Options) CheckMail(ctx context.Context, stdout io.Writer) error {
	if _, err := o.Mail.Notifier(nil); err != nil {
		return fmt.Errorf("check options: %w", err)
	}
	notifier, err := o.notifier()
	if err != nil {
		return err
	}
	return alert.CheckMail(ctx, notifier, o.Others, o.Spool, o.Env.GroupName, stdout)
}

// SendTest sends a test mail to every recipient, with a sample of a real one,
// and prints the conversations.
func (o Options) SendTest(ctx context.Context, sample notify.Message, stdout io.Writer) error {
	sample.ID, sample.Time, sample.Host = fmt.Sprintf("test.%d.%s", os.Getpid(), rand.Text()), time.Now(), o.Host
	sample.Body = "This is a test of " + o.Tool + " on " + o.Host + ". Nothing was restarted. A real mail says:\n\n" + sample.Body
	return alert.SendTest(ctx, o.Mail, o.Targets, o.Others, sample, stdout)
}
