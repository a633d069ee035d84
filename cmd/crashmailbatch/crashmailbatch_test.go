package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/cmd/internal/batchmail/batchmailtest"
	"github.com/vigilance-go/vigilance/cmd/internal/check/checktest"
	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/notify/mail/mailtest"
)

func TestMain(m *testing.M) { checktest.Main(m, main) }

func TestMailIsSuperlances(t *testing.T) {
	batchmailtest.Superlance(t, listener.ProcessStateExited,
		"TIME -- Process foo:bar (pid 58597) died unexpectedly",
		"Crash alert from supervisord", "Crash alert from supervisord")
}

func TestUnderSupervisord(t *testing.T) {
	batchmailtest.UnderSupervisord(t, "crashmailbatch",
		"command=/bin/sh -c 'exit 3'\nstartsecs=0\nautorestart=false", "TIME -- Process ", " died unexpectedly")
}

// Each tool has these: superlance's statuses, and optparse's words.
func TestExitStatuses(t *testing.T) {
	const usage = "Usage: crashmailbatch [options]\n\n"
	server := mailtest.Start(t, mailtest.Options{StartTLS: true})
	good := func(more ...string) []string { return append(batchmailtest.Args(server, t.TempDir()), more...) }
	both := []string{"-t", "a@example.com", "-f", "b@example.com"}
	with := func(more ...string) []string { return append(append([]string{}, both...), more...) }
	ends := checktest.Endings(t)
	ends([]string{"-h"}, 0, usage, "")
	ends([]string{"--help", "-i", "abc"}, 0, usage, "")
	ends(nil, 1, usage, "")
	ends([]string{"-t", "a@example.com"}, 1, usage, "")
	ends([]string{"-f", "b@example.com"}, 1, usage, "")
	ends([]string{"-t", " , ", "-f", "b@example.com"}, 1, usage, "")
	ends([]string{"-i", "abc", "-h"}, 2, "", usage+"crashmailbatch: error: option -i: invalid floating-point value: 'abc'\n")
	ends([]string{"--int=0x1p4"}, 2, "", usage+"crashmailbatch: error: option --interval: invalid floating-point value: '0x1p4'\n")
	ends([]string{"-z"}, 2, "", usage+"crashmailbatch: error: no such option: -z\n")
	ends([]string{"--t"}, 2, "", usage+"crashmailbatch: error: ambiguous option: --t (--tickEvent, --tls, --toEmail?)\n")
	ends([]string{"-t"}, 2, "", usage+"crashmailbatch: error: -t option requires 1 argument\n")
	ends([]string{"--tls=yes"}, 2, "", usage+"crashmailbatch: error: --tls option does not take a value\n")
	ends(both, 1, "", "Must run as a supervisor event listener\n\nIt needs")
	ends([]string{"extra", "--to=a@example.com", "words", "--from", "b@example.com"}, 1, "", "Must run as a supervisor event listener\n\nIt needs")
	ends(with("-e", "TICK_7"), 1, "", `crashmailbatch: read --tickEvent: invalid TICK event name: "TICK_7", want`)
	ends(with("-i", "inf"), 2, "", usage+`crashmailbatch: error: option -i: value "inf", want a number of minutes`)
	ends(with("-H", "host:smtp"), 2, "", usage+`crashmailbatch: error: --smtpHost "host:smtp", want HOST or HOST:PORT`)
	ends(with("--max-length", "9"), 2, "", usage+`crashmailbatch: error: --max-length "9", want a number`)
	ends(with("--password-file", "x"), 2, "", usage+"crashmailbatch: error: --password-file without --userName\n")
	ends(with("-u", "x", "--password-file", "/nowhere"), 1, "", "crashmailbatch: read password file: open /nowhere")
	ends(with("--smtp-ca-file", "x"), 2, "", usage+"crashmailbatch: error: --smtp-ca-file without --tls\n")
	ends([]string{"-t", "no address@", "-f", "b"}, 1, "", `crashmailbatch: read recipient "no address@", want an address`)
	ends(good("--check", "-i", "-1", "--tls", "--smtp-ca-file", server.CAFile, "-e", "TICK_3600", "--max-length=0"), 0, "== options are good", "")
	ends(good("-t", "root", "-f", "supervisord", "--check"), 0, "== options are good", "")
	ends(with("--check", "-H", "127.0.0.1:1"), 1, "", "crashmailbatch: check the mail server: reach 127.0.0.1:1: ")
	ends(good("--check", "--spool", "/dev/null/spool"), 1, "", `crashmailbatch: check the spool: folder "/dev/null/spool/_" cannot be written, so messages would only be kept in memory; name another with --spool: not a directory`)
	ends(with("--events", "CRASHED"), 2, "", usage+`crashmailbatch: error: --events: read event "CRASHED"`)
	ends(with("--flood", "often"), 2, "", usage+`crashmailbatch: error: --flood: read time "often", want one like`)
	ends([]string{"--version"}, 0, "", "")
}

