package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/cmd/internal/alert"
	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/listener/listenertest"
	"github.com/vigilance-go/vigilance/notify/mail/mailtest"
)

// subjects returns the subjects of the mails without the time.
func subjects(mails []mailtest.Mail) []string {
	var all []string
	for _, m := range mails {
		for line := range strings.Lines(strings.ReplaceAll(m.Data, "\r\n ", " ")) {
			if subject, ok := strings.CutPrefix(line, "Subject: "); ok {
				all = append(all, stamp.ReplaceAllString(strings.TrimSpace(subject), "TIME"))
			}
		}
	}
	return all
}

// What superlance does not have: other events, batches and flood control. One
// event is mailed in superlance's words all the same.
func TestMailsAreMergedOnlyWhenAsked(t *testing.T) {
	for _, tt := range []struct {
		name string
		args []string
		want []string
	}{
		{"as superlance", nil, []string{"cat crashed at TIME", "cat crashed at TIME", "cat crashed at TIME"}},
		{"fatal", []string{"--events", "FATAL"}, []string{"dog went FATAL at TIME"}},
		{"both", []string{"--events", "EXITED,FATAL", "-o", "x"}, []string{"x: cat crashed at TIME", "x: cat crashed at TIME", "x: cat crashed at TIME", "x: dog went FATAL at TIME"}},
		{"flood control", []string{"--flood", "1h", "-o", "x"}, []string{"x: cat crashed at TIME", "x: cat exited unexpectedly, 2 times on HOST"}},
		{"batches", []string{"--interval", "1h", "--events", "EXITED,FATAL"}, []string{"4 events of 2 programs on HOST: cat, dog"}},
		{"own words", []string{"--title", "{{range .Programs}}{{.Name}}!{{end}}"}, []string{"cat!", "cat!", "cat!"}},
		{"quiet for ever", []string{"--quiet", "00:00-23:59"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.want == nil && time.Now().Format("15:04") == "23:59" {
				t.Skip("it is the minute of the day that is not quiet")
			}
			server := mailtest.Start(t, mailtest.Options{})
			args := append([]string{
				"-a", "-m", "ops@example.com", "--smtp-host", fmt.Sprintf("%s:%d", server.Host, server.Port), "--spool", filepath.Join(t.TempDir(), "spool"),
			}, tt.args...)
			daemon := listenertest.StartCommand(t, listening(args...))
			for pid := range 3 {
				daemon.Deliver(crash("cat", "cat", pid+1), listener.ResultOK)
				if pid == 0 && len(tt.want) > 1 && tt.name != "fatal" {
					server.Wait(1, time.Minute)
				}
			}
			fatal := listener.ProcessState{EventType: listener.ProcessStateFatal, ProcessName: "dog", GroupName: "dog", FromState: "BACKOFF"}
			daemon.Deliver(fatal, listener.ResultOK)
			if err := daemon.Close(); err != nil {
				t.Errorf("crashmail ended with %v, want nil", err)
			}
			// Events that come in while the folder is read may be sent in another
			// order.
			got := slices.Sorted(slices.Values(subjects(server.Mails())))
			want := slices.Sorted(slices.Values(tt.want))
			for i := range want {
				want[i] = strings.ReplaceAll(want[i], "HOST", alert.Host())
			}
			if !slices.Equal(got, want) {
				t.Errorf("subjects = %q, want %q", got, want)
			}
		})
	}
}
