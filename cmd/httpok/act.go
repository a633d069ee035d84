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
	infos, err := check.Infos(ctx, h.station.Daemon)
	if err != nil {
		h.station.Stderr.Text(fmt.Sprintf("Exception retrieving process info %s, not acting\n", check.ErrorText(err)))
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
	r := &report{station: h.station, bad: bad, owed: h.station.Owed()}
	defer r.owed.Drop()
	r.group, r.process = h.about(infos, bad[0].url)
	for _, f := range bad {
		f.Failures, f.Acted = 0, true
		f.Group, f.Process = r.group, r.process
	}
	tried, limited := h.restartAll(ctx, infos, r)
	quiet := limited && !tried && h.limitTold
	h.limitTold = limited && !tried
	if !quiet {
		r.owed.Post(r.mail())
	}
}

// report is the mail about URLs that are bad, and about what is done for that.
type report struct {
	station        *check.Station
	bad            []finding
	group, process string   // what it is about
	done           []string // lines
	owed           *check.Owed
}

// write adds a line about what is done.
func (r *report) write(line string) {
	r.station.Stderr.Text(line + "\n")
	r.done = append(r.done, line)
}

// mail writes the mail as far as it is known.
func (r *report) mail() notify.Message {
	var lines []string
	for _, f := range r.bad {
		lines = append(lines, f.answer.text)
	}
	reason := r.bad[0].fault
	for _, line := range r.done[1:] { // after what is restarted
		if !strings.Contains(line, "\n") { // the output of a command is too much
			reason += "; " + line
		}
	}
	subject := r.bad[0].url + ": " + r.bad[0].fault
	if more := len(r.bad) - 1; more > 0 {
		subject += fmt.Sprintf(" (and %d more)", more)
	}
	return notify.Message{
		Subject: r.station.Subject(subject), Body: strings.Join(append(lines, r.done...), "\n"),
		Event: failedEvent, Group: r.group, Process: r.process, Reason: reason,
	}
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
func (h *httpok) restartAll(ctx context.Context, infos []client.ProcessInfo, r *report) (tried, limited bool) {
	if h.any {
		r.write("Restarting all running processes")
	} else {
		r.write("Restarting selected processes " + check.ReprList(h.programs))
	}
	waiting := slices.Clone(h.programs)
	for _, p := range infos {
		waiting = slices.DeleteFunc(waiting, func(pattern string) bool { return named(pattern, p) })
		if !h.selected(p) {
			continue
		}
		switch h.restart(ctx, p, r) {
		case check.Limited:
			limited = true
		case check.Restarted, check.Failed, check.DryRun:
			tried = true
		}
	}
	if len(waiting) > 0 {
		r.write("Programs not restarted because they did not exist: " + check.ReprList(waiting))
	}
	return tried, limited
}

// notDue is a process that is not restarted because of its state.
const notDue check.Outcome = -1

// restart restarts a process if it is in the state for it.
func (h *httpok) restart(ctx context.Context, p client.ProcessInfo, r *report) check.Outcome {
	name := check.Namespec(p)
	switch {
	case !h.due(p):
		r.write(name + " not in RUNNING state, NOT restarting")
		return notDue
	case h.young(p):
		r.write(fmt.Sprintf("%s was started %d seconds ago, NOT restarting", name, p.Now-p.Start))
		return notDue
	}
	r.owed.Note(name, r.mail())
	if h.coredir != "" && h.gcore != "" && p.PID != 0 && !h.DryRun {
		output, err := check.Shell(ctx, h.gcore, filepath.Join(h.coredir, name), fmt.Sprint(p.PID))
		r.write(fmt.Sprintf("gcore output for %s:\n\n %s", name, output))
		if err != nil {
			h.station.Log.Warn("no core file was written", "process", name, "err", err)
		}
	}
	return h.station.Restart.Restart(ctx, p, r.write)
}
