package spool_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/notify/spool"
)

func hold(t *testing.T, q notify.Backlog) (release func()) {
	t.Helper()
	release, ok, err := q.Hold()
	if err != nil || !ok {
		t.Fatalf("Hold() = %v, %v; want to have it", ok, err)
	}
	return release
}

func TestOneProcessHoldsASpool(t *testing.T) {
	dir := t.TempDir()
	a, b := open(t, dir, spool.Options{}), open(t, dir, spool.Options{})
	release := hold(t, a)
	if _, ok, err := b.Hold(); ok || err != nil {
		t.Errorf("second Hold() = %v, %v; want that another has it", ok, err)
	}
	release()
	hold(t, b)()
}

// backlogs are the kinds of a Backlog on disk.
func backlogs(t *testing.T, dir string) map[string]notify.Backlog {
	s := open(t, filepath.Join(dir, "spool"), spool.Options{})
	s2 := open(t, filepath.Join(dir, "spool2"), spool.Options{})
	reserve, err := s2.Reserve()
	check(t, "Reserve", err)
	return map[string]notify.Backlog{"spool": s, "reserve": reserve}
}

func TestManyMessagesAreSettledForOneTarget(t *testing.T) {
	for name, q := range backlogs(t, t.TempDir()) {
		t.Run(name, func(t *testing.T) {
			defer hold(t, q)()
			for i := range 50 {
				check(t, "Put", q.Put(notify.Message{ID: fmt.Sprintf("m%02d", i), Body: "b"}, "x", "y"))
			}
			check(t, "Put again", q.Put(notify.Message{ID: "m00"}, "x", "y"))
			names, err := q.Waiting()
			check(t, "Waiting", err)
			check(t, "SettleAll x", q.SettleAll(append(names, "unknown"), "x", notify.Delivered, ""))
			check(t, "SettleAll y", q.SettleAll(names[:30], "y", notify.Delivered, ""))
			check(t, "SettleAll y", q.SettleAll(names[30:40], "y", notify.Refused, "no such user"))
			left, err := q.Waiting()
			check(t, "Waiting", err)
			if !reflect.DeepEqual(left, names[40:]) {
				t.Errorf("Waiting() = %q, want %q", left, names[40:])
			}
			e, err := q.Peek(left[0])
			want := []notify.Target{{To: "x", Outcome: notify.Delivered}, {To: "y"}}
			if err != nil || !reflect.DeepEqual(e.Targets, want) {
				t.Errorf("Peek(%q) = %v, %v; want targets %v", left[0], e.Targets, err, want)
			}
			if _, err := q.Peek(names[0]); !errors.Is(err, notify.ErrNotWaiting) {
				t.Errorf("Peek of a delivered message = %v, want %v", err, notify.ErrNotWaiting)
			}
			for _, id := range []string{"m00", "m35", "m45"} {
				if !q.Known(id) {
					t.Errorf("Known(%q) = false, want true", id)
				}
			}
			check(t, "Put delivered", q.Put(notify.Message{ID: "m00"}, "x"))
			if again, err := q.Waiting(); len(again) != len(left) {
				t.Errorf("Waiting() after a put of what was delivered = %q, %v; want %q", again, err, left)
			}
		})
	}
}

func TestRefusedMessagesCanBeRetriedAndDropped(t *testing.T) {
	dir := t.TempDir()
	for _, q := range backlogs(t, dir) {
		defer hold(t, q)()
		check(t, "Put", q.Put(notify.Message{ID: "a", Body: "words"}, "x", "y"))
		check(t, "Put", q.Put(notify.Message{ID: "b"}, "x"))
		check(t, "SettleAll", q.SettleAll([]string{"a"}, "x", notify.Delivered, ""))
		check(t, "SettleAll", q.SettleAll([]string{"a"}, "y", notify.Refused, "no such user"))
	}
	folders, err := spool.Find(dir)
	if want := []string{filepath.Join(dir, "spool"), filepath.Join(dir, "spool2")}; err != nil || !slices.Equal(folders, want) {
		t.Fatalf("Find = %q, %v; want %q", folders, err, want)
	}
	for _, folder := range folders {
		s := spool.Attach(folder)
		items, err := s.Items()
		check(t, "Items", err)
		i := slices.IndexFunc(items, func(i spool.Item) bool { return i.Dead })
		if len(items) != 2 || i < 0 || items[i].Reason != "y: no such user" || items[i].Entry.Message.Body != "words" {
			t.Fatalf("Items() = %+v, want b waiting and a dead with its reason", items)
		}
		check(t, "Retry", s.Retry("a"))
		e, err := s.Peek("a")
		if want := []notify.Target{{To: "x", Outcome: notify.Delivered}, {To: "y"}}; err != nil || !reflect.DeepEqual(e.Targets, want) {
			t.Errorf("after Retry targets = %v, %v; want %v", e.Targets, err, want)
		}
		items, err = s.Items()
		check(t, "Items", err)
		for _, item := range items {
			if item.Dead {
				t.Errorf("after Retry %+v is dead, want none", item)
			}
			if !item.Reserved {
				check(t, "Drop", s.Drop(item))
			}
		}
		left, err := s.Waiting()
		if err != nil || len(left) != 0 {
			t.Errorf("after Drop Waiting() = %q, %v; want none", left, err)
		}
	}
}

