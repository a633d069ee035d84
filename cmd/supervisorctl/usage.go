package main

const usage = `supervisorctl -- tell a running supervisord what to do, from the command line.

Usage: %s [options] [action [arguments]]

Options:
-c/--configuration FILENAME -- read this configuration file (if not given, the
                               usual places are searched)
-h/--help -- print this text and exit
-i/--interactive -- ask before a shutdown or reload, and for credentials
-s/--serverurl URL -- where supervisord listens: http://host:port,
     https://host:port or unix:///path/to/socket (default is the file's
     serverurl, or "http://localhost:9001")
-u/--username USERNAME -- name to log in to the server with
-p/--password PASSWORD -- password to log in to the server with
-r/--history_file FILENAME -- keep what is typed into the shell in this file
--cafile FILENAME -- check an https server's certificate by the authorities in
                     this PEM file
--safe -- at a terminal, show the escape sequences in logs and names instead of
          obeying them; colours pass (also: SUPERVISORCTL_SAFE=1)
--insecure -- accept any certificate of an https server
--vigilance-version -- print this program's own version and exit

action [arguments] -- such as "start web" or "tail -f web". Without an action a
shell starts in which they can be typed; the action "help" lists them. Names may
be patterns ("web*"). Besides what help shows:

status, avail, reread, update, version --json -- print JSON
status [name ...] --wait STATE[,STATE] [--timeout DURATION] -- wait for states
tail -f name name ... -- follow several logs at once
completion bash|zsh|fish -- print a completion script for a shell

`
