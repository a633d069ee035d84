package mail_test

import (
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/notify/mail"
)

func secretForms() []string {
	b64 := base64.StdEncoding.EncodeToString
	return []string{
		password, b64([]byte(password)), b64([]byte("\x00" + user + "\x00" + password)),
		b64([]byte("user=" + user + "\x01auth=Bearer " + password + "\x01\x01")),
	}
}

func TestSendmailGetsTheMailAsSuperlanceWritesIt(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mail")
	for _, tt := range []struct{ name, from, to, subject, want string }{
		{"plain", "", "chrism@plope.com", "[foo]: foo crashed at now",
			"To: chrism@plope.com\nSubject: [foo]: foo crashed at now\n\nline\nlast"},
		{"without a prefix, two recipients", "", "a@x, b@x", " foo crashed at now",
			"To: a@x, b@x\nSubject:  foo crashed at now\n\nline\nlast"},
		{"sender", "me@x", "a@x", "s", "To: a@x\nFrom: me@x\nSubject: s\n\nline\nlast"},
		{"injection", "me@x\nBcc: e@x", "a@x\nBcc: e@x", "s\r\n\r\nbody",
			"To: a@x Bcc: e@x\nFrom: me@x Bcc: e@x\nSubject: s    body\n\nline\nlast"},
	} {
		m := notify.Message{Subject: tt.subject, Body: "line\nlast", To: tt.to}
		err := send(t, &mail.Sendmail{Command: "cat - > " + file, From: tt.from}, m, 10*time.Second)
		got, readErr := os.ReadFile(file)
		if err != nil || readErr != nil || string(got) != tt.want {
			t.Errorf("%s: mail = %q, %v, %v; want %q", tt.name, got, err, readErr, tt.want)
		}
	}
}

func TestSendmailReportsAFailure(t *testing.T) {
	for _, tt := range []struct {
		command string
		giveUp  bool
		error   string
	}{
		{"exit 0", false, ""},
		{"true < /dev/null", false, ""}, // reads no mail
		{"sleep 60 & exit 0", false, ""},
		{"echo queue full >&2; exit 75", false, `exit status 75 (it said "queue full")`},
		{"/no/such/sendmail -t", false, "exit status 127"},
		{"exit 1", true, "exit status 1"},
		{"kill -9 $$", false, "killed"},
	} {
		t.Run(tt.command, func(t *testing.T) {
			t.Parallel()
			var trace strings.Builder
			s := &mail.Sendmail{Command: tt.command, Trace: mail.NewTrace(&trace)}
			err := send(t, s, message(), 10*time.Second)
			if tt.error == "" {
				if err != nil {
					t.Errorf("Notify() = %v, want nil", err)
				}
				return
			}
			var tmp *notify.TemporaryError
			if !errors.As(err, &tmp) || !strings.Contains(err.Error(), tt.error) || (tmp.GiveUpAfter > 0) != tt.giveUp {
				t.Errorf("Notify() = %#v, want a temporary error with %q, given up: %v", err, tt.error, tt.giveUp)
			}
			if !strings.Contains(trace.String(), "-- failed: ") || !strings.Contains(trace.String(), "> To: ops@example.com") {
				t.Errorf("trace = %q, want the mail and the failure", trace.String())
			}
		})
	}
}

func TestSendmailKillsWhatHangs(t *testing.T) {
	pidFile := filepath.Join(t.TempDir(), "pid")
	s := &mail.Sendmail{Command: "sleep 600 & echo $! > " + pidFile + "; wait"}
	start := time.Now()
	err := send(t, s, message(), 500*time.Millisecond)
	if took := time.Since(start); err == nil || took > 5*time.Second || !strings.Contains(err.Error(), "killed") {
		t.Errorf("Notify() = %v after %v, want an error after about 0.5 s", err, took)
	}
	data, err := os.ReadFile(pidFile)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(5 * time.Second); running(pid); {
		if time.Now().After(deadline) {
			t.Fatalf("the command's child %d still runs, want it killed", pid)
		}
		<-time.After(10 * time.Millisecond)
	}
}

// running tells whether a process runs; a zombie does not.
func running(pid int) bool {
	if err := syscall.Kill(pid, 0); err != nil {
		return false
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err != nil || !strings.Contains(string(stat), ") Z ")
}
