package main

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// text is the plan for a reader.
func (p *plan) text() string {
	var b strings.Builder
	processes := 0
	for _, g := range p.Groups {
		processes += len(g.Processes)
	}
	fmt.Fprintf(&b, "%s can be used: %s, %s, %s\n", p.File, count(len(p.Servers), "server", "servers"),
		count(len(p.Groups), "group", "groups"), count(processes, "process", "processes"))
	for _, warning := range p.Warnings {
		fmt.Fprintf(&b, "warning: %s\n", warning)
	}
	for _, note := range p.Notes {
		fmt.Fprintf(&b, "note: %s\n", note)
	}
	p.Supervisord.write(&b)
	if len(p.Servers) > 0 {
		b.WriteString("\nservers\n")
	}
	for _, s := range p.Servers {
		s.write(&b)
	}
	if len(p.Users) > 0 {
		b.WriteString("\nusers\n")
	}
	for _, u := range p.Users {
		field(&b, 2, u.Role, u.Name)
	}
	if len(p.Groups) > 0 {
		b.WriteString("\ngroups, in the order in which they start\n")
	}
	for i, g := range p.Groups {
		g.write(&b, i+1)
	}
	return b.String()
}

// field writes a named value, nothing where it is empty.
func field(b *strings.Builder, indent int, name, value string) {
	const width = 14 // of indent and name
	if value != "" {
		fmt.Fprintf(b, "%s%-*s %s\n", strings.Repeat(" ", indent), width-indent, name, value)
	}
}

func (d *planDaemon) write(b *strings.Builder) {
	b.WriteString("\nsupervisord\n")
	field(b, 2, "identifier", d.Identifier)
	field(b, 2, "pidfile", d.PIDFile)
	field(b, 2, "log", d.LogFile+", level "+d.LogLevel+rotation(d.LogFile, d.LogFileMaxBytes, d.LogFileBackups))
	field(b, 2, "AUTO logs", d.ChildLogDir)
	field(b, 2, "audit log", d.AuditLogFile)
	field(b, 2, "user", d.User)
	if d.NoDaemon {
		field(b, 2, "runs", "in the foreground")
		return
	}
	where := d.Directory
	if where == "" {
		where = "the folder where it is started"
	}
	field(b, 2, "runs", "in the background, in "+where+", umask "+d.Umask)
}

func (s *planServer) write(b *strings.Builder) {
	facts := []string{s.URL}
	if s.Chmod != "" {
		facts = append(facts, "mode "+s.Chmod)
	}
	if s.Chown != "" {
		facts = append(facts, "owner "+s.Chown)
	}
	switch {
	case s.Username != "" && s.Users:
		facts = append(facts, "asks for user "+strconv.Quote(s.Username)+" or one of the users, and the password")
	case s.Username != "":
		facts = append(facts, "asks for user "+strconv.Quote(s.Username)+" and the password")
	case s.Users:
		facts = append(facts, "asks for one of the users, and the password")
	default:
		facts = append(facts, "asks for no password")
	}
	if s.AllowedHosts != nil {
		facts = append(facts, "is called "+strings.Join(s.AllowedHosts, ", "))
	}
	if s.Peers != nil {
		facts = append(facts, s.Peers.text())
	}
	if s.ClientCert {
		facts = append(facts, "asks for a client's certificate")
	}
	if s.BasePath != "" {
		facts = append(facts, "base path "+s.BasePath)
	}
	fmt.Fprintf(b, "  %s\n", strings.Join(facts, ", "))
}

func (g *planGroup) write(b *strings.Builder, number int) {
	fmt.Fprintf(b, "\n%d. %s (%s, priority %d)\n", number, g.Name, g.Kind, g.Priority)
	field(b, 2, "events", strings.Join(g.Events, ", "))
	if g.BufferSize > 0 {
		field(b, 2, "buffer", count(g.BufferSize, "event", "events"))
	}
	field(b, 2, "socket", g.Socket)
	for i := range g.Processes {
		g.Processes[i].write(b)
	}
}

func (p *planProcess) write(b *strings.Builder) {
	fmt.Fprintf(b, "  %s\n", p.Name)
	field(b, 4, "command", p.Command)
	field(b, 4, "directory", p.Directory)
	field(b, 4, "user", p.User)
	start := fmt.Sprintf("with supervisord, priority %d", p.Priority)
	if !p.AutoStart {
		start = fmt.Sprintf("when asked to, priority %d", p.Priority)
	}
	field(b, 4, "start", fmt.Sprintf("%s; up after %gs, %s", start, p.StartSecs, count(p.StartRetries, "retry", "retries")))
	field(b, 4, "restart", p.AutoRestart)
	field(b, 4, "stop", fmt.Sprintf("%s, SIGKILL after %gs", signalName(p.StopSignal), p.StopWaitSecs))
	field(b, 4, "stdout", p.Stdout.text())
	field(b, 4, "stderr", p.Stderr.text())
}

func (l *planLog) text() string {
	if l.Redirected {
		return "to stdout"
	}
	text := l.LogFile + rotation(l.LogFile, l.MaxBytes, l.Backups)
	if l.Syslog {
		text += ", syslog"
	}
	if l.EventsEnabled {
		text += ", as PROCESS_LOG events"
	}
	if l.CaptureMaxBytes > 0 {
		text += ", captured up to " + size(l.CaptureMaxBytes)
	}
	return text
}

// rotation says when a log is rotated.
func rotation(file string, maxBytes int64, backups int) string {
	switch {
	case file == "NONE" || file == "syslog":
		return ""
	case maxBytes <= 0:
		return ", never rotated"
	}
	return ", rotated at " + size(maxBytes) + ", " + strconv.Itoa(backups) + " kept"
}

func signalName(number int) string {
	if name := unix.SignalName(syscall.Signal(number)); name != "" {
		return name
	}
	return "signal " + strconv.Itoa(number)
}

// size writes a number of bytes as the configuration does.
func size(n int64) string {
	for _, unit := range []struct {
		name  string
		bytes int64
	}{{"GB", 1 << 30}, {"MB", 1 << 20}, {"KB", 1 << 10}} {
		if n != 0 && n%unit.bytes == 0 {
			return strconv.FormatInt(n/unit.bytes, 10) + unit.name
		}
	}
	return strconv.FormatInt(n, 10) + " bytes"
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// text says which accounts have which role.
func (p *planPeers) text() string {
	var parts []string
	for _, list := range []struct {
		role  string
		names []string
	}{{"admins", p.Admins}, {"operators", p.Operators}, {"observers", p.Observers}} {
		if len(list.names) > 0 {
			parts = append(parts, list.role+" "+strings.Join(list.names, " "))
		}
	}
	if parts == nil {
		return "for root and supervisord's user alone"
	}
	return strings.Join(parts, ", ")
}
