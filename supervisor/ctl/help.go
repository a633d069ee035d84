package ctl

import (
	"context"
	"strings"
)

// actions returns what a command line can name, in alphabetical order.
func actions() []action {
	return []action{
		{"add", helpAdd, (*Controller).doAdd},
		{"avail", "avail\t\t\tDisplay all configured processes\n", (*Controller).doAvail},
		{"clear", helpClear, (*Controller).doClear},
		{"exit", "exit\tExit the supervisor shell.\n", (*Controller).doQuit},
		{"fg", "fg <process>\tConnect to a process in foreground mode\n\t\tCtrl-C to exit\n", (*Controller).doFg},
		{"help", "help\t\tPrint a list of available actions\nhelp <action>\tPrint help for <action>\n", (*Controller).doHelp},
		{"maintail", helpMaintail, (*Controller).doMaintail},
		{"open", "open <url>\tConnect to a remote supervisord process.\n" +
			"\t\t(for UNIX domain socket, use unix:///socket/path)\n", (*Controller).doOpen},
		{"pid", helpPid, (*Controller).doPid},
		{"quit", "quit\tExit the supervisor shell.\n", (*Controller).doQuit},
		{"reload", "reload \t\tRestart the remote supervisord.\n", (*Controller).doReload},
		{"remove", "remove <name> [...]\tRemoves process/group from active config\n", (*Controller).doRemove},
		{"reread", "reread \t\t\tReload the daemon's configuration files without add/remove\n", (*Controller).doReread},
		{"restart", helpRestart, (*Controller).doRestart},
		{"shutdown", "shutdown \tShut the remote supervisord down.\n", (*Controller).doShutdown},
		{"signal", helpSignal, (*Controller).doSignal},
		{"start", helpStart, (*Controller).doStart},
		{"status", helpStatus, (*Controller).doStatus},
		{"stop", helpStop, (*Controller).doStop},
		{"tail", helpTail, (*Controller).doTail},
		{"update", helpUpdate, (*Controller).doUpdate},
		{"version", "version\t\t\tShow the version of the remote supervisord process\n", (*Controller).doVersion},
	}
}

// The texts are part of what users see of Supervisor, and follow it.
const (
	helpAdd   = "add <name> [...]\tActivates any updates in config for process/group\n"
	helpClear = "clear <name>\t\tClear a process' log files.\n" +
		"clear <name> <name>\tClear multiple process' log files\n" +
		"clear all\t\tClear all process' log files\n"
	helpMaintail = "maintail -f \tContinuous tail of supervisor main log file (Ctrl-C to exit)\n" +
		"maintail -100\tlast 100 *bytes* of supervisord main log file\n" +
		"maintail\tlast 1600 *bytes* of supervisor main log file\n\n"
	helpPid = "pid\t\t\tGet the PID of supervisord.\n" +
		"pid <name>\t\tGet the PID of a single child process by name.\n" +
		"pid all\t\t\tGet the PID of every child process, one per line.\n"
	helpRestart = "restart <name>\t\tRestart a process\n" +
		"restart <gname>:*\tRestart all processes in a group\n" +
		"restart <name> <name>\tRestart multiple processes or groups\n" +
		"restart all\t\tRestart all processes\n" +
		"Note: restart does not reread config files. For that, see reread and update.\n"
	helpSignal = "signal <signal name> <name>\t\tSignal a process\n" +
		"signal <signal name> <gname>:*\t\tSignal all processes in a group\n" +
		"signal <signal name> <name> <name>\tSignal multiple processes or groups\n" +
		"signal <signal name> all\t\tSignal all processes\n"
	helpStart = "start <name>\t\tStart a process\n" +
		"start <gname>:*\t\tStart all processes in a group\n" +
		"start <name> <name>\tStart multiple processes or groups\n" +
		"start all\t\tStart all processes\n"
	helpStatus = "status <name>\t\tGet status for a single process\n" +
		"status <gname>:*\tGet status for all processes in a group\n" +
		"status <name> <name>\tGet status for multiple named processes\n" +
		"status\t\t\tGet all process status info\n"
	helpStop = "stop <name>\t\tStop a process\n" +
		"stop <gname>:*\t\tStop all processes in a group\n" +
		"stop <name> <name>\tStop multiple processes or groups\n" +
		"stop all\t\tStop all processes\n"
	helpTail = "tail [-f] <name> [stdout|stderr] (default stdout)\n" +
		"Ex:\n" +
		"tail -f <name>\t\tContinuous tail of named process stdout\n" +
		"\t\t\tCtrl-C to exit.\n" +
		"tail -100 <name>\tlast 100 *bytes* of process stdout\n" +
		"tail <name> stderr\tlast 1600 *bytes* of process stderr\n"
	helpUpdate = "update\t\t\tReload config and add/remove as necessary, and will restart affected programs\n" +
		"update all\t\tReload config and add/remove as necessary, and will restart affected programs\n" +
		"update <gname> [...]\tUpdate specific groups\n"
)

// findAction returns the action of a name. Some are not listed: the end of the
// input, which the shell takes for one, and what a script needs once.
func findAction(name string) (action, bool) {
	switch name {
	case "EOF":
		return action{name: name, run: (*Controller).doQuit}, true
	case "completion":
		return action{name, "completion <shell>\tPrint a completion script for bash, zsh or fish\n", (*Controller).doCompletion}, true
	}
	for _, a := range actions() {
		if a.name == name {
			return a, true
		}
	}
	return action{}, false
}

// help shows how the action of that name is used.
func (c *Controller) help(name string) {
	if a, ok := findAction(name); ok && a.help != "" {
		c.output(strings.TrimSuffix(a.help, "\n"))
		return
	}
	c.output("*** No help on " + name)
}

func (c *Controller) doHelp(_ context.Context, arg string) error {
	if arg != "" {
		c.help(arg)
		return nil
	}
	var names []string
	for _, a := range actions() {
		if a.name != "help" {
			names = append(names, a.name)
		}
	}
	const header = "default commands (type help <topic>):"
	c.output("\n" + header + "\n" + strings.Repeat("=", len(header)) + "\n" + columns(names, 79))
	return nil
}

// columns lays names out in as few rows as fit into the width, column by
// column, two blanks between them.
func columns(names []string, width int) string {
	for rows := 1; ; rows++ {
		widths := make([]int, (len(names)+rows-1)/rows)
		total := -2
		for i, name := range names {
			widths[i/rows] = max(widths[i/rows], len(name))
		}
		for _, w := range widths {
			total += w + 2
		}
		if total > width && rows < len(names) {
			continue
		}
		var b strings.Builder
		for row := range rows {
			for i := row; i < len(names); i += rows {
				if i > row {
					b.WriteString("  ")
				}
				b.WriteString(names[i] + strings.Repeat(" ", widths[i/rows]-len(names[i])))
			}
			b.WriteByte('\n')
		}
		return b.String()
	}
}
