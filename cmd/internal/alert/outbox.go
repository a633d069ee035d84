package alert

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/notify/mail"
)

// OutboxOptions are the particulars of an Outbox.
type OutboxOptions struct {
	// Mail delivers to Targets; nil where no mail is asked for.
	Mail    notify.Notifier
	Targets []string
	// Others are destinations beside mail.
	Others []Destination
	// Spool is the folder that --spool names, Group that of the listener.
	Spool, Group string
	// Prefix begins the subjects that are not the tool's own.
	Prefix string
	Engine EngineOptions
	Log    *slog.Logger
}

// Outbox takes the messages of a tool that has words of its own: superlance's.
// It sends each of them at once, as it is, as superlance does; where the
// options ask for more, the engine of the chat tools decides what is sent.
type Outbox struct {
	targets   []string
	queue     notify.Queue // of mail; nil where channels have it
	durable   bool
	deliverer notify.Deliverer
	cancel    context.CancelFunc
	left      chan int
	channels  *Channels // nil for none
	log       *slog.Logger
}

// OpenOutbox opens the spool of a listener.
func OpenOutbox(o OutboxOptions) *Outbox {
	b := &Outbox{targets: o.Targets, log: o.Log}
	destinations := o.Others
	switch {
	case o.Mail == nil:
	case o.Engine.Plain():
		b.queue, b.durable = OpenQueue(o.Spool, o.Group, o.Log)
		b.deliverer = notify.Deliverer{Queue: b.queue, Notifier: o.Mail, Log: o.Log, StopTimeout: StopTimeout}
	default:
		destinations = append([]Destination{{Notifier: o.Mail, Targets: o.Targets, Full: true}}, destinations...)
	}
	if len(destinations) > 0 {
		b.channels = OpenChannels(destinations, o.Spool, o.Group, o.Engine, o.Log)
		b.channels.Compose(func(c notify.Composer) func([]notify.Message) notify.Message {
			c.Prefix = o.Prefix
			return o.Engine.wording(c)
		})
	}
	return b
}

// Put keeps a message until it is delivered. When it returns nil, that is done;
// else it may be repeated.
func (b *Outbox) Put(m notify.Message) error {
	var err error
	if b.queue != nil {
		err = b.queue.Put(m, b.targets...)
	}
	if b.channels != nil {
		err = errors.Join(err, b.channels.Put(m))
	}
	return err
}

// Start begins to deliver. Stop ends it.
func (b *Outbox) Start(ctx context.Context) {
	if b.channels != nil {
		b.channels.Start(ctx)
	}
	if b.queue == nil {
		return
	}
	ctx, b.cancel = context.WithCancel(context.WithoutCancel(ctx))
	b.left = make(chan int)
	go func() { b.left <- b.deliverer.Run(ctx) }() // Stop ends it
}

// Stop delivers what it can within StopTimeout, and tells the log what is left.
func (b *Outbox) Stop() {
	if b.cancel != nil {
		b.cancel()
	}
	if b.channels != nil {
		b.channels.Stop()
	}
	if b.queue != nil {
		TellLeft(b.log, <-b.left, b.durable)
	}
}

// TellLeft tells the log of mails that could not be delivered before the end.
func TellLeft(log *slog.Logger, n int, durable bool) {
	switch {
	case n == 0:
	case durable:
		log.Info("mails wait in the spool for the next start", "messages", n)
	default:
		log.Error("mails are lost: they could not be delivered, and there is no spool", "messages", n)
	}
}

// Reporting wraps a Notifier of mail so that each one that is sent stands on
// standard error, as crashmail and httpok of superlance write it.
func (s *Stderr) Reporting(n notify.Notifier, from string) notify.Notifier {
	return notify.NotifierFunc(func(ctx context.Context, m notify.Message) error {
		err := n.Notify(ctx, m)
		if err == nil {
			s.Text("Mailed:\n\n" + mail.Text(from, m))
		}
		return err
	})
}

// CheckMail checks, without sending a message, whether one could be sent and kept,
// and prints that all is well. n is nil where there is no mail.
func CheckMail(ctx context.Context, n notify.Notifier, others []Destination, spoolDir, group string, stdout io.Writer) error {
	for _, d := range append([]Destination{{Name: "the mail server", Notifier: n}}, others...) {
		checker, ok := d.Notifier.(notify.Checker)
		if !ok {
			continue
		}
		attempt, cancel := context.WithTimeout(ctx, notify.DefaultTimeout)
		err := checker.Check(attempt)
		cancel()
		if err != nil {
			return fmt.Errorf("check %s: %w", d.Name, err)
		}
	}
	if err := CheckSpool(spoolDir, group); err != nil {
		return err
	}
	_, err := fmt.Fprintln(stdout, "== options are good; whether mail arrives, only --test can tell")
	return err
}

// SendTest sends a test mail to every target, and to the others, and prints the
// conversations of mail and what came of the rest.
func SendTest(ctx context.Context, o MailOptions, targets []string, others []Destination, m notify.Message, stdout io.Writer) error {
	notifier, err := o.Notifier(mail.NewTrace(stdout))
	if err != nil {
		return err
	}
	failed := 0
	for _, to := range targets {
		m.To = to
		if !try(ctx, stdout, to, "accepted", func(ctx context.Context) error { return notifier.Notify(ctx, m) }) {
			failed++
		}
	}
	m.To = ""
	for _, d := range others {
		if !try(ctx, stdout, d.Name, "accepted", func(ctx context.Context) error { return d.Notifier.Notify(ctx, m) }) {
			failed++
		}
	}
	if failed > 0 {
		return fmt.Errorf("send a test mail: %d of %d were not accepted", failed, len(targets)+len(others))
	}
	return nil
}
