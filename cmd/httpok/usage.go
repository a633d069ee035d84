package main

import "github.com/vigilance-go/vigilance/cmd/internal/check"

// section is what belongs into the configuration of supervisord.
const section = `    [eventlistener:httpok]
    command=httpok -p shop -m ops@example.com http://localhost:8080/health
    events=TICK_60
`

// usage is what --help prints, and what follows a wrong option.
func usage() string {
	return `httpok [-p processname] [-a] [-g gcore] [-d coredir] [-t timeout]
       [-c status_code] [-b inbody] [-m mail_address] [-s sendmail] [-e|-E]
       [-n name] [other options] URL...

Asks a URL at each tick, and restarts processes of a supervisord when the answer
is not as it should be or does not come. It is an event listener, to be run by
supervisord from a section of its configuration:

` + section + `
supervisord needs a [unix_http_server] section, by which httpok reaches it. Where
that has a password, the listener needs
environment=SUPERVISOR_USERNAME="...",SUPERVISOR_PASSWORD="...".

Which processes:

-p, --program NAME -- restart this process. NAME is that of a process, or
      group:process; both may be patterns, such as web:*. May be given several
      times.

-a, --any -- restart all processes, whatever -p says, but not this listener.

--restart-fatal -- restart processes in FATAL state too. Without it, only those
      in RUNNING state are restarted.

What is asked:

URL, --url URL -- http:// and https:// are asked with GET, and redirections not followed.
      http+unix://%2Frun%2Fapp.sock/path asks at a Unix socket.
      tcp://host:port and unix:///run/app.sock are only connected to. Several
      URLs are asked at the same time; one that is bad is enough.

-t, --timeout SECONDS -- how long an answer may take. Default is 10. While the
      connection is refused, it is tried again every 10 seconds within this
      time (--retry-interval SPAN for another pause).

--method METHOD -- ask with another method than GET.

--header 'NAME: VALUE' -- send this header. May be given several times.

--unix-socket FILE -- ask at this socket, whatever host the URL names.

--ca-file FILE -- certificates (PEM) that the server's must be signed by. Without
      it, a certificate that is not valid is told on standard error and does not
      fail the check, unless there is a --header or a password in the URL.

--insecure -- accept any certificate.

What the answer must be:

-c, --code STATUS -- this status. May be given several times. Default is 200.

-b, --body STRING -- STRING must be in the body.

--body-regex REGEX -- the body must match (Go's syntax, as RE2).

-B, --restart-string STRING -- STRING must not be in the body. May be given
      several times.

-e, --eager -- ask the URL, and mail, even if none of the processes is in RUNNING
      state. The default.

-E, --not-eager -- do not.

What is done:

--failures N -- act when N checks in a row have failed. Default is 1.

--grace SPAN -- leave processes alone that were started less than SPAN ago, such
      as 90s or 5m. When that are all, the check does not count.

-d, --coredir DIR -- write a core file of each process into DIR before it is
      restarted.

-g, --gcore COMMAND -- the command that does so; it gets a file name and a pid.
      Default is "/usr/bin/gcore -o". What it prints is added to the mail.

` + check.RestartUsage + `
Who is told:

-m, --email ADDRESS -- who gets a mail when processes are restarted. May be
      given several times. Without it, no mail is sent.

-s, --sendmail_program COMMAND -- the command that sends mail; it gets headers
      and text on standard input. Default is "/usr/sbin/sendmail -t -i".

-n, --name NAME -- stands in the subject: which httpok it was.

--recovery -- mail also when the URL is well again.

--recovered TIME -- mail when it has been well again for so long.

--test -- ask all URLs now, print the answers, and send a test mail. Needs no
      supervisord.

` + check.MailUsage("httpok") + `
--version -- print the version and exit.

-h, --help -- print this text and exit.

A sample invocation:

httpok -p program1 -p group1:program2 http://localhost:8080/tasty
`
}
