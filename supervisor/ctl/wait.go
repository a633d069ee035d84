package ctl

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/vigilance-go/vigilance/supervisor/ctl/client"
)

// waitInterval is how often the states are asked for.
const waitInterval = 200 * time.Millisecond

// waitForStatus waits until all processes that are asked for are in one of the
// states, then prints them. A server that is not there yet is waited for as
// well. The exit status is 0 when the states were reached, 4 when a name or
// the server remained unknown, and else 1.
func (c *Controller) waitForStatus(ctx context.Context, q statusRequest) error {
	server, err := c.server()
	if err != nil {
		return err
	}
	limited, cancel := ctx, context.CancelFunc(func() {})
	if q.timeout > 0 {
		limited, cancel = context.WithTimeout(ctx, q.timeout)
	}
	defer cancel()
	tick := time.NewTicker(waitInterval)
	defer tick.Stop()
	var last watched
	for {
		seen, err := q.look(limited, server)
		if !errors.Is(err, context.DeadlineExceeded) {
			last = seen
		}
		switch {
		case err != nil && !connectionRefused(err) && !noSuchFile(err) && !errors.Is(err, context.DeadlineExceeded):
			return err
		case seen.settled:
			return c.showWaited(q, last)
		}
		select {
		case <-tick.C:
		case <-limited.Done():
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return c.showWaited(q, last)
		}
	}
}

// watched is what one look at the processes found.
type watched struct {
	infos      []client.ProcessInfo
	complaints []string
	missing    []string // processes that are in other states
	settled    bool     // nothing will change that matters
	down       error    // why the server could not be asked
}

func (q statusRequest) look(ctx context.Context, server *client.Client) (watched, error) {
	all, err := server.AllProcessInfo(ctx)
	if err != nil {
		return watched{down: err}, err
	}
	var w watched
	w.infos, w.complaints = q.selected(all)
	hopeless := false
	for _, info := range w.infos {
		if slices.Contains(q.wait, info.StateName) {
			continue
		}
		w.missing = append(w.missing, makeNamespec(info.Group, info.Name)+" is "+info.StateName)
		// Nothing but a user gets a process out of this state.
		hopeless = hopeless || info.State == client.Fatal
	}
	w.settled = hopeless || len(w.missing) == 0 && len(w.complaints) == 0
	return w, nil
}

func (c *Controller) showWaited(q statusRequest, w watched) error {
	wanted := strings.Join(q.wait, " or ")
	if w.down != nil || w.infos == nil {
		c.exitStatus = exitStatusUnknown
		c.complain("supervisorctl: %v passed and no server answered, waiting for %s", q.timeout, wanted)
		if w.down != nil {
			c.diagnose(w.down)
		}
		return nil
	}
	if len(w.missing) > 0 {
		c.exitStatus = exitGeneric
		c.complain("supervisorctl: waited for %s in vain: %s", wanted, strings.Join(w.missing, ", "))
	}
	c.showStatuses(q, w.infos, w.complaints)
	if q.json {
		return c.outputJSON(w.infos)
	}
	return nil
}
