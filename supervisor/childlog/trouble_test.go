package childlog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestWriteSurvivesAFullDiskAndCountsWhatItCost(t *testing.T) {
	dir := smallDisk(t)
	clock, reports := newClock(), &reporter{}
	path := filepath.Join(dir, "log")
	put(t, filepath.Join(dir, "ballast"), strings.Repeat("x", 40<<10))
	f := openFile(FileOptions{Path: path, Report: reports.add}, clock.now)
	defer f.Close()
	const chunk = 10000
	for range 20 {
		f.Write([]byte(strings.Repeat("y", chunk)))
	}
	reports.expect(t, "40 could not write log '"+path+"': no space left on device")
	if err := f.Err(); !errors.Is(err, unix.ENOSPC) {
		t.Errorf("Err on a full disk: got %v, want ENOSPC", err)
	}
	kept := len(get(t, path))
	must(t, os.Remove(filepath.Join(dir, "ballast")))
	f.Write([]byte("fits\n"))
	reports.expect(t) // one success so soon is no recovery yet
	clock.advance(settleAfter)
	f.Write([]byte("fits\n"))
	reports.expect(t, fmt.Sprintf("30 log '%s' can be written again: %d bytes were lost", path, 20*chunk-kept))
	if err := f.Err(); err != nil {
		t.Errorf("Err after recovery: got %v, want nil", err)
	}
	if got := len(get(t, path)); got != kept+10 {
		t.Errorf("size after recovery: got %d, want %d", got, kept+10)
	}
}

// smallDisk mounts a file system of 64 KiB.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := mountSmall(dir); err != nil {
		t.Skipf("needs a file system that can be filled, and mounting one failed (are you root?): %v", err)
	}
	t.Cleanup(func() {
		if err := unmount(dir); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
	return dir
}

func TestWriteSurvivesAFileSizeLimit(t *testing.T) {
	var old unix.Rlimit
	must(t, unix.Getrlimit(unix.RLIMIT_FSIZE, &old))
	path := filepath.Join(t.TempDir(), "log")
	clock, reports := newClock(), &reporter{}
	f := openFile(FileOptions{Path: path, Report: reports.add}, clock.now)
	defer f.Close()
	must(t, unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 100, Max: old.Max}))
	restore := func() { must(t, unix.Setrlimit(unix.RLIMIT_FSIZE, &old)) }
	defer restore()
	f.Write([]byte(strings.Repeat("x", 150)))
	f.Write([]byte("more"))
	restore()
	reports.expect(t, "40 could not write log '"+path+"': file too large")
	clock.advance(settleAfter)
	f.Write([]byte("!"))
	reports.expect(t, "30 log '"+path+"' can be written again: 54 bytes were lost")
	if got, want := get(t, path), strings.Repeat("x", 100)+"!"; got != want {
		t.Errorf("log: got %q, want %q", got, want)
	}
}

func TestWriteToADeviceThatIsFullIsReportedOnce(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("needs /dev/full: ", err)
	}
	clock, reports := newClock(), &reporter{}
	f := openFile(FileOptions{Path: "/dev/full", MaxBytes: 1, Backups: 1, Report: reports.add}, clock.now)
	for range 100 {
		f.Write([]byte("0123456789"))
		clock.advance(longestPause)
	}
	f.Close()
	reports.expect(t, "40 could not write log '/dev/full': no space left on device",
		"30 could not write log '/dev/full' until it was closed: 1000 bytes were lost")
}

func TestLogThatCannotBeOpenedIsOpenedLater(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "missing")
	path := filepath.Join(dir, "log")
	clock, reports := newClock(), &reporter{}
	f := openFile(FileOptions{Path: path, Report: reports.add}, clock.now)
	defer f.Close()
	reports.expect(t, "40 could not write log '"+path+"': no such file or directory")
	f.Write([]byte("lost"))
	must(t, os.Mkdir(dir, 0o755))
	f.Write([]byte("lost")) // too soon after the last attempt
	clock.advance(settleAfter)
	f.Write([]byte("kept"))
	reports.expect(t, "30 log '"+path+"' can be written again: 8 bytes were lost")
	if got := get(t, path); got != "kept" {
		t.Errorf("log: got %q, want %q", got, "kept")
	}
}

func TestAttemptsToOpenGrowApart(t *testing.T) {
	var p pause
	now := newClock().now()
	var got []time.Duration
	for range 9 {
		if !p.due(now) {
			t.Fatalf("attempt at %v is not due", p.next)
		}
		p.failed(now)
		if p.due(p.next.Add(-1)) {
			t.Errorf("due before the pause of %v has passed", p.length)
		}
		got = append(got, p.length)
		now = p.next
	}
	if got[0] != firstPause || got[1] != 2*firstPause || got[8] != longestPause {
		t.Errorf("pauses: got %v, want them to grow from %v to %v", got, firstPause, longestPause)
	}
}

