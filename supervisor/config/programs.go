package config

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// programs reads the processes of a [program:x], [eventlistener:x] or
// [fcgi-program:x] section, as members of a group.
func (r *reader) programs(section *section, group string) ([]*Program, error) {
	p := &r.program
	p.begin(r, section)
	programs, err := p.read(group)
	if err == nil {
		return programs, nil
	}
	file, included := r.origin[section.name]
	if !included {
		file = r.path
	}
	var reason *Error
	if !errors.As(err, &reason) {
		return nil, err
	}
	located := *reason
	located.Text = fmt.Sprintf("%s in section %s (file: %s)", err, PyRepr(section.name), PyRepr(file))
	return nil, &located
}

// programReader is the reading of one program section.
type programReader struct {
	view
	common names // what all processes of the section may use
	own    names // ENV_x for the section's own environment
	late   scope // for what the reference expands by itself: the same names, in its order

	template                Program
	numprocs, numprocsStart int
	processName             string
	environment             string // not yet expanded
}

// begin turns to a section.
func (p *programReader) begin(r *reader, section *section) {
	p.common.clear()
	p.own.clear()
	p.view = view{reader: r, section: section, scope: append(p.scope[:0], r.env, &p.common)}
	p.late = append(p.late[:0], &p.common, r.env, &p.own)
	p.template = Program{}
}

// maxProcs bounds numprocs, whose processes are all made in memory. No machine
// runs as many.
const maxProcs = 1 << 20

func (p *programReader) read(group string) ([]*Program, error) {
	name := p.name()
	p.common.set("here", textValue(p.reader.here))
	p.common.set("program_name", textValue(name))
	p.common.set("host_node_name", textValue(p.reader.opts.Hostname))
	p.common.set("group_name", textValue(group))
	p.readShared()
	p.readNames()
	if p.err != nil {
		return nil, p.err
	}
	var programs []*Program
	p.scope = append(p.scope, &p.own)
	for i := range p.numprocs {
		program, err := p.process(p.numprocsStart + i)
		if err != nil {
			return nil, err
		}
		programs = append(programs, program)
	}
	slices.SortStableFunc(programs, func(a, b *Program) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), strings.Compare(a.Name, b.Name))
	})
	return programs, nil
}

// readShared reads the options that are the same for all processes of the
// section, and what their number and names follow from.
func (p *programReader) readShared() {
	t := &p.template
	t.Section = p.section.name
	t.Priority = p.integer("priority", defaultPriority)
	t.AutoStart = p.boolean("autostart", true)
	t.AutoRestart = option(&p.view, "autorestart", RestartUnexpected, ParseAutoRestart)
	t.StartSecs = seconds(p.integer("startsecs", 1))
	t.StartRetries = p.integer("startretries", 3)
	t.StopSignal = option(&p.view, "stopsignal", defaultStopSignal, ParseSignal)
	t.StopWaitSecs = seconds(p.integer("stopwaitsecs", 10))
	t.StopAsGroup = p.boolean("stopasgroup", false)
	t.KillAsGroup = p.boolean("killasgroup", t.StopAsGroup)
	t.ExitCodes = option(&p.view, "exitcodes", []int{0}, ParseExitCodes)
	t.RedirectStderr = p.boolean("redirect_stderr", false)
	p.numprocs = p.integer("numprocs", 1)
	p.numprocsStart = p.integer("numprocs_start", 0)
	p.environment, _ = p.raw("environment")
	t.Stdout.CaptureMaxBytes = p.byteSize("stdout_capture_maxbytes", 0)
	t.Stdout.EventsEnabled = p.boolean("stdout_events_enabled", false)
	t.Stderr.CaptureMaxBytes = p.byteSize("stderr_capture_maxbytes", 0)
	t.Stderr.EventsEnabled = p.boolean("stderr_events_enabled", false)
	t.ServerURL = p.text("serverurl", "")
	if strings.EqualFold(strip(t.ServerURL), "AUTO") {
		t.ServerURL = ""
	}
	t.UID = pointer(&p.view, "user", p.reader.opts.ParseUser)
	t.Umask = pointer(&p.view, "umask", ParseOctal)
}

// pointer is option for values that have no default: nil when not set.
func pointer[T any](v *view, key string, parse func(string) (T, error)) *T {
	return option(v, key, nil, func(text string) (*T, error) {
		parsed, err := parse(text)
		return &parsed, err
	})
}

// readNames reads process_name and checks what options must hold together.
func (p *programReader) readNames() {
	const key = "process_name"
	name, ok := p.raw(key)
	if !ok {
		name = "%(program_name)s"
	}
	name, err := parseName(name)
	if err != nil {
		p.fail(key, err)
	}
	if p.processName = name; p.numprocs > 1 && !strings.Contains(name, "%(process_num)") {
		p.failf(key, "%%(process_num) must be present within process_name when numprocs > 1")
	}
	if p.numprocs > maxProcs {
		p.failf("numprocs", "numprocs %d is above upper bound (%d)", p.numprocs, maxProcs)
	}
	if p.template.StopAsGroup && !p.template.KillAsGroup {
		p.failf("killasgroup", "Cannot set stopasgroup=true and killasgroup=false")
	}
}

