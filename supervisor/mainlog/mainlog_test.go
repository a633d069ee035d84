package mainlog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/supervisor/childlog"
)

// record is a line to be logged.
type record struct {
	at    time.Time
	level int
	text  string
}

func (r record) MarshalJSON() ([]byte, error) {
	return json.Marshal([]any{float64(r.at.UnixMicro()) / 1e6, r.level, r.text})
}

// reference has the Python package log records and stores what comes of it.
func reference(t *testing.T, request map[string]any, answer any) {
	t.Helper()
	const python = "/usr/bin/python3" // Debian's, which the package belongs to
	if err := exec.Command(python, "-c", "import supervisor").Run(); err != nil {
		message := "needs Debian's package supervisor, for the Python reference: " + err.Error()
		if os.Getenv("VIGILANCE_REQUIRE_PEERS") == "1" {
			t.Fatal(message)
		}
		t.Skip(message)
	}
	in, err := json.Marshal(request)
	must(t, err)
	cmd := exec.Command(python, "testdata/reference.py")
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), os.Stderr
	out, err := cmd.Output()
	must(t, err)
	must(t, json.Unmarshal(out, answer))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	must(t, err)
	return string(content)
}

func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	found := map[string]string{}
	for _, e := range entries {
		found[e.Name()] = get(t, filepath.Join(dir, e.Name()))
	}
	return found
}

// someRecords are lines of every level at awkward times.
func someRecords() []record {
	var records []record
	at := time.Date(2026, 1, 2, 3, 4, 5, 300e3, time.Local) // no whole milliseconds: Python rounds those as floats
	levels := []int{Critical, Error, Warn, Info, Debug, Trace, Blather}
	for i := range 60 {
		text := []string{"spawned: 'cat' with pid 12", "100% sure", "two\nlines", "", "trailing\n", "ünïcode"}[i%6]
		records = append(records, record{at, levels[i%len(levels)], text})
		at = at.Add(7*time.Hour + 123500*time.Microsecond)
	}
	return records
}

// logAll logs records with their own times.
func logAll(t *testing.T, o Options, records []record) {
	t.Helper()
	var now time.Time
	o.Now = func() time.Time { return now }
	l, err := Open(o)
	must(t, err)
	for _, r := range records {
		now = r.at
		l.Log(r.level, r.text)
	}
	l.Close()
}

func TestFileIsTheReferencesToTheByte(t *testing.T) {
	for _, tc := range []struct {
		level    int
		maxBytes int64
		backups  int
	}{{Info, 0, 0}, {Blather, 0, 0}, {Warn, 0, 0}, {Blather, 200, 3}, {Debug, 150, 0}} {
		records := someRecords()
		var want map[string]string
		reference(t, map[string]any{"kind": "file", "level": tc.level, "max": tc.maxBytes, "backups": tc.backups, "records": records}, &want)
		dir := t.TempDir()
		logAll(t, Options{Path: filepath.Join(dir, "log"), Level: tc.level, MaxBytes: tc.maxBytes, Backups: tc.backups}, records)
		if got := files(t, dir); !maps.Equal(got, want) {
			t.Errorf("%+v:\n got %q\nwant %q", tc, got, want)
		}
	}
}

func TestSyslogMessagesAreTheReferences(t *testing.T) {
	records := someRecords()
	var want []string
	reference(t, map[string]any{"kind": "syslog", "level": Blather, "records": records}, &want)
	path := filepath.Join(t.TempDir(), "socket")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	must(t, err)
	defer conn.Close()
	var now time.Time
	l := newLogger(Options{Path: Syslog, Level: Blather, Now: func() time.Time { return now }})
	l.syslog = childlog.NewSyslog(childlog.SyslogOptions{Sockets: []string{path}, Report: l.Log})
	l.start()
	for _, r := range records {
		now = r.at
		l.Log(r.level, r.text)
	}
	buf := make([]byte, 4096)
	for i, message := range want {
		must(t, conn.SetReadDeadline(time.Now().Add(time.Minute)))
		n, err := conn.Read(buf)
		must(t, err)
		if _, got, _ := strings.Cut(string(buf[:n]), " supervisord: "); got != message {
			t.Fatalf("message %d: got %q, want %q", i, buf[:n], message)
		}
	}
	l.Close()
}

func TestEchoGetsTheSameLines(t *testing.T) {
	dir := t.TempDir()
	var echo bytes.Buffer
	logAll(t, Options{Path: filepath.Join(dir, "log"), Level: Trace, Echo: &echo}, someRecords())
	if got, want := echo.String(), get(t, filepath.Join(dir, "log")); got != want || got == "" {
		t.Errorf("echo: got %q, want %q", got, want)
	}

	r, w, err := os.Pipe()
	must(t, err)
	l, err := Open(Options{Echo: w})
	must(t, err)
	l.Logf(Info, "%d", 42)
	l.Close()
	w.Close()
	var piped bytes.Buffer
	_, err = piped.ReadFrom(r)
	must(t, err)
	if got := piped.String(); !strings.HasSuffix(got, " INFO 42\n") {
		t.Errorf("echo to a pipe: got %q, want a line that ends in %q", got, " INFO 42\n")
	}
}

