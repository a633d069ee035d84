package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/vigilance-go/vigilance/cmd/internal/alert"
	"github.com/vigilance-go/vigilance/cmd/internal/check"
	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/supervisor/ctl/client"
)

// selected tells whether a process is one of those that the URLs stand for.
// This listener never is: who restarts itself is stopped and stays so.
func (h *httpok) selected(p client.ProcessInfo) bool {
	if h.Own(p.Group) {
		return false
	}
	return h.any || slices.ContainsFunc(h.programs, func(pattern string) bool { return named(pattern, p) })
}

// named tells whether a value of -p stands for a process.
func named(pattern string, p client.ProcessInfo) bool {
	return alert.Selection{Programs: []string{pattern}}.Has(p.Group, p.Name)
}

// due tells whether a process is in a state in which it is restarted.
func (h *httpok) due(p client.ProcessInfo) bool {
	return p.State == client.Running || h.restartFatal && p.State == client.Fatal
}

// anyRuns tells whether there is a process that could be restarted.
func (h *httpok) anyRuns(infos []client.ProcessInfo) bool {
	return slices.ContainsFunc(infos, func(p client.ProcessInfo) bool { return h.selected(p) && h.due(p) })
}

// young tells whether a process has begun so recently that it is left alone.
func (h *httpok) young(p client.ProcessInfo) bool {
	return p.State == client.Running && time.Duration(p.Now-p.Start)*time.Second < h.grace
}

// act restarts the processes and mails what it did.
func (h *httpok) act(ctx context.Context, bad []finding) {
	var lines []string
	write := func(line string) {
		h.station.Stderr.Text(line + "\n")
		lines = append(lines, line)
	}
	infos, err := check.Infos(ctx, h.station.Daemon)
	if err != nil {
		write(fmt.Sprintf("Exception retrieving process info %s, not acting", check.ErrorText(err)))
		return
	}
	if h.allYoung(infos) {
		for _, f := range bad {
			f.Failures--
			h.station.Log.Info("a check has failed, which does not count: the processes were started a moment ago",
				"url", f.url, "fault", f.fault, "grace", h.grace)
		}
		return
	}
	group, process := h.about(infos, bad[0].url)
	for _, f := range bad {
		f.Failures, f.Acted = 0, true
		f.Group, f.Process = group, process
		lines = append(lines, f.answer.text)
	}
	tried, limited := h.restartAll(ctx, infos, write)
	quiet := limited && !tried && h.limitTold
	h.limitTold = limited && !tried
	if quiet {
		return
	}
	reason := bad[0].fault
	for _, line := range lines[len(bad)+1:] { // after what is restarted
		if !strings.Contains(line, "\n") { // the output of a command is too much
			reason += "; " + line
		}
	}
	subject := bad[0].url + ": " + bad[0].fault
	if more := len(bad) - 1; more > 0 {
		subject += fmt.Sprintf(" (and %d more)", more)
	}
	h.station.Post(notify.Message{
		Subject: h.Subject(subject), Body: strings.Join(lines, "\n"),
		Event: failedEvent, Group: group, Process: process, Reason: reason,
	})
}

// failedEvent is what the mails are about, for those that are merged.
const failedEvent = "URL_CHECK_FAILED"

// about returns the process that mails are about: the one that is selected, so
// that it can be silenced as elsewhere, or the URL in its place where there are
// others.
func (h *httpok) about(infos []client.ProcessInfo, url string) (group, process string) {
	n := 0
	for _, p := range infos {
		if h.selected(p) {
			group, process = p.Group, p.Name
			n++
		}
	}
	if n != 1 {
		return "", url
	}
	return group, process
}

// allYoung tells whether there are processes to restart, but none that may be
// restarted yet.
func (h *httpok) allYoung(infos []client.ProcessInfo) bool {
	young := false
	for _, p := range infos {
		if h.selected(p) && h.due(p) {
			if !h.young(p) {
				return false
			}
			young = true
		}
	}
	return young
}

// restartAll restarts one selected process after the other, so that those of a
// group that are well go on working meanwhile. It reports whether any restart
// was tried, and whether one was not because of the limit.
func (h *httpok) restartAll(ctx context.Context, infos []client.ProcessInfo, write func(string)) (tried, limited bool) {
	if h.any {
		write("Restarting all running processes")
	} else {
		write("Restarting selected processes " + check.ReprList(h.programs))
	}
	waiting := slices.Clone(h.programs)
	for _, p := range infos {
		waiting = slices.DeleteFunc(waiting, func(pattern string) bool { return named(pattern, p) })
		if !h.selected(p) {
			continue
		}
		switch h.restart(ctx, p, write) {
		case check.Limited:
			limited = true
		case check.Restarted, check.Failed, check.DryRun:
			tried = true
		}
	}
	if len(waiting) > 0 {
		write("Programs not restarted because they did not exist: " + check.ReprList(waiting))
	}
	return tried, limited
}

// notDue is a process that is not restarted because of its state.
const notDue check.Outcome = -1

// restart restarts a process if it is in the state for it.
func (h *httpok) restart(ctx context.Context, p client.ProcessInfo, write func(string)) check.Outcome {
	name := check.Namespec(p)
	switch {
	case !h.due(p):
		write(name + " not in RUNNING state, NOT restarting")
		return notDue
	case h.young(p):
		write(fmt.Sprintf("%s was started %d seconds ago, NOT restarting", name, p.Now-p.Start))
		return notDue
	}
	if h.coredir != "" && h.gcore != "" && p.PID != 0 && !h.DryRun {
		output, err := check.Shell(ctx, h.gcore, filepath.Join(h.coredir, name), fmt.Sprint(p.PID))
		write(fmt.Sprintf("gcore output for %s:\n\n %s", name, output))
		if err != nil {
			h.station.Log.Warn("no core file was written", "process", name, "err", err)
		}
	}
	return h.station.Restart.Restart(ctx, p, write)
}
