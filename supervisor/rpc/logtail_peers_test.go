package rpc_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/test/peer"
)

// echoer copies what it reads to its log.
const echoer = "[program:cat]\ncommand=/bin/cat\nstdout_logfile=%(here)s/cat.log\nstderr_logfile=NONE\n"

// lines collects what a command prints.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// until waits for a condition.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(peer.Deadline)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for %s", peer.Deadline, what)
		}
		<-time.After(10 * time.Millisecond)
	}
}

// ctl is Python's supervisorctl for one of the servers.
func (s *site) ctl(inet bool, args ...string) *exec.Cmd {
	url := "unix://" + s.Path("socket")
	if inet {
		url = fmt.Sprintf("http://127.0.0.1:%d", s.port)
	}
	return exec.Command("/usr/bin/supervisorctl", append([]string{"-c", s.Path("supervisord.conf"), "-s", url, "-u", "user", "-p", "secret"}, args...)...)
}

// descriptors counts the daemon's open files.
func (s *site) descriptors(t *testing.T) int {
	t.Helper()
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.PID()))
	if err != nil {
		t.Fatal(err)
	}
	return len(open)
}

// ticks is the CPU time that the daemon has used, in clock ticks.
func (s *site) ticks(t *testing.T) int {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.PID()))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')'):]))
	user, _ := strconv.Atoi(fields[12])
	system, _ := strconv.Atoi(fields[13])
	return user + system
}

// TestPythonSupervisorctlFollows lets Debian's supervisorctl follow a log, over
// both kinds of server.
func TestPythonSupervisorctlFollows(t *testing.T) {
	t.Parallel()
	needReference(t)
	s := serve(t, buildSupervisord(t), "{SHA}e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4", echoer)
	if err := s.WaitLog("success: cat", 1); err != nil {
		t.Fatal(err)
	}
	send := func(text string) {
		t.Helper()
		body := call("supervisor.sendProcessStdin", "cat", text)
		if got := s.ask(t, false, fmt.Sprintf("POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body)); got.status != http.StatusOK {
			t.Fatalf("sendProcessStdin: %+v", got)
		}
	}
	before := s.descriptors(t)
	for _, inet := range []bool{false, true} {
		if out, err := s.ctl(inet, "status").CombinedOutput(); err != nil || !strings.Contains(string(out), "RUNNING") {
			t.Errorf("supervisorctl status: %v\n%s", err, out)
		}
		for _, args := range [][]string{{"tail", "-f", "cat"}, {"maintail", "-f"}} {
			var out lines
			cmd := s.ctl(inet, args...)
			cmd.Stdout, cmd.Stderr = &out, &out
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			text := fmt.Sprintf("grüße %v %s", inet, args[0])
			until(t, "the stream", func() bool { return strings.Contains(out.String(), "Press Ctrl-C") })
			if args[0] == "tail" {
				send(text + "\n")
			} else {
				text = "XML-RPC method called: supervisor.getState()"
				s.alive(t)
			}
			until(t, strings.Join(args, " ")+": "+text, func() bool { return strings.Contains(out.String(), text) })
			if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			if strings.Contains(out.String(), "Traceback") || strings.Contains(out.String(), "Undecodable") {
				t.Errorf("supervisorctl %v:\n%s", args, out.String())
			}
		}
	}
	// Nobody writes to the log: only the client's end can end the stream.
	until(t, "the streams to end", func() bool { return s.descriptors(t) <= before })
}

// TestStreamsCostNothing keeps a hundred streams open while nothing is
// written, then writes.
func TestStreamsCostNothing(t *testing.T) {
	t.Parallel()
	s := serve(t, buildSupervisord(t), "secret", echoer)
	if err := s.WaitLog("success: cat", 1); err != nil {
		t.Fatal(err)
	}
	before := s.descriptors(t)
	var conns []net.Conn
	for range 100 {
		conn := s.dial(t, false)
		// The empty line behind is what Python's supervisorctl sends.
		if _, err := io.WriteString(conn, "GET /logtail/cat HTTP/1.1\r\nHost: \r\nAccept-Encoding: chunked\r\n\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		conns = append(conns, conn)
	}
	read := func(conn net.Conn, want string) {
		t.Helper()
		var got []byte
		buf := make([]byte, 4096)
		for !bytes.Contains(got, []byte(want)) {
			n, err := conn.Read(buf)
			if got = append(got, buf[:n]...); err != nil {
				t.Fatalf("read a stream: %q, %v, want %q", got, err, want)
			}
		}
	}
	for _, conn := range conns {
		read(conn, "\r\n\r\n")
	}
	began := s.ticks(t)
	<-time.After(2 * time.Second)
	if spent := s.ticks(t) - began; spent > 2 {
		t.Errorf("100 streams of a file that nobody writes cost %d ticks of CPU in 2 s, want none", spent)
	}
	log, err := os.OpenFile(s.Path("cat.log"), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if _, err := log.WriteString("news\n"); err != nil {
		t.Fatal(err)
	}
	for _, conn := range conns {
		read(conn, "5\r\nnews\n\r\n")
		conn.Close()
	}
	until(t, "the streams to end", func() bool { return s.descriptors(t) <= before })
	s.alive(t)
}

// TestStreamsEndWithTheDaemon stops a daemon that has a stream open.
func TestStreamsEndWithTheDaemon(t *testing.T) {
	t.Parallel()
	s := serve(t, buildSupervisord(t), "secret", echoer)
	conn := s.dial(t, false)
	if _, err := io.WriteString(conn, "GET /mainlogtail HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	first := make([]byte, 15)
	if _, err := io.ReadFull(conn, first); err != nil || string(first) != "HTTP/1.1 200 OK" {
		t.Fatalf("read a stream: %q, %v", first, err)
	}
	began := time.Now()
	if _, err := s.End(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the daemon took %v to end", took)
	}
	if _, err := io.ReadAll(conn); err != nil {
		t.Errorf("read the rest: %v, want its end", err)
	}
	if _, err := os.Stat(s.Path("socket")); !os.IsNotExist(err) {
		t.Errorf("Stat(socket) = %v after the end, want that it is gone", err)
	}
}
