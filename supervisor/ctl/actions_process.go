package ctl

import (
	"context"
	"slices"
	"strings"

	"github.com/vigilance-go/vigilance/supervisor/ctl/client"
)

// verb is an action on processes that start, stop and signal have in common.
type verb struct {
	all func(context.Context) ([]client.Result, error)
	// group is nil when the server has no such call.
	group func(ctx context.Context, group string) ([]client.Result, error)
	// one is for a process, named name or group:name.
	one func(ctx context.Context, namespec string) error
	// line words the result for one process; the error says that there are no
	// words for it.
	line func(client.Result) (string, error)
	// ignored is the code that counts as success in the exit status.
	ignored int
	// noGroup is the exit status when there is no group of that name.
	noGroup int
}

// run carries v out on everything that names stand for.
func (v verb) run(ctx context.Context, c *Controller, names []string) error {
	if slices.Contains(names, everything) {
		results, err := v.all(ctx)
		if err != nil {
			return err
		}
		return v.show(c, results)
	}
	for _, name := range names {
		if err := v.named(ctx, c, name); err != nil {
			return err
		}
	}
	return nil
}

func (v verb) named(ctx context.Context, c *Controller, name string) error {
	group, process, whole := splitNamespec(name)
	if whole && v.group == nil {
		whole, process = false, "None" // how the reference shows such a name
	}
	if !whole {
		result := client.Result{Name: process, Group: group, Status: client.Success}
		if err := v.one(ctx, name); err != nil {
			if result, err = faultResult(result, err); err != nil {
				return err
			}
		}
		return v.show(c, []client.Result{result})
	}
	results, err := v.group(ctx, group)
	switch {
	case client.FaultCode(err) == client.BadName:
		c.output(group + ": ERROR (no such group)")
		c.exitStatus = v.noGroup
		return nil
	case err != nil:
		return err
	}
	return v.show(c, results)
}

func (v verb) show(c *Controller, results []client.Result) error {
	for _, result := range results {
		line, err := v.line(result)
		if strings.Contains(result.Description, notPermitted) && line != result.Description {
			c.complain("supervisorctl: %s", result.Description) // the reference's words leave that out
		}
		if err != nil {
			return err
		}
		c.output(line)
		c.setStatus(result.Status, v.ignored)
	}
	return nil
}

// notPermitted is how the daemon begins to say that a role does not allow
// something.
const notPermitted = "not permitted: "

// faultResult makes a fault the result for the process that it concerns. Other
// errors it returns.
func faultResult(result client.Result, err error) (client.Result, error) {
	code := client.FaultCode(err)
	if code == 0 {
		return result, err
	}
	result.Status, result.Description = code, faultString(err)
	return result, nil
}

// refusal words a result as the process's name and what the code means.
func refusal(result client.Result, meanings map[int]string) (string, error) {
	name := makeNamespec(result.Group, result.Name)
	meaning, ok := meanings[result.Status]
	if !ok {
		return "", valueErrorf("Unknown result code %d for %s", result.Status, name)
	}
	return name + ": ERROR (" + meaning + ")", nil
}

func startLine(result client.Result) (string, error) {
	if result.Status == client.Success {
		return makeNamespec(result.Group, result.Name) + ": started", nil
	}
	return refusal(result, map[int]string{
		client.BadName:             "no such process",
		client.NoFile:              "no such file",
		client.NotExecutable:       "file is not executable",
		client.AlreadyStarted:      "already started",
		client.SpawnError:          "spawn error",
		client.AbnormalTermination: "abnormal termination",
	})
}

// signalLine returns the line function of stop and signal.
func signalLine(success string) func(client.Result) (string, error) {
	return func(result client.Result) (string, error) {
		switch result.Status {
		case client.Success:
			return makeNamespec(result.Group, result.Name) + ": " + success, nil
		case client.Failed:
			return result.Description, nil
		}
		return refusal(result, map[int]string{
			client.BadName:    "no such process",
			client.BadSignal:  "bad signal name",
			client.NotRunning: "not running",
		})
	}
}

func startVerb(server *client.Client) verb {
	return verb{
		all:     server.StartAllProcesses,
		group:   server.StartProcessGroup,
		one:     server.StartProcess,
		line:    startLine,
		ignored: client.AlreadyStarted,
		noGroup: exitInvalidArgs,
	}
}

func stopVerb(server *client.Client) verb {
	return verb{
		all:     server.StopAllProcesses,
		group:   server.StopProcessGroup,
		one:     server.StopProcess,
		line:    signalLine("stopped"),
		ignored: client.NotRunning,
		noGroup: exitGeneric,
	}
}

func (c *Controller) doStart(ctx context.Context, arg string) error {
	server, names, err := c.targets(ctx, arg, exitInvalidArgs, "Error: start requires a process name", "start")
	if server == nil {
		return err
	}
	return startVerb(server).run(ctx, c, names)
}

