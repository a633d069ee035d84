package ctl

import (
	"context"
	"slices"
	"sort"

	"github.com/vigilance-go/vigilance/supervisor/ctl/client"
)

// bare returns the server for an action that takes no arguments but --json.
// It is nil when there were others, of which it has told the user.
func (c *Controller) bare(arg, action string) (server *client.Client, json bool, err error) {
	json = arg == jsonOption
	if arg != "" && !json {
		c.misuse(exitGeneric, "Error: "+action+" accepts no arguments", action)
		return nil, false, nil
	}
	server, err = c.server()
	return server, json, err
}

// refused tells of a fault of one of the codes in the words given for it, and
// sets the exit status. Other errors it returns.
func (c *Controller) refused(err error, words map[int]string) error {
	text, ok := words[client.FaultCode(err)]
	if !ok {
		return err
	}
	c.exitStatus = exitGeneric
	c.output("ERROR: " + text)
	return nil
}

func (c *Controller) doAvail(ctx context.Context, arg string) error {
	server, json, err := c.bare(arg, "avail")
	if server == nil {
		return err
	}
	infos, err := server.AllConfigInfo(ctx)
	switch {
	case err != nil:
		return c.refused(err, map[int]string{client.ShutdownState: "supervisor shutting down"})
	case json:
		return c.outputJSON(infos)
	}
	c.showConfigs(infos)
	return nil
}

func (c *Controller) doReread(ctx context.Context, arg string) error {
	server, json, err := c.bare(arg, "reread")
	if server == nil {
		return err
	}
	changes, err := server.ReloadConfig(ctx)
	switch {
	case err != nil:
		return c.refused(err, map[int]string{
			client.ShutdownState: "supervisor shutting down",
			client.CantReread:    faultString(err),
		})
	case json:
		return c.outputJSON(changes)
	}
	c.showChanges(changes)
	return nil
}

// showChanges lists the groups by name, each once.
func (c *Controller) showChanges(changes client.Changes) {
	what := map[string]string{}
	for _, list := range []struct {
		names []string
		text  string
	}{{changes.Added, "available"}, {changes.Changed, "changed"}, {changes.Removed, "disappeared"}} {
		for _, name := range list.names {
			what[name] = list.text
		}
	}
	if len(what) == 0 {
		c.output("No config updates to processes")
		return
	}
	names := make([]string, 0, len(what))
	for name := range what {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		c.output(name + ": " + what[name])
	}
}

func (c *Controller) doAdd(ctx context.Context, arg string) error {
	server, err := c.server()
	if err != nil {
		return err
	}
	names := split(arg)
	if slices.ContainsFunc(names, isPattern) {
		infos, err := server.AllConfigInfo(ctx)
		if err != nil {
			return err
		}
		var groups []string
		for _, info := range infos {
			if !info.InUse && !slices.Contains(groups, info.Group) {
				groups = append(groups, info.Group)
			}
		}
		names = expandGroups(names, groups)
	}
	for _, name := range names {
		err := server.AddProcessGroup(ctx, name)
		switch {
		case err == nil:
			c.output(name + ": added process group")
		case client.FaultCode(err) == client.AlreadyAdded:
			c.output("ERROR: process group already active") // no failure, as in the reference
		default:
			err = c.refused(err, map[int]string{
				client.ShutdownState: "shutting down",
				client.BadName:       "no such process/group: " + name,
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *Controller) doRemove(ctx context.Context, arg string) error {
	server, err := c.server()
	if err != nil {
		return err
	}
	names := split(arg)
	if slices.ContainsFunc(names, isPattern) {
		groups, err := activeGroups(ctx, server)
		if err != nil {
			return err
		}
		names = expandGroups(names, groups)
	}
	for _, name := range names {
		err := server.RemoveProcessGroup(ctx, name)
		if err == nil {
			c.output(name + ": removed process group")
			continue
		}
		err = c.refused(err, map[int]string{
			client.StillRunning: "process/group still running: " + name,
			client.BadName:      "no such process/group: " + name,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// activeGroups returns the names of the groups that the server runs, in its
// order.
func activeGroups(ctx context.Context, server *client.Client) ([]string, error) {
	infos, err := server.AllProcessInfo(ctx)
	if err != nil {
		return nil, err
	}
	return groupsOf(infos), nil
}

func groupsOf(infos []client.ProcessInfo) []string {
	var groups []string
	seen := map[string]bool{}
	for _, info := range infos {
		if !seen[info.Group] {
			seen[info.Group] = true
			groups = append(groups, info.Group)
		}
	}
	return groups
}

func (c *Controller) doVersion(ctx context.Context, arg string) error {
	if arg != "" && arg != jsonOption {
		c.misuse(exitGeneric, "Error: version accepts no arguments", "version")
		return nil
	}
	server, err := c.upcheck(ctx)
	if server == nil {
		return err
	}
	version, err := server.SupervisorVersion(ctx)
	switch {
	case err != nil:
		return err
	case arg == jsonOption:
		return c.outputJSON(struct {
			Version    string `json:"version"`
			APIVersion string `json:"api_version"`
		}{version, apiVersion})
	}
	c.output(version)
	return nil
}
