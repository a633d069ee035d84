package main

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	testpeer "github.com/vigilance-go/vigilance/test/peer"
)

// needRoot skips a test that makes things of other users.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, for files and processes of other users")
	}
}

// rights are the lines of a process' status that tell what it may do.
func rights(status string) map[string]string {
	got := make(map[string]string)
	for line := range strings.Lines(status) {
		name, text, _ := strings.Cut(line, ":")
		switch name {
		case "Uid", "Gid", "Groups", "CapPrm", "CapEff", "CapAmb":
			got[name] = strings.Join(strings.Fields(text), " ")
		}
	}
	return got
}

// TestUserDropsEveryPrivilege starts a daemon with user= and one whose program
// has it, as root with groups that neither may keep, and reads what the kernel
// says of the daemon and of the program.
func TestUserDropsEveryPrivilege(t *testing.T) {
	t.Parallel()
	needRoot(t)
	const none = "0000000000000000"
	want := map[string]string{
		"Uid": "65534 65534 65534 65534", "Gid": "65534 65534 65534 65534", "Groups": "65534",
		"CapPrm": none, "CapEff": none, "CapAmb": none,
	}
	compare := func(what, status string) {
		got := rights(status)
		for name, value := range want {
			if got[name] != value {
				t.Errorf("%s: %s is %q, want %q", what, name, got[name], value)
			}
		}
	}
	for _, tt := range []struct{ what, daemon, program string }{
		{"user= of the daemon", "user=nobody\n", ""},
		{"user= of the program", "", "user=nobody\n"},
		{"user= of both", "user=nobody\n", "user=65534\n"},
	} {
		dir := t.TempDir()
		openUp(t, dir)
		if err := os.Chmod(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		write(t, dir, map[string]string{"x.conf": plain + tt.daemon + "[program:show]\n" + tt.program +
			"command=/bin/cat /proc/self/status\nstartsecs=0\nautorestart=false\nstdout_logfile=" + filepath.Join(dir, "show.log") + "\n"})
		r := startIn(t, dir, ours(t), func(cmd *exec.Cmd) {
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 0, Gid: 0, Groups: []uint32{0, 4, 6, 42}}}
		}, "-c", "x.conf")
		log := filepath.Join(dir, "show.log")
		eventually(t, "the program's status", func() bool { return strings.Contains(read(log), "CapAmb") })
		compare(tt.what+", the program", read(log))
		if tt.daemon == "" {
			continue
		}
		compare(tt.what+", the daemon", read(fmt.Sprintf("/proc/%d/status", r.cmd.Process.Pid)))
		// A process whose memory its user may not read, nor make a core of,
		// belongs to root in /proc.
		info, err := os.Stat(fmt.Sprintf("/proc/%d/environ", r.cmd.Process.Pid))
		if err != nil || info.Sys().(*syscall.Stat_t).Uid != 0 {
			t.Errorf("%s: the daemon's memory can be read by its user: %v, %v", tt.what, info, err)
		}
	}
}

// TestFilesHaveTheirModes starts a daemon under a umask of 0 and looks at what
// it has made.
func TestFilesHaveTheirModes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, map[string]string{"x.conf": plain + "audit_logfile=audit.log\n[unix_http_server]\nfile=%(here)s/socket\n" +
		"[unix_http_server:group]\nfile=%(here)s/group.socket\nchmod=0770\n" +
		"[program:a]\ncommand=/bin/cat\nstartsecs=0\nstdout_logfile=%(here)s/a.log\n"})
	run := exec.Command("/bin/sh", "-c", `umask 0; exec "$0" -c x.conf`, ours(t))
	run.Dir = dir
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	r := &running{run, dir}
	t.Cleanup(func() { r.end(t, syscall.SIGTERM) })
	r.waitLog(t, "a entered RUNNING state", 1)
	for pattern, want := range map[string]os.FileMode{
		"daemon.log": 0o644, "audit.log": 0o644, "a.log": 0o644, "a-stderr---supervisor-*.log": 0o600,
		"socket": os.ModeSocket | 0o700, "group.socket": os.ModeSocket | 0o770, "daemon.pid": 0o666, "daemon.pid.state": 0o600,
	} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil || len(found) != 1 {
			t.Errorf("%s: found %q, %v, want one", pattern, found, err)
			continue
		}
		info, err := os.Lstat(found[0])
		if err != nil || info.Mode() != want {
			t.Errorf("%s has mode %v, %v, want %v", pattern, info.Mode(), err, want)
		}
	}
}

// TestPIDFileIsNoStrangersLink puts a link to a file of root's where the pid file
// is to be, in a folder like /tmp.
func TestPIDFileIsNoStrangersLink(t *testing.T) {
	t.Parallel()
	needRoot(t)
	dir, victim := t.TempDir(), filepath.Join(t.TempDir(), "victim")
	write(t, dir, map[string]string{"x.conf": plain + "[program:a]\ncommand=/bin/cat\n", "tmp/x": ""})
	link := filepath.Join(dir, "tmp", "daemon.pid")
	for _, err := range []error{
		os.WriteFile(victim, []byte("precious"), 0o600), os.Chmod(filepath.Dir(link), 0o777|os.ModeSticky),
		os.Symlink(victim, link), os.Lchown(link, 65534, 65534),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	r := startLogged(t, dir, "could not write pidfile", "-c", "x.conf", "-j", "tmp/daemon.pid")
	r.end(t, syscall.SIGTERM)
	if got := read(victim); got != "precious" {
		t.Errorf("the link's target holds %q, want precious", got)
	}
}

// startLogged starts our daemon and waits for a text in its log.
func startLogged(t *testing.T, dir, text string, args ...string) *running {
	t.Helper()
	cmd := exec.Command(ours(t), args...)
	cmd.Dir = dir
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r := &running{cmd, dir}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			r.end(t, syscall.SIGTERM)
		}
	})
	r.waitLog(t, text, 1)
	return r
}

