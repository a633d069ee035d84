package batchmail

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/vigilance-go/vigilance/cmd/internal/alert"
	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/notify"
)

// run is the tool, from its options to its end.
func (t Tool) run(ctx context.Context, o options, stderr *alert.Stderr, stdout io.Writer) error {
	switch {
	case o.check:
		notifier, err := o.mail.Notifier(nil)
		if err != nil {
			return err
		}
		return alert.CheckMail(ctx, notifier, o.others, o.spool, o.env.GroupName, stdout)
	case o.test:
		return t.sendTest(ctx, o, stdout)
	}
	// superlance wants a server URL. A daemon without an HTTP server gives none.
	if o.env.ServerURL == "" && !o.env.Enabled {
		return cli.Exit("Must run as a supervisor event listener\n"+t.notAListener(), 1)
	}
	notifier, err := o.mail.Notifier(nil)
	if err != nil {
		return err
	}
	log := stderr.Logger()
	l := &batcher{
		options: o, tool: t, identity: alert.NewIdentity(os.Getppid()), stderr: stderr, log: log,
		store: openStore(o.spool, o.env.GroupName, log), now: time.Now,
	}
	l.store.gate = newGate(o.engine, o.spool, o.env.GroupName, log)
	if len(o.others) > 0 {
		// Each takes whole batches, so nothing is left to decide.
		chats := alert.OpenOutbox(alert.OutboxOptions{Others: o.others, Spool: o.spool, Group: o.env.GroupName, Log: log})
		l.store.also = chats.Put
		chats.Start(ctx)
		defer chats.Stop()
	}
	if err := l.store.recover(); err != nil {
		log.Warn("cannot look over the events of the process before", "err", err)
	}
	return l.serve(ctx, notifier)
}

// batcher turns events into batches.
type batcher struct {
	options
	tool     Tool
	identity alert.Identity
	store    *store
	stderr   *alert.Stderr
	log      *slog.Logger
	now      func() time.Time
	elapsed  time.Duration // since the last batch ended, in whole ticks
}

// serve answers events, and delivers mails beside that.
func (l *batcher) serve(ctx context.Context, notifier notify.Notifier) error {
	deliverer := notify.Deliverer{
		Queue: outgoing{l.store}, Notifier: l.reporting(notifier), Log: l.log, StopTimeout: alert.StopTimeout,
	}
	deliveries, stop := context.WithCancel(context.WithoutCancel(ctx))
	left := make(chan int)
	go func() { left <- deliverer.Run(deliveries) }() // stop ends it
	err := listener.Serve(ctx, l.handle, listener.WithLogger(l.log))
	if !l.store.durable {
		l.store.gate = &gate{}                   // what is held back now is lost
		if sealErr := l.seal(); sealErr != nil { // there is no next start that could do it
			l.log.Error("events are lost", "err", sealErr)
		}
	}
	stop()
	alert.TellLeft(l.log, <-left, l.store.durable)
	return err
}

// handle answers an event: with OK once it is kept.
func (l *batcher) handle(_ context.Context, ev listener.Event) error {
	switch body := ev.Body.(type) {
	case listener.ProcessState:
		if !l.engine.Events.Has(body) {
			return nil
		}
		m := l.event(ev.Header, body)
		if err := l.store.pending.Put(m); err != nil {
			return fmt.Errorf("keep the event: %w", err)
		}
		l.stderr.Text(m.Body + "\n")
	case listener.Tick:
		if body.EventType == l.tick {
			l.ticked()
		}
	}
	return nil
}

// event is a pending event: its body is its line in the mail.
func (l *batcher) event(h listener.Header, p listener.ProcessState) notify.Message {
	now := l.now()
	return notify.Message{
		ID:        l.identity.MessageID(h.Server, h.Pool, h.Serial, p.EventType, p.GroupName, p.ProcessName, p.PID),
		Time:      now,
		Host:      l.host,
		Subject:   l.subject,
		Body:      l.tool.line(p, now.Format("2006-01-02 15:04:05,000")),
		Event:     string(p.EventType),
		Group:     p.GroupName,
		Process:   p.ProcessName,
		PID:       p.PID,
		FromState: p.FromState,
		Expected:  p.Expected,
		Labels:    l.engine.Labels,
	}
}

// ticked ends the batch when its time has passed: since the one before, as
// superlance counts, or since its first event, which counts over restarts. A
// mail that cannot be kept is tried again at the next tick.
func (l *batcher) ticked() {
	l.elapsed += l.period
	if !l.store.gate.open(l.now()) {
		return
	}
	if l.elapsed < l.interval {
		oldest, ok := l.store.oldest()
		if !ok || l.now().Sub(oldest) < l.interval {
			return
		}
	}
	if err := l.seal(); err != nil {
		l.log.Error("cannot make a mail of the pending events; trying again at the next tick", "err", err)
		return
	}
	l.elapsed = 0
}

// seal makes a mail of what is pending.
func (l *batcher) seal() error {
	m, ok, err := l.store.seal(l.mailFor, l.targets)
	if ok {
		l.stderr.Text(l.report(m.Body))
	}
	return err
}

// mailFor writes the mail for a batch.
func (l *batcher) mailFor(events []notify.Message) notify.Message {
	if l.engine.OwnWords() {
		composer := l.engine.Composer
		composer.Full, composer.MaxBytes = true, l.maxLength
		m := composer.Compose(events)
		if composer.Title == nil && l.hasSubject {
			m.Subject = l.subject
		}
		m.Body = body(strings.Split(m.Body, "\n"), l.maxLength)
		return notify.Message{Time: l.now(), Host: l.host, Subject: m.Subject, Body: m.Body}
	}
	lines := make([]string, len(events))
	for i, event := range events {
		lines[i] = event.Body
	}
	text := body(lines, l.maxLength) + alert.LabelLines(l.engine.Labels)
	return notify.Message{Time: l.now(), Host: l.host, Subject: l.subject, Body: text}
}

// reporting wraps a Notifier so that a failure stands on standard error as
// superlance writes it.
func (l *batcher) reporting(n notify.Notifier) notify.Notifier {
	return notify.NotifierFunc(func(ctx context.Context, m notify.Message) error {
		err := n.Notify(ctx, m)
		if err != nil {
			l.stderr.Text(fmt.Sprintf("Error sending email: %v\n", err))
		}
		return err
	})
}

// sendTest sends a test mail to every recipient and prints the conversations.
func (t Tool) sendTest(ctx context.Context, o options, stdout io.Writer) error {
	l := &batcher{options: o, tool: t, now: time.Now}
	p := listener.ProcessState{EventType: t.Event, ProcessName: "test", GroupName: "test", PID: os.Getpid()}
	m := l.mailFor([]notify.Message{l.event(listener.Header{}, p)})
	m.ID = fmt.Sprintf("test.%d.%d", os.Getpid(), m.Time.UnixNano())
	m.Body = "This is a test of " + t.Name + " on " + o.host + ". Nothing has happened. A real mail says:\n\n" + m.Body
	return alert.SendTest(ctx, o.mail, o.targets, o.others, m, stdout)
}
