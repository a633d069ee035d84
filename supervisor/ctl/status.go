package ctl

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/vigilance-go/vigilance/supervisor/ctl/client"
)

// statusRequest is what the status action's argument asks for.
type statusRequest struct {
	names []string
	json  bool
	wait  []string // states; empty for not to wait
	// timeout bounds the wait; 0 for no bound.
	timeout time.Duration
}

// readStatus reads the argument. Only words that begin with two dashes can be
// options, and only those that are known: all others are names.
func readStatus(arg string) (statusRequest, error) {
	var q statusRequest
	words := split(arg)
	for len(words) > 0 {
		option, value, glued := strings.Cut(words[0], "=")
		words = words[1:]
		switch option {
		case "--wait", "--timeout":
			if !glued {
				if len(words) == 0 {
					return q, misuseError("Error: " + option + " requires a value")
				}
				value, words = words[0], words[1:]
			}
		case jsonOption:
			q.json = true
			continue
		default:
			if glued {
				option += "=" + value
			}
			q.names = append(q.names, option)
			continue
		}
		if err := q.set(option, value); err != nil {
			return q, err
		}
	}
	return q, nil
}

// misuseError is a wrong argument, in words for the user.
type misuseError string

func (e misuseError) Error() string { return string(e) }

func (q *statusRequest) set(option, value string) error {
	if option == "--timeout" {
		timeout, err := time.ParseDuration(value)
		if seconds, convErr := time.ParseDuration(value + "s"); err != nil && convErr == nil {
			timeout, err = seconds, nil // a bare number
		}
		if err != nil || timeout <= 0 {
			return misuseError("Error: bad timeout " + value + ", want a duration like 30s or 2m")
		}
		q.timeout = timeout
		return nil
	}
	for _, state := range strings.Split(strings.ToUpper(value), ",") {
		if !slices.Contains(stateNames(), state) {
			return misuseError("Error: bad state " + state + ", want one of " + strings.Join(stateNames(), ", "))
		}
		q.wait = append(q.wait, state)
	}
	return nil
}

func stateNames() []string {
	return []string{"STOPPED", "STARTING", "RUNNING", "BACKOFF", "STOPPING", "EXITED", "FATAL", "UNKNOWN"}
}

func (c *Controller) doStatus(ctx context.Context, arg string) error {
	q, err := readStatus(arg)
	if err != nil {
		c.misuse(exitGeneric, err.Error(), "status")
		return nil
	}
	if len(q.wait) > 0 {
		return c.waitForStatus(ctx, q)
	}
	server, err := c.upcheck(ctx)
	if server == nil {
		if err == nil {
			c.exitStatus = exitStatusUnknown
		}
		return err
	}
	all, err := server.AllProcessInfo(ctx)
	if err != nil {
		return err
	}
	infos, complaints := q.selected(all)
	c.showStatuses(q, infos, complaints)
	for _, info := range infos {
		switch info.State {
		case client.Stopped, client.Exited, client.Fatal, client.Unknown:
			c.exitStatus = exitStatusNotRunning
		}
	}
	if q.json {
		return c.outputJSON(infos)
	}
	return nil
}

// selected returns the processes that the names stand for, in the order of the
// names, and a complaint about each name that stands for none.
func (q statusRequest) selected(all []client.ProcessInfo) (infos []client.ProcessInfo, complaints []string) {
	if len(q.names) == 0 || slices.Contains(q.names, everything) {
		return all, nil
	}
	infos = []client.ProcessInfo{}
	for _, name := range q.names {
		before := len(infos)
		group, process, whole := splitNamespec(name)
		for _, info := range all {
			if info.Group == group && (whole || info.Name == process) {
				infos = append(infos, info)
			}
		}
		if len(infos) > before {
			continue
		}
		for _, info := range all {
			if isPattern(name) && matches(name, info) {
				infos = append(infos, info)
			}
		}
		switch {
		case len(infos) > before:
		case whole:
			complaints = append(complaints, group+": ERROR (no such group)")
		default:
			complaints = append(complaints, name+": ERROR (no such process)")
		}
	}
	return infos, complaints
}

// showStatuses prints the complaints, which set the exit status, and the table
// of processes unless the request is for JSON.
func (c *Controller) showStatuses(q statusRequest, infos []client.ProcessInfo, complaints []string) {
	for _, complaint := range complaints {
		c.exitStatus = exitStatusUnknown
		if q.json {
			c.complain("%s", complaint)
		} else {
			c.output(complaint)
		}
	}
	if !q.json {
		c.showInfos(infos)
	}
}
