package main

import "github.com/vigilance-go/vigilance/cmd/internal/check"

// section is what belongs into the configuration of supervisord.
const section = `    [eventlistener:oommon]
    command=oommon -a -m ops@example.com
    events=PROCESS_STATE_EXITED,TICK_5
`

// usage is what --help prints, and what follows a wrong option.
func usage() string {
	return `oommon [-p processname] [-g groupname] [-a] [--sentinel path] [--alert-only]
       [-m mail_address] [-s sendmail] [-n name] [other options]

Tells when the kernel has killed a process of a supervisord because memory ran
out (the OOM killer). Where it was a child, and the process itself goes on
without it, the process is restarted. It is an event listener, to be run by
supervisord from a section of its configuration:

` + section + `
supervisord needs a [unix_http_server] section, by which oommon reaches it. Where
that has a password, the listener needs
environment=SUPERVISOR_USERNAME="...",SUPERVISOR_PASSWORD="...".

What was killed is read in the kernel's log (/dev/kmsg), which mostly needs root.
Where it cannot be read, as in most containers, the counters of the cgroups tell
that something was killed, and the exits that supervisord reports, what.

Which processes:

-p, --program NAME -- look after this process. NAME is that of a process, or
      group:process; both may be patterns, such as web:*. May be given several
      times. Without -p and -g, all processes count.

-g, --group NAME -- look after all processes of this group. May be given several
      times.

-a, --any -- look after all processes, whatever -p and -g say.

--sentinel PATH -- a file that a process leaves when it has run out of memory,
      such as /tmp/%(program)s.oom with Java's
      -XX:OnOutOfMemoryError="touch /tmp/shop.oom". %(program)s, %(group)s and
      %(pid)s stand for those of the process; in a configuration each % is
      written twice: /tmp/%%(program)s.oom. When the file appears, it is
      removed and the process is restarted. May be given several times.

What is done:

--alert-only -- mail, and restart nothing.

` + check.RestartUsage + `
Who is told:

-m, --email ADDRESS -- who gets a mail. May be given several times. Without it,
      no mail is sent.

-s, --sendmail_program COMMAND -- the command that sends mail; it gets headers
      and text on standard input. Default is "/usr/sbin/sendmail -t -i".

-n, --name NAME -- stands in the subject: which oommon it was.

--test -- send a test mail now, and print the whole conversation. Needs no
      supervisord.

` + check.MailUsage("oommon") + `
--version -- print the version and exit.

-h, --help -- print this text and exit.
`
}
