package main

import (
	"github.com/vigilance-go/vigilance/cmd/internal/alert"
	"github.com/vigilance-go/vigilance/cmd/internal/chat"
)

// usage is what --help prints, and what follows a wrong option.
func usage() string {
	return `crashmail [-p processname] [-a] [-o string] [-m mail_address]
          [-s sendmail] [--smtp-host host] [other options]

Sends a mail when a process of a supervisord ends unexpectedly. It is an event
listener, to be run by supervisord from a section of its configuration:

    [eventlistener:crashmail]
    command=crashmail -a -m ops@example.com
    events=PROCESS_STATE_EXITED

Options:

-p, --program NAME -- mail when this process ends unexpectedly. NAME is that
      of a process, or group:process; both may be patterns, such as web:*.
      May be given several times. Without -p, all processes count.

-a, --any -- mail for all processes, whatever -p says.

-o, --optionalheader STRING -- what the subject begins with.

-s, --sendmail_program COMMAND -- the command that sends mail; it gets headers
      and text on standard input. Default is "/usr/sbin/sendmail -t -i".

-m, --email ADDRESS -- who gets the mail. May be given several times. Without
      it, no mail is sent.

--subject-host -- say in the subject on which host it happened.

--log-lines N -- put the last N lines of the process's output into the mail.
      They come from supervisord's XML-RPC server, so its configuration needs
      a [unix_http_server] section; where that has a password, the listener
      needs environment=SUPERVISOR_USERNAME="...",SUPERVISOR_PASSWORD="...".

` + defaults().Describe("crashmail") + `
--check -- check the options, whether the mail server answers and the spool can be
      written, and send nothing.

--test -- send a test mail to all recipients now, and print the whole
      conversation. Needs no supervisord.

` + alert.MailUsage + `
` + chat.Usage + `
--spool DIR -- where mails wait until they are delivered, in a folder of the
      listener's name. Default is /var/lib/vigilance/spool for root, else
      vigilance/spool in $XDG_STATE_HOME or ~/.local/state.

--version -- print the version and exit.

-h, --help -- print this text and exit.

A sample invocation:

crashmail -p program1 -p group1:program2 -m dev@example.com
`
}

// notAListener is what follows superlance's own message.
const notAListener = `
It needs a supervisord that starts it and tells it about its processes. Put this
into the configuration of supervisord, with an address of yours, and run
"supervisorctl update":

    [eventlistener:crashmail]
    command=crashmail -a -m ops@example.com
    events=PROCESS_STATE_EXITED

"crashmail --test -m ops@example.com" sends a test mail now and shows what
becomes of it. "crashmail --help" lists all options.
`
