package alert

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/notify"
)

func TestEndOfReadsTheDaemonsLog(t *testing.T) {
	const log = `
2026-11-22 08:54:48,000 INFO spawned: 'web' with pid 10
2026-11-22 08:54:49,500 WARN exited: web (exit status 3; not expected)
2026-11-22 08:54:50,000 INFO spawned: 'web' with pid 11
2026-11-22 08:54:50,100 INFO spawned: 'db' with pid 12
2026-11-22 08:54:55,000 WARN exited: db (terminated by SIGSEGV (core dumped); not expected)
2026-11-22 09:54:50,250 INFO exited: web (exit status 0; expected)
2026-11-22 09:54:51,000 INFO spawned: 'web' with pid 13
`
	for _, tt := range []struct {
		name string
		pid  int
		want end
	}{
		{"web", 10, end{"exit status 3", 1500 * time.Millisecond}},
		{"web", 11, end{"exit status 0", time.Hour + 250*time.Millisecond}},
		{"db", 12, end{"terminated by SIGSEGV (core dumped)", 4900 * time.Millisecond}},
		{"web", 13, end{}},
		{"web", 0, end{"exit status 0", 0}},
		{"web", 99, end{"exit status 0", 0}}, // its start is out of sight
		{"none", 0, end{}},
	} {
		if got := endOf(log, tt.name, tt.pid); got != tt.want {
			t.Errorf("endOf(log, %q, %d) = %+v, want %+v", tt.name, tt.pid, got, tt.want)
		}
	}
}

func TestParseEvents(t *testing.T) {
	unexpected := listener.ProcessState{EventType: listener.ProcessStateExited}
	expected := listener.ProcessState{EventType: listener.ProcessStateExited, Expected: true}
	fatal := listener.ProcessState{EventType: listener.ProcessStateFatal}
	for _, tt := range []struct {
		text string
		want []bool // unexpected exit, expected exit, FATAL
		ok   bool
	}{
		{"EXITED,FATAL", []bool{true, false, true}, true},
		{"exited, PROCESS_STATE_FATAL", []bool{true, false, true}, true},
		{"EXPECTED", []bool{true, true, false}, true},
		{"FATAL", []bool{false, false, true}, true},
		{"", nil, false},
		{"TICK_5", nil, false},
		{"FATAL,", nil, false},
	} {
		e, err := ParseEvents(tt.text)
		if (err == nil) != tt.ok {
			t.Errorf("ParseEvents(%q) error = %v, want none: %v", tt.text, err, tt.ok)
		}
		if got := []bool{e.Has(unexpected), e.Has(expected), e.Has(fatal)}; tt.ok && !reflect.DeepEqual(got, tt.want) {
			t.Errorf("ParseEvents(%q) has unexpected, expected, FATAL = %v, want %v", tt.text, got, tt.want)
		}
	}
}

func TestReadINI(t *testing.T) {
	for _, tt := range []struct {
		text  string
		want  []setting
		found bool
		error string
	}{
		{"[tool]\na = b\nC: d ; comment\n; e = f\n# g\n\n[other]\nh = i\n", []setting{{"a", "b", 2}, {"c", "d", 3}}, true, ""},
		{"[tool]\na = x\n  y\n\tz\n", []setting{{"a", "x\ny\nz", 2}}, true, ""},
		{"\uFEFF[tool]\r\na=http://x/#y;z\r\n", []setting{{"a", "http://x/#y;z", 2}}, true, ""},
		{"[other]\nnonsense\n", nil, false, ""},
		{"[tool]\nnonsense\n", nil, false, "line 2"},
		{"[tool\n", nil, false, "line 1"},
	} {
		got, found, err := readINI(tt.text, "tool")
		if !reflect.DeepEqual(got, tt.want) || found != tt.found || (err == nil) != (tt.error == "") || err != nil && !strings.Contains(err.Error(), tt.error) {
			t.Errorf("readINI(%q) = %v, %v, %v; want %v, %v, %q", tt.text, got, found, err, tt.want, tt.found, tt.error)
		}
	}
}

func TestParseDuration(t *testing.T) {
	for _, tt := range []struct {
		text string
		want time.Duration
		ok   bool
		show string
	}{
		{"90s", 90 * time.Second, true, "1m30s"}, {"300", 5 * time.Minute, true, "5m"}, {"10m", 10 * time.Minute, true, "10m"},
		{"1h", time.Hour, true, "1h"}, {"off", 0, true, "off"}, {"0", 0, true, "off"},
		{"-1s", 0, false, ""}, {"", 0, false, ""}, {"99999999999", 0, false, ""}, {"9000h", 0, false, ""},
	} {
		got, err := ParseDuration(tt.text)
		if got != tt.want || (err == nil) != tt.ok || tt.ok && show(got) != tt.show {
			t.Errorf("ParseDuration(%q) = %v (shown as %q), %v; want %v, %q", tt.text, got, show(got), err, tt.want, tt.show)
		}
	}
}

func TestCrashLoop(t *testing.T) {
	l := &CrashLoop{Crashes: 3, Span: time.Minute}
	start := time.Unix(1000, 0)
	for _, tt := range []struct {
		at      time.Duration
		event   string
		process string
		want    bool
	}{
		{0, "PROCESS_STATE_EXITED", "a", false},
		{10 * time.Second, "PROCESS_STATE_BACKOFF", "a", false},
		{11 * time.Second, "PROCESS_STATE_EXITED", "b", false},
		{12 * time.Second, "PROCESS_STATE_RUNNING", "a", false},
		{60 * time.Second, "PROCESS_STATE_EXITED", "a", true},
		{65 * time.Second, "PROCESS_STATE_EXITED", "a", true},
		{300 * time.Second, "PROCESS_STATE_EXITED", "a", false},
	} {
		m := notify.Message{ID: "1", Time: start.Add(tt.at), Event: tt.event, Process: tt.process}
		got := l.see(m)
		if (got != nil) != tt.want || got != nil && (got.Event != CrashLoopEvent || got.ID == m.ID) {
			t.Errorf("see(%s of %s at %v) = %+v, want a loop: %v", tt.event, tt.process, tt.at, got, tt.want)
		}
	}
}