// A note that a kill interrupted is completed by the next holder: for all the
// messages that it was for.
func TestAnInterruptedNoteCountsForAll(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, spool.Options{})
	release := hold(t, s)
	names := []string{"a", "b", "c"}
	for _, name := range names {
		put(t, s, name)
	}
	// What a kill leaves behind: the record in the journal, and the first
	// message moved.
	check(t, "SettleAll", s.SettleAll([]string{"a"}, "", notify.Delivered, ""))
	release()
	journal := filepath.Join(dir, "journal")
	record, err := json.Marshal(map[string]any{"to": "", "outcome": notify.Delivered, "names": names})
	check(t, "Marshal", err)
	writeSlot(t, journal, record)
	hold(t, s)()
	left, err := s.Waiting()
	if err != nil || len(left) != 0 {
		t.Errorf("Waiting() after Hold = %q, %v; want none", left, err)
	}
	// A record that was cut short was not begun to be carried out.
	put(t, s, "d")
	writeSlot(t, journal, []byte(`{"names":["d"],"outcome":1`))
	hold(t, s)()
	if left, err := s.Waiting(); err != nil || fmt.Sprint(left) != "[d]" {
		t.Errorf("Waiting() after a torn record = %q, %v; want d", left, err)
	}
}

func TestReserveCutsLongMessages(t *testing.T) {
	s := open(t, t.TempDir(), spool.Options{})
	r, err := s.Reserve()
	check(t, "Reserve", err)
	long := "first\n" + strings.Repeat("ö\n", 5000) + "last"
	check(t, "Put", r.Put(notify.Message{ID: "a", Body: long, Log: long}))
	e, err := r.Peek("a")
	check(t, "Peek", err)
	if b := e.Message.Body; !strings.HasPrefix(b, "first\n") || !strings.HasSuffix(b, "last") || !strings.Contains(b, "[...]") || len(b) < 1000 || e.Message.Log != "" {
		t.Errorf("body = %q, log = %q; want its beginning and end, and no log", b, e.Message.Log)
	}
	for i := range 255 {
		check(t, "Put", r.Put(notify.Message{ID: fmt.Sprint(i)}))
	}
	if err := r.Put(notify.Message{ID: "more"}); !errors.Is(err, notify.ErrFull) {
		t.Errorf("Put into a full reserve = %v, want %v", err, notify.ErrFull)
	}
	check(t, "SettleAll", r.SettleAll([]string{"a"}, "", notify.Delivered, ""))
	check(t, "Put", r.Put(notify.Message{ID: "more"}))
}

func TestStoreRemembers(t *testing.T) {
	dir := t.TempDir()
	for i := range 5 {
		store, err := open(t, dir, spool.Options{}).Store()
		check(t, "Store", err)
		got, err := store.Load()
		want := ""
		if i > 0 {
			want = fmt.Sprint("state ", i-1, ".2")
		}
		if err != nil || string(got) != want {
			t.Errorf("Load() = %q, %v; want %q", got, err, want)
		}
		for j := range 3 {
			check(t, "Save", store.Save([]byte(fmt.Sprint("state ", i, ".", j))))
		}
	}
	store, err := open(t, dir, spool.Options{}).Store()
	check(t, "Store", err)
	if err := store.Save(make([]byte, 1<<20)); err == nil {
		t.Error("Save of 1 MiB = nil, want an error")
	}
}

// writeSlot writes a record into the first slot of a file, as the package does.
func writeSlot(t *testing.T, file string, record []byte) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	check(t, "OpenFile", err)
	_, err = f.WriteAt(spool.EncodeSlot(record), 0)
	check(t, "WriteAt", err)
	check(t, "Close", f.Close())
}