// freePort returns a TCP port of the loopback that nobody listens on now.
func freePort(t *testing.T) int {
	t.Helper()
	port, err := testpeer.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// TestOpenServersAreToldOf: CVE-2019-12105 was an inet server without a password.
// It starts, as with the reference, and the log says what that means.
func TestOpenServersAreToldOf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		options string
		want    bool
	}{{"", true}, {"username=\npassword=x\n", true}, {"username=u\npassword=x\n", false}, {"[user:u]\npassword=x\nrole=observer\n", false}} {
		dir, port := t.TempDir(), freePort(t)
		write(t, dir, map[string]string{"x.conf": fmt.Sprintf("%s[inet_http_server]\nport=127.0.0.1:%d\n%s", plain, port, tt.options)})
		r := startLogged(t, dir, "supervisord started with pid", "-c", "x.conf")
		log := read(filepath.Join(dir, "daemon.log"))
		for _, line := range []string{
			"CRIT Server 'inet_http_server' running without any HTTP authentication checking\n",
			fmt.Sprintf("WARN anybody who can connect to 127.0.0.1:%d can start and stop programs", port),
		} {
			if got := strings.Contains(log, line); got != tt.want {
				t.Errorf("with %q the log holds %q: %v, want %v", tt.options, line, got, tt.want)
			}
		}
		r.end(t, syscall.SIGTERM)
	}
}

// TestNothingTellsThePassword gives a daemon passwords in each form and looks for
// them wherever it writes or answers.
func TestNothingTellsThePassword(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	dir, port := t.TempDir(), freePort(t)
	write(t, dir, map[string]string{
		"x.conf": fmt.Sprintf("%sloglevel=blather\naudit_logfile=audit.log\n[inet_http_server]\nport=127.0.0.1:%d\nusername=root\npassword=%s-a\n", plain, port, secret) +
			"[user:olga]\npassword={FILE}%(here)s/olga\nrole=observer\n[user:otto]\npassword={SHA}" + secret + "\nrole=operator\n" +
			"[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n" +
			"[program:env]\ncommand=/usr/bin/env\nstartsecs=0\nautorestart=false\nstdout_logfile=%(here)s/env.log\n",
		"olga":   secret + "-b\n",
		"f.conf": plain + "[inet_http_server]\nport=1\npassword=" + secret + "\n",
		"g.conf": plain + "[inet_http_server]\nport=1\nusername=u\npassword=%(" + secret + "\n[user:x]\npassword={BCRYPT}" + secret + "\n",
		"h.conf": plain + "[inet_http_server]\nport=1\nusername=u\npassword={BCRYPT}" + secret + "\n",
	})
	said := map[string]string{}
	for name, args := range map[string][]string{
		"--check": {"--check", "-c", "x.conf"}, "--check --json": {"--check", "--json", "-c", "x.conf"}, "--help": {"--help"},
		"an incomplete section": {"-c", "f.conf"}, "a hash that is none": {"-c", "h.conf"},
	} {
		got := runIn(t, dir, ours(t), args...)
		said[name] = got.stdout + got.stderr
	}
	r := startLogged(t, dir, "supervisord started with pid", "-c", "x.conf")
	ask := func(user, method string) string {
		body := "<methodCall><methodName>" + method + "</methodName></methodCall>"
		request, err := http.NewRequest(http.MethodPost, fmt.Sprintf("http://127.0.0.1:%d/RPC2", port), strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user)))
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		return fmt.Sprint(answer.StatusCode, answer.Header, string(text))
	}
	for _, user := range []string{"root:" + secret + "-a", "olga:" + secret + "-b", "root:" + secret + "-wrong", "nobody:" + secret} {
		for _, method := range []string{"supervisor.getAllConfigInfo", "supervisor.getAllProcessInfo", "supervisor.shutdown.x", "system.listMethods", "supervisor.reloadConfig"} {
			name, _, _ := strings.Cut(user, ":")
			said[method+" as "+name] += ask(user, method)
		}
	}
	if got := said["supervisor.getAllConfigInfo as olga"]; !strings.HasPrefix(got, "200") {
		t.Errorf("getAllConfigInfo as olga: got %s, want 200", got)
	}
	eventually(t, "the program's environment", func() bool { return strings.Contains(read(filepath.Join(dir, "env.log")), "SUPERVISOR_ENABLED") })
	pid := r.cmd.Process.Pid
	for _, name := range []string{"environ", "cmdline"} {
		said["/proc of the daemon, "+name] = read(fmt.Sprintf("/proc/%d/%s", pid, name))
	}
	r.end(t, syscall.SIGTERM)
	for _, name := range []string{"daemon.log", "audit.log", "env.log", "daemon.pid"} {
		said[name] = read(filepath.Join(dir, name))
	}
	for name, text := range said {
		if at := strings.Index(text, secret); at >= 0 {
			t.Errorf("%s tells the password: %q", name, text[max(0, at-100):at+len(secret)])
		}
	}
}
