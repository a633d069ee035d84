package client

import "context"

// ProcessInfo is what the server tells of a process. Times are in seconds
// since 1970, 0 for never.
type ProcessInfo struct {
	Name          string `json:"name"`
	Group         string `json:"group"`
	Description   string `json:"description"`
	Start         int    `json:"start"`
	Stop          int    `json:"stop"`
	Now           int    `json:"now"`
	State         int    `json:"state"`
	StateName     string `json:"statename"`
	SpawnErr      string `json:"spawnerr"`
	ExitStatus    int    `json:"exitstatus"`
	LogFile       string `json:"logfile"`
	StdoutLogFile string `json:"stdout_logfile"`
	StderrLogFile string `json:"stderr_logfile"`
	PID           int    `json:"pid"`
}

// States of processes.
const (
	Stopped  = 0
	Starting = 10
	Running  = 20
	Backoff  = 30
	Stopping = 40
	Exited   = 100
	Fatal    = 200
	Unknown  = 1000
)

// ConfigInfo is what the server tells of a configured process.
type ConfigInfo struct {
	Name            string `json:"name"`
	Group           string `json:"group"`
	InUse           bool   `json:"inuse"`
	AutoStart       bool   `json:"autostart"`
	GroupPriority   int    `json:"group_prio"`
	ProcessPriority int    `json:"process_prio"`
}

// Result is the outcome for one process of a call that concerned several.
type Result struct {
	Name, Group string
	Status      int // Success, or the code of a fault
	Description string
}

// Changes are the groups in which the configuration files differ from what the
// server runs.
type Changes struct {
	Added   []string `json:"added"`
	Changed []string `json:"changed"`
	Removed []string `json:"removed"`
}

// APIVersion returns the version of the server's XML-RPC interface. It calls
// the older name of the method, which every server has.
func (c *Client) APIVersion(ctx context.Context) (string, error) {
	return c.text(ctx, "supervisor.getVersion")
}

// SupervisorVersion returns the version of Supervisor that the server is, or
// stands in for.
func (c *Client) SupervisorVersion(ctx context.Context) (string, error) {
	return c.text(ctx, "supervisor.getSupervisorVersion")
}

// PID returns the server's process id.
func (c *Client) PID(ctx context.Context) (pid int, err error) {
	err = c.call(ctx, "supervisor.getPID", func(r *reply) { pid = r.number() })
	return pid, err
}

// AllProcessInfo returns all processes in the server's order.
func (c *Client) AllProcessInfo(ctx context.Context) ([]ProcessInfo, error) {
	infos := []ProcessInfo{}
	err := c.call(ctx, "supervisor.getAllProcessInfo", func(r *reply) {
		r.list(func() { infos = append(infos, r.processInfo()) })
	})
	return infos, err
}

// ProcessInfo returns one process, named name or group:name.
func (c *Client) ProcessInfo(ctx context.Context, namespec string) (info ProcessInfo, err error) {
	err = c.call(ctx, "supervisor.getProcessInfo", func(r *reply) { info = r.processInfo() }, namespec)
	return info, err
}

// AllConfigInfo returns all processes of the configuration.
func (c *Client) AllConfigInfo(ctx context.Context) ([]ConfigInfo, error) {
	infos := []ConfigInfo{}
	err := c.call(ctx, "supervisor.getAllConfigInfo", func(r *reply) {
		r.list(func() { infos = append(infos, r.configInfo()) })
	})
	return infos, err
}

// StartProcess starts one process and waits until it runs.
func (c *Client) StartProcess(ctx context.Context, namespec string) error {
	return c.order(ctx, "supervisor.startProcess", namespec)
}

// StartProcessGroup starts the processes of a group, as StartProcess does.
func (c *Client) StartProcessGroup(ctx context.Context, group string) ([]Result, error) {
	return c.results(ctx, "supervisor.startProcessGroup", group)
}

// StartAllProcesses starts all processes, as StartProcess does.
func (c *Client) StartAllProcesses(ctx context.Context) ([]Result, error) {
	return c.results(ctx, "supervisor.startAllProcesses")
}

// StopProcess stops one process and waits until it has ended.
func (c *Client) StopProcess(ctx context.Context, namespec string) error {
	return c.order(ctx, "supervisor.stopProcess", namespec)
}

// StopProcessGroup stops the processes of a group, as StopProcess does.
func (c *Client) StopProcessGroup(ctx context.Context, group string) ([]Result, error) {
	return c.results(ctx, "supervisor.stopProcessGroup", group)
}

// StopAllProcesses stops all processes, as StopProcess does.
func (c *Client) StopAllProcesses(ctx context.Context) ([]Result, error) {
	return c.results(ctx, "supervisor.stopAllProcesses")
}

// SignalProcess sends one process a signal, given by name or number.
func (c *Client) SignalProcess(ctx context.Context, namespec, signal string) error {
	return c.order(ctx, "supervisor.signalProcess", namespec, signal)
}

// SignalProcessGroup sends a signal to the processes of a group.
func (c *Client) SignalProcessGroup(ctx context.Context, group, signal string) ([]Result, error) {
	return c.results(ctx, "supervisor.signalProcessGroup", group, signal)
}

