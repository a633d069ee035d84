package rpc_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestAccountsOfTheMachineHaveRoles lets the reference's supervisorctl run as
// different accounts at a socket with lists. What it shows is read by people.
func TestAccountsOfTheMachineHaveRoles(t *testing.T) {
	t.Parallel()
	needReference(t)
	if os.Geteuid() != 0 {
		t.Skip("needs root, to run supervisorctl as other accounts")
	}
	// Numbers need accounts. These are in every Debian.
	const nobody, daemonUser, nogroup, mailGroup, gamesUser = 65534, 1, 65534, 8, 5
	d := start(t, buildSupervisord(t), "[supervisord]\naudit_logfile=%(here)s/audit.log\n"+
		"[unix_http_server]\nchmod=0777\nadmins=1\noperators=@8\nobservers=nobody,@65534\n"+
		"[program:cat]\ncommand=/bin/cat\nstartsecs=0\n[program:other]\ncommand=/bin/cat\nstartsecs=0\n")
	if err := os.Chmod(filepath.Dir(d.Dir), 0o755); err != nil { // so that others find the socket
		t.Fatal(err)
	}
	conf := d.Path("ctl.conf")
	if err := os.WriteFile(conf, []byte("[supervisorctl]\nserverurl=unix://"+d.Path("socket")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	ctl := func(uid, gid uint32, groups []uint32, args ...string) string {
		cmd := exec.Command("/usr/bin/supervisorctl", append([]string{"-c", conf}, args...)...)
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: gid, Groups: groups}}
		out, _ := cmd.CombinedOutput() // its status is that of the action
		return strings.TrimSpace(string(out))
	}
	const refused = "not permitted: supervisor.stopProcess is for an operator, and uid 65534 is an observer"
	for _, tt := range []struct {
		uid, gid uint32
		groups   []uint32
		args     []string
		want     string
	}{
		{nobody, nogroup, nil, []string{"status", "cat"}, "RUNNING"},
		{nobody, nogroup, nil, []string{"stop", "cat"}, "FAILED: " + refused},
		{nobody, nogroup, nil, []string{"start", "cat"}, "Unknown result code 30 for cat"},
		{nobody, nogroup, nil, []string{"signal", "HUP", "cat"}, "FAILED: not permitted"},
		{nobody, nogroup, nil, []string{"clear", "cat"}, "cat: ERROR (failed)"},
		{nobody, nogroup, nil, []string{"reread"}, "supervisor.reloadConfig is for an admin"},
		{nobody, nogroup, nil, []string{"shutdown"}, "supervisor.shutdown is for an admin"},
		{gamesUser, nogroup, nil, []string{"status", "other"}, "RUNNING"},
		{gamesUser, 60, nil, []string{"status"}, "403"},
		{gamesUser, 60, []uint32{mailGroup}, []string{"stop", "cat"}, "cat: stopped"},
		{gamesUser, mailGroup, nil, []string{"start", "cat"}, "cat: started"},
		{gamesUser, mailGroup, nil, []string{"reread"}, "not permitted"},
		{daemonUser, 60, nil, []string{"reread"}, "No config updates to processes"},
		{0, 0, nil, []string{"stop", "other"}, "other: stopped"},
	} {
		if got := ctl(tt.uid, tt.gid, tt.groups, tt.args...); !strings.Contains(got, tt.want) {
			t.Errorf("supervisorctl %q as %d:%d %v shows %q, want %q", tt.args, tt.uid, tt.gid, tt.groups, got, tt.want)
		}
	}
	if a, err := d.post(call("supervisor.getProcessInfo", "cat")); err != nil || !strings.Contains(a.body, "RUNNING") {
		t.Errorf("cat after all that: %v %v, want it RUNNING", a, err)
	}
	const line = `user=- role=operator uid=5 pid=`
	wanted := func(text []byte) bool {
		return strings.Contains(string(text), line) && strings.Contains(string(text), "call=supervisor.stopProcess name=other outcome=done")
	}
	if err := d.WaitFile("audit.log", wanted, "a line of uid 5 and root's stop"); err != nil {
		t.Error(err)
	}
}
