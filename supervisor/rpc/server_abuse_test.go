package rpc_test

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/test/peer"
)

// post is the text of a call as a client sends it.
func post(headers, method string, args ...any) string {
	body := call(method, args...)
	return fmt.Sprintf("POST /RPC2 HTTP/1.1\r\nHost: x\r\n%sContent-Length: %d\r\n\r\n%s", headers, len(body), body)
}

// resident is the daemon's memory, in bytes.
func (s *site) resident(t *testing.T) int64 {
	t.Helper()
	statm, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", s.PID()))
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(statm))[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

// TestClientsThatHarm lets clients do what they must not, all against one
// daemon, which answers others all the time.
func TestClientsThatHarm(t *testing.T) {
	s := serve(t, buildSupervisord(t), "secret", shouter)
	for _, tt := range []struct {
		name string
		do   func(t *testing.T)
	}{
		{"connect and say nothing", func(t *testing.T) {
			for range 1500 {
				s.dial(t, false)
			}
			if n := s.descriptors(t); n > 1200 {
				t.Errorf("1500 connections: %d descriptors are open, want them bounded", n)
			}
		}},
		{"begin a header and stop", func(t *testing.T) {
			for i := range 300 {
				if _, err := io.WriteString(s.dial(t, i%2 == 0), "POST /RPC2 HTTP/1.1\r\nHo"); err != nil {
					t.Fatal(err)
				}
			}
		}},
		{"go in the middle of a body", func(t *testing.T) {
			for range 100 {
				conn := s.dial(t, false)
				if _, err := io.WriteString(conn, "POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n<methodCall>"); err != nil {
					t.Fatal(err)
				}
				conn.Close()
			}
		}},
		{"send large bodies slowly", func(t *testing.T) {
			before := s.resident(t)
			var sending sync.WaitGroup
			for range 40 {
				conn := s.dial(t, false)
				sending.Go(func() { // ends when the daemon reads no more, or all is sent
					_, _ = io.WriteString(conn, fmt.Sprintf("POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", 4<<20))
					_, _ = io.WriteString(conn, strings.Repeat("x", 4<<20-1))
				})
			}
			sending.Wait()
			s.alive(t)
			grown := (s.resident(t) - before) >> 20
			t.Logf("40 bodies of 4 MiB: memory grew by %d MiB", grown)
			if grown > 64 && !raceDetector() { // which takes many times as much
				t.Errorf("40 bodies of 4 MiB: memory grew by %d MiB, want at most 64", grown)
			}
		}},
		{"do not read the answers", func(t *testing.T) {
			for range 100 {
				conn := s.dial(t, false)
				if _, err := io.WriteString(conn, strings.Repeat(post("", "system.listMethods"), 20)); err != nil {
					t.Fatal(err)
				}
			}
		}},
		{"guess passwords", func(t *testing.T) {
			var guessing sync.WaitGroup
			for i := range 50 {
				guessing.Go(func() { // ends with its answer
					s.ask(t, true, "GET / HTTP/1.1\r\nHost: x\r\n"+basic(fmt.Sprint("user:", i))+"\r\n")
				})
			}
			guessing.Wait()
			began := time.Now()
			if got := s.ask(t, true, "GET /nothing HTTP/1.1\r\nHost: x\r\n"+basic("user:secret")+"\r\n"); got.status == http.StatusUnauthorized {
				t.Errorf("the right password after 50 wrong ones: %d after %v", got.status, time.Since(began))
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.do(t)
			began := time.Now()
			s.alive(t)
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("a request beside them took %v", took)
			}
		})
		s.alive(t)
	}
}

// TestConnectionsAreKept sends one request after the other on a connection.
func TestConnectionsAreKept(t *testing.T) {
	t.Parallel()
	s := serve(t, buildSupervisord(t), "secret", "")
	getState := call("supervisor.getState")
	for name, request := range map[string]string{
		"HTTP/1.1":         post("", "supervisor.getState"),
		"without a host":   strings.Replace(post("", "supervisor.getState"), "Host: x\r\n", "", 1),
		"an empty line":    post("", "supervisor.getState") + "\r\n",
		"an expectation":   post("Expect: 100-continue\r\n", "supervisor.getState"),
		"HTTP/1.0":         strings.Replace(post("Connection: keep-alive\r\n", "supervisor.getState"), "HTTP/1.1", "HTTP/1.0", 1),
		"chunks":           fmt.Sprintf("POST /RPC2 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(getState), getState),
		"a refused method": "GET /RPC2 HTTP/1.1\r\nHost: x\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			conn := s.dial(t, false)
			reader := bufio.NewReader(conn)
			for i := range 3 {
				if _, err := io.WriteString(conn, request); err != nil {
					t.Fatalf("request %d: %v", i, err)
				}
				resp, err := http.ReadResponse(reader, nil)
				if err == nil && resp.StatusCode == http.StatusContinue {
					resp, err = http.ReadResponse(reader, nil)
				}
				if err != nil {
					t.Fatalf("answer %d: %v", i, err)
				}
				if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK && name != "a refused method" {
					t.Fatalf("answer %d: %s, %v", i, resp.Status, err)
				}
			}
		})
	}
}