func TestIntervalAndTickEvent(t *testing.T) {
	server := mailtest.Start(t, mailtest.Options{})
	tool := batchmailtest.Listen(t, batchmailtest.Args(server, t.TempDir(), "-e", "TICK_5", "-i", "0.25", "-s", "ticks")...)
	for pid := range 6 {
		tool.State(listener.ProcessStateExited, "foo", "bar", pid)
		tool.Tick(listener.Tick60)
		tool.Tick(listener.Tick5)
	}
	mails := server.Wait(2, time.Minute)
	tool.End()
	for i, m := range mails {
		got := batchmailtest.Read(t, m)
		if first := fmt.Sprintf("(pid %d)", 3*i); strings.Count(got.Body, "\n") != 2 || !strings.Contains(got.Body, first) || got.Subject != "ticks" {
			t.Errorf("mail %d = %q, %q; want three lines, from %s", i, got.Subject, got.Body, first)
		}
	}
	if len(server.Mails()) != 2 {
		t.Errorf("mails = %d, want 2: one each third TICK_5", len(server.Mails()))
	}
}

func TestEachRecipientGetsTheMail(t *testing.T) {
	server := mailtest.Start(t, mailtest.Options{Script: func(verb, arg string) *mailtest.Reply {
		if verb == "RCPT" && arg == "bad@example.com" {
			return &mailtest.Reply{Code: 550, Text: "no such user"}
		}
		return nil
	}})
	spool := t.TempDir()
	args := batchmailtest.Args(server, spool, "--toEmail", "a@example.com, bad@example.com,root", "-s", "")
	tool := batchmailtest.Listen(t, args...)
	tool.State(listener.ProcessStateExited, "foo", "bar", 1)
	tool.Tick(listener.Tick60)
	mails := server.Wait(2, time.Minute)
	tool.End()
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(mails[0].To, mails[1].To)
	if want := "[a@example.com] [root@" + host + "]"; got != want || strings.Contains(mails[0].Data, "Subject") {
		t.Errorf("mails to %s, %q; want %s, without a subject's header", got, mails[0].Data, want)
	}
	if reasons, err := filepath.Glob(filepath.Join(spool, "batch", "dead", "*.reason")); err != nil || len(reasons) != 1 {
		t.Errorf("reasons of what was set aside = %q, %v; want one", reasons, err)
	}
	stderr := tool.Stderr()
	for _, want := range []string{
		"\nTo: a@example.com, bad@example.com, root\nFrom: supervisord@example.com\nSubject: \nBody:\n",
		"Error sending email: send mail to \"bad@example.com\"", "no such user",
	} {
		if !strings.Contains(stderr, want) {
			t.Errorf("standard error = %q, want %q in it", stderr, want)
		}
	}
}

func TestTLSAndLogin(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(secret, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name     string
		starttls bool
		args     []string
		tls      bool
		user     string
	}{
		{"neither", true, nil, false, ""},
		{"login in clear", false, []string{"-u", "u@example.com", "-p", "s3cret"}, false, "u@example.com"},
		{"password file", false, []string{"--userName=u@example.com", "--password-file", secret}, false, "u@example.com"},
		{"no password, no login", false, []string{"-u", "u@example.com"}, false, ""},
		{"TLS without a password", true, []string{"--tls"}, true, ""},
		{"TLS and login", true, []string{"--tls", "--userName", "u@example.com", "--password", "s3cret"}, true, "u@example.com"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := mailtest.Start(t, mailtest.Options{StartTLS: tt.starttls, User: "u@example.com", Password: "s3cret"})
			if tt.tls {
				tt.args = append(tt.args, "--smtp-ca-file", server.CAFile)
			}
			args := append(batchmailtest.Args(server, t.TempDir(), tt.args...), "--test")
			stdout, stderr, status := checktest.Output(t, checktest.Command(args...))
			mails := server.Mails()
			if status != 0 || len(mails) != 1 || mails[0].TLS != tt.tls || mails[0].User != tt.user {
				t.Fatalf("crashmailbatch --test = %d, stderr %q, mails %+v, stdout\n%s\nwant one mail, TLS %v, login %q",
					status, stderr, mails, stdout, tt.tls, tt.user)
			}
			got := batchmailtest.Read(t, mails[0])
			if !strings.HasPrefix(got.Body, "This is a test of crashmailbatch on ") || !strings.Contains(stdout, "== ops@example.com: accepted\n") ||
				strings.Contains(stdout, "s3cret") {
				t.Errorf("--test sent %q and printed\n%s\nwant a test mail, the conversation, and no password", got.Body, stdout)
			}
		})
	}
	// Without TLS, and with a certificate that nobody has signed.
	for _, starttls := range []bool{false, true} {
		server := mailtest.Start(t, mailtest.Options{StartTLS: starttls})
		args := append(batchmailtest.Args(server, t.TempDir(), "--tls"), "--test")
		stdout, stderr, status := checktest.Output(t, checktest.Command(args...))
		if status != 1 || len(server.Mails()) != 0 || stderr != "crashmailbatch: send a test mail: 1 of 1 were not accepted\n" {
			t.Errorf("--tls --test where TLS is offered: %v = %d, stderr %q, stdout\n%s\nwant 1 and no mail", starttls, status, stderr, stdout)
		}
	}
}

