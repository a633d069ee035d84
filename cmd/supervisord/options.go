package main

import (
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/vigilance-go/vigilance/internal/cmdline"
	"github.com/vigilance-go/vigilance/supervisor/config"
	"github.com/vigilance-go/vigilance/supervisor/mainlog"
)

// commandLine is what the command line says. Nil and false stand for options
// that were not given: the configuration file decides.
type commandLine struct {
	// load is how this and the file are read: from the directory in which the
	// daemon was started.
	load config.Options

	configuration   *string
	noDaemon        *bool
	silent          *bool
	user            *string
	umask           *int
	directory       *string
	logFile         *string
	logFileMaxBytes *int64
	logFileBackups  *int
	logLevel        *config.LogLevel
	pidFile         *string
	identifier      *string
	childLogDir     *string
	noCleanup       *bool
	minFDs          *int
	stripANSI       *bool
	minProcs        *int
	profileOptions  *string

	check, json *bool // beyond the reference's
}

// option is one option of the command line, and where its value goes.
type option struct {
	long, short string // short may be empty
	takesValue  bool
	beyond      bool // none of the reference's
	isSet       func() bool
	set         func(value string) error
}

// options returns the options that set fields of c.
func (c *commandLine) options() []option {
	return []option{
		value("configuration", "c", &c.configuration, anyText),
		flag("nodaemon", "n", &c.noDaemon),
		flag("silent", "s", &c.silent),
		value("user", "u", &c.user, anyText),
		value("umask", "m", &c.umask, config.ParseOctal),
		value("directory", "d", &c.directory, c.load.ParseExistingDirectory),
		value("logfile", "l", &c.logFile, c.load.ParseExistingDirpath),
		value("logfile_maxbytes", "y", &c.logFileMaxBytes, config.ParseByteSize),
		value("logfile_backups", "z", &c.logFileBackups, config.ParseInteger),
		value("loglevel", "e", &c.logLevel, config.ParseLogLevel),
		value("pidfile", "j", &c.pidFile, c.load.ParseExistingDirpath),
		value("identifier", "i", &c.identifier, anyText),
		value("childlogdir", "q", &c.childLogDir, c.load.ParseExistingDirectory),
		flag("nocleanup", "k", &c.noCleanup),
		value("minfds", "a", &c.minFDs, config.ParseInteger),
		flag("strip_ansi", "t", &c.stripANSI),
		value("minprocs", "", &c.minProcs, config.ParseInteger),
		value("profile_options", "", &c.profileOptions, anyText),
		beyond(flag("check", "", &c.check)),
		beyond(flag("json", "", &c.json)),
	}
}

func value[T any](long, short string, to **T, parse func(string) (T, error)) option {
	return option{
		long: long, short: short, takesValue: true,
		isSet: func() bool { return *to != nil },
		set: func(text string) error {
			v, err := parse(text)
			if err == nil && *to == nil {
				*to = &v
			}
			return err
		},
	}
}

func flag(long, short string, to **bool) option {
	o := value(long, short, to, func(string) (bool, error) { return true, nil })
	o.takesValue = false
	return o
}

func beyond(o option) option {
	o.beyond = true
	return o
}

func anyText(s string) (string, error) { return s, nil }

// flags declares the options for package cmdline.
func flags(options []option) []cli.Flag {
	flags := make([]cli.Flag, len(options))
	for i, o := range options {
		var aliases []string
		if o.short != "" {
			aliases = []string{o.short}
		}
		category := ""
		if o.beyond {
			category = cmdline.Beyond
		}
		if o.takesValue {
			flags[i] = &cli.StringFlag{Name: o.long, Aliases: aliases, Category: category}
		} else {
			flags[i] = &cli.BoolFlag{Name: o.long, Aliases: aliases, Category: category}
		}
	}
	return flags
}

// take gives the value of one occurrence of an option to the one it is for.
// The errors have the reference's words (options.py, realize).
func take(options []option, given cmdline.Option) error {
	for _, o := range options {
		if o.long != given.Name {
			continue
		}
		taken := o.isSet()
		if err := o.set(given.Value); err != nil {
			return cmdline.Usagef("invalid value for %s %s: %v", given.As, config.PyRepr(given.Value), err)
		}
		if taken {
			return cmdline.Usagef("conflicting command line option %s", config.PyRepr(given.As))
		}
	}
	return nil
}

// refuseArgs is the reference's answer to positional arguments.
func refuseArgs(args []string) error {
	if len(args) == 0 {
		return nil
	}
	quoted := make([]string, len(args))
	for i, a := range args {
		quoted[i] = config.PyRepr(a)
	}
	return cmdline.Usagef("positional arguments are not supported: [%s]", strings.Join(quoted, ", "))
}

// override lets the command line's values stand over those of the file. As in
// the reference, an empty path leaves the file's.
func (c *commandLine) override(s *config.Supervisord) {
	replace(&s.NoDaemon, c.noDaemon)
	replace(&s.Silent, c.silent)
	replace(&s.Umask, c.umask)
	replace(&s.Directory, c.directory)
	replace(&s.LogFileMaxBytes, c.logFileMaxBytes)
	replace(&s.LogFileBackups, c.logFileBackups)
	replace(&s.LogLevel, c.logLevel)
	replace(&s.Identifier, c.identifier)
	replace(&s.ChildLogDir, c.childLogDir)
	replace(&s.NoCleanup, c.noCleanup)
	replace(&s.MinFDs, c.minFDs)
	replace(&s.StripANSI, c.stripANSI)
	replace(&s.MinProcs, c.minProcs)
	if c.user != nil {
		s.User = c.user
	}
	if c.logFile != nil && *c.logFile != "" {
		s.LogFile = *c.logFile
		if s.LogFile != mainlog.Syslog {
			s.LogFile = c.load.NormalizePath(s.LogFile)
		}
	}
	if c.pidFile != nil && *c.pidFile != "" {
		s.PIDFile = c.load.NormalizePath(*c.pidFile)
	}
}

func replace[T any](to *T, with *T) {
	if with != nil {
		*to = *with
	}
}
