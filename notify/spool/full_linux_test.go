package spool_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/notify/spool"
)

// A real full disk: puts fail and say so, outcomes that cannot be written are
// remembered by the process, and all goes on when there is room again.
func TestSpoolOnAFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=128k"); err != nil {
		t.Skipf("cannot mount a small file system, which needs root: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	s := open(t, filepath.Join(dir, "spool"), spool.Options{})
	put(t, s, "first", "x", "y", "z")
	fill(t, filepath.Join(dir, "filler"))

	if err := s.Put(notify.Message{ID: "lost?", Body: fmt.Sprintf("%05000d", 1)}); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("Put on a full disk = %v, want %v", err, syscall.ENOSPC)
	}
	if got := waiting(t, s); len(got) != 1 {
		t.Errorf("Waiting() = %q, want the first message only", got)
	}
	// The note needs a second page: the first one has room.
	c := claim(t, s, "first")
	err := c.Refused("x", fmt.Sprintf("%05000d", 1))
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Refused on a full disk = %v, want %v", err, syscall.ENOSPC)
	}
	check(t, "Release", c.Release())
	c = claim(t, s, "first")
	if got := c.Entry().Targets[0].Outcome; got != notify.Refused {
		t.Errorf("outcome of x = %v, want that it is remembered", got)
	}
	check(t, "Delivered y", c.Delivered("y"))

	check(t, "Remove", os.Remove(filepath.Join(dir, "filler")))
	check(t, "Delivered z", c.Delivered("z"))
	check(t, "Release", c.Release())
	put(t, s, "second")
	if got := waiting(t, s); fmt.Sprint(got) != "[second]" {
		t.Errorf("Waiting() = %q, want the second message", got)
	}
	if _, err := os.Stat(filepath.Join(dir, "spool", "dead", "first.reason")); err != nil {
		t.Errorf("reason of the refusal: %v", err)
	}
}

// fill writes a file until the disk is full.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	check(t, "Create", err)
	for err == nil {
		_, err = f.Write(make([]byte, 1024))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("fill the disk: %v", err)
	}
	check(t, "Close", f.Close())
}
