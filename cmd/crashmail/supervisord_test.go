package main

import (
	"fmt"
	"io"
	"mime/quotedprintable"
	netmail "net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/cmd/internal/check/checktest"
	"github.com/vigilance-go/vigilance/notify/mail/mailtest"
)

// crashConfig has a program that crashes once, and crashmail.
const crashConfig = `
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
command=TOOL -a -o interop -m ops@example.com --smtp-host %s --smtp-port %d --smtp-tls starttls --smtp-ca-file %s --smtp-user u@example.com --smtp-password-file %s --spool DIR/spool --log-lines 1
events=PROCESS_STATE
environment=ENV
stderr_logfile=DIR/tool.err
`

// A crash becomes a mail in an SMTP server with STARTTLS and a login.
func TestUnderSupervisord(t *testing.T) {
	checktest.Daemons(t, func(t *testing.T, supervisord string) {
		server := mailtest.Start(t, mailtest.Options{StartTLS: true, User: "u@example.com", Password: "s3cret"})
		password := filepath.Join(t.TempDir(), "password")
		if err := os.WriteFile(password, []byte("s3cret\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		daemon := checktest.Start(t, supervisord, fmt.Sprintf(crashConfig, server.Host, server.Port, server.CAFile, password))
		got := server.Wait(1, time.Minute)[0]
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
		out := daemon.Stop()
		if n := len(server.Mails()); n != 1 {
			t.Errorf("mails = %d, want 1: the program that ended as expected is no crash", n)
		}
		if !strings.Contains(out, "stopped: crashmail (exit status 0)") {
			t.Errorf("supervisord's log = %q, want that crashmail ended with status 0", out)
		}
	})
}
