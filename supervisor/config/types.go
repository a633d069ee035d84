// Package config turns the text of a supervisord configuration file into a
// typed, defaulted and validated Config, and tells two Configs apart.
//
// It decides what every section and option means (Supervisor 4.3, manual page
// "Configuration File"). It never starts, opens or changes anything: reading
// files, looking up users and the environment are its only contact with the
// machine.
package config

import (
	"strconv"
	"syscall"
	"time"
)

// Config is one configuration file, with all its includes, ready for use.
type Config struct {
	// File is the absolute path of the main file; Here is its folder, the
	// value of %(here)s.
	File, Here string

	Supervisord Supervisord
	// Servers holds the inet servers first, then the unix ones, each in file
	// order, as the reference does.
	Servers []Server
	// Users are the [user:x] sections in file order. (Not sections of the
	// reference.)
	Users []User
	// Groups is sorted by ascending priority, then by name.
	Groups []*Group
	// RPCInterfaces names the [rpcinterface:x] sections in file order.
	RPCInterfaces []RPCInterface

	// Criticals, Warnings and Infos are what the reference logs about the
	// file once its log is open, in the reference's words.
	Criticals, Warnings, Infos []string
}

// Supervisord is the [supervisord] section.
type Supervisord struct {
	// LogFile is absolute, "syslog", or a path such as /dev/stdout.
	LogFile         string
	LogFileMaxBytes int64 // 0 means never rotated
	LogFileBackups  int
	LogLevel        LogLevel
	PIDFile         string
	Umask           int
	NoDaemon        bool
	Silent          bool
	MinFDs          int
	MinProcs        int
	NoCleanup       bool
	Orphans         Orphans
	StripANSI       bool
	ChildLogDir     string
	// User is the option's text, nil when the option is not set. The lookup
	// is ParseUser's.
	User *string
	// AuditLogFile is where each change that clients make is noted: absolute,
	// "syslog", or empty for nowhere. (Not an option of the reference.)
	AuditLogFile         string
	AuditLogFileMaxBytes int64 // 0 means never rotated
	AuditLogFileBackups  int
	// Directory is empty when the daemon stays where it is.
	Directory  string
	Identifier string
	// Environment holds the section's own environment=, already expanded.
	// Programs carry it merged with their own.
	Environment map[string]string
}

// LogLevel is a level of the daemon's own log, with the reference's numbers.
type LogLevel int

// The levels, as [supervisord] loglevel names them.
const (
	LevelBlather  LogLevel = 3
	LevelTrace    LogLevel = 5
	LevelDebug    LogLevel = 10
	LevelInfo     LogLevel = 20
	LevelWarn     LogLevel = 30
	LevelError    LogLevel = 40
	LevelCritical LogLevel = 50
)

// ServerKind tells the two HTTP server sections apart.
type ServerKind int

// The kinds of HTTP server.
const (
	ServerInet ServerKind = 1
	ServerUnix ServerKind = 2
)

// Server is one [inet_http_server] or [unix_http_server] section.
type Server struct {
	Kind    ServerKind
	Section string // the section's full name, for messages
	Name    string // what follows the colon, or empty
	// Host and Port: inet only. An empty Host listens on every address.
	Host string
	Port int
	// File, Mode, UID and GID: unix only. UID and GID are -1 when unset.
	File     string
	Mode     uint32
	UID, GID int
	// Username and Password are nil when the server asks for none.
	Username, Password *string
	// CertFile and KeyFile, inet only, are absolute paths of a PEM certificate
	// chain and its key, with which the server speaks TLS; both or neither is
	// empty. ClientCA, empty for none, holds the authorities one of which must
	// have signed a client's certificate. (Not options of Supervisor's.)
	CertFile, KeyFile, ClientCA string
	// RequireAuth, inet only, refuses to start without a password, the
	// server's own or one of the Users'. (Not an option of Supervisor's.)
	RequireAuth bool
	// BasePath is the path under which a proxy shows this server, such as
	// "/supervisor", or empty. Requests may come with it or without. (Not an
	// option of the reference.)
	BasePath string
	// AllowedHosts, inet only, are the names under which clients may reach the
	// server, in lower case; none for any. (Not an option of the reference.)
	AllowedHosts []string
	// Peers, unix only, says how much who may do; nil where whoever can open
	// the socket may do all. (Not options of the reference.)
	Peers *Peers
}

