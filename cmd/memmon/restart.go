package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/vigilance-go/vigilance/cmd/internal/check"
	"github.com/vigilance-go/vigilance/notify"
)

// restart restarts a process beside the pass, and mails what came of it.
func (m *memmon) restart(e excess) {
	switch m.station.Restart.Take(e.name) {
	case check.DryRun:
		m.notRestarted(e, fmt.Sprintf("process %s would be restarted", e.name),
			fmt.Sprintf("%s is consuming too much memory (%d bytes %s). It is not restarted, because of --dry-run.", e.name, e.size, m.label()))
		return
	case check.Limited:
		m.notRestarted(e, fmt.Sprintf("process %s NOT restarted", e.name),
			fmt.Sprintf("%s is consuming too much memory (%d bytes %s), but it was restarted %s.",
				e.name, e.size, m.label(), m.station.Restart.Limit()))
		return
	case check.Restarted, check.Failed:
	}
	tellFailure := !e.record.Told
	m.told(e)
	m.station.Stderr.Text("Restarting " + e.name + "\n")
	m.station.Beside.Go(e.name, func() {
		m.restarting <- struct{}{} // restarts end, those that have begun too
		defer func() { <-m.restarting }()
		owed := m.station.Owed()
		defer owed.Drop()
		if m.mailed(e) {
			owed.Note(e.name, m.mail(e, ""))
		}
		m.carryOut(m.station.Beside.Act, e, tellFailure, owed)
	})
}

// notRestarted tells once that a process should be restarted and is not.
func (m *memmon) notRestarted(e excess, subject, body string) {
	if !e.record.Told {
		m.tell(e.name, limitEvent, m.bytes(e)+", not restarted", subject, body)
	}
	m.told(e)
}

// told notes that somebody knows that a process should be restarted.
func (m *memmon) told(e excess) {
	m.changed = m.changed || !e.record.Told
	e.record.Told = true
}

// carryOut restarts a process. A failure is told once, until the process is
// another or uses less.
func (m *memmon) carryOut(ctx context.Context, e excess, tellFailure bool, owed *check.Owed) {
	output, err := m.stopAndStart(ctx, e)
	var stop *check.StopError
	var start *check.StartError
	var subject, body string
	switch {
	case err == nil:
		if m.mailed(e) {
			owed.Post(m.mail(e, output))
		}
		return
	case errors.As(err, &stop):
		subject = "failed to stop process " + e.name
		body = fmt.Sprintf("Failed to stop process %s (%s %d): %s", e.name, m.label(), e.size, check.ErrorText(stop.Err))
	case errors.As(err, &start):
		subject = "failed to start process " + e.name
		body = fmt.Sprintf("Failed to start process %s after stopping it: %s", e.name, check.ErrorText(start.Err))
	default:
		subject = "failed to restart process " + e.name
		body = fmt.Sprintf("Failed to restart process %s (%s %d): %v", e.name, m.label(), e.size, err)
	}
	body += quoted(output)
	m.station.Stderr.Text(body + "\n")
	if tellFailure {
		owed.Post(m.notice(e.name, limitEvent, m.bytes(e)+", cannot be restarted", subject, body))
	}
}

// quoted is the output of the user's command as it follows a mail's text.
func quoted(output string) string {
	if output == "" {
		return ""
	}
	return "\n\nOutput of the command:\n\n" + output
}

func (m *memmon) stopAndStart(ctx context.Context, e excess) (output string, err error) {
	r := m.station.Restart
	if r.External() {
		return r.RunExternal(ctx, e.name, e.PID)
	}
	if err := r.Stop(ctx, e.name); err != nil {
		return "", err
	}
	return "", r.Start(ctx, e.name)
}

// mailed tells whether the restart of a process is mailed: not where it had been
// up for longer than -u says.
func (m *memmon) mailed(e excess) bool { return int64(e.Now-e.Start) <= m.uptime }

// mail writes the mail about the restart of a process.
func (m *memmon) mail(e excess, output string) notify.Message {
	subject, body := m.restarted(e.name, e.size)
	return notify.Message{
		Subject: subject, Body: body + quoted(output),
		Event: limitEvent, Group: e.Group, Process: e.Name, PID: e.PID, Reason: m.bytes(e) + ", restarted",
	}
}

// bytes is how much a process uses, for a merged mail.
func (m *memmon) bytes(e excess) string { return fmt.Sprintf("%d bytes %s", e.size, m.label()) }

// restarted writes superlance's mail.
func (m *memmon) restarted(name string, size int64) (subject, body string) {
	now := m.now()
	return m.Subject(fmt.Sprintf("process %s restarted", name)),
		fmt.Sprintf("memmon.py restarted the process named %s at %s %s because it was consuming too much memory (%d bytes %s)",
			name, now.Format("Mon Jan _2 15:04:05 2006"), now.Format("MST"), size, m.label())
}
