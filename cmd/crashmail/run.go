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
)

// errNotAListener is a start by something else than a supervisord.
var errNotAListener = errors.New("crashmail must be run as a supervisor event listener")

// run is crashmail, from its options to its end.
func run(ctx context.Context, o options, stderr *alert.Stderr, stdout io.Writer, serve ...listener.Option) error {
	switch {
	case o.check:
		return check(ctx, o, stdout)
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
	if !o.somewhere() {
		c.log.Warn("no mail will be sent, because there is no -m")
		return listener.Serve(ctx, c.handle, serve...)
	}
	var mail notify.Notifier
	if len(o.targets) > 0 {
		notifier, err := o.mail.Notifier(nil)
		if err != nil {
			return err
		}
		mail = stderr.Reporting(notifier, o.mail.Sendmail.From)
	}
	prefix := ""
	if o.prefix != "" {
		prefix = o.prefix + ": "
	}
	outbox := alert.OpenOutbox(alert.OutboxOptions{
		Mail: mail, Targets: o.targets, Others: o.others,
		Spool: o.spool, Group: o.env.GroupName, Prefix: prefix, Engine: o.engine, Log: c.log,
	})
	c.put = outbox.Put
	outbox.Start(ctx)
	defer outbox.Stop()
	return listener.Serve(ctx, c.handle, serve...)
}

// somewhere tells whether there is anybody to be told.
func (o *options) somewhere() bool { return len(o.targets)+len(o.others) > 0 }

// check has checked the options by being called; what is left is what they
// stand for.
func check(ctx context.Context, o options, stdout io.Writer) error {
	if !o.somewhere() {
		return errors.New("check options: no recipient, want -m ADDRESS")
	}
	notifier, err := o.mail.Notifier(nil)
	if err != nil {
		return err
	}
	if len(o.targets) == 0 {
		notifier = nil
	}
	return alert.CheckMail(ctx, notifier, o.others, o.spool, o.env.GroupName, stdout)
}

// sendTest sends a test mail to every recipient and prints the conversations.
func sendTest(ctx context.Context, o options, stdout io.Writer) error {
	if !o.somewhere() {
		return errors.New("send a test mail: no recipient, want -m ADDRESS")
	}
	now := time.Now()
	c := &crashmail{options: o}
	m := c.message(listener.Header{}, listener.ProcessState{
		EventType: listener.ProcessStateExited, ProcessName: "test", GroupName: "test", FromState: "RUNNING", PID: os.Getpid(),
	}, now)
	m.ID = fmt.Sprintf("test.%d.%d", os.Getpid(), now.UnixNano())
	m.Body = "This is a test of crashmail on " + o.host + ". No process has crashed. A real mail says:\n\n" + m.Body
	return alert.SendTest(ctx, o.mail, o.targets, o.others, m, stdout)
}
