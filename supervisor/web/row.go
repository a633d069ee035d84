package web

import (
	"fmt"
	"strings"
	"time"

	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/supervisor"
	"github.com/vigilance-go/vigilance/supervisor/process"
)

// row is a process as the page shows it.
type row struct {
	Name  string `json:"name"` // namespec
	Group string `json:"group"`
	State string `json:"state"` // "RUNNING"
	PID   int    `json:"pid"`
	// Start is the Unix time in seconds of the last start, for the uptime.
	Start int64 `json:"start"`
	// Description is Supervisor's, except that it is empty in the messages
	// for a RUNNING process, where only the uptime in it would change.
	Description string `json:"description"`
}

// newRow makes the row of a process.
func newRow(i *supervisor.ProcessInfo) row {
	r := row{
		Name: i.Namespec(), Group: i.Group, State: i.State.String(),
		PID: i.PID, Description: i.Description(),
	}
	if !i.Start.IsZero() {
		r.Start = i.Start.Unix()
	}
	return r
}

// Class is Supervisor's class for the state, by which scrapers know it.
func (r row) Class() string {
	switch r.State {
	case process.Running.String():
		return "statusrunning"
	case process.Fatal.String(), process.Backoff.String():
		return "statuserror"
	}
	return "statusnominal"
}

// CanStart tells whether the process is offered to be started.
func (r row) CanStart() bool {
	switch r.State {
	case process.Stopped.String(), process.Exited.String(), process.Fatal.String():
		return true
	}
	return false
}

// CanStop tells whether the process is offered to be stopped.
func (r row) CanStop() bool {
	switch r.State {
	case process.Running.String(), process.Starting.String(), process.Backoff.String():
		return true
	}
	return false
}

// IsRunning tells whether Supervisor's own page links to a restart.
func (r row) IsRunning() bool { return r.State == process.Running.String() }

// Lower is the state as Supervisor's page writes it.
func (r row) Lower() string { return strings.ToLower(r.State) }

// live is the row without what changes by the second.
func (r row) live() row {
	if r.IsRunning() {
		r.Description = ""
	}
	return r
}

// groupOf is the group's processes on the page.
type groupOf struct {
	Name string
	Rows []row
}

// Single tells that the group is one program's own, and has no line of its
// own on the page.
func (g groupOf) Single() bool { return len(g.Rows) == 1 && g.Rows[0].Name == g.Name }

// Running counts the group's running processes.
func (g groupOf) Running() int {
	n := 0
	for _, r := range g.Rows {
		if r.IsRunning() {
			n++
		}
	}
	return n
}

// inGroups sorts rows, which are ordered by group, into groups.
func inGroups(rows []row) []groupOf {
	var groups []groupOf
	for _, r := range rows {
		if n := len(groups); n == 0 || groups[n-1].Name != r.Group {
			groups = append(groups, groupOf{Name: r.Group})
		}
		g := &groups[len(groups)-1]
		g.Rows = append(g.Rows, r)
	}
	return groups
}

// happening is an event as the page shows it.
type happening struct {
	Serial uint64 `json:"serial"`
	At     string `json:"at"`   // RFC 3339
	Name   string `json:"name"` // what it is about; empty for the daemon
	Text   string `json:"text"`
	// Tone is "good", "bad" or empty.
	Tone string `json:"tone"`
}

// Clock is the time of day, for those without a script.
func (h happening) Clock() string {
	t, err := time.Parse(time.RFC3339, h.At)
	if err != nil {
		return ""
	}
	return t.Local().Format("15:04:05")
}

// tell words an event.
func tell(o supervisor.Occurrence) happening {
	h := happening{Serial: o.Serial, At: o.When.Round(0).Format(time.RFC3339)}
	switch b := o.Body.(type) {
	case listener.ProcessState:
		h.Name = supervisor.Namespec(b.GroupName, b.ProcessName)
		h.Text, h.Tone = tellState(b)
	case listener.ProcessGroup:
		h.Name = b.GroupName
		h.Text = "group added"
		if b.EventType == listener.ProcessGroupRemoved {
			h.Text = "group removed"
		}
	case listener.SupervisorStateChange:
		h.Text = "supervisord is up"
		if b.EventType == listener.SupervisorStopping {
			h.Text, h.Tone = "supervisord is going down", "bad"
		}
	case listener.ProcessCommunication:
		h.Name = supervisor.Namespec(b.GroupName, b.ProcessName)
		h.Text = "sent a communication"
	case listener.RemoteCommunication:
		h.Text = fmt.Sprintf("remote communication %q", b.CommType)
	default:
		h.Text = string(o.Body.Type())
	}
	return h
}

// tellState words the change of a process's state.
func tellState(b listener.ProcessState) (text, tone string) {
	switch b.EventType { //nolint:exhaustive // the others are no states
	case listener.ProcessStateStarting:
		if b.Tries > 0 {
			return fmt.Sprintf("starting, try %d", b.Tries+1), ""
		}
		return "starting", ""
	case listener.ProcessStateRunning:
		return fmt.Sprintf("running, pid %d", b.PID), "good"
	case listener.ProcessStateBackoff:
		return "exited too quickly", "bad"
	case listener.ProcessStateStopping:
		return "stopping", ""
	case listener.ProcessStateStopped:
		return "stopped", ""
	case listener.ProcessStateExited:
		if b.Expected {
			return "exited", ""
		}
		return "exited unexpectedly", "bad"
	case listener.ProcessStateFatal:
		return "gave up starting it", "bad"
	case listener.ProcessStateUnknown:
		return "is in an unknown state", "bad"
	}
	return string(b.EventType), ""
}
