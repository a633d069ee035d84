package main

import (
	"bytes"
	"fmt"
	"io"
	"mime/quotedprintable"
	netmail "net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/notify/mail/mailtest"
)

// python is Debian's Supervisor.
const python = "/usr/bin/supervisord"

// pythonConfig has a program that crashes once, and crashmail.
const pythonConfig = `
[supervisord]
nodaemon=true
logfile=%[1]s/supervisord.log
pidfile=%[1]s/supervisord.pid
childlogdir=%[1]s
identifier=interop

[unix_http_server]
file=%[1]s/supervisor.sock

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[program:shop]
command=/bin/sh -c 'echo first words; echo last words; echo an error >&2; exit 3'
startsecs=0
autorestart=false
startretries=0

[program:fine]
command=/bin/sh -c 'exit 0'
startsecs=0
autorestart=false

[eventlistener:crashmail]
command=%[2]s -a -o interop -m ops@example.com --smtp-host %[3]s --smtp-port %[4]d --smtp-tls starttls --smtp-ca-file %[5]s --smtp-user u@example.com --smtp-password-file %[1]s/password --spool %[1]s/spool --log-lines 1
events=PROCESS_STATE
environment=%[6]s="1",GORACE="atexit_sleep_ms=0"
stderr_logfile=%[1]s/crashmail.err
`

// A crash under Python's supervisord becomes a mail in an SMTP server with
// STARTTLS and a login.
func TestUnderPythonsSupervisord(t *testing.T) {
	if _, err := exec.LookPath(python); err != nil {
		const missing = "no " + python + ": needs Debian's package supervisor"
		if os.Getenv("VIGILANCE_REQUIRE_PEERS") == "1" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	server := mailtest.Start(t, mailtest.Options{StartTLS: true, User: "u@example.com", Password: "s3cret"})
	// Not t.TempDir(): the socket's path must be short.
	dir, err := os.MkdirTemp("", "crashmail")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	write(t, filepath.Join(dir, "password"), "s3cret\n")
	config := filepath.Join(dir, "supervisord.conf")
	write(t, config, fmt.Sprintf(pythonConfig, dir, os.Args[0], server.Host, server.Port, server.CAFile, commandEnv))

	var out bytes.Buffer
	cmd := exec.Command(python, "-n", "-c", config)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }() // the signals below end it
	stop := func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			_ = cmd.Process.Kill()
			t.Error("supervisord did not end within 20 s of SIGTERM")
		}
	}
	stopped := false
	defer func() {
		if !stopped {
			stop()
		}
		if t.Failed() {
			stderr, _ := os.ReadFile(filepath.Join(dir, "crashmail.err"))
			t.Logf("supervisord:\n%s\ncrashmail:\n%s", out.String(), stderr)
		}
	}()

	got := server.Wait(1, 30*time.Second)[0]
	m, err := netmail.ReadMessage(strings.NewReader(got.Data))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	if err != nil {
		t.Fatal(err)
	}
	if subject := stamp.ReplaceAllString(m.Header.Get("Subject"), "TIME"); subject != "interop: shop crashed at TIME" || !got.TLS || got.User != "u@example.com" {
		t.Errorf("mail: subject %q, TLS %v, login %q; want interop: shop crashed at TIME, by TLS, as u@example.com", subject, got.TLS, got.User)
	}
	text := strings.ReplaceAll(string(body), "\r\n", "\n")
	first, rest, _ := strings.Cut(text, "\n")
	if !strings.HasPrefix(first, "Process shop in group shop exited unexpectedly (pid ") || !strings.HasSuffix(first, ") from state RUNNING") {
		t.Errorf("first line = %q, want superlance's", first)
	}
	const wantRest = "\nThe end of its stdout, at most 1 lines:\n\nlast words\n\nThe end of its stderr, at most 1 lines:\n\nan error"
	if strings.TrimRight(rest, "\n") != wantRest {
		t.Errorf("rest of the mail = %q, want %q", rest, wantRest)
	}
	stop()
	stopped = true
	if n := len(server.Mails()); n != 1 {
		t.Errorf("mails = %d, want 1: the program that ended as expected is no crash", n)
	}
	if log := out.String(); !strings.Contains(log, "stopped: crashmail (exit status 0)") {
		t.Errorf("supervisord's log = %q, want that crashmail ended with status 0", log)
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