// process makes the program of one process number, from the options that the
// number or the section's environment may be part of.
func (p *programReader) process(number int) (*Program, error) {
	program := p.template
	p.common.set("process_num", numberValue(number))
	p.common.set("numprocs", numberValue(p.numprocs))
	p.readEnvironment(&program)
	program.Directory = p.text("directory", "")
	p.readLog(&program.Stdout, logKeys{"stdout_logfile", "stdout_logfile_backups", "stdout_logfile_maxbytes", "stdout_syslog"})
	p.readLog(&program.Stderr, logKeys{"stderr_logfile", "stderr_logfile_backups", "stderr_logfile_maxbytes", "stderr_syslog"})
	if program.RedirectStderr {
		p.dropStderr(&program.Stderr)
	}
	dropUnnamed(&program.Stdout)
	dropUnnamed(&program.Stderr)
	command, ok := p.optional("command")
	if !ok {
		p.failf("command", "program section %s does not specify a command", p.section.name)
	}
	program.Command = command
	name, err := expand(p.processName, "process_name", p.late)
	if err != nil {
		p.fail("process_name", err)
	}
	program.Name = name
	return &program, p.err
}

// readEnvironment reads the section's environment, whose variables the other
// options of the process may then use as ENV_x.
func (p *programReader) readEnvironment(program *Program) {
	const key = "environment"
	// The process before may have hidden a variable of the daemon's.
	p.own.removeAll(p.reader.env.has)
	text, err := expand(p.environment, key, p.late)
	if err == nil {
		err = p.reader.environment.read(text, p.reader.base)
	}
	if err != nil {
		p.fail(key, err)
		return
	}
	for _, e := range p.reader.environment.names {
		p.own.set(e.name, e.value)
	}
	program.Environment = p.reader.environment.merged
}

// environment is what an environment option means.
type environment struct {
	text   string            // of the option
	names  []entry[value]    // ENV_x for its variables, sorted
	merged map[string]string // its variables over [supervisord]'s
}

// read gives e the meaning of text, over base. Programs with the same text
// share it.
func (e *environment) read(text string, base map[string]string) error {
	if e.merged != nil && e.text == text {
		return nil
	}
	own, err := ParseEnvironment(text)
	if err != nil {
		return err
	}
	*e = environment{text: text, merged: merge(base, own)}
	for _, name := range sortedKeys(own) {
		e.names = append(e.names, entry[value]{"ENV_" + name, textValue(own[name])})
	}
	return nil
}

// logKeys are the options of one output stream.
type logKeys struct{ file, backups, maxBytes, syslog string }

// readLog reads the options of one output stream. A file name is expanded
// twice, as there.
func (p *programReader) readLog(log *Log, keys logKeys) {
	log.Target = LogAuto
	if name, named := p.optional(keys.file); named {
		p.readTarget(log, keys.file, name)
	}
	log.Backups = p.integer(keys.backups, 10)
	log.MaxBytes = p.byteSize(keys.maxBytes, 50<<20)
	log.Syslog = p.boolean(keys.syslog, false)
	if log.Target == LogFile && log.File == syslogName {
		p.reader.warnf("For [%s], %s=syslog but this is deprecated and will be removed.  Use %s=true to enable syslog instead.",
			p.section.name, keys.file, keys.syslog)
		log.Target, log.File, log.Syslog = LogNone, "", true
	}
	if log.Target == LogAuto && log.MaxBytes == 0 {
		p.reader.warnf("For [%s], AUTO logging used for %s without rollover, set maxbytes > 0 to avoid filling up filesystem unintentionally",
			p.section.name, keys.file)
	}
}

func (p *programReader) readTarget(log *Log, key, name string) {
	name, err := expand(name, key, p.late)
	if err != nil {
		p.fail(key, err)
		return
	}
	switch pyLower(name) {
	case "none", "off":
		log.Target = LogNone
	case "auto":
		log.Target = LogAuto
	case syslogName:
		log.Target, log.File = LogFile, syslogName // readLog replaces it
	default:
		log.Target = LogFile
		if log.File, err = p.reader.logPath(name); err != nil {
			p.fail(key, err)
		}
	}
}

// logPath is ParseExistingDirpath, which looks at each folder once: a thousand
// programs have their logs in the same.
func (r *reader) logPath(name string) (string, error) {
	slash := strings.LastIndexByte(name, '/') + 1
	if strings.HasPrefix(name, "/") && r.dirs[name[:slash]] {
		return name, nil
	}
	path, err := r.opts.ParseExistingDirpath(name)
	if err == nil {
		r.dirs[name[:slash]] = true
	}
	return path, err
}

// dropStderr takes the log file from a stream that goes into stdout's.
func (p *programReader) dropStderr(log *Log) {
	if log.Target == LogFile {
		p.reader.warnf("For [%s], redirect_stderr=true but stderr_logfile has also been set to a filename, the filename has been ignored",
			p.section.name)
	}
	log.Target, log.File = LogNone, ""
}

// dropUnnamed turns a log file with an empty name into none, as the reference
// does when it opens its logs.
func dropUnnamed(log *Log) {
	if log.Target == LogFile && log.File == "" {
		log.Target = LogNone
	}
}

func (r *reader) warnf(format string, args ...any) {
	r.warnings = append(r.warnings, fmt.Sprintf(format, args...))
}

// seconds converts a number of seconds, which saturates with the Duration.
func seconds(count int) time.Duration {
	const most = int(math.MaxInt64 / time.Second)
	return time.Duration(max(-most, min(count, most))) * time.Second
}
