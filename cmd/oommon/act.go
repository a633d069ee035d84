package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/vigilance-go/vigilance/cmd/internal/check"
	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/supervisor/ctl/client"
)

// names lists processes for a person.
func names(in []client.ProcessInfo) string {
	texts := make([]string, len(in))
	for i, p := range in {
		texts[i] = check.Namespec(p)
	}
	return strings.Join(texts, ", ")
}

// act restarts what has to be, and mails.
func (m *oommon) act(found *findings, infos []client.ProcessInfo) {
	for _, name := range found.order {
		c := found.by[name]
		now := c.Of
		for _, p := range infos {
			if check.Namespec(p) == name {
				now = p
			}
		}
		if m.station.Beside.Busy(name) {
			m.station.Post(m.mail(c, append(c.Lines, name+" is being restarted already"))) // for another loss
			continue
		}
		owed := m.station.Owed()
		owed.Note(name, m.mail(c, c.Lines)) // before m.write, after which the kills are known
		m.station.Beside.Go(name, func() { owed.Post(m.mail(c, m.handleCasualty(c, now))) })
	}
	if len(found.strange) > 0 {
		body := strings.Join(found.strange, "\n")
		m.station.Stderr.Text(body + "\n")
		m.station.Post(notify.Message{
			Subject: m.Subject(fmt.Sprintf("a process in cgroup %s was killed by the OOM killer", found.where)), Body: body,
			Event: killEvent, Process: found.where, Reason: found.strange[0],
		})
	}
}

// handleCasualty restarts a process if it goes on without one of its own, and
// returns what has happened. now is the process as it is.
func (m *oommon) handleCasualty(c *casualty, now client.ProcessInfo) (lines []string) {
	name := check.Namespec(c.Of)
	write := func(line string) {
		m.station.Stderr.Text(line + "\n")
		lines = append(lines, line)
	}
	for _, line := range c.Lines {
		write(line)
	}
	switch {
	case m.alertOnly:
	case c.Died:
		write(name + " has ended, so supervisord does with it what its autorestart option says")
	case now.State != client.Running:
		write(name + " not in RUNNING state, NOT restarting")
	case now.PID != c.Of.PID:
		write(name + " was restarted since, NOT restarting")
	default:
		if !m.DryRun {
			m.remove(c.Files)
		}
		m.station.Restart.Restart(m.station.Beside.Act, now, write)
	}
	return lines
}

// remove removes sentinels, so that they can appear anew.
func (m *oommon) remove(files []string) {
	for _, file := range files {
		if err := os.Remove(file); err != nil {
			m.station.Log.Warn("a sentinel stays, and is acted on again only when it changes", "err", err)
		}
	}
}

// mail writes the mail about what has happened to a process.
func (m *oommon) mail(c *casualty, lines []string) notify.Message {
	name := check.Namespec(c.Of)
	subject := "a process of " + name + " was killed by the OOM killer"
	switch {
	case c.Died:
		subject = "process " + name + " was killed by the OOM killer"
	case len(c.Files) == len(c.Lines):
		subject = "process " + name + " has run out of memory"
	}
	return notify.Message{
		Subject: m.Subject(subject), Body: strings.Join(lines, "\n"),
		Event: killEvent, Group: c.Of.Group, Process: c.Of.Name, PID: c.Of.PID, Reason: strings.Join(lines, "; "),
	}
}

// killEvent is what mails are about, for those that are merged.
const killEvent = "OUT_OF_MEMORY"
