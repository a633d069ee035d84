package childlog

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// fifo makes a fifo and returns its path.
func fifo(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fifo")
	must(t, unix.Mkfifo(path, 0o600))
	return path
}

// readEnd opens a fifo for reading; reads wait for bytes.
func readEnd(t *testing.T, path string) *os.File {
	t.Helper()
	r, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	must(t, err)
	t.Cleanup(func() { r.Close() })
	return r
}

func TestFifoWithoutAReaderBlocksNobody(t *testing.T) {
	path := fifo(t)
	clock, reports := newClock(), &reporter{}
	f := openFile(FileOptions{Path: path, MaxBytes: 1, Report: reports.add}, clock.now)
	defer f.Close()
	f.Write([]byte("lost"))
	reports.expect(t, "40 could not write log '"+path+"': ")
	r := readEnd(t, path)
	clock.advance(longestPause)
	f.Write([]byte("heard"))
	reports.expect(t, "30 log '"+path+"' can be written again: 4 bytes were lost")
	expectRead(t, r, "heard")

	must(t, r.Close()) // the reader goes away
	f.Write([]byte("lost"))
	reports.expect(t, "40 could not write log '"+path+"': broken pipe")
	r = readEnd(t, path)
	clock.advance(longestPause)
	f.Write([]byte("heard again"))
	reports.expect(t, "30 log '"+path+"' can be written again: 4 bytes were lost")
	expectRead(t, r, "heard again")
}

func expectRead(t *testing.T, r io.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(r, got); err != nil || string(got) != want {
		t.Fatalf("read: got %q, %v, want %q", got, err, want)
	}
}

func TestSlowReaderLosesNothing(t *testing.T) {
	path := fifo(t)
	r := readEnd(t, path)
	f := OpenFile(FileOptions{Path: path, Report: failOnReport(t)})
	const chunks = 64 // 8 MiB: more than pipe and backlog hold
	chunk := bytes.Repeat([]byte("0123456789abcdef"), 8192)
	go func() { // ends when all is written; the test waits for the bytes
		for range chunks {
			f.Write(chunk)
		}
		f.Close()
	}()
	want := bytes.Repeat(chunk, chunks)
	got := make([]byte, len(want))
	if _, err := io.ReadFull(r, got); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("bytes through a slow pipe are not those written (%v)", err)
	}
}

func TestStoppedReaderCostsOneWaitAndIsReportedOnce(t *testing.T) {
	path := fifo(t)
	r := readEnd(t, path)
	clock, reports := newClock(), &reporter{}
	f := openFile(FileOptions{Path: path, Report: reports.add}, clock.now)
	defer f.Close()
	f.pipe.stall = time.Second
	const chunk, chunks = 128 << 10, 100
	started := time.Now()
	for range chunks {
		f.Write(make([]byte, chunk))
	}
	if took := time.Since(started); took > time.Minute {
		t.Errorf("%d writes to a stopped reader took %v, want one wait of 1s", chunks, took)
	}
	reports.expect(t, "40 could not write log '"+path+"': its reader has stopped reading")
	if f.Flush(time.Millisecond) {
		t.Error("Flush to a stopped reader: got true, want false")
	}

	go io.Copy(io.Discard, r) // ends with the test, which closes r
	if !f.Flush(10 * time.Second) {
		t.Fatal("Flush to a reader that reads again: got false, want true")
	}
	clock.advance(settleAfter)
	f.Write([]byte("again"))
	got := reports.all()
	var lost int
	if len(got) == 1 {
		_, err := fmt.Sscanf(strings.TrimPrefix(got[0], "30 log '"+path+"' can be written again: "), "%d bytes were lost", &lost)
		must(t, err)
	}
	// What is neither lost nor in the backlog is in the kernel's pipe.
	if least, most := chunk*chunks-maxBacklog-(1<<20), chunk*chunks-maxBacklog; lost < least || lost > most {
		t.Errorf("reports %q: got %d bytes lost, want %d to %d", got, lost, least, most)
	}
}

func TestReopenCarriesTheBacklogOver(t *testing.T) {
	path := fifo(t)
	r := readEnd(t, path)
	f := OpenFile(FileOptions{Path: path, Report: failOnReport(t)})
	text := strings.Repeat("0123456789abcdef", 32768) // 512 KiB
	f.Write([]byte(text))
	f.Reopen()
	must(t, f.Clear()) // nothing to clear, nothing to break
	f.Write([]byte("end"))
	f.Close()
	expectRead(t, r, text+"end")
}

func TestReopenSavesTheOutputThatAStoppedReaderKeepsWaiting(t *testing.T) {
	path := fifo(t)
	readEnd(t, path)
	f := OpenFile(FileOptions{Path: path, Report: failOnReport(t)})
	defer f.Close()
	f.pipe.stall = time.Hour
	text := strings.Repeat("0123456789abcdef", 131072) // 2 MiB: more than fits
	done := make(chan struct{})
	go func() { // ends when Reopen gives it a file to write to
		defer close(done)
		f.Write([]byte(text))
	}()
	eventually(t, "the write waits", func() bool {
		f.pipe.mu.Lock()
		defer f.pipe.mu.Unlock()
		return f.pipe.progress != nil
	})
	must(t, os.Remove(path)) // a file takes the fifo's place
	f.Reopen()
	<-done
	got := get(t, path)
	if !strings.HasSuffix(text, got) || len(got) < len(text)-(1<<20) {
		t.Errorf("after Reopen: got %d bytes, want all but what the kernel's pipe holds of %d", len(got), len(text))
	}
}

