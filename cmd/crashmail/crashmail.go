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
	tail     *alert.LogTail             // nil for no log in the mail
	put      func(notify.Message) error // keeps a message until it is delivered
	stderr   *alert.Stderr
	log      *slog.Logger
}

// handle answers an event: with OK once its message is kept.
func (c *crashmail) handle(ctx context.Context, ev listener.Event) error {
	p, ok := ev.Body.(listener.ProcessState)
	if !ok || !c.selection.Has(p.GroupName, p.ProcessName) {
		return nil
	}
	events := c.engine.Events
	if len(events.Types) == 0 {
		events = defaults().Events
	}
	wanted := events.Has(p)
	recovery := !wanted && c.engine.Policy.Recovered > 0 && p.EventType == listener.ProcessStateRunning
	if !wanted && !recovery {
		return nil
	}
	if !c.somewhere() {
		c.log.Warn("a process exited unexpectedly; no mail is sent, because there is no -m",
			"group", p.GroupName, "process", p.ProcessName, "pid", p.PID)
		return nil
	}
	m := c.message(ev.Header, p, time.Now())
	if recovery {
		m.Recovery, m.Body = true, "" // superlance has no words for it
	} else {
		c.stderr.Text(announcement(p))
		c.addLog(ctx, &m)
	}
	if err := c.put(m); err != nil {
		// The daemon keeps it and sends it again, after a pause of Serve's.
		return fmt.Errorf("keep the message: %w", err)
	}
	return nil
}

// announcement is what superlance's tools write when they mail.
func announcement(p listener.ProcessState) string {
	if p.EventType == listener.ProcessStateExited {
		return "unexpected exit, mailing\n"
	}
	return fmt.Sprintf("%s, mailing\n", p.EventType)
}

// sentences are the subject and the body, by event: superlance's for a crash,
// and others like them.
func sentences(p listener.ProcessState) (happened, body string) {
	what := "went " + strings.TrimPrefix(string(p.EventType), string(listener.AnyProcessState)+"_")
	switch {
	case p.EventType != listener.ProcessStateExited:
		return what, fmt.Sprintf("Process %s in group %s %s from state %s", p.ProcessName, p.GroupName, what, p.FromState)
	case p.Expected:
		return "exited", fmt.Sprintf("Process %s in group %s exited (pid %d) from state %s", p.ProcessName, p.GroupName, p.PID, p.FromState)
	default:
		return "crashed", fmt.Sprintf("Process %s in group %s exited unexpectedly (pid %d) from state %s",
			p.ProcessName, p.GroupName, p.PID, p.FromState)
	}
}

// message writes the mail, in superlance's words.
func (c *crashmail) message(h listener.Header, p listener.ProcessState, now time.Time) notify.Message {
	where := ""
	if c.subjectHost {
		where = " on " + c.host
	}
	happened, body := sentences(p)
	subject := fmt.Sprintf(" %s %s%s at %s", p.ProcessName, happened, where, now.Format("2006-01-02 15:04:05,000"))
	if c.prefix != "" {
		subject = c.prefix + ":" + subject
	}
	return notify.Message{
		ID:        c.identity.MessageID(h.Server, h.Pool, h.Serial, p.EventType, p.GroupName, p.ProcessName, p.PID),
		Time:      now,
		Host:      c.host,
		Subject:   subject,
		Body:      body,
		Event:     string(p.EventType),
		Group:     p.GroupName,
		Process:   p.ProcessName,
		PID:       p.PID,
		FromState: p.FromState,
		Expected:  p.Expected,
		Labels:    c.engine.Labels,
	}
}

// addLog adds the end of the process's output to the mail, or why it is not
// to be had: no mail waits for a log.
func (c *crashmail) addLog(ctx context.Context, m *notify.Message) {
	if c.tail == nil {
		return
	}
	stdout, err := c.tail.Stdout(ctx, m.Group, m.Process, c.logLines)
	c.section(m, "stdout", stdout, err)
	if err != nil {
		c.log.Warn("cannot read the end of a process's output", "err", err)
		return
	}
	stderr, err := c.tail.Stderr(ctx, m.Group, m.Process, c.logLines)
	if stderr != "" || err != nil {
		c.section(m, "stderr", stderr, err)
	}
}

func (c *crashmail) section(m *notify.Message, name, text string, err error) {
	text = c.engine.Mask.Text(text)
	switch {
	case err != nil:
		m.Body += fmt.Sprintf("\n\nThe end of its %s is not to be had: %v", name, err)
	case text == "":
		m.Body += fmt.Sprintf("\n\nIts %s is empty.", name)
	default:
		m.Body += fmt.Sprintf("\n\nThe end of its %s, at most %d lines:\n\n%s", name, c.logLines, strings.TrimRight(text, "\n"))
		m.Log += text + "\n"
	}
}
