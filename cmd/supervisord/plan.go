package main

import (
	"fmt"
	"os/user"
	"strconv"

	"github.com/vigilance-go/vigilance/supervisor/config"
)

// plan is what a daemon would do with a configuration. Its JSON is for scripts:
// names are those of the options.
type plan struct {
	File        string       `json:"file"`
	Supervisord planDaemon   `json:"supervisord"`
	Servers     []planServer `json:"servers"`
	Users       []planUser   `json:"users,omitempty"`
	Groups      []planGroup  `json:"groups"` // in the order of their start
	Warnings    []string     `json:"warnings"`
	Notes       []string     `json:"notes"`
}

type planDaemon struct {
	Identifier      string `json:"identifier"`
	PIDFile         string `json:"pidfile"`
	LogFile         string `json:"logfile"`
	LogLevel        string `json:"loglevel"`
	LogFileMaxBytes int64  `json:"logfile_maxbytes"`
	LogFileBackups  int    `json:"logfile_backups"`
	ChildLogDir     string `json:"childlogdir"`
	NoDaemon        bool   `json:"nodaemon"`
	Umask           string `json:"umask"`
	User            string `json:"user,omitempty"`
	Directory       string `json:"directory,omitempty"`
	AuditLogFile    string `json:"audit_logfile,omitempty"`
}

type planUser struct {
	Name string `json:"name"`
	Role string `json:"role"`
}

type planServer struct {
	Section    string `json:"section"`
	URL        string `json:"url"`
	Chmod      string `json:"chmod,omitempty"`
	Chown      string `json:"chown,omitempty"`
	Username   string `json:"username,omitempty"`
	Password   bool   `json:"password"` // whether there is one
	ClientCert bool   `json:"client_certificate,omitempty"`
	BasePath   string `json:"base_path,omitempty"`
	// Users: those of the plan may use it.
	Users        bool       `json:"users,omitempty"`
	AllowedHosts []string   `json:"allowed_hosts,omitempty"`
	Peers        *planPeers `json:"peers,omitempty"`
}

// planPeers are the accounts that have roles at a unix socket, groups with an @.
type planPeers struct {
	Admins    []string `json:"admins"`
	Operators []string `json:"operators"`
	Observers []string `json:"observers"`
}

type planGroup struct {
	Name       string        `json:"name"`
	Kind       string        `json:"kind"` // program, eventlistener or fcgi-program
	Priority   int           `json:"priority"`
	Events     []string      `json:"events,omitempty"`
	BufferSize int           `json:"buffer_size,omitempty"`
	Socket     string        `json:"socket,omitempty"`
	Processes  []planProcess `json:"processes"` // in the order of their start
}

type planProcess struct {
	Name         string  `json:"name"` // group:process
	Section      string  `json:"section"`
	Command      string  `json:"command"`
	Directory    string  `json:"directory,omitempty"`
	User         string  `json:"user,omitempty"`
	Priority     int     `json:"priority"`
	AutoStart    bool    `json:"autostart"`
	AutoRestart  string  `json:"autorestart"`
	StartSecs    float64 `json:"startsecs"`
	StartRetries int     `json:"startretries"`
	StopSignal   int     `json:"stopsignal"`
	StopWaitSecs float64 `json:"stopwaitsecs"`
	Stdout       planLog `json:"stdout"`
	Stderr       planLog `json:"stderr"`
}

type planLog struct {
	// LogFile is a path, AUTO, or NONE. That of a stderr which goes to stdout
	// is empty.
	LogFile         string `json:"logfile,omitempty"`
	MaxBytes        int64  `json:"logfile_maxbytes,omitempty"`
	Backups         int    `json:"logfile_backups,omitempty"`
	Syslog          bool   `json:"syslog,omitempty"`
	CaptureMaxBytes int64  `json:"capture_maxbytes,omitempty"`
	EventsEnabled   bool   `json:"events_enabled,omitempty"`
	Redirected      bool   `json:"redirect_stderr,omitempty"`
}

func newPlan(cfg *config.Config) *plan {
	s := &cfg.Supervisord
	p := &plan{
		File: cfg.File,
		Supervisord: planDaemon{
			Identifier: s.Identifier, PIDFile: s.PIDFile, LogFile: s.LogFile, LogLevel: levelName(s.LogLevel),
			LogFileMaxBytes: s.LogFileMaxBytes, LogFileBackups: s.LogFileBackups, ChildLogDir: s.ChildLogDir,
			NoDaemon: s.NoDaemon, Umask: octal(s.Umask), Directory: s.Directory, AuditLogFile: s.AuditLogFile,
		},
		Servers: []planServer{}, Groups: []planGroup{}, Warnings: []string{}, Notes: append([]string{}, cfg.Infos...),
	}
	if s.User != nil {
		p.Supervisord.User = *s.User
	}
	for _, server := range cfg.Servers {
		s := newPlanServer(server)
		s.Users = len(cfg.Users) > 0 && (server.Kind == config.ServerInet || s.Username != "")
		p.Servers = append(p.Servers, s)
	}
	for _, user := range cfg.Users {
		p.Users = append(p.Users, planUser{user.Name, user.Role.String()})
	}
	for _, group := range cfg.Groups {
		p.Groups = append(p.Groups, newPlanGroup(group))
	}
	return p
}

