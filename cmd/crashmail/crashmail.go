package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/vigilance-go/vigilance/cmd/internal/alert"
	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/notify"
)

// crashmail turns events into messages.
type crashmail struct {
	options
	identity alert.Identity
	tail     *alert.LogTail // nil for no log in the mail
	queue    notify.Queue
	stderr   *alert.Stderr
	log      *slog.Logger
}

// handle answers an event: with OK once its message is kept.
func (c *crashmail) handle(ctx context.Context, ev listener.Event) error {
	p, ok := ev.Body.(listener.ProcessState)
	if !ok || p.EventType != listener.ProcessStateExited || p.Expected || !c.selection.Has(p.GroupName, p.ProcessName) {
		return nil
	}
	if len(c.targets) == 0 {
		c.log.Warn("a process exited unexpectedly; no mail is sent, because there is no -m",
			"group", p.GroupName, "process", p.ProcessName, "pid", p.PID)
		return nil
	}
	c.stderr.Text("unexpected exit, mailing\n")
	m := c.message(ev.Header, p, time.Now())
	c.addLog(ctx, &m)
	if err := c.queue.Put(m, c.targets...); err != nil {
		// The daemon keeps it and sends it again, after a pause of Serve's.
		return fmt.Errorf("keep the message: %w", err)
	}
	return nil
}

// message writes the mail, in superlance's words.
func (c *crashmail) message(h listener.Header, p listener.ProcessState, now time.Time) notify.Message {
	where := ""
	if c.subjectHost {
		where = " on " + c.host
	}
	subject := fmt.Sprintf(" %s crashed%s at %s", p.ProcessName, where, now.Format("2006-01-02 15:04:05,000"))
	if c.prefix != "" {
		subject = c.prefix + ":" + subject
	}
	return notify.Message{
		ID:      c.identity.MessageID(h.Server, h.Pool, h.Serial, p.EventType, p.GroupName, p.ProcessName, p.PID),
		Time:    now,
		Host:    c.host,
		Subject: subject,
		Body: fmt.Sprintf("Process %s in group %s exited unexpectedly (pid %d) from state %s",
			p.ProcessName, p.GroupName, p.PID, p.FromState),
		Event:     string(p.EventType),
		Group:     p.GroupName,
		Process:   p.ProcessName,
		PID:       p.PID,
		FromState: p.FromState,
	}
}

// addLog adds the end of the process's output to the mail, or why it is not
// to be had: no mail waits for a log.
func (c *crashmail) addLog(ctx context.Context, m *notify.Message) {
	if c.tail == nil {
		return
	}
	stdout, err := c.tail.Stdout(ctx, m.Group, m.Process, c.logLines)
	section(m, c.logLines, "stdout", stdout, err)
	if err != nil {
		c.log.Warn("cannot read the end of a process's output", "err", err)
		return
	}
	stderr, err := c.tail.Stderr(ctx, m.Group, m.Process, c.logLines)
	if stderr != "" || err != nil {
		section(m, c.logLines, "stderr", stderr, err)
	}
}

func section(m *notify.Message, n int, name, text string, err error) {
	switch {
	case err != nil:
		m.Body += fmt.Sprintf("\n\nThe end of its %s is not to be had: %v", name, err)
	case text == "":
		m.Body += fmt.Sprintf("\n\nIts %s is empty.", name)
	default:
		m.Body += fmt.Sprintf("\n\nThe end of its %s, at most %d lines:\n\n%s", name, n, strings.TrimRight(text, "\n"))
		m.Log += text + "\n"
	}
}
