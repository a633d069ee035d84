package supervisor

import (
	"context"

	"github.com/vigilance-go/vigilance/supervisor/config"
)

// GroupChange is a group by which the configuration that was read last differs
// from what runs. Neither is to be changed.
type GroupChange struct {
	Running *config.Group // nil for a group that is to be added
	Wanted  *config.Group // nil for a group that is to be removed
}

// Name is the group's name.
func (c *GroupChange) Name() string {
	if c.Wanted != nil {
		return c.Wanted.Name
	}
	return c.Running.Name
}

// Pending returns what Reread has found and nobody has put to work yet: groups
// to remove, then changed ones, then new ones. It reads no file. The error is
// a Fault SHUTDOWN_STATE.
func (d *Daemon) Pending(ctx context.Context) ([]GroupChange, error) {
	var changes []GroupChange
	err := d.ask(ctx, func() error {
		running := make([]*config.Group, 0, len(d.order))
		for _, g := range d.order {
			running = append(running, g.cfg)
		}
		added, changed, removed := config.Diff(running, d.wanted)
		for _, g := range removed {
			changes = append(changes, GroupChange{Running: g})
		}
		for _, g := range changed {
			changes = append(changes, GroupChange{Running: d.groups[g.Name].cfg, Wanted: g})
		}
		for _, g := range added {
			changes = append(changes, GroupChange{Wanted: g})
		}
		return nil
	})
	return changes, err
}
