package childlog

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// datagrams listens as a syslog daemon does; next returns one message.
func datagrams(t *testing.T, path string) (conn *net.UnixConn, next func() string) {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	must(t, err)
	t.Cleanup(func() { conn.Close() })
	return conn, func() string {
		buf := make([]byte, 1<<16)
		must(t, conn.SetReadDeadline(time.Now().Add(time.Minute)))
		n, err := conn.Read(buf)
		must(t, err)
		return string(buf[:n])
	}
}

func TestSyslogSendsMessagesAsPythonDoes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	_, next := datagrams(t, path)
	clock := newClock()
	s := NewSyslog(SyslogOptions{Sockets: []string{path + "-missing", path}, Report: failOnReport(t)})
	s.now = clock.now
	clock.t = time.Now() // deadlines are real
	line := s.Program("cat")
	for i := range 100 {
		line(fmt.Sprint("hello ", i))
	}
	// Seen from Python 3.11 with glibc 2.36: <14>Nov 22 07:28:41 supervisord: cat hello
	stamp := clock.now().Format("Jan _2 15:04:05")
	for i := range 100 {
		if got, want := next(), fmt.Sprintf("<14>%s supervisord: cat hello %d", stamp, i); got != want {
			t.Fatalf("message: got %q, want %q", got, want)
		}
	}
	s.Close(time.Second)
}

func TestSyslogSpeaksToAStreamSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l, err := net.Listen("unix", path)
	must(t, err)
	defer l.Close()
	s := NewSyslog(SyslogOptions{Ident: "me", Sockets: []string{path}, Report: failOnReport(t)})
	defer s.Close(time.Second)
	s.Send("one")
	s.Send("two")
	conn, err := l.Accept()
	must(t, err)
	defer conn.Close()
	r := bufio.NewReader(conn)
	for _, want := range []string{" me: one\x00", " me: two\x00"} {
		if got, err := r.ReadString(0); err != nil || !strings.HasSuffix(got, want) {
			t.Errorf("message: got %q, %v, want it to end in %q", got, err, want)
		}
	}
}

func TestSyslogReconnectsToADaemonThatWasRestarted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	conn, next := datagrams(t, path)
	clock, reports := newClock(), &reporter{}
	clock.t = time.Now()
	s := NewSyslog(SyslogOptions{Sockets: []string{path}, Report: reports.add})
	s.now = clock.now
	defer s.Close(time.Second)
	s.Send("before")
	next()
	conn.Close()
	must(t, os.RemoveAll(path)) // Close may have done so
	s.Send("lost")
	eventually(t, "the outage is reported", func() bool { return len(reports.all()) == 1 })
	reports.expect(t, "40 could not write to syslog: ")
	_, next = datagrams(t, path)
	clock.advance(longestPause)
	s.Send("after")
	if got := next(); !strings.HasSuffix(got, "after") {
		t.Errorf("message after the restart: got %q", got)
	}
	eventually(t, "the recovery is reported", func() bool { return len(reports.all()) == 1 })
	reports.expect(t, "30 syslog can be written again: ")
}

func TestSyslogDaemonThatDoesNotReadDelaysNobody(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	datagrams(t, path)
	reports := &reporter{}
	s := NewSyslog(SyslogOptions{Sockets: []string{path}, Report: reports.add})
	started := time.Now()
	for range 2 * maxSyslogQueue / 1000 {
		s.Send(strings.Repeat("x", 1000))
	}
	s.Close(10 * time.Millisecond)
	if took := time.Since(started); took > 3*time.Second {
		t.Errorf("sending to a daemon that does not read took %v, want no wait", took)
	}
	reports.expect(t, "40 could not write to syslog: its reader has stopped reading")
}
