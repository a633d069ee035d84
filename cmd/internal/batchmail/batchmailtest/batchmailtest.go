// Package batchmailtest has what the tests of crashmailbatch, fatalmailbatch and
// crashsms share. The binary of each test is also the command: see
// checktest.Main.
package batchmailtest

import (
	"fmt"
	"io"
	"mime/quotedprintable"
	netmail "net/mail"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/vigilance-go/vigilance/cmd/internal/check/checktest"
	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/listener/listenertest"
	"github.com/vigilance-go/vigilance/notify/mail/mailtest"
)

// To and From are the addresses that Args says.
const (
	To   = "ops@example.com"
	From = "supervisord@example.com"
)

// Args is a command line that sends to a server.
func Args(server *mailtest.Server, spool string, more ...string) []string {
	return append([]string{
		"-t", To, "--fromEmail=" + From, "-H", fmt.Sprintf("%s:%d", server.Host, server.Port), "--spool", spool,
	}, more...)
}

// Command is the tool as a supervisord starts it.
func Command(args ...string) *exec.Cmd {
	cmd := checktest.Command(args...)
	cmd.Env = append(cmd.Env, "SUPERVISOR_ENABLED=1", "SUPERVISOR_SERVER_URL=unix:///nowhere.sock", "SUPERVISOR_GROUP_NAME=batch")
	return cmd
}

// Tool is a tool that gets events from the test.
type Tool struct {
	*listenertest.Supervisor
	t      *testing.T
	stderr checktest.Buffer
}

// Listen starts the tool.
func Listen(t *testing.T, args ...string) *Tool {
	t.Helper()
	tool := &Tool{t: t}
	cmd := Command(args...)
	cmd.Stderr = &tool.stderr
	tool.Supervisor = listenertest.StartCommand(t, cmd)
	return tool
}

// Stderr is what it has written to standard error, with TIME for each time.
func (tool *Tool) Stderr() string { return Timeless(tool.stderr.String()) }

// Tick delivers a TICK event.
func (tool *Tool) Tick(tick listener.EventType) {
	tool.t.Helper()
	tool.Deliver(listener.Tick{EventType: tick, When: 3600}, listener.ResultOK)
}

// State delivers a PROCESS_STATE event.
func (tool *Tool) State(state listener.EventType, group, process string, pid int) {
	tool.t.Helper()
	tool.Deliver(State(state, group, process, pid), listener.ResultOK)
}

// State is a PROCESS_STATE event.
func State(state listener.EventType, group, process string, pid int) listener.ProcessState {
	return listener.ProcessState{EventType: state, ProcessName: process, GroupName: group, FromState: "RUNNING", PID: pid}
}

// End closes the tool's input and wants it to end well.
func (tool *Tool) End() {
	tool.t.Helper()
	if err := tool.Close(); err != nil {
		tool.t.Errorf("the tool ended with %v, want nil; standard error:\n%s", err, tool.Stderr())
	}
}