// RPCInterface is one [rpcinterface:x] section. Only Supervisor's own factory
// is accepted.
type RPCInterface struct {
	Name    string
	Factory string
	Options map[string]string
}

// GroupKind tells what a group is made of.
type GroupKind int

// The kinds of group.
const (
	GroupPrograms      GroupKind = 1 // [program:x] or [group:x]
	GroupEventListener GroupKind = 2 // [eventlistener:x]
	GroupFastCGI       GroupKind = 3 // [fcgi-program:x]
)

// Group is a process group: a [group:x], or the implicit group of a program,
// FastCGI program or event listener.
type Group struct {
	Name     string
	Kind     GroupKind
	Priority int
	// Programs holds the processes of one section after the other, in the
	// order of programs=; those of one section are sorted by name (as text, so
	// that a_10 comes before a_2).
	Programs []*Program
	Pool     *Pool          // GroupEventListener only, else nil
	Socket   *FastCGISocket // GroupFastCGI only, else nil
}

// Pool is what an [eventlistener:x] section adds to its programs.
type Pool struct {
	// BufferSize counts events. It is 0 when the option is not set; the
	// daemon then bounds the buffer as COMPATIBILITY.md says.
	BufferSize int
	// Events holds the subscribed event type names, upper case, sorted and
	// without duplicates.
	Events []string
}

// FastCGISocket is the listening socket that the processes of a FastCGI group
// share.
type FastCGISocket struct {
	Network  string // "tcp" or "unix"
	Host     string // tcp
	Port     int    // tcp
	Path     string // unix
	UID, GID int    // unix; -1 when unset
	Mode     uint32 // unix
	Backlog  int    // 0 means the reference's default
}

// AutoRestart is a program's autorestart policy.
type AutoRestart int

// The policies.
const (
	RestartNever      AutoRestart = 0
	RestartUnexpected AutoRestart = 1
	RestartAlways     AutoRestart = 2
)

// Program is the configuration of one process: one of the numprocs of a
// [program:x], [eventlistener:x] or [fcgi-program:x] section. Fields keep
// their option's name.
type Program struct {
	Name         string // expanded process_name
	Section      string // the section's full name, for messages
	Command      string // expanded, not yet split: see SplitCommand
	Directory    string // empty: inherited
	Umask        *int   // nil: inherited
	Priority     int
	AutoStart    bool
	AutoRestart  AutoRestart
	StartSecs    time.Duration
	StartRetries int
	// UID is nil when the user option is not set.
	UID            *int
	StopSignal     syscall.Signal
	StopWaitSecs   time.Duration
	StopAsGroup    bool
	KillAsGroup    bool
	ExitCodes      []int
	RedirectStderr bool
	Stdout, Stderr Log
	// Environment is [supervisord]'s environment with the program's own over
	// it. Programs share it: it must not be changed.
	Environment map[string]string
	// ServerURL is the program's own serverurl, or empty for the daemon's.
	ServerURL string
}

// LogTarget says what kind of place a child log goes to.
type LogTarget int

// The kinds of place.
const (
	LogNone LogTarget = 0
	LogAuto LogTarget = 1 // a file in childlogdir that the daemon names
	LogFile LogTarget = 2 // Log.File, which may be a pipe or a device
)

// Log is what becomes of one output stream of a process.
type Log struct {
	Target          LogTarget
	File            string // LogFile only; may be relative to the daemon's folder
	MaxBytes        int64  // 0 means never rotated
	Backups         int
	Syslog          bool
	CaptureMaxBytes int64 // 0 means no capture mode
	EventsEnabled   bool
}

// URL returns the socket's address as the reference writes it: tcp://host:port
// or unix:///path.
func (s *FastCGISocket) URL() string {
	if s.Network == "unix" {
		return "unix://" + s.Path
	}
	return "tcp://" + s.Host + ":" + strconv.Itoa(s.Port)
}
