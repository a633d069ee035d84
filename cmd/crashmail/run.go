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
	if len(o.targets) == 0 {
		c.log.Warn("no mail will be sent, because there is no -m")
		return listener.Serve(ctx, c.handle, serve...)
	}
	notifier, err := o.mail.Notifier(nil)
	if err != nil {
		return err
	}
	prefix := ""
	if o.prefix != "" {
		prefix = o.prefix + ": "
	}
	outbox := alert.OpenOutbox(alert.OutboxOptions{
		Mail: stderr.Reporting(notifier, o.mail.Sendmail.From), Targets: o.targets,
		Spool: o.spool, Group: o.env.GroupName, Prefix: prefix, Engine: o.engine, Log: c.log,
	})
	c.put = outbox.Put
	outbox.Start(ctx)
	defer outbox.Stop()
	return listener.Serve(ctx, c.handle, serve...)
}

// check has checked the options by being called; what is left is what they
// stand for.
func check(ctx context.Context, o options, stdout io.Writer) error {
	if len(o.targets) == 0 {
		return errors.New("check options: no recipient, want -m ADDRESS")
	}
	notifier, err := o.mail.Notifier(nil)
	if err != nil {
		return err
	}
	return alert.CheckMail(ctx, notifier, o.spool, o.env.GroupName, stdout)
}

// sendTest sends a test mail to every recipient and prints the conversations.
func sendTest(ctx context.Context, o options, stdout io.Writer) error {
	if len(o.targets) == 0 {
		return errors.New("send a test mail: no recipient, want -m ADDRESS")
	}
	now := time.Now()
	c := &crashmail{options: o}
	m := c.message(listener.Header{}, listener.ProcessState{
		EventType: listener.ProcessStateExited, ProcessName: "test", GroupName: "test", FromState: "RUNNING", PID: os.Getpid(),
	}, now)
	m.ID = fmt.Sprintf("test.%d.%d", os.Getpid(), now.UnixNano())
	m.Body = "This is a test of crashmail on " + o.host + ". No process has crashed. A real mail says:\n\n" + m.Body
	return alert.SendTest(ctx, o.mail, o.targets, m, stdout)
}