func newPlanServer(s config.Server) planServer {
	p := planServer{
		Section: s.Section, URL: s.URL(), Password: s.Password != nil && *s.Password != "",
		ClientCert: s.ClientCA != "", BasePath: s.BasePath, AllowedHosts: s.AllowedHosts,
	}
	if s.Peers != nil {
		p.Peers = &planPeers{accounts(s.Peers.Admins), accounts(s.Peers.Operators), accounts(s.Peers.Observers)}
	}
	if s.Username != nil {
		p.Username = *s.Username
	}
	if s.Kind == config.ServerUnix {
		p.Chmod = octal(int(s.Mode))
		if s.UID >= 0 {
			p.Chown = userName(s.UID)
			if s.GID >= 0 {
				p.Chown += ":" + groupName(s.GID)
			}
		}
	}
	return p
}

// accounts names the accounts of a list as the configuration does.
func accounts(l config.PeerList) []string {
	names := []string{}
	if l.Everybody {
		names = append(names, "*")
	}
	for _, uid := range l.UIDs {
		names = append(names, userName(uid))
	}
	for _, gid := range l.GIDs {
		names = append(names, "@"+groupName(gid))
	}
	return names
}

func newPlanGroup(g *config.Group) planGroup {
	p := planGroup{Name: g.Name, Priority: g.Priority}
	switch g.Kind {
	case config.GroupPrograms:
		p.Kind = "program"
	case config.GroupEventListener:
		p.Kind, p.Events, p.BufferSize = "eventlistener", g.Pool.Events, g.Pool.BufferSize
	case config.GroupFastCGI:
		p.Kind, p.Socket = "fcgi-program", g.Socket.URL()
	}
	for _, program := range inStartOrder(g.Programs) {
		p.Processes = append(p.Processes, newPlanProcess(g, program))
	}
	return p
}

func newPlanProcess(g *config.Group, p *config.Program) planProcess {
	process := planProcess{
		Name: g.Name + ":" + p.Name, Section: p.Section, Command: p.Command, Directory: p.Directory,
		Priority: p.Priority, AutoStart: p.AutoStart, AutoRestart: restartName(p.AutoRestart),
		StartSecs: p.StartSecs.Seconds(), StartRetries: p.StartRetries,
		StopSignal: int(p.StopSignal), StopWaitSecs: p.StopWaitSecs.Seconds(),
		Stdout: newPlanLog(&p.Stdout), Stderr: newPlanLog(&p.Stderr),
	}
	if p.RedirectStderr {
		process.Stderr = planLog{Redirected: true}
	}
	if p.UID != nil {
		process.User = userName(*p.UID)
	}
	return process
}

func newPlanLog(l *config.Log) planLog {
	p := planLog{Syslog: l.Syslog, CaptureMaxBytes: l.CaptureMaxBytes, EventsEnabled: l.EventsEnabled}
	switch l.Target {
	case config.LogNone:
		p.LogFile = "NONE"
		return p
	case config.LogAuto:
		p.LogFile = "AUTO"
	case config.LogFile:
		p.LogFile = l.File
	}
	p.MaxBytes, p.Backups = l.MaxBytes, l.Backups
	return p
}

func levelName(l config.LogLevel) string {
	switch l {
	case config.LevelBlather:
		return "blather"
	case config.LevelTrace:
		return "trace"
	case config.LevelDebug:
		return "debug"
	case config.LevelInfo:
		return "info"
	case config.LevelWarn:
		return "warn"
	case config.LevelError:
		return "error"
	case config.LevelCritical:
		return "critical"
	}
	return strconv.Itoa(int(l))
}

func restartName(a config.AutoRestart) string {
	switch a {
	case config.RestartNever:
		return "false"
	case config.RestartUnexpected:
		return "unexpected"
	case config.RestartAlways:
		return "true"
	}
	return ""
}

func octal(mode int) string { return fmt.Sprintf("%04o", mode) }

// userName returns the name of a user, or the number where there is none.
func userName(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return strconv.Itoa(uid)
}

func groupName(gid int) string {
	if g, err := user.LookupGroupId(strconv.Itoa(gid)); err == nil {
		return g.Name
	}
	return strconv.Itoa(gid)
}
