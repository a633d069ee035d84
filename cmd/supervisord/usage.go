package main

import "strings"

// usageText is what --help prints.
func usageText(prog string) string {
	return strings.ReplaceAll(usage, "%s", prog)
}

const usage = `supervisord -- start programs, watch them and keep them running.

Usage: %s [options]

Options:
-c/--configuration FILENAME -- read this configuration file (if not given, the
                               usual places are searched)
-n/--nodaemon -- stay in the foreground (like 'nodaemon=true' in the file)
-s/--silent -- do not copy the log to stdout (like 'silent=true' in the file)
-h/--help -- print this text and exit
-v/--version -- print the Supervisor version this one stands in for and exit
--vigilance-version -- print this program's own version and exit
-u/--user USER -- become this user, given by name or numeric uid
-m/--umask UMASK -- file mode mask of the daemon, in octal (default is 022)
-d/--directory DIRECTORY -- change to this directory when becoming a daemon
-l/--logfile FILENAME -- write supervisord's own log to FILENAME
-y/--logfile_maxbytes BYTES -- rotate the log when it reaches this size
-z/--logfile_backups NUM -- keep this many rotated logs
-e/--loglevel LEVEL -- log this level and above (critical,error,warn,info,
                       debug,trace,blather)
-j/--pidfile FILENAME -- write the daemon's process id to FILENAME
-i/--identifier STR -- name of this supervisord among others
-q/--childlogdir DIRECTORY -- directory for the AUTO logs of programs
-k/--nocleanup -- keep the AUTO logs of the previous run
-a/--minfds NUM -- refuse to start with fewer file descriptors than this
-t/--strip_ansi -- remove ANSI escape sequences from programs' logs
--minprocs NUM -- refuse to start with fewer available processes than this
--check -- read the configuration, print what would be run, and start nothing;
           the exit status is 2 when it cannot be used
--json -- print that as JSON
--profile_options OPTIONS -- accepted and without effect: it configures the
                             Python profiler
`
