package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/cmd/internal/alert/alerttest"
)

// python is Debian's Supervisor.
const python = "/usr/bin/supervisord"

// pythonConfig has a program that is killed by a signal, and slackalert.
const pythonConfig = `
[supervisord]
nodaemon=true
logfile=%[1]s/supervisord.log
pidfile=%[1]s/supervisord.pid
childlogdir=%[1]s

[unix_http_server]
file=%[1]s/s.sock

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[program:shop]
command=/bin/sh -c 'sleep 1.2; echo password=hunter2; echo last words; kill -SEGV $$'
startsecs=1
autorestart=false

[program:none]
command=/bin/sh -c 'exit 3'
startsecs=1
startretries=0

[eventlistener:slackalert]
command=%[2]s -a --webhook-url %[3]s --spool %[1]s/spool --max-per-minute 0 --label site=north
events=PROCESS_STATE
buffer_size=100
environment=%[4]s="1",GORACE="atexit_sleep_ms=0",XDG_STATE_HOME="%[1]s"
stderr_logfile=%[1]s/slackalert.err
`

// Under Python's supervisord a message names the signal or the exit status,
// how long the program was up and its last lines, without secrets.
func TestUnderPythonsSupervisord(t *testing.T) {
	if _, err := exec.LookPath(python); err != nil {
		const missing = "no " + python + ": needs Debian's package supervisor"
		if os.Getenv("VIGILANCE_REQUIRE_PEERS") == "1" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	bodies := make(chan string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var b bytes.Buffer
		if _, err := b.ReadFrom(r.Body); err == nil && json.Valid(b.Bytes()) {
			bodies <- b.String()
			_, _ = w.Write([]byte("ok"))
		}
	}))
	defer server.Close()
	dir, err := os.MkdirTemp("", "slackalert") // a short path, for the socket
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	config := filepath.Join(dir, "c")
	text := fmt.Sprintf(pythonConfig, dir, os.Args[0], server.URL, alerttest.Variable)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, "-n", "-c", config)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }() // the signal below ends it
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(time.Minute):
			_ = cmd.Process.Kill()
			t.Error("supervisord did not end within 20 s of SIGTERM")
		}
		if t.Failed() {
			stderr, _ := os.ReadFile(filepath.Join(dir, "slackalert.err"))
			log, _ := os.ReadFile(filepath.Join(dir, "supervisord.log"))
			t.Logf("slackalert:\n%s\nsupervisord:\n%s", stderr, log)
		}
	}()
	got := ""
	for range 2 {
		select {
		case body := <-bodies:
			got += body + "\n"
		case <-time.After(time.Minute):
			t.Fatalf("messages after 30 s = %s, want two", got)
		}
	}
	for _, want := range []string{
		"terminated by SIGSEGV", "last words", "password=********", "site", "north",
		"none could not be started (FATAL)", "exit status 3",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("messages = %s, want %q in them", got, want)
		}
	}
	// Python's daemon notices an end up to a second late.
	if uptime := regexp.MustCompile(`after \d+s: terminated`); !uptime.MatchString(got) {
		t.Errorf("messages = %s, want %s in them", got, uptime)
	}
	if strings.Contains(got, "hunter2") {
		t.Errorf("messages = %s, want no password", got)
	}
	found := exec.Command("grep", "-r", "hunter2", filepath.Join(dir, "spool"))
	if out, err := found.Output(); err == nil {
		t.Errorf("the password is on disk: %s", out)
	}
}