func TestLongMailsSayHowManyMore(t *testing.T) {
	server := mailtest.Start(t, mailtest.Options{})
	tool := batchmailtest.Listen(t, batchmailtest.Args(server, t.TempDir(), "--max-length", "160")...)
	for pid := range 12 {
		tool.State(listener.ProcessStateExited, "foo", "bar", 100+pid)
	}
	tool.Tick(listener.Tick60)
	got := batchmailtest.Read(t, server.Wait(1, time.Minute)[0])
	tool.End()
	want := "TIME -- Process foo:bar (pid 100) died unexpectedly\nTIME -- Process foo:bar (pid 101) died unexpectedly\nand 10 more"
	if got.Body != want {
		t.Errorf("mail = %q, want %q", got.Body, want)
	}
}

// A batch outlives a stop and a kill -9, and is one mail when its time has come.
// Then the server is down, and the mail outlives another.
func TestBatchSurvivesRestarts(t *testing.T) {
	server := mailtest.Start(t, mailtest.Options{})
	args := batchmailtest.Args(server, t.TempDir(), "--interval=2")
	stopped := batchmailtest.Listen(t, args...)
	stopped.State(listener.ProcessStateExited, "foo", "bar", 1)
	stopped.Signal(syscall.SIGTERM)
	if err := stopped.Wait(); err != nil {
		t.Errorf("crashmailbatch ended with %v after SIGTERM, want nil", err)
	}
	killed := batchmailtest.Listen(t, args...)
	killed.State(listener.ProcessStateExited, "foo", "bar", 2)
	killed.Tick(listener.Tick60)
	killed.Kill()
	if n := len(server.Mails()); n != 0 {
		t.Fatalf("mails = %d before the batch is complete, want 0", n)
	}
	server.Down()
	third := batchmailtest.Listen(t, args...)
	third.State(listener.ProcessStateExited, "foo", "bar", 3)
	third.Tick(listener.Tick60)
	third.Tick(listener.Tick60)
	third.Kill()
	server.Up()
	last := batchmailtest.Listen(t, args...)
	got := batchmailtest.Read(t, server.Wait(1, time.Minute)[0])
	last.Tick(listener.Tick60)
	last.Tick(listener.Tick60)
	last.End()
	var want []string
	for pid := 1; pid <= 3; pid++ {
		want = append(want, fmt.Sprintf("TIME -- Process foo:bar (pid %d) died unexpectedly", pid))
	}
	if got.Body != strings.Join(want, "\n") || len(server.Mails()) != 1 {
		t.Errorf("%d mails, the first %q; want one, %q", len(server.Mails()), got.Body, strings.Join(want, "\n"))
	}
}

// Without a spool a batch is sent at the end: nobody could send it later.
func TestWithoutSpoolTheBatchIsSentAtTheEnd(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	server := mailtest.Start(t, mailtest.Options{})
	tool := batchmailtest.Listen(t, batchmailtest.Args(server, file)...)
	tool.State(listener.ProcessStateExited, "foo", "bar", 1)
	tool.End()
	if n := len(server.Mails()); n != 1 || !strings.Contains(tool.Stderr(), "there is no spool") {
		t.Errorf("mails = %d, standard error %q; want 1 and a warning", n, tool.Stderr())
	}
}

func TestOptionsAreSuperlances(t *testing.T) {
	batchmailtest.SuperlancesOptions(t, "crashmailbatch", "command=/bin/sh -c 'exit 3'\nstartsecs=0\nautorestart=false",
		"X -- Process one:one (pid X) died unexpectedly", "Crash alert from supervisord")
}
