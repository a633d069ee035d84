package rpc_test

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/test/peer"
)

// binVariable names the environment variable that holds the folder of what the
// tests build.
const binVariable = "VIGILANCE_RPC_TEST_BIN"

func TestMain(m *testing.M) { os.Exit(inFolder(m.Run)) }

// inFolder runs the tests with a folder for what they build.
func inFolder(run func() int) int {
	dir, err := os.MkdirTemp("", "vigilance-rpc-test-")
	if err == nil {
		err = os.Setenv(binVariable, dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	return run()
}

// buildSupervisord builds the real daemon once, with the race detector if that
// is on here.
func buildSupervisord(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(os.Getenv(binVariable), "supervisord")
	lock, err := os.OpenFile(bin+".lock", os.O_CREATE|os.O_RDWR, 0o600) // tests run in parallel
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(bin); err == nil {
		return bin
	}
	args := []string{"build", "-tags", "urfave_cli_no_docs", "-o", bin}
	if raceDetector() {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, "../../cmd/supervisord")...).CombinedOutput(); err != nil {
		t.Fatalf("build supervisord: %v\n%s", err, out)
	}
	return bin
}

// raceDetector tells whether it is on in this binary.
func raceDetector() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// freePort returns a TCP port of the loopback that nobody listens on now.
func freePort(t *testing.T) int {
	t.Helper()
	port, err := peer.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// site is a supervisord with an open unix server, and an inet one that asks
// user for the password "secret".
type site struct {
	*peer.Daemon
	port int
}

const mainInterface = "[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n"

// serve starts a supervisord with these further sections, in which {port} is
// its inet port, and {password} what stands for the password.
func serve(t *testing.T, command, password, sections string) *site {
	t.Helper()
	s := &site{port: freePort(t)}
	config := "[unix_http_server]\nfile=%(here)s/socket\n[inet_http_server]\nport=127.0.0.1:{port}\nusername=user\npassword=" +
		password + "\n" + mainInterface + "[supervisorctl]\n" + sections
	config = strings.NewReplacer("{port}", fmt.Sprint(s.port)).Replace(config)
	var err error
	s.Daemon, err = peer.Start(peer.Spec{Command: []string{command}, Options: "loglevel=trace", Config: config, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Stop()
		if text, err := s.Lines("daemon.stderr"); err == nil && strings.Contains(strings.Join(text, "\n"), "DATA RACE") {
			t.Errorf("the race detector spoke:\n%s", strings.Join(text, "\n"))
		}
	})
	if err := s.WaitLog("supervisord started with pid", 1); err != nil {
		t.Fatal(err)
	}
	return s
}

// dial connects to one of the servers.
func (s *site) dial(t *testing.T, inet bool) net.Conn {
	t.Helper()
	network, address := "unix", s.Path("socket")
	if inet {
		network, address = "tcp", fmt.Sprintf("127.0.0.1:%d", s.port)
	}
	conn, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(peer.Deadline))
	return conn
}

// basic is the header with the credential.
func basic(credential string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(credential)) + "\r\n"
}

// reply is what a client sees of an answer.
type reply struct {
	status             int
	contentType, asked string // asked is WWW-Authenticate
	body               string
}

// ask sends a request and returns the answer. The body of one that does not
// end is cut after the first bytes.
func (s *site) ask(t *testing.T, inet bool, request string) reply {
	t.Helper()
	conn := s.dial(t, inet)
	defer conn.Close()
	// A server that refuses a large request may close before it has read it.
	if _, err := io.WriteString(conn, request); err != nil && !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
		t.Fatal(err)
	}
	method, _, _ := strings.Cut(strings.TrimLeft(request, "\r\n"), " ")
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		return reply{body: "no answer"}
	}
	// Not closed: that would wait for the end of a body that has none.
	r := reply{status: resp.StatusCode, contentType: resp.Header.Get("Content-Type"), asked: resp.Header.Get("WWW-Authenticate")}
	if !strings.Contains(request, "logtail") || resp.ContentLength >= 0 {
		body, _ := io.ReadAll(resp.Body)
		r.body = string(body)
		return r
	}
	first := make([]byte, 4096)
	n, _ := resp.Body.Read(first)
	r.body = string(first[:n])
	return r
}

