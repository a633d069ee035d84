package silence_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/notify/silence"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func write(t *testing.T, path, text string, modified time.Time) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, modified, modified); err != nil {
		t.Fatal(err)
	}
}

func TestFileAnswers(t *testing.T) {
	one := noon.Add(time.Hour)
	for _, tt := range []struct {
		name, text string
		modified   time.Time
		want       map[string]notify.Silenced
	}{
		{"no silence for others", `{"processes":["web:*","db"],"until":"2026-11-22T13:00:00Z"}`, noon,
			map[string]notify.Silenced{"web:web_1": {Until: one}, "db:db": {Until: one}, "mail:mail": {}}},
		{"over", `{"processes":["*"],"until":"2026-11-22T11:59:59Z"}`, noon, map[string]notify.Silenced{"web:web": {}}},
		{"not begun", `{"processes":["*"],"from":"2026-11-22T12:30:00Z","until":"2026-11-22T13:00:00Z"}`, noon, map[string]notify.Silenced{"web:web": {}}},
		{"the longest of two", "# comment\n" + `{"processes":["*"],"until":"2026-11-22T12:10:00Z","drop":true}` + "\n" + `{"processes":["web"],"until":"2026-11-22T13:00:00Z"}`, noon,
			map[string]notify.Silenced{"web:web": {Until: one, Drop: true}, "db:db": {Until: noon.Add(10 * time.Minute), Drop: true}}},
		{"touched", "", noon.Add(-time.Hour), map[string]notify.Silenced{"web:web": {Until: noon.Add(23 * time.Hour)}}},
		{"forgotten", "", noon.Add(-25 * time.Hour), map[string]notify.Silenced{"web:web": {}}},
		{"one bad line", "nonsense\n" + `{"processes":["web"],"until":"2026-11-22T13:00:00Z"}`, noon, map[string]notify.Silenced{"web:web": {Until: one}}},
	} {
		path := filepath.Join(t.TempDir(), "silence")
		write(t, path, tt.text, tt.modified)
		f := silence.NewFile(path, slog.New(slog.DiscardHandler))
		for name, want := range tt.want {
			group, process, _ := strings.Cut(name, ":")
			if got := f.Silenced(group, process, noon); !got.Until.Equal(want.Until) || got.Drop != want.Drop {
				t.Errorf("%s: Silenced(%s) = %+v, want %+v", tt.name, name, got, want)
			}
		}
	}
}

func TestFileIsReadAgainWhenItChanges(t *testing.T) {
	path := filepath.Join(t.TempDir(), "silence")
	var log bytes.Buffer
	f := silence.NewFile(path, slog.New(slog.NewTextHandler(&log, nil)))
	steps := []struct {
		change func()
		want   bool
	}{
		{func() {}, false},
		{func() { write(t, path, "", noon) }, true},
		{func() { write(t, path, "nonsense", noon.Add(time.Second)) }, false},
		{func() { write(t, path, `{"processes":["*"],"until":"2026-11-22T13:00:00Z"}`, noon) }, true},
		{func() { _ = os.Remove(path) }, false},
	}
	for i, step := range steps {
		step.change()
		now := noon.Add(time.Duration(i) * 2 * time.Second)
		if got := f.Silenced("web", "web", now).Until.After(now); got != step.want {
			t.Errorf("step %d: silenced = %v, want %v", i, got, step.want)
		}
	}
	for _, want := range []string{"alerts are silenced", "cannot read all silences", "no alerts are silenced any more"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("log = %s, want %q", log.String(), want)
		}
	}
}

func TestChangesAtATimeAreAllKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "folder", "silence")
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			s := silence.Silence{Processes: []string{fmt.Sprint(i)}, Until: time.Now().Add(time.Hour)}
			if err := silence.Change(path, func(before []silence.Silence) []silence.Silence { return append(before, s) }); err != nil {
				t.Errorf("Change = %v", err)
			}
		})
	}
	all.Wait()
	got, err := silence.Read(path, time.Now())
	if len(got) != 20 || err != nil {
		t.Errorf("Read = %d silences, %v; want 20", len(got), err)
	}
	if err := silence.Change(path, func([]silence.Silence) []silence.Silence { return nil }); err != nil {
		t.Errorf("Change = %v", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a file without silences is still there, and could be touched without effect")
	}
	rest, err := os.ReadDir(filepath.Dir(path))
	if err != nil || !reflect.DeepEqual(len(rest), 1) { // the lock
		t.Errorf("files left = %v, %v; want the lock", rest, err)
	}
}
