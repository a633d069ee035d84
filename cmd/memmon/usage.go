package main

import "github.com/vigilance-go/vigilance/cmd/internal/check"

// section is what belongs into the configuration of supervisord.
const section = `    [eventlistener:memmon]
    command=memmon -p shop=200MB -a 1GB -m ops@example.com
    events=TICK_60
`

// usage is what --help prints, and what follows a wrong option.
func usage() string {
	return `memmon [-c] [-p processname=byte_size] [-g groupname=byte_size]
       [-a byte_size] [-s sendmail] [-m email_address] [-u uptime]
       [-n memmon_name] [other options]

Looks at each tick how much memory the processes of a supervisord use, and
restarts those that use too much. It is an event listener, to be run by
supervisord from a section of its configuration:

` + section + `
supervisord needs a [unix_http_server] section, by which memmon reaches it. Where
that has a password, the listener needs
environment=SUPERVISOR_USERNAME="...",SUPERVISOR_PASSWORD="...".

How much is too much (a size is a number of bytes, or of KB, MB or GB; a process
with several limits is restarted when it is above one of them):

-p, --program NAME=SIZE -- the limit of this process. NAME is that of a process,
      or group:process; both may be patterns, such as 'web:*'. May be given
      several times.

-g, --group NAME=SIZE -- the limit of each process of this group. May be given
      several times.

-a, --any SIZE -- the limit of all processes. This listener itself is measured,
      but never restarted.

--samples N -- restart a process that was above its limit N times in a row.
      Default is 1.

--warn PERCENT -- mail once when a process uses more than that part of its limit,
      such as 80, and again only after it has used less.

--growth SIZE -- mail when a process grows by more than SIZE an hour. It is
      measured over an hour, and for the first time after half an hour.

How it is measured:

-c, --cumulative -- add the memory of a process's children, and of theirs.

--measure WHAT -- rss (resident memory, as ps shows it; the default), pss (what is
      shared is divided among those that share it), uss (what nobody else has)
      or cgroup (what the process's cgroup is charged for). All but rss need
      Linux.

What is done:

` + check.RestartUsage + `
Who is told:

-m, --email ADDRESS -- who gets a mail when a process is restarted. May be given
      several times. Without it, no mail is sent.

-u, --uptime TIME -- send no mail about a process that was up for longer than
      this, in seconds, or with m, h or d for minutes, hours or days: to hear
      only of those that are restarted too often.

-s, --sendmail_program COMMAND -- the command that sends mail; it gets headers
      and text on standard input. Default is "/usr/sbin/sendmail -t -i".

-n, --name NAME -- stands in the subject: which memmon it was.

--test -- send a test mail now, and print the whole conversation. Needs no
      supervisord.

` + check.MailUsage("memmon") + `
--version -- print the version and exit.

-h, --help -- print this text and exit.

A sample invocation:

memmon -p program1=200MB -p thegroup:theprog=100MB -g thegroup=100MB -a 1GB -m dev@example.com -n "Project 1"
`
}
