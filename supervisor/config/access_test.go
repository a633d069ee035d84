package config

import (
	"reflect"
	"strings"
	"testing"
)

func TestUsersAndRoles(t *testing.T) {
	cfg := mustLoad(t, "[supervisord]\n[user:olga]\npassword={SHA}x\nrole=observer\n[user: otto ]\npassword=a:b %%\nrole = operator\n"+
		"[user:anna]\npassword={FILE}%(here)s/secret\nrole=admin\n")
	want := []User{
		{"user:olga", "olga", "{SHA}x", RoleObserver}, {"user: otto ", "otto", "a:b %", RoleOperator},
		{"user:anna", "anna", "{FILE}" + cfg.Here + "/secret", RoleAdmin},
	}
	if !reflect.DeepEqual(cfg.Users, want) {
		t.Errorf("users: got %+v, want %+v", cfg.Users, want)
	}
	const ok = "password=x\nrole=admin\n"
	for _, tt := range []struct{ text, want string }{
		{"[user:a]\nrole=admin\n", "section [user:a] has no password value"},
		{"[user:a]\npassword=\nrole=admin\n", "section [user:a] has no password value"},
		{"[user:a]\npassword=x\n", "section [user:a] has no role value (admin, operator or observer)"},
		{"[user:a]\npassword=x\nrole=Admin\n", "value 'Admin' is none of admin, operator and observer"},
		{"[user:a]\npassword=x\nrole=\n", "value '' is none of admin, operator and observer"},
		{"[user:a]\npassword=%(nosuch)s\nrole=admin\n", "user:a.password"},
		{"[user:]\n" + ok, "section [user:] has no name that can be given with a password"},
		{"[user:a:b]\n" + ok, "section [user:a:b] has no name that can be given with a password"},
		{"[user:a]\n" + ok + "[inet_http_server]\nport=1\nusername=a\npassword=y\n", "section [user:a] has the name that is the username of section [inet_http_server]"},
		{"[unix_http_server]\nfile=/x\nobservers=nosuch\n", "Invalid user name nosuch"},
		{"[unix_http_server]\nfile=/x\nadmins=@nosuch\n", "Invalid group name nosuch"},
		{"[unix_http_server]\nfile=/x\noperators=root,987654321\n", "Invalid user id 987654321"},
		{"[inet_http_server]\nport=1\nallowed_hosts=http://x\n", "value 'http://x' is not a host name without a port"},
		{"[inet_http_server]\nport=1\nallowed_hosts=a, b:80\n", "value 'b:80' is not a host name without a port"},
	} {
		_, err := load(t, "[supervisord]\n"+tt.text)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "{SHA}") {
			t.Errorf("%q: got error %v, want %q", tt.text, err, tt.want)
		}
	}
}

func TestPeersAndHosts(t *testing.T) {
	cfg := mustLoad(t, "[supervisord]\n[inet_http_server]\nport=9001\nallowed_hosts= Ops.Example.com., *.x.example ,10.0.0.1\n"+
		"[unix_http_server]\nfile=/x\n[unix_http_server:y]\nfile=/y\nadmins=0,@0\nobservers=*\n[unix_http_server:z]\nfile=/z\noperators=\n")
	if got, want := cfg.Servers[0].AllowedHosts, []string{"ops.example.com", "*.x.example", "10.0.0.1"}; !reflect.DeepEqual(got, want) {
		t.Errorf("allowed_hosts: got %q, want %q", got, want)
	}
	for i, want := range []*Peers{
		nil,
		{Admins: PeerList{UIDs: []int{0}, GIDs: []int{0}}, Observers: PeerList{Everybody: true}},
		{}, // set, and empty: nobody but root and the daemon's user
	} {
		if got := cfg.Servers[i+1].Peers; !reflect.DeepEqual(got, want) {
			t.Errorf("peers of [%s]: got %+v, want %+v", cfg.Servers[i+1].Section, got, want)
		}
	}
	cfg = mustLoad(t, "[supervisord]\naudit_logfile=%(here)s/audit.log\naudit_logfile_maxbytes=1KB\naudit_logfile_backups=2\n[inet_http_server]\nport=1\nrequire_auth=true\n[user:a]\npassword=x\nrole=admin\n")
	s := cfg.Supervisord
	if s.AuditLogFile != cfg.Here+"/audit.log" || s.AuditLogFileMaxBytes != 1024 || s.AuditLogFileBackups != 2 {
		t.Errorf("the audit log: got %q, %d, %d", s.AuditLogFile, s.AuditLogFileMaxBytes, s.AuditLogFileBackups)
	}
	if _, err := load(t, "[supervisord]\naudit_logfile=/nonexistent/x\n"); err == nil {
		t.Error("audit_logfile in a folder that is not there: got no error")
	}
}
