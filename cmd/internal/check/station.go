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
	"github.com/vigilance-go/vigilance/notify/mail"
)

const (
	// patience is how long restarts that are under way are waited for when the
	// daemon has asked the tool to stop, and stopTimeout how long mails are
	// still sent then. The daemon kills a listener after stopwaitsecs, 10 s by
	// default.
	patience    = 4 * time.Second
	stopTimeout = 4 * time.Second
)

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

	queue notify.Queue
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
	if len(s.Targets) == 0 {
		return serve()
	}
	notifier, err := s.Mail.Notifier(nil)
	if err != nil {
		return err
	}
	var durable bool
	s.queue, durable = alert.OpenQueue(s.Spool, s.Env.GroupName, s.Log)
	deliverer := notify.Deliverer{Queue: s.queue, Notifier: s.echoing(notifier), Log: s.Log, StopTimeout: stopTimeout}
	deliveries, stop := context.WithCancel(context.WithoutCancel(ctx))
	left := make(chan int)
	go func() { left <- deliverer.Run(deliveries) }() // stop ends it
	err = serve()
	stop()
	if n := <-left; n > 0 && durable {
		s.Log.Info("mails wait in the spool for the next start", "messages", n)
	} else if n > 0 {
		s.Log.Error("mails are lost: they could not be delivered, and there is no spool", "messages", n)
	}
	return err
}

// echoing wraps a Notifier so that each mail that is sent stands on standard
// error, where the tool does that.
func (s *Station) echoing(n notify.Notifier) notify.Notifier {
	if !s.Echo {
		return n
	}
	return notify.NotifierFunc(func(ctx context.Context, m notify.Message) error {
		err := n.Notify(ctx, m)
		if err == nil {
			s.Stderr.Text("Mailed:\n\n" + mail.Text(s.Mail.Sendmail.From, m))
		}
		return err
	})
}

// Post sends a mail to those that -m names. Subject and Body are what it says;
// the fields that every mail has are filled in.
func (s *Station) Post(m notify.Message) {
	if len(s.Targets) == 0 {
		return
	}
	m.ID, m.Time, m.Host = rand.Text(), time.Now(), s.Host
	if err := s.queue.Put(m, s.Targets...); err != nil {
		s.Log.Error("cannot keep a mail, so it is lost", "subject", m.Subject, "err", err)
	}
}

// CheckMail checks what can be checked of the options for mail without sending
// one, once the rest is known to be right, and prints that all is well.
func (o Options) CheckMail(ctx context.Context, stdout io.Writer) error {
	notifier, err := o.Mail.Notifier(nil)
	if err != nil {
		return fmt.Errorf("check options: %w", err)
	}
	if checker, ok := notifier.(notify.Checker); ok && len(o.Targets) > 0 {
		ctx, cancel := context.WithTimeout(ctx, notify.DefaultTimeout)
		defer cancel()
		if err := checker.Check(ctx); err != nil {
			return fmt.Errorf("check the mail server: %w", err)
		}
	}
	_, err = fmt.Fprintln(stdout, "== options are good; whether mail arrives, only --test can tell")
	return err
}

// SendTest sends a test mail to every recipient, with a sample of a real one,
// and prints the conversations.
func (o Options) SendTest(ctx context.Context, sample notify.Message, stdout io.Writer) error {
	trace := mail.NewTrace(stdout)
	notifier, err := o.Mail.Notifier(trace)
	if err != nil {
		return err
	}
	sample.ID, sample.Time, sample.Host = fmt.Sprintf("test.%d.%s", os.Getpid(), rand.Text()), time.Now(), o.Host
	sample.Body = "This is a test of " + o.Tool + " on " + o.Host + ". Nothing was restarted. A real mail says:\n\n" + sample.Body
	failed := 0
	for _, to := range o.Targets {
		sample.To = to
		attempt, cancel := context.WithTimeout(ctx, notify.DefaultTimeout)
		err := notifier.Notify(attempt, sample)
		cancel()
		outcome := "accepted"
		if err != nil {
			failed++
			outcome = err.Error()
		}
		_, _ = fmt.Fprintf(stdout, "== %s: %s\n", to, outcome) // the exit status tells as well
	}
	if failed > 0 {
		return fmt.Errorf("send a test mail: %d of %d were not accepted", failed, len(o.Targets))
	}
	return nil
}
