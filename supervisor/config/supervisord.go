package config

import (
	"strconv"
	"strings"
)

// supervisord reads the [supervisord] section.
func (r *reader) supervisord() (Supervisord, error) {
	section, ok := r.doc.byName["supervisord"]
	if !ok {
		return Supervisord{}, &Error{Text: ".ini file does not include supervisord section"}
	}
	v := r.view(section, r.common)
	s := Supervisord{
		MinFDs:          v.integer("minfds", 1024),
		MinProcs:        v.integer("minprocs", 200),
		Directory:       option(v, "directory", "", r.opts.ParseExistingDirectory),
		User:            v.pointer("user"),
		Umask:           option(v, "umask", 0o022, ParseOctal),
		LogFile:         check(v, "logfile", "supervisord.log", r.opts.ParseExistingDirpath),
		LogFileMaxBytes: v.byteSize("logfile_maxbytes", 50<<20),
		LogFileBackups:  v.integer("logfile_backups", 10),
		LogLevel:        option(v, "loglevel", LevelInfo, ParseLogLevel),
		PIDFile:         check(v, "pidfile", "supervisord.pid", r.opts.ParseExistingDirpath),
		Identifier:      v.text("identifier", "supervisor"),
		NoDaemon:        v.boolean("nodaemon", false),
		Silent:          v.boolean("silent", false),
		ChildLogDir:     check(v, "childlogdir", r.opts.TempDir, r.opts.ParseExistingDirectory),
		NoCleanup:       v.boolean("nocleanup", false),
		Orphans:         option(v, "orphans", OrphansStop, ParseOrphans),
		StripANSI:       v.boolean("strip_ansi", false),
		Environment:     r.ownEnvironment(v),

		AuditLogFile:         v.text("audit_logfile", ""),
		AuditLogFileMaxBytes: v.byteSize("audit_logfile_maxbytes", 50<<20),
		AuditLogFileBackups:  v.integer("audit_logfile_backups", 10),
	}
	if s.AuditLogFile != "" && s.AuditLogFile != syslogName {
		s.AuditLogFile = r.opts.NormalizePath(check(v, "audit_logfile", "", r.opts.ParseExistingDirpath))
	}
	if s.LogFile != syslogName {
		s.LogFile = r.opts.NormalizePath(s.LogFile)
	}
	s.PIDFile = r.opts.NormalizePath(s.PIDFile)
	return s, v.err
}

// ownEnvironment reads [supervisord]'s environment, which the reference
// expands twice, with host_node_name known the second time only.
func (r *reader) ownEnvironment(v *view) map[string]string {
	const key = "environment"
	text := v.text(key, "")
	if v.err != nil {
		return nil
	}
	local := newNames()
	local.set("here", textValue(r.here))
	local.set("host_node_name", textValue(r.opts.Hostname))
	text, err := expand(text, key, scope{local, r.env})
	if err != nil {
		v.fail(key, err)
		return nil
	}
	pairs, err := ParseEnvironment(text)
	if err != nil {
		v.fail(key, err)
	}
	return pairs
}

// syslogName is the log file name that stands for the syslog service.
const syslogName = "syslog"

// servers reads the [inet_http_server] and [unix_http_server] sections, with
// or without a name after a colon.
func (r *reader) servers() ([]Server, error) {
	var servers []Server
	for _, section := range r.sectionsOf("inet_http_server") {
		server, err := r.inetServer(section)
		if err != nil {
			return nil, err
		}
		servers = append(servers, server)
	}
	for _, section := range r.sectionsOf("unix_http_server") {
		server, err := r.unixServer(section)
		if err != nil {
			return nil, err
		}
		servers = append(servers, server)
	}
	return servers, nil
}

func (r *reader) inetServer(section *section) (Server, error) {
	v := r.view(section)
	s := Server{Kind: ServerInet, Section: section.name, Name: afterColon(section.name), UID: -1, GID: -1}
	s.Username, s.Password = credentials(v)
	if port, ok := v.optional("port"); ok {
		var err error
		if s.Host, s.Port, err = ParseInetAddress(port); err != nil {
			v.fail("port", err)
		}
	} else {
		v.failf("port", "section [%s] has no port value", section.name)
	}
	r.protect(v, &s)
	s.AllowedHosts = option(v, "allowed_hosts", nil, parseHosts)
	s.BasePath = basePath(v)
	return s, v.err
}

