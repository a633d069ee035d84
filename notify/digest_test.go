package notify_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/notify"
)

// happened returns an event at a time of one day.
func happened(at, group, process, event, reason string, pid int) notify.Message {
	t, err := time.Parse(time.DateTime, "2026-11-22 "+at)
	if err != nil {
		panic(err)
	}
	return notify.Message{
		ID: fmt.Sprint(pid), Time: t, Host: "shop1", Event: "PROCESS_STATE_" + event, Group: group, Process: process,
		PID: pid, Reason: reason, Uptime: 90 * time.Second, Recovery: event == "RUNNING", Labels: map[string]string{"site": "north"},
	}
}

func TestComposerWrites(t *testing.T) {
	one := []notify.Message{happened("08:00:01", "web", "web_00", "EXITED", "terminated by SIGKILL", 7)}
	one[0].Log = "last words\n"
	loop := []notify.Message{
		happened("08:00:01", "web", "web", "EXITED", "exit status 1", 7),
		happened("08:00:05", "web", "web", "EXITED", "exit status 2", 8),
		happened("08:01:00", "web", "web", "RUNNING", "", 9),
	}
	several := []notify.Message{
		loop[0], happened("08:00:02", "db", "db", "FATAL", "can't find command '/x'", 0), loop[1],
		happened("08:00:09", "mail", "mail", "UNKNOWN", "", 0),
	}
	for _, tt := range []struct {
		name     string
		composer notify.Composer
		events   []notify.Message
		want     string // the subject and the body
	}{
		{"one event", notify.Composer{}, one, `
web:web_00 exited unexpectedly on shop1: terminated by SIGKILL
web:web_00 exited unexpectedly, 2026-11-22 08:00:01 (pid 7), after 1m30s: terminated by SIGKILL`},
		{"one event, in full", notify.Composer{Full: true, Prefix: "[ops] "}, one, `
[ops] web:web_00 exited unexpectedly on shop1: terminated by SIGKILL
web:web_00 exited unexpectedly, 2026-11-22 08:00:01 (pid 7), after 1m30s: terminated by SIGKILL

site: north

The end of its output:

last words`},
		{"one event, in Chinese", notify.Composer{Lang: notify.Chinese}, one, `
web:web_00 意外退出，主机 shop1：terminated by SIGKILL
web:web_00 意外退出，2026-11-22 08:00:01 (pid 7)，已运行 1m30s：terminated by SIGKILL`},
		{"a loop", notify.Composer{}, loop[:2], `
web exited unexpectedly, 2 times on shop1: exit status 2
web exited unexpectedly, 2 times from 08:00:01 to 08:00:05: the last time: exit status 2
08:00:01 (pid 7), 08:00:05 (pid 8)`},
		{"a recovery", notify.Composer{}, loop, `
web has recovered on shop1
web exited unexpectedly, 2 times from 08:00:01 to 08:00:05: the last time: exit status 2: running again since 08:01:00
08:00:01 (pid 7), 08:00:05 (pid 8)`},
		{"several programs", notify.Composer{}, several, `
4 events of 3 programs on shop1: web, db, mail
web exited unexpectedly, 2 times from 08:00:01 to 08:00:05: the last time: exit status 2
08:00:01 (pid 7), 08:00:05 (pid 8)

db could not be started (FATAL), 08:00:02, after 1m30s: can't find command '/x'

mail is in an unknown state, 08:00:09, after 1m30s`},
		{"several programs, in Chinese", notify.Composer{Lang: notify.Chinese}, several[:3], `
2 个程序共 3 次事件，主机 shop1：web，db
web 意外退出，08:00:01 至 08:00:05 共 2 次：最近一次：exit status 2
08:00:01 (pid 7)，08:00:05 (pid 8)

db 无法启动 (FATAL)，08:00:02，已运行 1m30s：can't find command '/x'`},
		{"with little room", notify.Composer{MaxBytes: 100}, several, `
4 events of 3 programs on shop1: web, db, mail
web exited unexpectedly, 2 times from 08:00:01 to 08:00:05: the last time: exit status 2, and 2 more

and 2 more`},
	} {
		m := tt.composer.Compose(tt.events)
		if got := "\n" + m.Subject + "\n" + m.Body; got != tt.want {
			t.Errorf("%s: message = %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

func TestTemplates(t *testing.T) {
	events := []notify.Message{
		happened("08:00:01", "web", "web", "EXITED", "exit status 1", 7),
		happened("08:00:05", "db", "db", "FATAL", "", 8),
	}
	for _, tt := range []struct{ text, want, error string }{
		{"{{.Count}} on {{.Host}}{{range .Programs}}; {{.Name}} {{what .}}{{end}}", "2 on shop1; web exited unexpectedly; db could not be started (FATAL)", ""},
		{"{{range .Events}}{{time .Time}} {{.PID}} {{end}}{{.Labels.site}}", "2026-11-22 08:00:01 7 2026-11-22 08:00:05 8 north", ""},
		{"{{.Nothing}}", "", "Nothing"},
		{"{{", "", "template"},
	} {
		tmpl, err := notify.ParseTemplate("x", tt.text, notify.English)
		if (err == nil) != (tt.error == "") || err != nil && !strings.Contains(err.Error(), tt.error) {
			t.Errorf("ParseTemplate(%q) = %v, want %q", tt.text, err, tt.error)
		}
		if err != nil {
			continue
		}
		if got := (notify.Composer{Body: tmpl}).Compose(events).Body; got != tt.want {
			t.Errorf("body by %q = %q, want %q", tt.text, got, tt.want)
		}
	}
	late, err := notify.ParseTemplate("x", "{{if gt .Count 1}}{{index .Programs 99}}{{end}}", notify.English)
	if err != nil {
		t.Fatal(err)
	}
	if got := (notify.Composer{Body: late}).Compose(events).Body; !strings.HasPrefix(got, "web exited") || !strings.Contains(got, "out of range") {
		t.Errorf("body by a template that fails = %q, want the built-in one and why", got)
	}
}
