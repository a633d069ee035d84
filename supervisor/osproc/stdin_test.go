package osproc

import (
	"bytes"
	"errors"
	"io"
	"os"
	"runtime"
	"syscall"
	"testing"
)

// newTestStdin returns a Stdin and the end that its child would read.
func newTestStdin(t *testing.T, limit int) (*Stdin, *os.File) {
	t.Helper()
	e, err := openEnd("stdin", true)
	if err != nil {
		t.Fatal(err)
	}
	s, child := newStdin(e.parent, limit), os.NewFile(uintptr(e.child), "child")
	t.Cleanup(func() {
		_ = s.Close()
		_ = child.Close()
	})
	return s, child
}

func TestStdinRefusesWholeWritesWhenTheBacklogIsFull(t *testing.T) {
	const limit = 200_000
	s, child := newTestStdin(t, limit)
	if err := s.Write(make([]byte, limit+1)); !errors.As(err, new(*BacklogError)) {
		t.Errorf("Write(limit+1 bytes) = %v, want a *BacklogError", err)
	}
	var want bytes.Buffer
	for i := byte(0); ; i++ {
		p := bytes.Repeat([]byte{i}, 30_000)
		err := s.Write(p)
		if err == nil {
			want.Write(p)
			continue
		}
		var full *BacklogError
		if !errors.As(err, &full) {
			t.Fatalf("Write = %v, want a *BacklogError", err)
		}
		if full.Size != len(p) || full.Limit != limit || full.Pending != s.Pending() || full.Pending+full.Size <= limit {
			t.Errorf("error = %+v with %d pending", *full, s.Pending())
		}
		break
	}
	got := make([]byte, want.Len())
	if _, err := io.ReadFull(child, got); err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Errorf("read %d bytes, %v; want the accepted writes and no part of the refused one", len(got), err)
	}
	eventually(t, "an empty backlog", func() bool { return s.Pending() == 0 })
	if err := s.Write([]byte("again")); err != nil {
		t.Errorf("Write after the backlog was read = %v", err)
	}
	_ = s.Close()
	if rest, err := io.ReadAll(child); err != nil || string(rest) != "again" {
		t.Errorf("rest = %q, %v; want again", rest, err)
	}
}

func TestStdinSaysEPIPE(t *testing.T) {
	t.Run("after Close", func(t *testing.T) {
		s, _ := newTestStdin(t, 100)
		if err := s.Close(); err != nil {
			t.Errorf("Close = %v", err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("second Close = %v", err)
		}
		wantEPIPE(t, s.Write([]byte("x")))
	})
	t.Run("after the child closed", func(t *testing.T) {
		s, child := newTestStdin(t, 100)
		_ = child.Close()
		wantEPIPE(t, s.Write([]byte("x")))
		wantEPIPE(t, s.Write(nil))
	})
	t.Run("when the child closes before a backlog", func(t *testing.T) {
		s, child := newTestStdin(t, 1<<20)
		if err := s.Write(make([]byte, 1<<19)); err != nil {
			t.Fatalf("Write = %v", err)
		}
		_ = child.Close()
		eventually(t, "the backlog's end", func() bool { return s.Pending() == 0 })
		wantEPIPE(t, s.Write([]byte("x")))
	})
}

func wantEPIPE(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, syscall.EPIPE) {
		t.Errorf("Write = %v, want EPIPE", err)
	}
}

func TestStdinCloseEndsTheFlush(t *testing.T) {
	s, _ := newTestStdin(t, 1<<20)
	before := runtime.NumGoroutine()
	if err := s.Write(make([]byte, 1<<19)); err != nil {
		t.Fatalf("Write = %v", err)
	}
	if s.Pending() == 0 {
		t.Fatal("no backlog: the test tests nothing")
	}
	_ = s.Close()
	if got := s.Pending(); got != 0 {
		t.Errorf("Pending() after Close = %d, want 0", got)
	}
	eventually(t, "the flush to end", func() bool { return runtime.NumGoroutine() <= before })
}

func TestStdinWritersTakeTurns(t *testing.T) {
	s, child := newTestStdin(t, 1<<20)
	const writers, each, size = 8, 20, 5000
	for i := range writers {
		go func() { // ends after its writes
			for range each {
				if err := s.Write(bytes.Repeat([]byte{byte('a' + i)}, size)); err != nil {
					t.Errorf("Write = %v", err)
				}
			}
		}()
	}
	got := make([]byte, writers*each*size)
	if _, err := io.ReadFull(child, got); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(got); i += size {
		if block := got[i : i+size]; !bytes.Equal(block, bytes.Repeat(block[:1], size)) {
			t.Fatalf("the write at byte %d is torn", i)
		}
	}
}