func TestDeletedLogIsCreatedAgain(t *testing.T) {
	for _, tc := range []struct {
		name  string
		doom  func(dir, path string) error
		again func(dir string) error
	}{
		{"file", func(_, path string) error { return os.Remove(path) }, nil},
		{"folder", func(dir, _ string) error { return os.RemoveAll(dir) }, func(dir string) error { return os.Mkdir(dir, 0o755) }},
		{"replaced", func(_, path string) error { return errors.Join(os.Remove(path), os.WriteFile(path, nil, 0o644)) }, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "logs")
			must(t, os.Mkdir(dir, 0o755))
			path := filepath.Join(dir, "log")
			clock, reports := newClock(), &reporter{}
			f := openFile(FileOptions{Path: path, Report: reports.add}, clock.now)
			defer f.Close()
			f.Write([]byte("before"))
			must(t, tc.doom(dir, path))
			if tc.again != nil {
				clock.advance(lookEvery)
				f.Write([]byte("lost"))
				reports.expect(t, "40 could not write log '"+path+"': no such file or directory")
				must(t, tc.again(dir))
				clock.advance(longestPause)
			}
			clock.advance(lookEvery)
			f.Write([]byte("after"))
			if got := get(t, path); got != "after" {
				t.Errorf("log: got %q, want %q", got, "after")
			}
		})
	}
}

func TestRenamedLogIsWrittenUntilReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	clock := newClock()
	f := openFile(FileOptions{Path: path, Report: failOnReport(t)}, clock.now)
	defer f.Close()
	f.Write([]byte("one "))
	must(t, os.Rename(path, path+".old"))
	clock.advance(lookEvery)
	f.Write([]byte("two"))
	f.Reopen()
	f.Write([]byte("three"))
	if old, fresh := get(t, path+".old"), get(t, path); old != "one two" || fresh != "three" {
		t.Errorf("after rename and Reopen: got %q and %q, want %q and %q", old, fresh, "one two", "three")
	}
}

func TestClearStartsAnEmptyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	f := OpenFile(FileOptions{Path: path, Report: failOnReport(t)})
	f.Write([]byte("old"))
	must(t, os.Remove(path)) // a file that is gone is no error
	for range 2 {
		must(t, f.Clear())
		f.Write([]byte("new"))
		if got := get(t, path); got != "new" {
			t.Errorf("after Clear: got %q, want %q", got, "new")
		}
	}
	must(t, os.Remove(path))
	must(t, os.MkdirAll(filepath.Join(path, "x"), 0o755))
	if err := f.Clear(); err == nil {
		t.Error("Clear of what is a folder now: got nil, want an error")
	}
	f.Close()
	f.Write([]byte("ignored"))
	if err := f.Clear(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("Clear after Close: got %v, want %v", err, fs.ErrClosed)
	}
}

func TestFileCanBeUsedFromSeveralGoroutines(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "log")
	f := OpenFile(FileOptions{Path: path, MaxBytes: 1000, Backups: 1000, Report: failOnReport(t)})
	var writers sync.WaitGroup
	for range 2 {
		writers.Go(func() {
			for range 500 {
				f.Write([]byte("0123456789"))
			}
		})
	}
	for range 50 {
		f.Reopen()
	}
	writers.Wait()
	f.Close()
	total := 0
	for _, content := range files(t, dir) {
		total += len(content)
	}
	if total != 10000 {
		t.Errorf("bytes in all files: got %d, want 10000", total)
	}
}

func TestOutageOnANearlyFullDiskIsToldOnce(t *testing.T) {
	clock := newClock()
	o := outage{began: "bad", ended: "good"}
	var said []string
	say := func(n note) {
		if n.text != "" {
			said = append(said, n.text)
		}
	}
	for range 100 { // short lines fit, long ones do not
		o.fail(unix.ENOSPC, 5, clock.now())
		say(o.announce())
		say(o.succeed(clock.now()))
		clock.advance(settleAfter / 2)
	}
	clock.advance(settleAfter)
	say(o.succeed(clock.now()))
	want := []string{"bad: no space left on device", "good: 500 bytes were lost"}
	if strings.Join(said, "; ") != strings.Join(want, "; ") {
		t.Errorf("said %q, want %q", said, want)
	}
}
