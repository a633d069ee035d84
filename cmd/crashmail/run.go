package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/vigilance-go/vigilance/cmd/internal/alert"
	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/notify/mail"
)

// stopTimeout is how long mails are still sent after the daemon has asked
// crashmail to stop; the daemon kills it after stopwaitsecs, 10 s by default.
const stopTimeout = 5 * time.Second

// errNotAListener is a start by something else than a supervisord.
var errNotAListener = errors.New("crashmail must be run as a supervisor event listener")

// run is crashmail, from its options to its end.
func run(ctx context.Context, o options, stderr *alert.Stderr, stdout io.Writer, serve ...listener.Option) error {
	switch {
	case o.check:
		return check(o, stdout)
	case o.test:
		return sendTest(ctx, o, stdout)
	}
	// superlance wants a server URL. A daemon without an HTTP server gives none.
	if o.env.ServerURL == "" && !o.env.Enabled {
		stderr.Text(errNotAListener.Error() + "\n" + notAListener)
		return errNotAListener
	}
	c := &crashmail{options: o, identity: alert.NewIdentity(os.Getppid()), stderr: stderr, log: stderr.Logger()}
	serve = append([]listener.Option{listener.WithLogger(c.log)}, serve...)
	if o.logLines > 0 {
		var err error
		if c.tail, err = alert.NewLogTail(o.env); err != nil {
			c.log.Warn("mails will not hold the end of a process's output", "err", err)
		}
	}
	if len(o.targets) == 0 {
		c.log.Warn("no mail will be sent, because there is no -m")
		return listener.Serve(ctx, c.handle, serve...)
	}
	notifier, err := o.mail.Notifier(nil)
	if err != nil {
		return err
	}
	if o.engine.Asked || c.ownWords() {
		return c.serveMerged(ctx, notifier, serve)
	}
	var durable bool
	c.queue, durable = alert.OpenQueue(o.spool, o.env.GroupName, c.log)
	deliverer := notify.Deliverer{
		Queue: c.queue, Notifier: c.reporting(notifier), Log: c.log, StopTimeout: stopTimeout,
	}
	deliveries, stop := context.WithCancel(context.WithoutCancel(ctx))
	left := make(chan int)
	go func() { left <- deliverer.Run(deliveries) }() // stop ends it
	err = listener.Serve(ctx, c.handle, serve...)
	stop()
	if n := <-left; n > 0 && durable {
		c.log.Info("mails wait in the spool for the next start", "messages", n)
	} else if n > 0 {
		c.log.Error("mails are lost: they could not be delivered, and there is no spool", "messages", n)
	}
	return err
}

// serveMerged is what is left of run where mails are merged or held back.
func (c *crashmail) serveMerged(ctx context.Context, notifier notify.Notifier, serve []listener.Option) error {
	to := alert.Destination{Notifier: c.reporting(notifier), Targets: c.targets}
	c.channels = alert.OpenChannels([]alert.Destination{to}, c.spool, c.env.GroupName, c.engine, c.log)
	c.channels.Compose(c.compose(c.engine.Composer))
	c.channels.Start(ctx)
	defer c.channels.Stop()
	return listener.Serve(ctx, c.handle, serve...)
}

// check has checked the options by being called.
func check(o options, stdout io.Writer) error {
	if len(o.targets) == 0 {
		return errors.New("check options: no recipient, want -m ADDRESS")
	}
	if _, err := o.mail.Notifier(nil); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(stdout, "== options are good; whether mail arrives, only --test can tell\n")
	return nil
}

// reporting wraps a Notifier so that each mail that is sent stands on standard
// error, as superlance writes it.
func (c *crashmail) reporting(n notify.Notifier) notify.Notifier {
	return notify.NotifierFunc(func(ctx context.Context, m notify.Message) error {
		err := n.Notify(ctx, m)
		if err == nil {
			c.stderr.Text("Mailed:\n\n" + mail.Text(c.mail.Sendmail.From, m))
		}
		return err
	})
}

// sendTest sends a test mail to every recipient and prints the conversations.
func sendTest(ctx context.Context, o options, stdout io.Writer) error {
	if len(o.targets) == 0 {
		return errors.New("send a test mail: no recipient, want -m ADDRESS")
	}
	trace := mail.NewTrace(stdout)
	notifier, err := o.mail.Notifier(trace)
	if err != nil {
		return err
	}
	now := time.Now()
	c := &crashmail{options: o}
	m := c.message(listener.Header{}, listener.ProcessState{
		EventType: listener.ProcessStateExited, ProcessName: "test", GroupName: "test", FromState: "RUNNING", PID: os.Getpid(),
	}, now)
	m.ID = fmt.Sprintf("test.%d.%d", os.Getpid(), now.UnixNano())
	m.Body = "This is a test of crashmail on " + o.host + ". No process has crashed. A real mail says:\n\n" + m.Body
	failed := 0
	for _, to := range o.targets {
		m.To = to
		attempt, cancel := context.WithTimeout(ctx, notify.DefaultTimeout)
		err := notifier.Notify(attempt, m)
		cancel()
		outcome := "accepted"
		if err != nil {
			failed++
			outcome = err.Error()
		}
		_, _ = fmt.Fprintf(stdout, "== %s: %s\n", to, outcome) // the exit status tells as well
	}
	if failed > 0 {
		return fmt.Errorf("send a test mail: %d of %d were not accepted", failed, len(o.targets))
	}
	return nil
}
