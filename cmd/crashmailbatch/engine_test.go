package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/cmd/internal/batchmail/batchmailtest"
	"github.com/vigilance-go/vigilance/cmd/internal/check/checktest"
	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/notify/mail/mailtest"
)

// What superlance does not have. Three batches: one of a and b, one of a, one of
// b and a FATAL c.
func TestEngineOptions(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const a1, b1, a2, b2 = "a:a (pid 1) died unexpectedly", "b:b (pid 2) died unexpectedly", "a:a (pid 3) died unexpectedly", "b:b (pid 4) died unexpectedly"
	hours := time.Now().Add(-time.Hour).Format("15:04") + "-" + time.Now().Add(11*time.Hour).Format("15:04")
	forever := time.Now().Add(time.Hour).Format(time.RFC3339)
	subject := "Crash alert from supervisord: "
	for _, tt := range []struct {
		name string
		args []string
		want []string // the mails: subject, processes
	}{
		{"as superlance", nil, []string{subject + a1 + ", " + b1, subject + a2, subject + b2}},
		{"flood", []string{"--flood", "1h"}, []string{subject + a1 + ", " + b1}},
		{"flood off", []string{"--config", file("conf", "[crashmailbatch]\nflood = 1h\ntoEmail = x@example.com\n"), "--flood", "off"},
			[]string{subject + a1 + ", " + b1, subject + a2, subject + b2}},
		{"config", []string{"--config", file("conf2", "[crashmailbatch]\nflood = 1h\nsubject = S\n")}, []string{"S: " + a1 + ", " + b1}},
		{"max-per-minute", []string{"--max-per-minute", "2"}, []string{subject + a1 + ", " + b1, subject + a2}},
		{"quiet", []string{"--quiet", hours}, nil},
		{"silence all", []string{"--silence-file", file("silence", "")}, nil},
		{"silence one", []string{"--silence-file", file("silence2", `{"processes":["a"],"until":"`+forever+`"}`+"\n")}, []string{subject + b1, subject + b2}},
		{"label", []string{"--label", "site=home"}, []string{subject + a1 + ", " + b1 + ", , site: home", subject + a2 + ", , site: home", subject + b2 + ", , site: home"}},
		{"events", []string{"--events", "FATAL"}, []string{subject + "c:c went FATAL"}},
		{"title and template", []string{"--title", "{{.Count}}", "--template", "{{range .Programs}}<{{.Name}}>{{end}}"}, []string{"2: <a><b>", "1: <a>", "1: <b>"}},
		{"lang", []string{"--lang", "zh", "--flood", "1h"}, []string{subject + "a 意外退出，TIME (pid 1), , b 意外退出，TIME (pid 2)"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := mailtest.Start(t, mailtest.Options{})
			tool := batchmailtest.Listen(t, batchmailtest.Args(server, t.TempDir(), tt.args...)...)
			end := func() { tool.Tick(listener.Tick60) }
			tool.State(listener.ProcessStateExited, "a", "a", 1)
			tool.State(listener.ProcessStateExited, "b", "b", 2)
			end()
			tool.State(listener.ProcessStateExited, "a", "a", 3)
			end()
			tool.State(listener.ProcessStateExited, "b", "b", 4)
			tool.State(listener.ProcessStateFatal, "c", "c", 0)
			end()
			server.Wait(len(tt.want), time.Minute)
			tool.End()
			var got []string
			for _, m := range server.Mails() {
				mail := batchmailtest.Read(t, m)
				body := strings.NewReplacer("TIME -- Process ", "", "\n", ", ").Replace(plainTime.ReplaceAllString(mail.Body, "TIME"))
				got = append(got, mail.Subject+": "+body)
			}
			slices.Sort(got)
			slices.Sort(tt.want)
			if !slices.Equal(got, tt.want) {
				t.Errorf("crashmailbatch %q: mails = %q, want %q; standard error:\n%s", tt.args, got, tt.want, tool.Stderr())
			}
		})
	}
}

var plainTime = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d|\d\d:\d\d:\d\d`)

// What --flood holds back is in one mail when its time is over, also after a
// kill -9.
func TestFloodEndsAndSurvivesAKill(t *testing.T) {
	server := mailtest.Start(t, mailtest.Options{})
	spool := t.TempDir()
	args := batchmailtest.Args(server, spool, "--flood", "1h")
	tool := batchmailtest.Listen(t, args...)
	tool.State(listener.ProcessStateExited, "a", "a", 1)
	tool.Tick(listener.Tick60)
	server.Wait(1, time.Minute)
	tool.End() // a kill now may repeat the mail
	next := batchmailtest.Listen(t, args...)
	for pid := 2; pid <= 3; pid++ {
		next.State(listener.ProcessStateExited, "a", "a", pid)
		next.Tick(listener.Tick60)
	}
	next.Kill()
	if n := len(server.Mails()); n != 1 {
		t.Errorf("mails = %d within --flood, want 1", n)
	}
	// An hour later.
	state := filepath.Join(spool, "batch", "mailed.json")
	text, err := os.ReadFile(state)
	if err != nil || !strings.Contains(string(text), `"a"`) {
		t.Fatalf("state = %s, %v; want when a was mailed", text, err)
	}
	past := time.Now().Add(-61 * time.Minute).Format(time.RFC3339)
	if err := os.WriteFile(state, []byte(`{"mailed":{"a":"`+past+`"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	last := batchmailtest.Listen(t, args...)
	last.Tick(listener.Tick60)
	mails := server.Wait(2, time.Minute)
	last.End()
	if got := batchmailtest.Read(t, mails[1]).Body; strings.Count(got, "\n") != 1 || !strings.Contains(got, "pid 2") || !strings.Contains(got, "pid 3") {
		t.Errorf("second mail = %q, want both crashes", got)
	}
}

// A chat is told what a mail says: a batch.
func TestChatIsToldAsWell(t *testing.T) {
	server := mailtest.Start(t, mailtest.Options{})
	chat := checktest.NewChat(t)
	tool := batchmailtest.Listen(t, batchmailtest.Args(server, t.TempDir(), chat.Args...)...)
	tool.State(listener.ProcessStateExited, "a", "a", 1)
	tool.State(listener.ProcessStateExited, "b", "b", 2)
	tool.Tick(listener.Tick60)
	got := chat.Wait(1)
	server.Wait(1, time.Minute)
	tool.End()
	if len(got) != 1 || !strings.Contains(got[0], "a:a (pid 1) died") || !strings.Contains(got[0], "b:b (pid 2) died") {
		t.Errorf("chat = %q, want one message about both", got)
	}
}