func (c *Controller) doStop(ctx context.Context, arg string) error {
	server, names, err := c.targets(ctx, arg, exitGeneric, "Error: stop requires a process name", "stop")
	if server == nil {
		return err
	}
	return stopVerb(server).run(ctx, c, names)
}

func (c *Controller) doRestart(ctx context.Context, arg string) error {
	server, names, err := c.targets(ctx, arg, exitGeneric, "Error: restart requires a process name", "restart")
	if server == nil {
		return err
	}
	if err := stopVerb(server).run(ctx, c, names); err != nil {
		return err
	}
	return startVerb(server).run(ctx, c, names)
}

// targets returns the server and the names that an action is to work on. The
// server is nil when there is nothing to do, of which the user was told unless
// there is an error.
func (c *Controller) targets(ctx context.Context, arg string, status int, misuse, action string) (*client.Client, []string, error) {
	server, err := c.upcheck(ctx)
	if server == nil {
		return nil, nil, err
	}
	names := split(arg)
	if len(names) == 0 {
		c.misuse(status, misuse, action)
		return nil, nil, nil
	}
	if names, err = c.expand(ctx, server, names); err != nil {
		return nil, nil, err
	}
	return server, names, nil
}

func (c *Controller) doSignal(ctx context.Context, arg string) error {
	server, err := c.upcheck(ctx)
	if server == nil {
		return err
	}
	words := split(arg)
	if len(words) < 2 {
		c.misuse(exitGeneric, "Error: signal requires a signal name and a process name", "signal")
		return nil
	}
	signal := words[0]
	names, err := c.expand(ctx, server, words[1:])
	if err != nil {
		return err
	}
	return verb{
		all: func(ctx context.Context) ([]client.Result, error) { return server.SignalAllProcesses(ctx, signal) },
		group: func(ctx context.Context, group string) ([]client.Result, error) {
			return server.SignalProcessGroup(ctx, group, signal)
		},
		one:     func(ctx context.Context, namespec string) error { return server.SignalProcess(ctx, namespec, signal) },
		line:    signalLine("signalled"),
		noGroup: exitGeneric,
	}.run(ctx, c, names)
}

func (c *Controller) doClear(ctx context.Context, arg string) error {
	server, names, err := c.targets(ctx, arg, exitGeneric, "Error: clear requires a process name", "clear")
	if server == nil {
		return err
	}
	if names, err = c.members(ctx, server, names); err != nil {
		return err
	}
	return verb{
		all: server.ClearAllProcessLogs,
		one: server.ClearProcessLogs,
		line: func(result client.Result) (string, error) {
			if result.Status == client.Success {
				return makeNamespec(result.Group, result.Name) + ": cleared", nil
			}
			return refusal(result, map[int]string{client.BadName: "no such process", client.Failed: "failed"})
		},
	}.run(ctx, c, names)
}

// members replaces the names of whole groups by those of their processes, for
// calls that know no groups.
func (c *Controller) members(ctx context.Context, server *client.Client, names []string) ([]string, error) {
	if !slices.ContainsFunc(names, func(name string) bool { _, _, whole := splitNamespec(name); return whole }) {
		return names, nil
	}
	infos, err := server.AllProcessInfo(ctx)
	if err != nil {
		return nil, err
	}
	var members []string
	for _, name := range names {
		group, _, whole := splitNamespec(name)
		before := len(members)
		for _, info := range infos {
			if whole && info.Group == group {
				members = append(members, makeNamespec(group, info.Name))
			}
		}
		if len(members) == before {
			members = append(members, name)
		}
	}
	return members, nil
}

func (c *Controller) doPid(ctx context.Context, arg string) error {
	server, err := c.upcheck(ctx)
	if server == nil {
		return err
	}
	names := split(arg)
	switch {
	case len(names) == 0:
		pid, err := server.PID(ctx)
		if err == nil {
			c.outputf("%d", pid)
		}
		return err
	case slices.Contains(names, everything):
		infos, err := server.AllProcessInfo(ctx)
		for _, info := range infos {
			c.outputf("%d", info.PID)
		}
		return err
	}
	if names, err = c.expand(ctx, server, names); err == nil {
		names, err = c.members(ctx, server, names)
	}
	if err != nil {
		return err
	}
	for _, name := range names {
		info, err := server.ProcessInfo(ctx, name)
		switch {
		case client.FaultCode(err) == client.BadName:
			c.exitStatus = exitGeneric
			c.output("No such process " + name)
		case err != nil:
			return err
		default:
			c.outputf("%d", info.PID)
			if info.PID == 0 {
				c.exitStatus = exitNotRunning
			}
		}
	}
	return nil
}