var stamp = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}`)

// Timeless replaces times.
func Timeless(text string) string { return stamp.ReplaceAllString(text, "TIME") }

// Mail is a mail, taken apart.
type Mail struct {
	mailtest.Mail
	Subject, Body string // Body with TIME for each time
}

// Read takes a mail apart.
func Read(t *testing.T, m mailtest.Mail) Mail {
	t.Helper()
	read, err := netmail.ReadMessage(strings.NewReader(m.Data))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(read.Body))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.TrimRight(strings.ReplaceAll(string(body), "\r\n", "\n"), "\n")
	return Mail{m, read.Header.Get("Subject"), Timeless(text)}
}

// Superlance checks what superlance's own tests do: the mail about two events,
// and what is written to standard error. line is that of the process foo:bar
// with pid 58597, with TIME for the time, and subject what is logged.
func Superlance(t *testing.T, state listener.EventType, line, subject, logged string) {
	t.Helper()
	server := mailtest.Start(t, mailtest.Options{})
	tool := Listen(t, Args(server, t.TempDir())...)
	expected := State(listener.ProcessStateExited, "foo", "bar", 1)
	expected.Expected = true
	tool.Deliver(expected, listener.ResultOK)
	tool.State(listener.ProcessStateStopped, "foo", "bar", 2)
	tool.Tick(listener.Tick60) // nothing has happened
	tool.State(state, "foo", "bar", 58597)
	tool.Tick(listener.Tick5) // not the one
	tool.State(state, "foo", "baz", 58597)
	tool.Tick(listener.Tick60)
	got := Read(t, server.Wait(1, 20e9)[0])
	tool.End()
	second := strings.ReplaceAll(line, "foo:bar", "foo:baz")
	if want := line + "\n" + second; got.Subject != subject || got.Body != want || got.From != From || fmt.Sprint(got.To) != "["+To+"]" {
		t.Errorf("mail = %q from %q to %q, %q; want %q from %q to %q, %q", got.Subject, got.From, got.To, got.Body, subject, From, To, want)
	}
	// What is shown of the mail ends within a time.
	text, _, _ := strings.Cut(tool.stderr.String(), "\nSending ")
	want := text + "\nSending notification email:\nTo: " + To + "\nFrom: " + From + "\nSubject: " + logged + "\nBody:\n" + text[:76] + "...\n"
	if shown := tool.stderr.String(); Timeless(text) != got.Body || shown != want {
		t.Errorf("standard error = %q, want %q with the mail's lines", shown, want)
	}
	if n := len(server.Mails()); n != 1 {
		t.Errorf("mails = %d, want 1", n)
	}
}

// UnderSupervisord runs the tool under Python's supervisord and this project's,
// with two programs, one and two, that command makes what they are, and wants
// one line about each that begins and ends as shown.
func UnderSupervisord(t *testing.T, name, program, begin, end string) {
	checktest.Daemons(t, func(t *testing.T, supervisord string) {
		server := mailtest.Start(t, mailtest.Options{StartTLS: true, User: "u@example.com", Password: "s3cret"})
		daemon := checktest.Start(t, supervisord, fmt.Sprintf(`
[program:one]
%[1]s
[program:two]
%[1]s
[program:fine]
command=/bin/sh -c 'exit 0'
startsecs=0
autorestart=false

[eventlistener:%[2]s]
command=TOOL --toEmail="%[3]s" --fromEmail="%[4]s" -H %[5]s:%[6]d --tls --smtp-ca-file %[7]s -u u@example.com -e TICK_5 --interval=0.05 --spool DIR/spool
events=PROCESS_STATE,TICK_5
environment=ENV,VIGILANCE_SMTP_PASSWORD="s3cret"
stderr_logfile=DIR/tool.err
`, program, name, To, From, server.Host, server.Port, server.CAFile))
		text := func() (text string) {
			for _, m := range server.Mails() {
				text += Read(t, m).Body + "\n"
			}
			return text
		}
		daemon.Until("lines about both", func() bool { return strings.Count(text(), "\n") >= 2 })
		for _, process := range []string{"one:one", "two:two"} {
			line := regexp.MustCompile("(?m)^" + regexp.QuoteMeta(begin+process) + `\D*(\d+\W)?` + regexp.QuoteMeta(end) + "$")
			if n := len(line.FindAllString(text(), -1)); n != 1 {
				t.Errorf("mails = %q, want one line like %s", text(), line)
			}
		}
		// A tick may come between the two.
		mails := server.Mails()
		if n := strings.Count(text(), "\n"); n != 2 || len(mails) > 2 || !mails[0].TLS || mails[0].User != "u@example.com" {
			t.Errorf("%d mails with %d lines, TLS %v, login %q; want at most 2 with 2, by TLS, as u@example.com", len(mails), n, mails[0].TLS, mails[0].User)
		}
	})
}
