package spool

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/vigilance-go/vigilance/notify"
)

// FuzzDecode reads files that anything may have written: a message that is
// understood has a target, and is understood in the same way again.
func FuzzDecode(f *testing.F) {
	whole, err := encode(notify.NewEntry(notify.Message{ID: "1", Subject: "s <b>&", Body: "line\nline\u2028"}, "a@example.com", "b@example.com"))
	if err != nil {
		f.Fatal(err)
	}
	note := encodeNote(notify.Target{To: "a@example.com", Outcome: notify.Refused, Reason: "550 no"})
	for _, seed := range [][]byte{
		whole, whole[:len(whole)/2], bytes.TrimSuffix(whole, []byte("\n")), append(bytes.Clone(whole), note...),
		append(bytes.Clone(whole), note[:len(note)/2]...), append(bytes.Clone(whole), "\x00\x00\n{}\nnull\n"...),
		[]byte(`{"version":2}` + "\n"), []byte("{\"version\":1,\"to\":[\"\"],\"message\":{\"ID\":\"../x\"}}\n"), {}, []byte("\n"),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e, _, err := decode(data)
		if err != nil {
			return
		}
		if e.Message.ID == "" || len(e.Targets) == 0 {
			t.Fatalf("decode(%q) = %+v, want an ID and a target", data, e)
		}
		if name := fileName(e.Message.ID); name != filepath.Base(name) || name[0] == '.' {
			t.Fatalf("the ID %q gives the file name %q, want one within its folder", e.Message.ID, name)
		}
		written, err := encode(e)
		if err != nil {
			t.Fatalf("encode(%+v): %v", e, err)
		}
		again, torn, err := decode(written)
		if err != nil || torn || len(again.Targets) != len(e.Targets) || again.Message.ID != e.Message.ID {
			t.Fatalf("decode(%q), written of %q: %+v, %v, %v", written, data, again, torn, err)
		}
	})
}

// FuzzSlots opens a spool whose files of slots hold noise: it works, and what is
// saved is loaded.
func FuzzSlots(f *testing.F) {
	f.Add(encodeSlot(kept, 7, []byte(`{"a":1}`)))
	f.Add(encodeSlot(waiting, 1<<32-1, nil))
	f.Add(encodeSlot(settled, 1, []byte(`{"name":"../../x","to":"a"}`)))
	f.Add([]byte("KKKKKKKKKKKKKKKKKKKK"))
	f.Add(bytes.Repeat([]byte{0xff}, 64))
	f.Fuzz(func(t *testing.T, noise []byte) {
		dir := t.TempDir()
		o := Options{Log: slog.New(slog.DiscardHandler)}
		if s, err := Open(dir, o); err != nil {
			t.Fatal(err)
		} else if _, err := s.Store(); err != nil {
			t.Fatal(err)
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			if !entry.Type().IsRegular() {
				continue
			}
			file, err := os.OpenFile(filepath.Join(dir, entry.Name()), os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			info, err := file.Stat()
			if err == nil && info.Size() > int64(len(noise)) {
				_, err = file.WriteAt(noise, 0)
			}
			if err != nil {
				t.Fatal(err)
			}
			_ = file.Close()
		}
		s, err := Open(dir, o)
		if err != nil {
			t.Fatalf("open a spool with the noise %q: %v", noise, err)
		}
		if release, ok, err := s.Hold(); err == nil && ok {
			release()
		}
		if err := s.Put(notify.Message{ID: "new", Subject: "s"}, "a"); err != nil {
			t.Fatalf("put beside the noise %q: %v", noise, err)
		}
		if names, err := s.Waiting(); err != nil || len(names) == 0 {
			t.Fatalf("beside the noise %q there wait %q, %v, want the new message", noise, names, err)
		}
		store, err := s.Store()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := store.Load(); err != nil {
			t.Fatalf("load the noise %q: %v", noise, err)
		}
		if err := store.Save([]byte("facts")); err != nil {
			t.Fatal(err)
		}
		if store, err = s.Store(); err != nil {
			t.Fatal(err)
		}
		if got, err := store.Load(); err != nil || string(got) != "facts" {
			t.Fatalf("saved over the noise %q: loaded %q, %v, want facts", noise, got, err)
		}
	})
}
