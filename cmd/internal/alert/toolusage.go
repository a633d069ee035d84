package alert

import "fmt"

// section is what a newcomer pastes into the configuration.
func (t Tool) section() string {
	return fmt.Sprintf(`    [eventlistener:%[1]s]
    command=%[1]s %[2]s
    events=PROCESS_STATE_EXITED,PROCESS_STATE_FATAL,PROCESS_STATE_BACKOFF,PROCESS_STATE_RUNNING
    buffer_size=1000
    stderr_logfile=/var/log/%[1]s.log
`, t.Name, t.Example)
}

// usage is what --help prints.
func (t Tool) usage() string {
	return fmt.Sprintf(`%[1]s %[2]s [other options]

%[3]s

It is an event listener, to be run by supervisord from a section of its
configuration:

%[4]s
With --test in that command line it sends a test message now, and shows what
becomes of it. Nothing is lost when the service is down, or when %[1]s
is killed: messages wait in a spool (see --spool).

Where it sends to:

%[5]s
-m, --email ADDRESS -- send mail, too. May be given several times. See the
      options of mail below.

Which programs:

-p, --program NAME -- report about this program. NAME is that of a process, or
      group:process; both may be patterns, such as web:*. May be given several
      times. Without -p, all programs count.

-a, --any -- report about all programs, whatever -p says.

What is sent, and when:

%[6]s
--log-lines N -- add the last N lines of the program's output. Default is 10.
      They, and how it ended, come from supervisord's XML-RPC server, so its
      configuration needs a [unix_http_server] section; where that has a
      password, the listener needs
      environment=SUPERVISOR_USERNAME="...",SUPERVISOR_PASSWORD="...".

--spool DIR -- where messages wait until they are delivered, in a folder of the
      listener's name. Default is /var/lib/vigilance/spool for root, else
      vigilance/spool in $XDG_STATE_HOME or ~/.local/state. See
      vigilance-spool --help.

Mail:

-s, --sendmail-program COMMAND -- the command that sends mail. Default is
      "/usr/sbin/sendmail -t -i".

%[7]s
Other:

--test -- send a test message to all destinations now, and print the whole
      conversation, secrets hidden. Needs no supervisord.

--check -- check the options, whether the destinations are within reach and the
      spool can be written, and send nothing.

--version -- print the version and exit.

-h, --help -- print this text and exit.
`, t.Name, t.Example, t.Summary, t.section(), t.Usage, t.defaults().Describe(t.Name), MailUsage)
}