// protect reads the options by which an inet server is safer than the
// reference's.
func (r *reader) protect(v *view, s *Server) {
	v.scope = append(v.scope, r.common)
	file := func(key string) string {
		text, _ := v.optional(key)
		if text = strip(text); text == "" {
			return ""
		}
		return r.opts.NormalizePath(text)
	}
	s.CertFile, s.KeyFile, s.ClientCA = file("certfile"), file("keyfile"), file("client_ca")
	if s.KeyFile == "" {
		s.KeyFile = s.CertFile // one file may hold both
	}
	if s.CertFile == "" && (s.KeyFile != "" || s.ClientCA != "") {
		v.failf("certfile", "section [%s] has a keyfile or a client_ca, but no certfile", v.section.name)
	}
	s.RequireAuth = v.boolean("require_auth", false)
	if s.RequireAuth && (s.Username == nil || *s.Username == "") && len(r.known) == 0 {
		v.failf("require_auth", "section [%s] has require_auth=true, but no username and password", v.section.name)
	}
}

func (r *reader) unixServer(section *section) (Server, error) {
	v := r.view(section, r.common)
	s := Server{Kind: ServerUnix, Section: section.name, Name: afterColon(section.name), UID: -1, GID: -1, Mode: 0o700}
	file, ok := v.optional("file")
	if !ok {
		v.failf("file", "section [%s] has no file value", section.name)
	}
	s.File = r.opts.NormalizePath(strip(file))

	v.scope = scope{r.env}
	s.Username, s.Password = credentials(v)
	if owner, ok := v.optional("chown"); ok {
		var err error
		if s.UID, s.GID, err = r.opts.ParseUserGroup(owner); err != nil {
			v.failf("chown", "Invalid sockchown value %s", owner)
		}
	}
	if mode, ok := v.optional("chmod"); ok {
		var err error
		if s.Mode, err = parseMode(mode); err != nil {
			v.failf("chmod", "Invalid chmod value %s", mode)
		}
	}
	s.Peers = r.peers(v)
	s.BasePath = basePath(v)
	return s, v.err
}

// basePath reads base_path: a path of letters, digits and a few other signs
// that stand for themselves in an address.
func basePath(v *view) string {
	text, _ := v.optional("base_path")
	path := strings.TrimRight(strip(text), "/")
	if path == "" {
		return ""
	}
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~/"
	if path[0] != '/' || strings.Contains(path, "//") || strings.Trim(path, plain) != "" {
		v.failf("base_path", "Invalid base_path value %s", text)
	}
	return path
}

// credentials reads username and password, of which none can be without the
// other.
func credentials(v *view) (username, password *string) {
	username, password = v.pointer("username"), v.pointer("password")
	if (username == nil) != (password == nil) {
		v.failf("", "Section [%s] contains incomplete authentication: If a username or a password is specified, both the username and password must be specified",
			v.section.name)
	}
	return username, password
}

// URL returns the address by which clients on this machine reach the server:
// unix:///path or http://host:port, https where it speaks TLS. No host means
// localhost.
func (s Server) URL() string {
	if s.Kind == ServerUnix {
		return "unix://" + s.File
	}
	scheme, host := "http://", s.Host
	if s.CertFile != "" {
		scheme = "https://"
	}
	if host == "" {
		host = "localhost"
	}
	return scheme + host + ":" + strconv.Itoa(s.Port)
}

// rpcInterfaces reads the [rpcinterface:x] sections.
func (r *reader) rpcInterfaces() ([]RPCInterface, error) {
	const own = "supervisor.rpcinterface:make_main_rpcinterface"
	plugins, err := r.plugins("rpcinterface:", "supervisor.rpcinterface_factory", own)
	if err != nil {
		return nil, err
	}
	var interfaces []RPCInterface
	for _, p := range plugins {
		interfaces = append(interfaces, RPCInterface(p))
	}
	return interfaces, nil
}

// Plugin is a section that names Python code to load, of which only
// Supervisor's own is accepted.
type Plugin struct {
	Name    string // what follows the colon
	Factory string
	Options map[string]string // all but the factory, expanded
}

// plugins reads the sections of one kind of plugin, whose factory stands under
// the key and must be own.
func (r *reader) plugins(prefix, key, own string) ([]Plugin, error) {
	var plugins []Plugin
	for _, section := range r.sectionsOf(prefix) {
		v := r.view(section)
		p := Plugin{Name: afterColon(section.name), Options: map[string]string{}}
		factory, ok := v.optional(key)
		if !ok {
			v.failf(key, "section [%s] does not specify a %s", section.name, key)
		}
		p.Factory = v.entryPoint(key, factory, own)
		for _, other := range r.doc.keys(section) {
			if other != key {
				p.Options[other] = v.text(other, "")
			}
		}
		if v.err != nil {
			return nil, v.err
		}
		plugins = append(plugins, p)
	}
	return plugins, nil
}

// entryPoint checks that a Python entry point is Supervisor's own, which is
// built in here. Blanks around the colon do not count.
func (v *view) entryPoint(key, spec, own string) string {
	module, attribute, _ := strings.Cut(spec, ":")
	if entry := strip(module) + ":" + strip(attribute); entry != own {
		v.failf(key, "%s cannot be resolved within [%s]: it names Python code, which this program cannot load; only %s is built in",
			spec, v.section.name, own)
	}
	return own
}
