package checktest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/supervisor/ctl/client"
)

// python is Debian's Supervisor.
const python = "/usr/bin/supervisord"

// head is what every configuration begins with.
const head = `[supervisord]
nodaemon=true
logfile=%(here)s/supervisord.log
pidfile=%(here)s/supervisord.pid
childlogdir=%(here)s
identifier=checktest

[unix_http_server]
file=%(here)s/s.sock
username=user
password=secret

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

`

// Real is a supervisord.
type Real struct {
	*client.Client
	Dir   string
	t     *testing.T
	cmd   *exec.Cmd
	out   Buffer
	ended chan struct{}
}

// Daemons are the supervisords that tools are tested under: Python's, and this
// project's, which is built for it. A test that misses one skips, or fails
// where all must be there.
func Daemons(t *testing.T, test func(t *testing.T, supervisord string)) {
	t.Run("python", func(t *testing.T) {
		if _, err := exec.LookPath(python); err != nil {
			const missing = "no " + python + ": needs Debian's package supervisor"
			if os.Getenv("VIGILANCE_REQUIRE_PEERS") == "1" {
				t.Fatal(missing)
			}
			t.Skip(missing)
		}
		test(t, python)
	})
	t.Run("vigilance", func(t *testing.T) {
		binary := filepath.Join(t.TempDir(), "supervisord")
		build := exec.Command("go", "build", "-tags", "urfave_cli_no_docs", "-o", binary, "github.com/vigilance-go/vigilance/cmd/supervisord")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("build supervisord: %v\n%s", err, out)
		}
		test(t, binary)
	})
}

// Start starts a supervisord with a configuration, in which TOOL stands for the
// tool's command, DIR for the folder and ENV for what makes the test binary the
// tool. It ends with the test.
func Start(t *testing.T, supervisord, config string) *Real {
	t.Helper()
	dir, err := os.MkdirTemp("", "check") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	replace := strings.NewReplacer("TOOL", os.Args[0], "DIR", dir,
		"ENV", Env+`="1",GORACE="atexit_sleep_ms=0",SUPERVISOR_USERNAME="user",SUPERVISOR_PASSWORD="secret"`)
	file := filepath.Join(dir, "supervisord.conf")
	if err := os.WriteFile(file, []byte(head+replace.Replace(config)), 0o600); err != nil {
		t.Fatal(err)
	}
	r := &Real{Dir: dir, t: t, cmd: exec.Command(supervisord, "-n", "-c", file), ended: make(chan struct{})}
	r.cmd.Stdout, r.cmd.Stderr = &r.out, &r.out
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { // ends with the daemon, which the signals below see to
		_ = r.cmd.Wait()
		close(r.ended)
	}()
	t.Cleanup(func() {
		out := r.Stop()
		if t.Failed() {
			t.Logf("supervisord:\n%s\nstandard error of the tool:\n%s", out, r.Read("tool.err"))
		}
	})
	user, password := "user", "secret"
	r.Client, err = client.New(client.Options{URL: "unix://" + filepath.Join(dir, "s.sock"), Username: &user, Password: &password})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Stop ends the daemon by SIGTERM, where it has not ended yet, and returns its
// log.
func (r *Real) Stop() string {
	r.t.Helper()
	_ = r.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-r.ended:
	case <-time.After(time.Minute):
		r.t.Error("supervisord did not end within 30 s of SIGTERM")
		_ = r.cmd.Process.Kill()
		<-r.ended
	}
	return r.out.String()
}

// PID is the daemon's process ID.
func (r *Real) PID() int { return r.cmd.Process.Pid }

// Read returns what is in a file of the folder; nothing where there is none.
func (r *Real) Read(name string) string {
	text, err := os.ReadFile(filepath.Join(r.Dir, name))
	if err != nil {
		return ""
	}
	return string(text)
}

// Until polls until a condition holds, for a minute at most.
func (r *Real) Until(what string, ok func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); <-time.After(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("waited a minute for %s", what)
		}
	}
}

// Running returns a process once it is in RUNNING state with another pid than
// that.
func (r *Real) Running(namespec string, other int) (info client.ProcessInfo) {
	r.t.Helper()
	r.Until(fmt.Sprintf("%s to run with another pid than %d", namespec, other), func() bool {
		var err error
		info, err = r.ProcessInfo(r.t.Context(), namespec)
		return err == nil && info.State == client.Running && info.PID != other
	})
	return info
}
