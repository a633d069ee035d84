package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/cmd/internal/alert"
	"github.com/vigilance-go/vigilance/cmd/internal/check/checktest"
	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/listener/listenertest"
	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/notify/mail/mailtest"
)

func TestMain(m *testing.M) { checktest.Main(m, main) }

// listening is crashmail as a daemon starts it.
func listening(args ...string) *exec.Cmd {
	cmd := checktest.Command(args...)
	cmd.Env = append(cmd.Env, "SUPERVISOR_ENABLED=1", "SUPERVISOR_SERVER_URL=unix:///nowhere.sock", "SUPERVISOR_GROUP_NAME=crashmail")
	return cmd
}

func TestExitStatuses(t *testing.T) {
	ends := checktest.Endings(t)
	ends([]string{"-h"}, 0, "crashmail [-p processname] [-a]", "")
	ends([]string{"-a", "--help"}, 0, "crashmail [-p processname] [-a]", "")
	ends([]string{"-z"}, 255, "crashmail [-p processname] [-a]", "Error: option -z not recognized\n")
	ends([]string{"-h", "-p"}, 255, "crashmail [-p processname] [-a]", "Error: option -p requires argument\n")
	ends(nil, 0, "", "crashmail must be run as a supervisor event listener\n")
	ends([]string{"-aoprefix", "-mx@y", "--send=true", "URL"}, 0, "", "crashmail must be run as a supervisor event listener\n")
	ends([]string{"--log-lines", "many"}, 255, "crashmail [-p processname] [-a]", `Error: --log-lines "many", want a number`)
	ends([]string{"--test"}, 1, "", "crashmail: send a test mail: no recipient, want -m ADDRESS\n")
	ends([]string{"--smtp-host", "h", "-m", "root"}, 1, "", `crashmail: read recipient "root", want an address`)
	ends([]string{"--smtp-port", "25"}, 1, "", "crashmail: read options: --smtp-port without --smtp-host\n")
	ends([]string{"--version"}, 0, "", "")
}

// crash is the event of an unexpected exit.
func crash(group, process string, pid int) listener.ProcessState {
	return listener.ProcessState{
		EventType: listener.ProcessStateExited, ProcessName: process, GroupName: group, FromState: "RUNNING", PID: pid,
	}
}

