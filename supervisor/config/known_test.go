package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestKnownOptionsAreThoseThatAreRead(t *testing.T) {
	known, err := KnownOptions()
	if err != nil {
		t.Fatal(err)
	}
	for kind, some := range map[string]string{
		"supervisord":   "audit_logfile audit_logfile_backups audit_logfile_maxbytes childlogdir directory environment identifier logfile logfile_backups logfile_maxbytes loglevel minfds minprocs nocleanup nodaemon orphans pidfile silent strip_ansi umask user",
		"supervisorctl": "history_file password prompt serverurl username",
		"ctlplugin":     "supervisor.ctl_factory",
		"rpcinterface":  "supervisor.rpcinterface_factory",
		"group":         "priority programs",
		"user":          "password role",
		"include":       "files",
	} {
		if got := strings.Join(known[kind], " "); got != some {
			t.Errorf("KnownOptions()[%q] = %s, want %s", kind, got, some)
		}
	}
	for kind, some := range map[string][]string{
		"unix_http_server": {"file", "chmod", "chown", "username", "password", "admins", "operators", "observers"},
		"inet_http_server": {"port", "username", "password", "certfile", "allowed_hosts"},
		"program":          {"command", "numprocs_start", "environment", "stdout_logfile", "stderr_syslog", "process_name", "user"},
		"eventlistener":    {"events", "buffer_size", "result_handler", "stopsignal"},
		"fcgi-program":     {"socket", "socket_backlog", "socket_owner", "socket_mode", "startsecs"},
	} {
		for _, key := range some {
			if !slices.Contains(known[kind], key) {
				t.Errorf("KnownOptions()[%q] = %q lacks %q", kind, known[kind], key)
			}
		}
	}
}

func TestUnreadNamesWhatMeansNothing(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"x.conf": "[DEFAULT]\nanything=1\n[supervisord]\nlogfiles=x\nLogFile=x\n[supervisorctl]\nserverurl=unix:///x\nurl=x\n" +
			"[program:a]\ncommand=x\nstartsec=5\n[programs:b]\ncommand=x\n[program]\n[unix_http_server:u]\nfile=x\nmode=0700\n" +
			"[rpcinterface:supervisor]\nanything_else=1\n[include]\nfiles=*.ini\nfile=x\n",
		"y.ini": "[eventlistener:e]\ncommand=x\nevents=TICK_5\nbuffersize=3\n[supervisord:x]\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Unread(filepath.Join(dir, "x.conf"), Options{})
	want := []string{
		"[supervisord] logfiles", "[supervisorctl] url", "[program:a] startsec", "[programs:b]", "[program]",
		"[unix_http_server:u] mode", "[include] file", "[eventlistener:e] buffersize", "[supervisord:x]",
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("Unread() = %q, %v, want %q", got, err, want)
	}
}