// alive fails the test if the daemon does not answer a call any more.
func (s *site) alive(t *testing.T) {
	t.Helper()
	body := call("supervisor.getState")
	got := s.ask(t, false, fmt.Sprintf("POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
	if got.status != http.StatusOK || !strings.Contains(got.body, "RUNNING") {
		t.Fatalf("getState: got %+v, want RUNNING", got)
	}
}

// shouter has something in its log.
const shouter = "[program:shouter]\ncommand=/bin/sh -c \"echo hello; exec sleep 1000\"\nstdout_logfile=%(here)s/shouter.log\nstderr_logfile=NONE\n"

// TestHTTPAnswersAreTheReferences gives requests of every wrong kind to both
// daemons.
func TestHTTPAnswersAreTheReferences(t *testing.T) {
	t.Parallel()
	needReference(t)
	theirs := serve(t, "/usr/bin/supervisord", "secret", shouter)
	ours := serve(t, buildSupervisord(t), "secret", shouter)
	for _, s := range []*site{theirs, ours} {
		if err := s.WaitFile("shouter.log", func(text []byte) bool { return string(text) == "hello\n" }, "hello"); err != nil {
			t.Fatal(err)
		}
	}
	const (
		host       = "Host: x\r\n"
		webDecides = -1 // any 4xx, where the reference has 400
	)
	long := strings.Repeat("x", 70<<10)
	tests := []struct {
		name    string
		inet    bool
		request string
		want    int // our status where the reference's is another, or where it has no answer
	}{
		{"nothing there", false, "GET /nothing HTTP/1.1\r\n" + host + "\r\n", 0},
		{"nothing there, head", false, "HEAD /nothing HTTP/1.1\r\n" + host + "\r\n", 0},
		{"post to nothing", false, "POST /nothing HTTP/1.1\r\n" + host + "Content-Length: 3\r\n\r\nabc", webDecides},
		{"options", false, "OPTIONS /nothing HTTP/1.1\r\n" + host + "\r\n", webDecides},
		{"all options", false, "OPTIONS * HTTP/1.1\r\n" + host + "\r\n", webDecides},
		{"a method of its own", false, "BREW / HTTP/1.1\r\n" + host + "\r\n", webDecides},
		{"up", false, "GET /../../../etc/passwd HTTP/1.1\r\n" + host + "\r\n", 0},
		{"up, escaped", false, "GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\n" + host + "\r\n", 0},
		{"a folder of the file system", false, "GET //etc/passwd HTTP/1.1\r\n" + host + "\r\n", 0},
		{"a zero byte", false, "GET /%00 HTTP/1.1\r\n" + host + "\r\n", http.StatusNotFound}, // 500
		{"no HTTP", false, "garbage\r\n\r\n", http.StatusBadRequest},                         // no answer
		{"empty lines before", false, "\r\n\r\nGET /nothing HTTP/1.1\r\n" + host + "\r\n", http.StatusNotFound},
		{"no host", false, "GET /nothing HTTP/1.1\r\n\r\n", 0},
		{"no host, many headers", false, "GET /nothing HTTP/1.1\r\nAccept: */*\r\nUser-Agent: x\r\n\r\n", 0},
		{"HTTP/1.0", false, "GET /nothing HTTP/1.0\r\n\r\n", 0},
		{"HTTP/2.0", false, "GET /nothing HTTP/2.0\r\n\r\n", http.StatusHTTPVersionNotSupported}, // answers in 2.0
		{"a large header", false, "GET /nothing HTTP/1.1\r\n" + host + "X: " + long + "\r\n\r\n", http.StatusRequestHeaderFieldsTooLarge},
		{"many headers", false, "GET /nothing HTTP/1.1\r\n" + host + strings.Repeat("X: y\r\n", 50000) + "\r\n", http.StatusRequestHeaderFieldsTooLarge},
		{"a long path", false, "GET /" + long + " HTTP/1.1\r\n" + host + "\r\n", http.StatusRequestHeaderFieldsTooLarge},
		{"a header without a colon", false, "GET /nothing HTTP/1.1\r\n" + host + "nothing\r\n\r\n", http.StatusBadRequest},
		{"two lengths", false, "POST /RPC2 HTTP/1.1\r\n" + host + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc", http.StatusBadRequest},
		{"a length that is none", false, "POST /RPC2 HTTP/1.1\r\n" + host + "Content-Length: x\r\n\r\nabc", http.StatusBadRequest}, // 500
		{"a negative length", false, "POST /RPC2 HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\nabc", http.StatusBadRequest},
		{"a huge body announced", false, "POST /RPC2 HTTP/1.1\r\n" + host + "Content-Length: 99999999999\r\n\r\nabc", http.StatusRequestEntityTooLarge},
		{"a huge body", false, "POST /RPC2 HTTP/1.1\r\n" + host + fmt.Sprintf("Content-Length: %d\r\n\r\n", 5<<20) + strings.Repeat("x", 5<<20), http.StatusRequestEntityTooLarge},
		{"huge chunks", false, "POST /RPC2 HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n" +
			fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", 5<<20, strings.Repeat("x", 5<<20)), http.StatusRequestEntityTooLarge},
		{"a call of another site", false, "POST /RPC2 HTTP/1.1\r\n" + host + "Origin: http://evil.example\r\nContent-Length: 3\r\n\r\nabc", http.StatusForbidden},
		{"a call that a browser marks", false, "POST /RPC2 HTTP/1.1\r\n" + host + "Sec-Fetch-Site: cross-site\r\nContent-Length: 3\r\n\r\nabc", http.StatusForbidden},

		{"logtail of nothing", false, "GET /logtail/nothing HTTP/1.1\r\n" + host + "\r\n", 0},
		{"logtail without a name", false, "GET /logtail/ HTTP/1.1\r\n" + host + "\r\n", 0},
		{"logtail without anything", false, "GET /logtail HTTP/1.1\r\n" + host + "\r\n", http.StatusNotFound}, // 500
		{"logtail of a group", false, "GET /logtail/shouter:* HTTP/1.1\r\n" + host + "\r\n", 0},
		{"logtail of another channel", false, "GET /logtail/shouter/stdlog HTTP/1.1\r\n" + host + "\r\n", 0},
		{"logtail of an attribute", false, "GET /logtail/shouter/__class__ HTTP/1.1\r\n" + host + "\r\n", 0},
		{"logtail below a channel", false, "GET /logtail/shouter/stdout/x HTTP/1.1\r\n" + host + "\r\n", 0},
		{"logtail up", false, "GET /logtail/../../etc/passwd HTTP/1.1\r\n" + host + "\r\n", 0},
		{"logtail up, escaped", false, "GET /logtail/shouter%2f..%2f..%2fetc%2fpasswd HTTP/1.1\r\n" + host + "\r\n", 0},
		{"logtail of no log", false, "GET /logtail/shouter/stderr HTTP/1.1\r\n" + host + "\r\n", 0},
		{"logtail", false, "GET /logtail/shouter HTTP/1.1\r\n" + host + "\r\n", 0},
		{"logtail of a channel", false, "GET /logtail/shouter:shouter/stdout?x=y HTTP/1.1\r\n" + host + "\r\n", 0},
		{"logtail, escaped", false, "GET /logtail/%73houter HTTP/1.1\r\n" + host + "\r\n", 0},
		{"logtail by post", false, "POST /logtail/shouter HTTP/1.1\r\n" + host + "\r\n", 0},
		{"logtail by head", false, "HEAD /logtail/shouter HTTP/1.1\r\n" + host + "\r\n", 0},
		{"mainlogtail by post", false, "POST /mainlogtail HTTP/1.1\r\n" + host + "\r\n", 0},

		{"no password", true, "GET /nothing HTTP/1.1\r\n" + host + "\r\n", 0},
		{"no password, call", true, "POST /RPC2 HTTP/1.1\r\n" + host + "Content-Length: 3\r\n\r\nabc", 0},
		{"no password, log", true, "GET /logtail/shouter HTTP/1.1\r\n" + host + "\r\n", 0},
		{"no password, main log", true, "GET /mainlogtail HTTP/1.1\r\n" + host + "\r\n", 0},
		{"the password", true, "GET /nothing HTTP/1.1\r\n" + host + basic("user:secret") + "\r\n", 0},
		{"the password, log", true, "GET /logtail/shouter HTTP/1.1\r\n" + host + basic("user:secret") + "\r\n", 0},
		{"the scheme in capitals", true, "GET /nothing HTTP/1.1\r\n" + host + strings.Replace(basic("user:secret"), "Basic", "BASIC", 1) + "\r\n", 0},
		{"another password", true, "GET /nothing HTTP/1.1\r\n" + host + basic("user:secreT") + "\r\n", 0},
		{"half a password", true, "GET /nothing HTTP/1.1\r\n" + host + basic("user:secre") + "\r\n", 0},
		{"no name", true, "GET /nothing HTTP/1.1\r\n" + host + basic(":secret") + "\r\n", 0},
		{"another name", true, "GET /nothing HTTP/1.1\r\n" + host + basic("root:secret") + "\r\n", 0},
		{"another scheme", true, "GET /nothing HTTP/1.1\r\n" + host + "Authorization: Bearer dXNlcjpzZWNyZXQ=\r\n\r\n", 0},
		{"a scheme alone", true, "GET /nothing HTTP/1.1\r\n" + host + "Authorization: Basic\r\n\r\n", http.StatusBadRequest},
		{"no base64", true, "GET /nothing HTTP/1.1\r\n" + host + "Authorization: Basic !\r\n\r\n", http.StatusBadRequest},
		{"bad padding", true, "GET /nothing HTTP/1.1\r\n" + host + "Authorization: Basic bad\r\n\r\n", 0},
		{"no colon", true, "GET /nothing HTTP/1.1\r\n" + host + basic("user") + "\r\n", http.StatusBadRequest}, // 500
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := ours.ask(t, tt.inet, tt.request)
			if tt.want != 0 {
				if got.status != tt.want && (tt.want != webDecides || got.status/100 != 4) {
					t.Errorf("%.200q: got %+v, want status %d", tt.request, got, tt.want)
				}
				return
			}
			want := theirs.ask(t, tt.inet, tt.request)
			if got.status == http.StatusNotFound && !strings.Contains(tt.request, "logtail") {
				got.body, got.contentType = want.body, want.contentType // the web UI has pages of its own
			}
			if got != want {
				t.Errorf("%.200q: got %+v\nwant %+v", tt.request, got, want)
			}
		})
	}
	ours.alive(t)
}