// stamp is the time in a subject.
var stamp = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}`)

// What superlance's own test wants, and more: the mail and what is written to
// standard error, to the byte.
func TestMailIsSuperlances(t *testing.T) {
	const body = "Process foo in group bar exited unexpectedly (pid 58597) from state RUNNING"
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"prefix", []string{"-o", "[foo]"}, "To: chrism@plope.com\nSubject: [foo]: foo crashed at TIME\n\n" + body},
		{"no prefix", nil, "To: chrism@plope.com\nSubject:  foo crashed at TIME\n\n" + body},
		{"empty prefix", []string{"-o", ""}, "To: chrism@plope.com\nSubject:  foo crashed at TIME\n\n" + body},
		{"sender", []string{"--from", "me@plope.com"}, "To: chrism@plope.com\nFrom: me@plope.com\nSubject:  foo crashed at TIME\n\n" + body},
		{"injection", []string{"-o", "x\nBcc: evil@example.com\n\nbody"},
			"To: chrism@plope.com\nSubject: x Bcc: evil@example.com  body: foo crashed at TIME\n\n" + body},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "mail")
			args := append([]string{
				"-a", "-m", "chrism@plope.com", "--spool", filepath.Join(dir, "spool"),
				"-s", "cat - > " + file + ".tmp; mv " + file + ".tmp " + file,
			}, tt.args...)
			cmd := listening(args...)
			var stderr checktest.Buffer
			cmd.Stderr = &stderr
			daemon := listenertest.StartCommand(t, cmd)
			daemon.Deliver(listener.Tick{EventType: listener.Tick5, When: 5}, listener.ResultOK)
			expected := crash("bar", "foo", 1)
			expected.Expected = true
			daemon.Deliver(expected, listener.ResultOK)
			stopped := crash("bar", "foo", 1)
			stopped.EventType = listener.ProcessStateStopped
			daemon.Deliver(stopped, listener.ResultOK)
			daemon.Deliver(crash("bar", "foo", 58597), listener.ResultOK)
			checktest.Until(t, "the mail on standard error", func() bool { return strings.Contains(stderr.String(), body) })
			if err := daemon.Close(); err != nil {
				t.Errorf("crashmail ended with %v, want nil; stderr %q", err, stderr.String())
			}
			data, err := os.ReadFile(file)
			if got := stamp.ReplaceAllString(string(data), "TIME"); got != tt.want || err != nil {
				t.Errorf("mail = %q, %v; want %q", got, err, tt.want)
			}
			wantErr := "unexpected exit, mailing\nMailed:\n\n" + tt.want
			if got := stamp.ReplaceAllString(stderr.String(), "TIME"); got != wantErr {
				t.Errorf("standard error = %q, want %q", got, wantErr)
			}
		})
	}
}

func TestMailsGoToAllRecipientsForSelectedProcesses(t *testing.T) {
	server := mailtest.Start(t, mailtest.Options{Script: func(verb, arg string) *mailtest.Reply {
		if verb == "RCPT" && arg == "bad@example.com" {
			return &mailtest.Reply{Code: 550, Text: "no such user"}
		}
		return nil
	}})
	spool := filepath.Join(t.TempDir(), "spool")
	cmd := listening("-p", "cat", "-p", "web:*", "-m", "a@example.com", "-m", "bad@example.com, b@example.com",
		"--smtp-host", server.Host, "--smtp-port", fmt.Sprint(server.Port), "--from", "v@example.com", "--spool", spool, "--subject-host")
	var stderr checktest.Buffer
	cmd.Stderr = &stderr
	daemon := listenertest.StartCommand(t, cmd)
	daemon.Deliver(crash("dog", "dog", 1), listener.ResultOK)
	daemon.Deliver(crash("cat", "cat", 2), listener.ResultOK)
	daemon.Deliver(crash("web", "web_01", 3), listener.ResultOK)
	mails := server.Wait(4, time.Minute)
	if err := daemon.Close(); err != nil {
		t.Errorf("crashmail ended with %v, want nil", err)
	}
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, m := range mails {
		for _, process := range []string{"dog", "cat", "web_01"} {
			if strings.Contains(m.Data, "Subject: "+process+" crashed on "+host+" at ") {
				got[process+" to "+strings.Join(m.To, " ")]++
			}
		}
	}
	for _, want := range []string{"cat to a@example.com", "cat to b@example.com", "web_01 to a@example.com", "web_01 to b@example.com"} {
		if got[want] != 1 {
			t.Errorf("mails = %v, want one of %q", got, want)
		}
	}
	if len(server.Mails()) != 4 {
		t.Errorf("mails = %d, want 4", len(server.Mails()))
	}
	reasons, err := filepath.Glob(filepath.Join(spool, "crashmail", "dead", "*.reason"))
	if err != nil || len(reasons) != 2 || strings.Count(stderr.String(), "message refused for good") != 2 {
		t.Errorf("dead/*.reason = %q, %v, stderr = %q; want two, reported", reasons, err, stderr.String())
	}
}

func TestWithoutRecipientNoMailIsSent(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mail")
	cmd := listening("-a", "-s", "cat > "+file)
	var stderr checktest.Buffer
	cmd.Stderr = &stderr
	daemon := listenertest.StartCommand(t, cmd)
	daemon.Deliver(crash("cat", "cat", 2), listener.ResultOK)
	if err := daemon.Close(); err != nil {
		t.Errorf("crashmail ended with %v, want nil", err)
	}
	if _, err := os.Stat(file); err == nil || !strings.Contains(stderr.String(), "process=cat") {
		t.Errorf("mail: %v, stderr = %q; want no mail and a warning", err, stderr.String())
	}
}

// The server is down, so that nothing is delivered before crashmail is asked
// to stop; what it cannot send waits for the next start.
func TestWhatCannotBeSentWaitsForTheNextStart(t *testing.T) {
	server := mailtest.Start(t, mailtest.Options{})
	server.Down()
	args := []string{
		"-a", "-m", "a@example.com", "--smtp-host", server.Host, "--smtp-port", fmt.Sprint(server.Port),
		"--spool", filepath.Join(t.TempDir(), "spool"),
	}
	cmd := listening(args...)
	var stderr checktest.Buffer
	cmd.Stderr = &stderr
	daemon := listenertest.StartCommand(t, cmd)
	for pid := range 3 {
		daemon.Deliver(crash("cat", "cat", pid), listener.ResultOK)
	}
	daemon.Signal(os.Interrupt)
	if err := daemon.Wait(); err != nil {
		t.Errorf("crashmail ended with %v, want nil", err)
	}
	if !strings.Contains(stderr.String(), "mails wait in the spool for the next start") || !strings.Contains(stderr.String(), "messages=3") {
		t.Errorf("standard error = %q, want that 3 mails wait", stderr.String())
	}

	server.Up()
	next := listenertest.StartCommand(t, listening(args...))
	server.Wait(3, time.Minute)
	if err := next.Close(); err != nil {
		t.Errorf("crashmail ended with %v, want nil", err)
	}
}

// Mails that come in while crashmail is being stopped are still sent.
func TestMailsAreSentBeforeTheEnd(t *testing.T) {
	server := mailtest.Start(t, mailtest.Options{Script: func(verb, _ string) *mailtest.Reply {
		if verb == "END" {
			<-time.After(50 * time.Millisecond) // a server takes its time
		}
		return nil
	}})
	daemon := listenertest.StartCommand(t, listening("-a", "-m", "a@example.com",
		"--smtp-host", server.Host, "--smtp-port", fmt.Sprint(server.Port), "--spool", filepath.Join(t.TempDir(), "spool")))
	start := time.Now()
	for pid := range 10 {
		daemon.Deliver(crash("cat", "cat", pid), listener.ResultOK)
	}
	acknowledged := time.Since(start)
	if err := daemon.Close(); err != nil {
		t.Errorf("crashmail ended with %v, want nil", err)
	}
	if got := len(server.Mails()); got != 10 {
		t.Errorf("mails = %d, want 10", got)
	}
	if delivered := time.Since(start); acknowledged > delivered-100*time.Millisecond {
		t.Errorf("acknowledged after %v, delivered after %v: delivery delays the answers", acknowledged, delivered)
	}
}

// Two listeners with other recipients get each event, with the same serial
// number, and may be told the same folder.
func TestTwoListenersDoNotShareMails(t *testing.T) {
	server := mailtest.Start(t, mailtest.Options{})
	spool := t.TempDir()
	for _, pool := range []string{"devmail", "opsmail"} {
		cmd := listening("-a", "-m", pool+"@example.com", "--smtp-host", fmt.Sprintf("%s:%d", server.Host, server.Port), "--spool", spool)
		cmd.Env = append(cmd.Env, "SUPERVISOR_GROUP_NAME="+pool)
		daemon := listenertest.StartCommand(t, cmd)
		daemon.Header.Pool = pool
		daemon.Deliver(crash("cat", "cat", 1), listener.ResultOK)
		if err := daemon.Close(); err != nil {
			t.Errorf("crashmail ended with %v, want nil", err)
		}
	}
	var got []string
	for _, m := range server.Mails() {
		got = append(got, m.To...)
	}
	if want := "[devmail@example.com opsmail@example.com]"; fmt.Sprint(got) != want {
		t.Errorf("recipients = %v, want %s", got, want)
	}
}

func TestTestPrintsTheConversationWithoutSecrets(t *testing.T) {
	const password = "s3cret"
	server := mailtest.Start(t, mailtest.Options{StartTLS: true, User: "u@example.com", Password: password})
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{
		"--test", "-m", "a@example.com", "--smtp-host", server.Host, "--smtp-port", fmt.Sprint(server.Port), "--smtp-tls", "starttls",
		"--smtp-ca-file", server.CAFile, "--smtp-user", "u@example.com", "--smtp-password-file", file,
	}
	stdout, stderr, status := checktest.Output(t, checktest.Command(args...))
	for _, want := range []string{"S: 220 mailtest", "C: STARTTLS", "S: 235 ", "C: Subject: test crashed at ", "== a@example.com: accepted\n"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("crashmail --test printed\n%s\nwant %q in it", stdout, want)
		}
	}
	if status != 0 || stderr != "" || strings.Contains(stdout, password) || len(server.Mails()) != 1 {
		t.Errorf("crashmail --test = %d, stderr %q, %d mails, stdout\n%s\nwant 0, nothing, one, no password", status, stderr, len(server.Mails()), stdout)
	}

	server.Down()
	stdout, stderr, status = checktest.Output(t, checktest.Command(args...))
	if status != 1 || !strings.Contains(stdout, "-- failed: dial tcp") || stderr != "crashmail: send a test mail: 1 of 1 were not accepted\n" {
		t.Errorf("crashmail --test with the server down = %d, stderr %q, stdout\n%s\nwant 1 and the reason", status, stderr, stdout)
	}
}

func TestWhatCannotBeKeptGoesBackToTheDaemon(t *testing.T) {
	var stderr checktest.Buffer
	out := alert.NewStderr(&stderr)
	full := func(notify.Message) error { return notify.ErrFull }
	c := &crashmail{options: options{targets: []string{"a@example.com"}}, put: full, stderr: out, log: out.Logger()}
	daemon := listenertest.Start(t, c.handle, listener.WithLogger(c.log))
	daemon.Deliver(crash("cat", "cat", 1), listener.ResultFail)
	if !strings.Contains(stderr.String(), "queue is full") {
		t.Errorf("standard error = %q, want the reason", stderr.String())
	}
	if err := daemon.Close(); err != nil {
		t.Error(err)
	}
}
