package ctl

import (
	"context"
	"slices"

	"github.com/vigilance-go/vigilance/supervisor/ctl/client"
)

// update is one run of the action of that name.
type update struct {
	c      *Controller
	server *client.Client
	only   []string // the groups to update; empty for all
	json   bool
	done   client.Changes // what was carried out
}

func (c *Controller) doUpdate(ctx context.Context, arg string) error {
	server, err := c.server()
	if err != nil {
		return err
	}
	u := update{c: c, server: server, done: client.Changes{Added: []string{}, Changed: []string{}, Removed: []string{}}}
	for _, name := range split(arg) {
		if name == jsonOption {
			u.json = true
		} else if !slices.Contains(u.only, name) {
			u.only = append(u.only, name)
		}
	}
	changes, err := server.ReloadConfig(ctx)
	if err != nil {
		return c.refused(err, map[int]string{client.ShutdownState: "already shutting down"})
	}
	if slices.Contains(u.only, everything) {
		u.only = nil
	}
	if err := u.checkNames(ctx, changes.Added); err != nil {
		return err
	}
	if err := u.run(ctx, changes); err != nil {
		return err
	}
	if u.json {
		return c.outputJSON(u.done)
	}
	return nil
}

// checkNames resolves patterns, and tells of names that are neither those of
// active groups nor of added ones.
func (u *update) checkNames(ctx context.Context, added []string) error {
	if len(u.only) == 0 {
		return nil
	}
	groups, err := activeGroups(ctx, u.server)
	if err != nil {
		return err
	}
	groups = append(groups, added...)
	u.only = expandGroups(u.only, groups)
	for _, name := range u.only {
		if !slices.Contains(groups, name) {
			u.say("ERROR: no such group: " + name)
			u.c.exitStatus = exitGeneric
		}
	}
	return nil
}

func (u *update) say(line string) {
	if u.json {
		u.c.complain("%s", line)
		return
	}
	u.c.output(line)
}

func (u *update) wanted(group string) bool {
	return len(u.only) == 0 || slices.Contains(u.only, group)
}

// run carries the changes out, removals first.
func (u *update) run(ctx context.Context, changes client.Changes) error {
	for _, group := range changes.Removed {
		if !u.wanted(group) {
			continue
		}
		if err := u.remove(ctx, group); err != nil {
			return err
		}
	}
	for _, group := range changes.Changed {
		if !u.wanted(group) {
			continue
		}
		if err := u.replace(ctx, group); err != nil {
			return err
		}
	}
	for _, group := range changes.Added {
		if !u.wanted(group) {
			continue
		}
		if err := u.server.AddProcessGroup(ctx, group); err != nil {
			return err
		}
		u.say(group + ": added process group")
		u.done.Added = append(u.done.Added, group)
	}
	return nil
}

func (u *update) remove(ctx context.Context, group string) error {
	results, err := u.server.StopProcessGroup(ctx, group)
	if err != nil {
		return err
	}
	u.say(group + ": stopped")
	if slices.ContainsFunc(results, func(r client.Result) bool { return r.Status == client.Failed }) {
		u.say(group + ": has problems; not removing")
		u.c.exitStatus = exitGeneric
		return nil
	}
	if err := u.server.RemoveProcessGroup(ctx, group); err != nil {
		return err
	}
	u.say(group + ": removed process group")
	u.done.Removed = append(u.done.Removed, group)
	return nil
}

func (u *update) replace(ctx context.Context, group string) error {
	if _, err := u.server.StopProcessGroup(ctx, group); err != nil {
		return err
	}
	u.say(group + ": stopped")
	if err := u.server.RemoveProcessGroup(ctx, group); err != nil {
		return err
	}
	if err := u.server.AddProcessGroup(ctx, group); err != nil {
		return err
	}
	u.say(group + ": updated process group")
	u.done.Changed = append(u.done.Changed, group)
	return nil
}