// SignalAllProcesses sends a signal to all processes.
func (c *Client) SignalAllProcesses(ctx context.Context, signal string) ([]Result, error) {
	return c.results(ctx, "supervisor.signalAllProcesses", signal)
}

// ReloadConfig lets the server read its configuration files again and returns
// what differs; nothing else changes.
func (c *Client) ReloadConfig(ctx context.Context) (changes Changes, err error) {
	err = c.call(ctx, "supervisor.reloadConfig", func(r *reply) {
		// The three lists are wrapped into a list of one.
		r.list(func() {
			lists := [][]string{}
			r.list(func() { lists = append(lists, r.names()) })
			if len(lists) != 3 {
				r.failf("%d lists of groups, want 3", len(lists))
				return
			}
			changes = Changes{Added: lists[0], Changed: lists[1], Removed: lists[2]}
		})
	})
	return changes, err
}

// AddProcessGroup activates a group of the configuration.
func (c *Client) AddProcessGroup(ctx context.Context, group string) error {
	return c.order(ctx, "supervisor.addProcessGroup", group)
}

// RemoveProcessGroup removes a stopped group.
func (c *Client) RemoveProcessGroup(ctx context.Context, group string) error {
	return c.order(ctx, "supervisor.removeProcessGroup", group)
}

// ReadStdoutLog returns length bytes of a process's log from offset on, up to
// the end when length is 0, and the last -offset bytes when offset is below 0.
func (c *Client) ReadStdoutLog(ctx context.Context, namespec string, offset, length int) (string, error) {
	return c.text(ctx, "supervisor.readProcessStdoutLog", namespec, offset, length)
}

// ReadStderrLog is ReadStdoutLog for the other log.
func (c *Client) ReadStderrLog(ctx context.Context, namespec string, offset, length int) (string, error) {
	return c.text(ctx, "supervisor.readProcessStderrLog", namespec, offset, length)
}

// ReadMainLog is ReadStdoutLog for the server's own log.
func (c *Client) ReadMainLog(ctx context.Context, offset, length int) (string, error) {
	return c.text(ctx, "supervisor.readLog", offset, length)
}

// ClearProcessLogs empties the logs of one process.
func (c *Client) ClearProcessLogs(ctx context.Context, namespec string) error {
	return c.order(ctx, "supervisor.clearProcessLogs", namespec)
}

// ClearAllProcessLogs empties the logs of all processes.
func (c *Client) ClearAllProcessLogs(ctx context.Context) ([]Result, error) {
	return c.results(ctx, "supervisor.clearAllProcessLogs")
}

// SendProcessStdin writes to a process's standard input.
func (c *Client) SendProcessStdin(ctx context.Context, namespec, text string) error {
	return c.order(ctx, "supervisor.sendProcessStdin", namespec, text)
}

// Shutdown ends the server.
func (c *Client) Shutdown(ctx context.Context) error { return c.order(ctx, "supervisor.shutdown") }

// Restart lets the server begin anew.
func (c *Client) Restart(ctx context.Context) error { return c.order(ctx, "supervisor.restart") }

// order calls a method whose result says nothing.
func (c *Client) order(ctx context.Context, method string, args ...any) error {
	return c.call(ctx, method, (*reply).skip, args...)
}

func (c *Client) text(ctx context.Context, method string, args ...any) (text string, err error) {
	err = c.call(ctx, method, func(r *reply) { text = r.text() }, args...)
	return text, err
}

func (c *Client) results(ctx context.Context, method string, args ...any) (results []Result, err error) {
	err = c.call(ctx, method, func(r *reply) {
		r.list(func() { results = append(results, r.outcome()) })
	}, args...)
	return results, err
}

func (r *reply) processInfo() (p ProcessInfo) {
	r.record(func(name string) {
		switch name {
		case "name":
			p.Name = r.text()
		case "group":
			p.Group = r.text()
		case "description":
			p.Description = r.text()
		case "start":
			p.Start = r.number()
		case "stop":
			p.Stop = r.number()
		case "now":
			p.Now = r.number()
		case "state":
			p.State = r.number()
		case "statename":
			p.StateName = r.text()
		case "spawnerr":
			p.SpawnErr = r.text()
		case "exitstatus":
			p.ExitStatus = r.number()
		case "logfile":
			p.LogFile = r.text()
		case "stdout_logfile":
			p.StdoutLogFile = r.text()
		case "stderr_logfile":
			p.StderrLogFile = r.text()
		case "pid":
			p.PID = r.number()
		default:
			r.skip()
		}
	})
	return p
}

func (r *reply) configInfo() (c ConfigInfo) {
	r.record(func(name string) {
		switch name {
		case "name":
			c.Name = r.text()
		case "group":
			c.Group = r.text()
		case "inuse":
			c.InUse = r.truth()
		case "autostart":
			c.AutoStart = r.truth()
		case "group_prio":
			c.GroupPriority = r.number()
		case "process_prio":
			c.ProcessPriority = r.number()
		default:
			r.skip()
		}
	})
	return c
}

func (r *reply) outcome() (o Result) {
	r.record(func(name string) {
		switch name {
		case "name":
			o.Name = r.text()
		case "group":
			o.Group = r.text()
		case "status":
			o.Status = r.number()
		case "description":
			o.Description = r.text()
		default:
			r.skip()
		}
	})
	return o
}