func TestClosedLogGivesUpOnAStoppedReader(t *testing.T) {
	path := fifo(t)
	r := readEnd(t, path)
	f := OpenFile(FileOptions{Path: path})
	f.Write(make([]byte, 512<<10))
	p := f.pipe
	f.Close()
	p.abandon() // what the timer does after drainFor
	eventually(t, "the goroutine ends", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return !p.draining
	})
	if _, err := io.Copy(io.Discard, r); err != nil {
		t.Errorf("read to the end of a log that gave up: %v", err)
	}
}

func TestOwnDescriptorsAreFoundBehindLinks(t *testing.T) {
	dir := t.TempDir()
	must(t, os.Symlink("/dev/stdout", filepath.Join(dir, "direct")))
	must(t, os.Symlink("direct", filepath.Join(dir, "indirect")))
	must(t, os.Symlink("loop", filepath.Join(dir, "loop")))
	put(t, filepath.Join(dir, "file"), "")
	for _, tc := range []struct {
		path string
		fd   int
		ok   bool
	}{
		{"/dev/stdout", 1, true},
		{"/dev/stderr", 2, true},
		{"/dev/fd/7", 7, true},
		{"/proc/self/fd/2", 2, true},
		{fmt.Sprintf("/proc/%d/fd/1", os.Getpid()), 1, true},
		{"/proc/1/fd/1", 1, os.Getpid() == 1},
		{filepath.Join(dir, "direct"), 1, true},
		{filepath.Join(dir, "indirect"), 1, true},
		{filepath.Join(dir, "loop"), 0, false},
		{filepath.Join(dir, "file"), 0, false},
		{filepath.Join(dir, "missing"), 0, false},
	} {
		fd, ok := ownDescriptor(tc.path)
		if ok != tc.ok || ok && fd != tc.fd {
			t.Errorf("ownDescriptor(%q): got %d, %t, want %d, %t", tc.path, fd, ok, tc.fd, tc.ok)
		}
	}
}

func TestOwnFileIsSharedAndNeverRotated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	out, err := os.Create(path)
	must(t, err)
	defer out.Close()
	f := OpenFile(FileOptions{Path: fmt.Sprintf("/dev/fd/%d", out.Fd()), MaxBytes: 3, Backups: 2, Report: failOnReport(t)})
	defer f.Close()
	f.Write([]byte("child "))
	fmt.Fprint(out, "daemon ")
	f.Reopen()
	must(t, f.Clear())
	f.Write([]byte("child"))
	if got, want := get(t, path), "child daemon child"; got != want {
		t.Errorf("standard output that is a file: got %q, want %q", got, want)
	}
}

func TestSocketAsStandardOutputIsWritten(t *testing.T) {
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	must(t, err)
	theirs := os.NewFile(uintptr(ends[1]), "theirs")
	defer theirs.Close()
	defer unix.Close(ends[0])
	f := OpenFile(FileOptions{Path: fmt.Sprintf("/dev/fd/%d", ends[0]), MaxBytes: 1, Report: failOnReport(t)})
	text := strings.Repeat("0123456789abcdef", 50000) // more than a socket holds
	f.Write([]byte(text))
	f.Close()
	unix.Shutdown(ends[0], unix.SHUT_RD)
	expectRead(t, theirs, text)
	if flags, err := unix.FcntlInt(uintptr(ends[0]), unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK != 0 {
		t.Errorf("flags of the shared socket: got %#x, %v, want it to block still", flags, err)
	}
}

// writeToVariable, set in the environment, makes the test binary write to that log
// instead of testing.
const writeToVariable = "CHILDLOG_TEST_WRITE_TO"

func TestMain(m *testing.M) {
	if path := os.Getenv(writeToVariable); path != "" {
		f := OpenFile(FileOptions{Path: path, MaxBytes: 1, Report: func(level int, text string) {
			fmt.Fprintf(os.Stderr, "%d %s\n", level, text)
		}})
		for range 3 {
			f.Write([]byte(strings.Repeat("x", 1000) + "\n"))
		}
		f.Flush(10 * time.Second)
		f.Close()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestStandardOutputOfAnotherUserIsWritten(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to run as a user who may not open root's pipe")
	}
	// The test binary itself lies where only root can go.
	dir, err := os.MkdirTemp("", "childlog")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755))
	self, err := os.Executable()
	must(t, err)
	binary, err := os.ReadFile(self)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "self"), binary, 0o755))

	r, w, err := os.Pipe()
	must(t, err)
	must(t, w.Chmod(0o600))
	var stderr bytes.Buffer
	cmd := exec.Command(filepath.Join(dir, "self"))
	cmd.Dir, cmd.Env = "/", []string{writeToVariable + "=/dev/stdout"}
	cmd.Stdout, cmd.Stderr = w, &stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	must(t, cmd.Start())
	w.Close()
	got, err := io.ReadAll(r)
	must(t, err)
	if err := cmd.Wait(); err != nil || stderr.Len() > 0 {
		t.Errorf("writer: %v, with %q on standard error", err, stderr.String())
	}
	if want := strings.Repeat(strings.Repeat("x", 1000)+"\n", 3); string(got) != want {
		t.Errorf("standard output: got %d bytes, want %d", len(got), len(want))
	}
}

func TestTerminalIsWritten(t *testing.T) {
	master, name := openTerminal(t)
	f := OpenFile(FileOptions{Path: name, MaxBytes: 1, Report: failOnReport(t)})
	defer f.Close()
	f.Write([]byte("shown"))
	expectRead(t, master, "shown")
}