// TestAnswersAreCompressed asks for gzip in several ways.
func TestAnswersAreCompressed(t *testing.T) {
	t.Parallel()
	s := serve(t, buildSupervisord(t), "secret", "")
	tests := []struct {
		headers, method string
		want            bool
	}{
		{"", "system.listMethods", false},
		{"Accept-Encoding: gzip\r\n", "system.listMethods", true},
		{"Accept-Encoding: deflate, GZIP;q=0.5\r\n", "system.listMethods", true},
		{"Accept-Encoding: deflate\r\nAccept-Encoding: gzip\r\n", "system.listMethods", true},
		{"Accept-Encoding: gzip;q=0\r\n", "system.listMethods", false},
		{"Accept-Encoding: identity\r\n", "system.listMethods", false},
		{"Accept-Encoding: chunked\r\n", "system.listMethods", false},
		{"Accept-Encoding: gzip\r\n", "supervisor.getState", false}, // too short to be worth it
	}
	for _, tt := range tests {
		conn := s.dial(t, false)
		if _, err := io.WriteString(conn, post(tt.headers, tt.method)); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		got := resp.Header.Get("Content-Encoding") == "gzip"
		body := io.Reader(resp.Body)
		if got {
			if body, err = gzip.NewReader(resp.Body); err != nil {
				t.Fatal(err)
			}
		}
		text, err := io.ReadAll(body)
		if got != tt.want || err != nil || !strings.HasSuffix(string(text), "</methodResponse>\n") {
			t.Errorf("%s with %q: compressed %v, %.300q, %v, want %v", tt.method, tt.headers, got, text, err, tt.want)
		}
	}
}

// TestRestartRefusesNobody connects again and again while the daemon restarts.
func TestRestartRefusesNobody(t *testing.T) {
	t.Parallel()
	s := serve(t, buildSupervisord(t), "secret", shouter)
	stop := make(chan struct{})
	var asking sync.WaitGroup
	var asked, refused atomic.Int64
	for range 4 {
		asking.Go(func() { // ends when stop is closed
			for {
				select {
				case <-stop:
					return
				default:
				}
				conn, err := net.Dial("unix", s.Path("socket"))
				if err != nil {
					refused.Add(1)
					continue
				}
				_ = conn.SetDeadline(time.Now().Add(peer.Deadline))
				_, _ = io.WriteString(conn, post("Connection: close\r\n", "supervisor.getState"))
				if text, err := io.ReadAll(conn); err == nil && len(text) > 0 {
					asked.Add(1)
				}
				conn.Close()
			}
		})
	}
	for i := range 3 {
		if err := s.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		if err := s.WaitLog("supervisord started with pid", i+2); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	asking.Wait()
	if refused.Load() != 0 || asked.Load() == 0 {
		t.Errorf("through 3 restarts: %d connections refused, %d requests answered, want none refused", refused.Load(), asked.Load())
	}
	s.alive(t)
}

// TestPythonCallsWithAPassword calls over TCP with Python's xmlrpc.client and
// with the library that event listeners use.
func TestPythonCallsWithAPassword(t *testing.T) {
	t.Parallel()
	needReference(t)
	s := serve(t, buildSupervisord(t), "secret", shouter)
	const script = `
import sys, xmlrpc.client
from supervisor import childutils
port = sys.argv[1]
def talk(server):
    for i in range(3):
        assert server.supervisor.getState()['statename'] == 'RUNNING'
        assert len(server.system.listMethods()) > 40
        assert server.supervisor.getAllProcessInfo()[0]['name'] == 'shouter'
    try:
        server.supervisor.getProcessInfo('nothing')
    except xmlrpc.client.Fault as fault:
        assert fault.faultCode == 10 and fault.faultString == 'BAD_NAME: nothing', fault
talk(xmlrpc.client.ServerProxy('http://user:secret@127.0.0.1:%s/RPC2' % port))
for url in 'http://127.0.0.1:%s' % port, 'unix://' + sys.argv[2]:
    talk(childutils.getRPCInterface({'SUPERVISOR_SERVER_URL': url, 'SUPERVISOR_USERNAME': 'user', 'SUPERVISOR_PASSWORD': 'secret'}))
try:
    xmlrpc.client.ServerProxy('http://user:wrong@127.0.0.1:%s/RPC2' % port).supervisor.getState()
except xmlrpc.client.ProtocolError as error:
    assert error.errcode == 401, error
print('done')
`
	out, err := exec.Command(python, "-c", script, strconv.Itoa(s.port), s.Path("socket")).CombinedOutput()
	if err != nil || string(out) != "done\n" {
		t.Errorf("python: %v\n%s", err, out)
	}
}