func TestEchoToAStoppedTerminalDoesNotHoldTheFileUp(t *testing.T) {
	r, w, err := os.Pipe() // nobody reads
	must(t, err)
	defer r.Close()
	defer w.Close()
	path := filepath.Join(t.TempDir(), "log")
	l, err := Open(Options{Path: path, Echo: w})
	must(t, err)
	line := strings.Repeat("x", 10000)
	for range 50 {
		l.Log(Info, line)
	}
	if err := l.Clear(); err != nil { // behind the lines, so they are written
		t.Errorf("Clear behind 50 lines: %v", err)
	}
	l.Log(Info, "after")
	r.Close()
	l.Close()
	if got := get(t, path); !strings.HasSuffix(got, " INFO after\n") || strings.Contains(got, line) {
		t.Errorf("log after Clear: got %q, want one line that ends in %q", got, "after")
	}
}

// gate is an echo that holds the writer up until it is opened.
type gate struct{ open chan struct{} }

func (g gate) Write(p []byte) (int, error) {
	<-g.open
	return len(p), nil
}

func TestLinesThatFindNoRoomAreCountedInTheLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	g := gate{make(chan struct{})}
	l, err := Open(Options{Path: path, Echo: g})
	must(t, err)
	const lines = 2*maxLines + 500 // the writer may hold a batch
	started := time.Now()
	for i := range lines {
		l.Logf(Info, "line %d", i)
	}
	if took := time.Since(started); took > time.Minute {
		t.Errorf("logging %d lines to a log that is stuck took %v", lines, took)
	}
	close(g.open)
	l.Close()
	written := strings.Split(strings.TrimSuffix(get(t, path), "\n"), "\n")
	var lost int
	last := written[len(written)-1]
	if _, err := fmt.Sscanf(last[len("2006-01-02 15:04:05,000 "):], "WARN %d lines lost: the log could not keep up", &lost); err != nil {
		t.Fatalf("last line: got %q, want the count of lost lines", last)
	}
	if lost == 0 || len(written)-1+lost != lines {
		t.Errorf("got %d lines and %d lost, want %d together", len(written)-1, lost, lines)
	}
	for i, line := range written[:len(written)-1] {
		if !strings.HasSuffix(line, fmt.Sprintf(" INFO line %d", i)) {
			t.Fatalf("line %d: got %q, want the order kept", i, line)
		}
	}
}

func TestCloseGivesUpOnALogThatIsStuck(t *testing.T) {
	g := gate{make(chan struct{})}
	defer close(g.open)
	l, err := Open(Options{Echo: g})
	must(t, err)
	l.patience = 10 * time.Millisecond
	l.Log(Info, "stuck")
	started := time.Now()
	l.Close()
	l.Close() // twice is harmless
	if took := time.Since(started); took > 3*time.Second {
		t.Errorf("Close of a stuck log took %v, want about 10ms", took)
	}
}

func TestReopenAndClearKeepTheirPlaceAmongTheLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l, err := Open(Options{Path: path})
	must(t, err)
	l.Log(Info, "one")
	must(t, l.Clear())
	l.Log(Info, "two")
	l.Reopen()
	l.Log(Info, "three")
	must(t, os.Rename(path, path+".old"))
	l.Log(Info, "four")
	l.Reopen()
	l.Log(Info, "five")
	l.Close()
	l.Log(Info, "six")
	texts := func(path string) string {
		var out []string
		for line := range strings.Lines(get(t, path)) {
			out = append(out, strings.TrimSpace(line[strings.Index(line, "INFO ")+5:]))
		}
		return strings.Join(out, " ")
	}
	old, fresh := texts(path+".old"), texts(path)
	// The rename raced with the writer, so that the first lines may be in either.
	if got := strings.TrimSpace(old + " " + fresh); got != "two three four five" || !strings.HasSuffix(fresh, "five") {
		t.Errorf("lines: got %q and %q, want %q in order", old, fresh, "two three four five")
	}
	if err := l.Clear(); err == nil {
		t.Error("Clear after Close: got nil, want an error")
	}
}

func TestOpenSaysWhyTheFileCannotBeOpened(t *testing.T) {
	path := filepath.Join(t.TempDir(), "missing", "log")
	if _, err := Open(Options{Path: path}); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("Open in a missing folder: got %v, want an error that names %q", err, path)
	}
}

func TestLevelsFilter(t *testing.T) {
	l := newLogger(Options{})
	for _, level := range []int{Critical, Error, Warn, Info, Debug, Trace, Blather} {
		if got, want := l.Enabled(level), level >= Info; got != want {
			t.Errorf("Enabled(%d) at the default level: got %t, want %t", level, got, want)
		}
	}
}

func TestLoggerCanBeUsedFromSeveralGoroutines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l, err := Open(Options{Path: path, MaxBytes: 1 << 20, Backups: 1})
	must(t, err)
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			for i := range 200 {
				l.Logf(Info, "line %d", i)
				if i%50 == 0 {
					l.Reopen()
				}
			}
		})
	}
	writers.Wait()
	l.Close()
	if got := strings.Count(get(t, path), "\n"); got != 800 {
		t.Errorf("lines: got %d, want 800", got)
	}
}

func BenchmarkLog(b *testing.B) {
	l, err := Open(Options{Path: b.TempDir() + "/log"})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	b.ReportAllocs()
	for b.Loop() {
		l.Log(Info, "spawned: 'cat' with pid 12345")
	}
}
