package main

// command is a command of this project, and what its manual page says beyond
// its help.
type command struct {
	name, summary string
	text          string // in place of what --help prints
	more          string // further sections, in the language of man(7)
}

// seeAlso returns the names of the manual pages to read next.
func (c command) seeAlso() []string {
	var names []string
	for _, name := range []string{
		"supervisord", "supervisorctl", "echo_supervisord_conf", "vigilance-spool", "vigilance-silence",
	} {
		if name != c.name {
			names = append(names, name)
		}
	}
	return names
}

// commands are all commands.
var commands = []command{
	{
		name: "supervisord", summary: "start programs, watch them and keep them running",
		more: `
.SH SIGNALS
.TP
.B TERM, INT, QUIT
stop all programs, then supervisord.
.TP
.B HUP
stop all programs, read the configuration again and start anew. With an error in
the file everything stays as it is.
.TP
.B USR2
open the logs anew.
.SH EXIT STATUS
0 after a shutdown, or when the daemon runs in the background; 2 when the command
line or the configuration cannot be used.
.SH FILES
Without \-c, the configuration is the first that exists of
etc/supervisord.conf and supervisord.conf in the folder above the command's,
supervisord.conf and etc/supervisord.conf in the current directory,
/etc/supervisord.conf and /etc/supervisor/supervisord.conf.
.SH ENVIRONMENT
Under a service manager with Type=notify, NOTIFY_SOCKET and WATCHDOG_USEC are
used, and kept from the programs.`,
	},
	{
		name: "supervisorctl", summary: "tell a running supervisord what to do",
		more: `
.SH EXIT STATUS
0 when the action succeeded; 3 from status when a program does not run; another
number for other failures.`,
	},
	{name: "pidproxy", summary: "run a command and send it signals by way of its pidfile"},
	{
		name: "echo_supervisord_conf", summary: "print a configuration for supervisord",
		text: "echo_supervisord_conf >FILE\n\n" +
			"Prints a configuration file for supervisord that has every option, with a remark\n" +
			"on each. Arguments mean nothing.",
	},
	{name: "crashmail", summary: "send mail when programs of supervisord crash"},
	{name: "crashmailbatch", summary: "send one mail about many crashes of programs of supervisord"},
	{name: "crashsms", summary: "send text messages about crashes of programs of supervisord"},
	{name: "fatalmailbatch", summary: "send one mail about programs that supervisord has given up"},
	{name: "httpok", summary: "restart programs of supervisord whose URL does not answer well"},
	{name: "memmon", summary: "restart programs of supervisord that use too much memory"},
	{name: "oommon", summary: "tell when programs of supervisord were killed for memory"},
	{name: "slackalert", summary: "tell Slack when programs of supervisord crash"},
	{name: "dingtalkalert", summary: "tell DingTalk when programs of supervisord crash"},
	{name: "wechatalert", summary: "tell WeChat Work when programs of supervisord crash"},
	{name: "feishualert", summary: "tell Feishu when programs of supervisord crash"},
	{name: "webhookalert", summary: "call a URL when programs of supervisord crash"},
	{name: "alertmanageralert", summary: "tell Prometheus Alertmanager when programs of supervisord crash"},
	{name: "vigilance-spool", summary: "show the alerts that have not been delivered"},
	{name: "vigilance-silence", summary: "keep alerts about programs back for a while"},
}
