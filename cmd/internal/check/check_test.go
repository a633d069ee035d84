package check

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/supervisor/ctl/client"
)

func TestParseLimit(t *testing.T) {
	for _, tt := range []struct {
		text  string
		want  Limit
		shown string // empty for an error
	}{
		{"", Limit{}, "0 times within 0s"},
		{"3/1h", Limit{3, time.Hour}, "3 times within 1h"},
		{"1/90", Limit{1, 90 * time.Second}, "once within 1m30s"},
		{"2/7d", Limit{2, 7 * 24 * time.Hour}, "2 times within 168h"},
		{"3", Limit{}, ""},
		{"0/1h", Limit{}, ""},
		{"3/0s", Limit{}, ""},
		{"3/-1h", Limit{}, ""},
		{"x/1h", Limit{}, ""},
	} {
		got, err := ParseLimit(tt.text)
		if got != tt.want || (err == nil) != (tt.shown != "") || err == nil && got.String() != tt.shown {
			t.Errorf("ParseLimit(%q) = %+v (%s), %v; want %+v (%s)", tt.text, got, got, err, tt.want, tt.shown)
		}
	}
}

func TestHistoryForgetsAfterTheSpan(t *testing.T) {
	h := history{limit: Limit{2, time.Hour}}
	start := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		minute int
		name   string
		want   bool
	}{
		{0, "a", true}, {10, "a", true}, {20, "a", false}, {20, "b", true}, {59, "a", false},
		{60, "a", true}, {61, "a", false}, {70, "a", true}, {71, "a", false},
	} {
		if got := h.take(tt.name, start.Add(time.Duration(tt.minute)*time.Minute)); got != tt.want {
			t.Errorf("minute %d: take(%q) = %v, want %v", tt.minute, tt.name, got, tt.want)
		}
	}
}

// What is in the file may be anything.
func TestHistorySurvivesARestart(t *testing.T) {
	dir := t.TempDir()
	o := Options{Spool: dir, Limit: Limit{2, time.Hour}}
	o.Env.GroupName = "g"
	now := time.Now()
	for _, tt := range []struct {
		file string // what stands in it; empty for what was left there
		take string
		want bool
		warn bool
	}{
		{"", "a", true, false},
		{"", "a", true, false},
		{"", "a", false, false},
		{"", "b", true, false},
		{`{"a":["` + now.Format(time.RFC3339), "a", true, true}, // cut off
		{"\x00\x00\x00", "a", true, true},
		{`[1,2]`, "a", true, true},
		{`{"a":["2100-01-01T00:00:00Z","2100-01-01T00:00:00Z"]}`, "a", true, false}, // of another clock
		{`{"a":["2000-01-01T00:00:00Z","2000-01-01T00:00:00Z"]}`, "a", true, false},
		{"null", "a", true, false},
	} {
		if tt.file != "" {
			if err := os.WriteFile(filepath.Join(dir, "g", "restarts.json"), []byte(tt.file), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		var log strings.Builder
		r := NewRestarter(o, nil, slog.New(slog.NewTextHandler(&log, nil)))
		if got := r.history.take(tt.take, now); got != tt.want || strings.Contains(log.String(), "WARN") != tt.warn {
			t.Errorf("take(%q) after %q = %v, log %q; want %v, warning %v", tt.take, tt.file, got, log.String(), tt.want, tt.warn)
		}
	}
}

func TestBesideRunsNothingTwice(t *testing.T) {
	b := NewBeside(t.Context())
	gate, ran := make(chan struct{}), make(chan string, 3)
	first := b.Go("a", func() { <-gate; ran <- "a" })
	second := b.Go("a", func() { ran <- "a again" })
	other := b.Go("b", func() { ran <- "b" })
	if !first || second || !other || !b.Busy("a") || <-ran != "b" {
		t.Errorf("Go = %v, %v, %v; want that only what is under way is not begun", first, second, other)
	}
	close(gate)
	b.Stop(time.Minute)
	if got := <-ran; got != "a" || b.Watch.Err() == nil || b.Act.Err() == nil || b.Busy("a") {
		t.Errorf("after Stop: ran %q, Watch %v, Act %v; want a, and both ended", got, b.Watch.Err(), b.Act.Err())
	}
}

func TestBesideStopsActingAfterItsPatience(t *testing.T) {
	b := NewBeside(t.Context())
	var watch, act error
	b.Go("stubborn", func() {
		<-b.Watch.Done()
		watch, act = b.Watch.Err(), b.Act.Err()
		<-b.Act.Done()
	})
	start := time.Now()
	b.Stop(50 * time.Millisecond)
	if took := time.Since(start); watch == nil || act != nil || took < 50*time.Millisecond {
		t.Errorf("Stop took %v; at the end of Watch (%v), Act = %v; want it to go on for 50 ms", took, watch, act)
	}
}

func TestShell(t *testing.T) {
	for _, tt := range []struct{ command, want, error string }{
		{"echo got", "got a b 1\n", ""},
		{"printf '%s.'", "a b.1.", ""},
		{"exit 3;", "", "exit status 3"},
		{"head -c 100000 /dev/zero | tr '\\0' x; true", strings.Repeat("x", outputMax), ""},
	} {
		got, err := Shell(t.Context(), tt.command, "a b", "1")
		if got != tt.want || (err == nil) != (tt.error == "") || err != nil && !strings.Contains(err.Error(), tt.error) {
			t.Errorf("Shell(%q) = %.40q (%d), %v; want %.40q, %q", tt.command, got, len(got), err, tt.want, tt.error)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := Shell(ctx, "sleep 100; sleep 100 #")
	if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took > 20*time.Second {
		t.Errorf("Shell(sleep) = %v after %v, want it killed with the context", err, took)
	}
}

func TestNamesAndTexts(t *testing.T) {
	if got := Namespec(client.ProcessInfo{Group: "a", Name: "a"}) + " " + Namespec(client.ProcessInfo{Group: "a", Name: "b"}); got != "a a:b" {
		t.Errorf("Namespec = %q, want %q", got, "a a:b")
	}
	if got, want := ReprList([]string{"a", "it's", "x\n"}), `['a', "it's", 'x\n']`; got != want {
		t.Errorf("ReprList = %s, want %s", got, want)
	}
	fault := &StopError{&client.Fault{Code: 70, String: "NOT_RUNNING: x"}}
	if got, want := ErrorText(fault), "<Fault 70: 'NOT_RUNNING: x'>"; got != want {
		t.Errorf("ErrorText = %s, want %s", got, want)
	}
}
