package spool_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vigilance-go/vigilance/internal/chattest"
	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/notify/spool"
	"github.com/vigilance-go/vigilance/notify/wechat"
)

// sendByThree has three processes send 30 messages each to one robot of WeCom,
// which takes 20 a minute, and returns how many it refused.
func sendByThree(t *testing.T, dir string) (refused int) {
	synctest.Test(t, func(t *testing.T) {
		s := chattest.NewWeCom()
		var senders sync.WaitGroup
		for range 3 {
			n, err := wechat.New(wechat.Config{Key: chattest.WeComKey, Client: s.Client()})
			if err != nil {
				t.Fatal(err)
			}
			pacer := notify.NewPacer(n, n.Limits())
			if dir != "" {
				pacer.Share(spool.NewPace(dir, "wechat-1", slog.New(slog.DiscardHandler)))
			}
			senders.Go(func() { // ends with the messages
				for range 30 {
					_ = pacer.Notify(t.Context(), chattest.Message()) // what is refused is counted
				}
			})
		}
		senders.Wait()
		refused = s.Refused()
	})
	return refused
}

func TestProcessesKeepALimitTogether(t *testing.T) {
	if refused := sendByThree(t, ""); refused == 0 {
		t.Error("apart, refused = 0, want some, or this test shows nothing")
	}
	if refused := sendByThree(t, t.TempDir()); refused > 0 {
		t.Errorf("together, refused = %d, want 0", refused)
	}
}

// A file that cannot be used is told once, and nothing waits for it.
func TestPaceOutOfReach(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, ".pace-x")
	later := notify.PacerState{Minute: time.Unix(2e9, 0).UTC()}
	var log strings.Builder
	open := func() *spool.Pace {
		log.Reset()
		return spool.NewPace(dir, "x", slog.New(slog.NewTextHandler(&log, nil)))
	}
	set := func(notify.PacerState) notify.PacerState { return later }

	if err := os.Symlink("/dev/null", path); err != nil {
		t.Fatal(err)
	}
	p := open()
	for range 2 {
		if err := p.Update(set); err == nil {
			t.Error("Update through a stranger's link = nil, want an error")
		}
	}
	if n := strings.Count(log.String(), "cannot share"); n != 1 {
		t.Errorf("the log has %d lines, want 1:\n%s", n, log.String())
	}

	for _, text := range []string{"", "nonsense", strings.Repeat("x", 10_000)} {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		p := open()
		var first, second notify.PacerState
		err := p.Update(func(s notify.PacerState) notify.PacerState { first = s; return later })
		if err == nil {
			err = p.Update(func(s notify.PacerState) notify.PacerState { second = s; return s })
		}
		if err != nil || first != (notify.PacerState{}) || second != later {
			t.Errorf("Update of a file with %.10q = %v, then %v, %v; want none, then %v, nil", text, first, second, err, later)
		}
	}
}
