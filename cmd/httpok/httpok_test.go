package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/cmd/internal/check/checktest"
	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/supervisor/ctl/client"
)

func TestMain(m *testing.M) { checktest.Main(m, main) }

func TestExitStatuses(t *testing.T) {
	const begins = "httpok [-p processname] [-a] [-g gcore]"
	for _, tt := range []struct {
		args   []string
		status int
		stdout string // how it begins
		stderr string
	}{
		{[]string{"-h"}, 0, begins, ""},
		{[]string{"--help"}, 0, begins, ""},
		{nil, 255, begins, "Error: no URL\n"},
		{[]string{"-a"}, 255, begins, "Error: no URL\n"},
		{[]string{"-z", "http://x"}, 255, begins, "Error: option -z not recognized\n"},
		{[]string{"-p"}, 255, begins, "Error: option -p requires argument\n"},
		{[]string{"-t", "soon", "http://x"}, 1, "", `httpok: read options: -t "soon", want a number`},
		{[]string{"-t0", "http://x"}, 1, "", `httpok: read options: -t "0", want a number`},
		{[]string{"-c", "fine", "http://x"}, 1, "", `httpok: read options: -c "fine", want a number`},
		{[]string{"--failures", "0", "http://x"}, 255, begins, `Error: --failures "0", want a number of 1 or more`},
		{[]string{"--restart-limit", "3", "http://x"}, 255, begins, `Error: --restart-limit "3", want a number and a span such as 3/1h`},
		{[]string{"--body-regex", "(", "http://x"}, 255, begins, `Error: --body-regex "(": error parsing regexp`},
		{[]string{"--header", "secret", "http://x"}, 255, begins, "Error: --header, want NAME: VALUE\n"},
		{[]string{"-aptest", "--prog", "x", "--not", "-Ee", "http://x"}, 0, "", "httpok must be run as a supervisor event listener\n"},
		{[]string{"ftp://x"}, 0, "", "httpok must be run as a supervisor event listener\n"},
		{[]string{"--test", "ftp://x"}, 1, "", "httpok: Bad scheme ftp\n"},
		{[]string{"--test", "tcp://x"}, 1, "", `httpok: read URL "tcp://x": no port in it`},
		{[]string{"--check", "-p", "x", "-m", "a@b", "http://x"}, 0, "== options are good", ""},
		{[]string{"--check", "unix:"}, 1, "", "httpok: Bad scheme unix\n"},
		{[]string{"--version"}, 0, "", ""},
	} {
		stdout, stderr, status := checktest.Output(t, checktest.Command(tt.args...))
		if status != tt.status || !strings.HasPrefix(stdout, tt.stdout) || !strings.HasPrefix(stderr, tt.stderr) {
			t.Errorf("httpok %q = %d, stdout %.60q, stderr %.200q; want %d, %q, %q",
				tt.args, status, stdout, stderr, tt.status, tt.stdout, tt.stderr)
		}
	}
}

// web is a server that is well, or not, in many ways.
func web(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/fail":
		w.WriteHeader(http.StatusInternalServerError)
	case "/moved":
		http.Redirect(w, r, "/", http.StatusFound)
	case "/slow":
		select {
		case <-time.After(30 * time.Second):
		case <-r.Context().Done():
		}
	case "/endless":
		for r.Context().Err() == nil {
			if _, err := fmt.Fprintln(w, "It works"); err != nil {
				return
			}
			w.(http.Flusher).Flush()
			time.Sleep(10 * time.Millisecond) // as a slow server does
		}
	case "/echo":
		user, password, _ := r.BasicAuth()
		_, _ = fmt.Fprintf(w, "%s %s agent=%s key=%s host=%s login=%s:%s", r.Method, r.URL.RawQuery,
			r.UserAgent(), r.Header.Get("X-Key"), r.Host, user, password)
	default:
		_, _ = fmt.Fprint(w, "It works")
	}
}

// The words of superlance, to the byte: what its own tests want, and what its
// source writes.
func TestMailIsSuperlances(t *testing.T) {
	foo, bar := checktest.Process("foo", "foo", 11), checktest.In(checktest.Process("bar", "bar", 12), client.Fatal, "FATAL")
	baz := checktest.In(checktest.Process("baz", "baz_01", 13), client.Starting, "STARTING")
	own := checktest.Process("thislistener", "thislistener", 14)
	const failing = "status contacting URL/fail: 500 Internal Server Error\n"
	for _, tt := range []struct {
		name    string
		args    []string // URL stands for the server's, REFUSED for one that refuses
		subject string   // empty for no mail
		body    string
		calls   string
	}{
		{"well", []string{"-p", "foo", "URL/"}, "", "", ""},
		{"selected", []string{"-p", "foo", "-p", "bar", "-p", "baz_01", "-p", "notexisting", "URL/fail"},
			"httpok: URL/fail: bad status returned", failing + "Restarting selected processes ['foo', 'bar', 'baz_01', 'notexisting']\n" +
				"foo is in RUNNING state, restarting\nfoo restarted\nbar not in RUNNING state, NOT restarting\n" +
				"baz:baz_01 not in RUNNING state, NOT restarting\nPrograms not restarted because they did not exist: ['notexisting']",
			"stopProcess foo, startProcess foo"},
		{"any", []string{"-a", "-n", "thinko", "URL/fail"},
			"httpok [thinko]: URL/fail: bad status returned", failing + "Restarting all running processes\n" +
				"foo is in RUNNING state, restarting\nfoo restarted\nbar not in RUNNING state, NOT restarting\n" +
				"baz:baz_01 not in RUNNING state, NOT restarting", "stopProcess foo, startProcess foo"},
		{"none", []string{"URL/fail"}, "httpok: URL/fail: bad status returned", failing + "Restarting selected processes []", ""},
		{"pattern", []string{"-p", "f*", "-p", "baz:*", "-p", "x*", "URL/fail"}, "httpok: URL/fail: bad status returned",
			failing + "Restarting selected processes ['f*', 'baz:*', 'x*']\nfoo is in RUNNING state, restarting\nfoo restarted\n" +
				"baz:baz_01 not in RUNNING state, NOT restarting\nPrograms not restarted because they did not exist: ['x*']",
			"stopProcess foo, startProcess foo"},
		{"codes", []string{"-p", "foo", "-c", "200", "-c500", "URL/fail"}, "", "", ""},
		{"redirection", []string{"-p", "bar", "URL/moved"}, "httpok: URL/moved: bad status returned",
			"status contacting URL/moved: 302 Found\nRestarting selected processes ['bar']\nbar not in RUNNING state, NOT restarting", ""},
		{"body", []string{"-p", "bar", "-b", "works", "URL/"}, "", "", ""},
		{"no body", []string{"-p", "bar", "-b", "hums", "URL/"}, "httpok: URL/: bad body returned",
			"status contacting URL/: 200 OK\nRestarting selected processes ['bar']\nbar not in RUNNING state, NOT restarting", ""},
		{"status before body", []string{"-p", "bar", "-b", "hums", "URL/fail"}, "httpok: URL/fail: bad status returned",
			failing + "Restarting selected processes ['bar']\nbar not in RUNNING state, NOT restarting", ""},
		{"refused", []string{"-p", "bar", "REFUSED"}, "httpok: REFUSED: bad status returned",
			"error contacting REFUSED:\n\n dial tcp 127.0.0.1:1: connect: connection refused\n" +
				"Restarting selected processes ['bar']\nbar not in RUNNING state, NOT restarting", ""},
		{"slow", []string{"-p", "bar", "-t", "1", "URL/slow"}, "httpok: URL/slow: bad status returned",
			"error contacting URL/slow:\n\n timed out\nRestarting selected processes ['bar']\nbar not in RUNNING state, NOT restarting", ""},
		{"endless", []string{"-p", "bar", "-t", "1", "URL/endless"}, "httpok: URL/endless: bad status returned",
			"error contacting URL/endless:\n\n timed out\nRestarting selected processes ['bar']\nbar not in RUNNING state, NOT restarting", ""},
		{"eager", []string{"-p", "bar", "-E", "-e", "URL/fail"}, "httpok: URL/fail: bad status returned",
			failing + "Restarting selected processes ['bar']\nbar not in RUNNING state, NOT restarting", ""},
		{"not eager, none runs", []string{"-p", "bar", "-p", "baz_01", "-E", "URL/fail"}, "", "", ""},
		{"not eager, one runs", []string{"-p", "bar", "-p", "foo", "-E", "URL/fail"}, "httpok: URL/fail: bad status returned",
			failing + "Restarting selected processes ['bar', 'foo']\nfoo is in RUNNING state, restarting\nfoo restarted\n" +
				"bar not in RUNNING state, NOT restarting", "stopProcess foo, startProcess foo"},
		{"core file", []string{"-p", "foo", "-d", "/cores", "-g", "echo wrote", "URL/fail"}, "httpok: URL/fail: bad status returned",
			failing + "Restarting selected processes ['foo']\ngcore output for foo:\n\n wrote /cores/foo 11\n\n" +
				"foo is in RUNNING state, restarting\nfoo restarted", "stopProcess foo, startProcess foo"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				web(w, r)
				asked.Add(1)
			}))
			defer server.Close()
			fake := checktest.NewFake(t, own, foo, bar, baz)
			replace := strings.NewReplacer("URL", server.URL, "REFUSED", "http://127.0.0.1:1")
			args := []string{"-m", "chrism@plope.com"}
			for _, arg := range tt.args {
				args = append(args, replace.Replace(arg))
			}
			tool := checktest.Listen(t, fake, args...)
			tool.Deliver(listener.ProcessState{EventType: listener.ProcessStateExited, ProcessName: "foo", GroupName: "foo"}, listener.ResultOK)
			var wantMails []string
			wantErr := ""
			tool.Tick()
			if tt.subject != "" {
				body := replace.Replace(tt.body)
				mail := "To: chrism@plope.com\nSubject: " + replace.Replace(tt.subject) + "\n\n" + body
				wantMails = []string{mail}
				i := strings.Index(body, "Restarting ")
				wantErr = body[i:] + "\nMailed:\n\n" + mail
				tool.WaitStderr("Mailed:", 1)
			} else {
				// The third begins when the second has had its consequences.
				checktest.Until(t, "three checks", func() bool {
					tool.Tick()
					return asked.Load() >= 3 || fake.Asked() >= 3
				})
			}
			if got := tool.End(); !slices.Equal(got, wantMails) {
				t.Errorf("mails = %q, want %q", got, wantMails)
			}
			if got := tool.Stderr(); got != wantErr {
				t.Errorf("standard error = %q, want %q", got, wantErr)
			}
			if got := strings.Join(fake.Calls(), ", "); got != tt.calls {
				t.Errorf("calls = %q, want %q", got, tt.calls)
			}
		})
	}
}

func TestFaultsAreTold(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(web))
	defer server.Close()
	foo := checktest.Process("foo", "FAILED", 11)
	for _, tt := range []struct{ call, want string }{
		{"stopProcess foo:FAILED", "Failed to stop process foo:FAILED: <Fault 30: 'FAILED: it\\'s \"so\"'>\nfoo:FAILED restarted"},
		{"startProcess foo:FAILED", "Failed to start process foo:FAILED: <Fault 30: 'FAILED: it\\'s \"so\"'>"},
	} {
		fake := checktest.NewFake(t, foo)
		fake.Refuse(tt.call, 30, `FAILED: it's "so"`)
		tool := checktest.Listen(t, fake, "-a", "-m", "a@b", server.URL+"/fail")
		tool.Tick()
		mail := tool.WaitMails(1)[0]
		if want := "\nfoo:FAILED is in RUNNING state, restarting\n" + tt.want; !strings.HasSuffix(mail, want) {
			t.Errorf("mail = %q, want it to end with %q", mail, want)
		}
		tool.End()
	}
}

func TestUnreachableDaemonIsTold(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(web))
	defer server.Close()
	tool := checktest.Listen(t, &checktest.Fake{URL: "unix:///nowhere.sock"}, "-a", "-m", "a@b", server.URL+"/fail")
	tool.Tick()
	tool.WaitStderr("Exception retrieving process info ", 1)
	tool.WaitStderr(", not acting\n", 1)
	if mails := tool.End(); len(mails) != 0 {
		t.Errorf("mails = %q, want none", mails)
	}
}

// Beyond superlance: what a good answer is, and how it is asked for.
func TestAnswers(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(web))
	defer server.Close()
	secure := httptest.NewUnstartedServer(http.HandlerFunc(web))
	secure.StartTLS()
	defer secure.Close()
	dir, err := os.MkdirTemp("", "httpok")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	socket, ca, wrong := filepath.Join(dir, "s.sock"), filepath.Join(dir, "ca.pem"), filepath.Join(dir, "wrong.pem")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	local := &http.Server{Handler: http.HandlerFunc(web), ReadHeaderTimeout: time.Second}
	go func() { _ = local.Serve(l) }() // Close ends it
	defer func() { _ = local.Close() }()
	writePEM(t, ca, secure.Certificate())
	if err := os.WriteFile(wrong, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	escaped := "http+unix://" + url.PathEscape(socket)
	for _, tt := range []struct {
		args   []string
		status int
		want   string // in standard output or standard error
	}{
		{[]string{server.URL}, 0, ": ok\nstatus contacting " + server.URL + ": 200 OK\n"},
		{[]string{"--body-regex", "^It .*s$", server.URL}, 0, ": ok\n"},
		{[]string{"--body-regex", "^works", server.URL}, 1, ": bad body returned\n"},
		{[]string{"-B", "Exception", "-B", "Error", server.URL}, 0, ": ok\n"},
		{[]string{"-B", "Exception", "-B", "work", server.URL}, 1, ": bad body returned\n"},
		{[]string{"--restart-string", "work", server.URL}, 1, ": bad body returned\n"},
		{[]string{"-b", "GET a=b agent=httpok key= host=127.0.0.1", server.URL + "/echo?a=b#c"}, 0, ": ok\n"},
		{[]string{"-b", "POST", "--method", "post", server.URL + "/echo"}, 0, ": ok\n"},
		{[]string{"-b", "agent=me key=k host=shop.example", "--header", "X-Key: k", "--header", "host:shop.example",
			"--header", "User-Agent: me", server.URL + "/echo"}, 0, ": ok\n"},
		{[]string{"-b", "login=u:p", strings.Replace(server.URL, "://", "://u:p@", 1) + "/echo"}, 0, "== http://u:xxxxx@127"},
		{[]string{server.URL, server.URL + "/fail"}, 1, "httpok: check: 1 of 2 URLs are not as they should be\n"},
		{[]string{"tcp" + strings.TrimPrefix(server.URL, "http")}, 0, ": ok\nconnected to tcp://"},
		{[]string{"tcp://127.0.0.1:1"}, 1, ": bad status returned\nerror contacting tcp://127.0.0.1:1:\n\n dial tcp"},
		{[]string{"unix://" + socket}, 0, ": ok\n"},
		{[]string{"unix://" + socket + "x"}, 1, "no such file"},
		{[]string{"-b", "host=localhost", escaped + "/echo"}, 0, ": ok\n"},
		{[]string{"-b", "host=shop.example", "--unix-socket", socket, "http://shop.example/echo"}, 0, ": ok\n"},
		{[]string{"HTTP" + strings.TrimPrefix(server.URL, "http")}, 0, ": ok\n"},
		{[]string{secure.URL}, 0, "the certificate is not valid; the check goes on"},
		{[]string{"--insecure", secure.URL}, 0, ": ok\n"},
		{[]string{"--ca-file", ca, secure.URL}, 0, ": ok\n"},
		{[]string{"--header", "X-Key: secret", secure.URL}, 1, "certificate"},
		{[]string{"--header", "X-Key: secret", "--insecure", secure.URL}, 0, ": ok\n"},
		{[]string{"--ca-file", wrong, secure.URL}, 1, "no certificate in it"},
		{[]string{"--ca-file", filepath.Join(dir, "missing"), secure.URL}, 1, "read the CA file"},
	} {
		stdout, stderr, status := checktest.Output(t, checktest.Command(append([]string{"--test", "-t5"}, tt.args...)...))
		if status != tt.status || !strings.Contains(stdout+stderr, tt.want) || strings.Contains(stdout+stderr, "secret") {
			t.Errorf("httpok --test %q = %d, stdout %q, stderr %q; want %d, and %q in it", tt.args, status, stdout, stderr, tt.status, tt.want)
		}
	}
	_, stderr, _ := checktest.Output(t, checktest.Command("--test", "--insecure", secure.URL))
	if stderr != "" {
		t.Errorf("httpok --insecure: stderr %q, want nothing", stderr)
	}
}

func writePEM(t *testing.T, file string, certificate *x509.Certificate) {
	t.Helper()
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A refused connection is tried again within the timeout, so a server that
// comes up in time is well.
func TestRefusedConnectionIsTriedAgain(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	server := &http.Server{Handler: http.HandlerFunc(web), ReadHeaderTimeout: time.Second}
	time.AfterFunc(500*time.Millisecond, func() {
		if l, err := net.Listen("tcp", address); err == nil {
			_ = server.Serve(l) // Close ends it
		}
	})
	defer func() { _ = server.Close() }()
	stdout, _, status := checktest.Output(t, checktest.Command("--test", "-t", "20", "--retry-interval", "100ms", "http://"+address))
	if status != 0 {
		t.Errorf("httpok -t 20 = %d, %q; want 0: the server came up after 0.5 s", status, stdout)
	}
	_ = server.Close()
	start := time.Now()
	stdout, _, status = checktest.Output(t, checktest.Command("--test", "-t", "2", "--retry-interval", "100ms", "http://"+address))
	if took := time.Since(start); status != 1 || took < time.Second || took > 10*time.Second {
		t.Errorf("httpok -t 2 = %d after %v, %q; want 1 after about a second of trying", status, took, stdout)
	}
}

// While a check is under way, or a restart, events are answered at once, and no
// second check begins.
func TestEventsAreAnsweredDuringChecksAndRestarts(t *testing.T) {
	var asked atomic.Int32
	gate := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		<-gate
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer server.Close()
	fake := checktest.NewFake(t, checktest.Process("foo", "foo", 11))
	release := fake.Hold("stopProcess foo")
	tool := checktest.Listen(t, fake, "-p", "foo", "-m", "a@b", "-t", "60", server.URL)
	start := time.Now()
	for range 50 {
		tool.Tick()
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("50 ticks took %v during a check, want no waiting", took)
	}
	checktest.Until(t, "the request", func() bool { return asked.Load() == 1 })
	close(gate)
	checktest.Until(t, "the restart", func() bool { return len(fake.Calls()) == 1 })
	for range 50 {
		tool.Tick()
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("requests = %d, want 1: no check begins while another is under way", n)
	}
	release()
	tool.WaitMails(1)
	tool.End()
	if got := fmt.Sprint(fake.Calls()); got != "[stopProcess foo startProcess foo]" {
		t.Errorf("calls = %s, want one restart", got)
	}
}

// A daemon that ends, or restarts this listener, does not leave a process
// stopped that was just being restarted.
func TestRestartUnderWayIsFinishedAtTheEnd(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(web))
	defer server.Close()
	fake := checktest.NewFake(t, checktest.Process("foo", "foo", 11))
	release := fake.Hold("stopProcess foo")
	tool := checktest.Listen(t, fake, "-p", "foo", "-m", "a@b", server.URL+"/fail")
	tool.Tick()
	checktest.Until(t, "the restart", func() bool { return len(fake.Calls()) == 1 })
	tool.Signal(os.Interrupt)
	time.AfterFunc(500*time.Millisecond, release)
	if err := tool.Wait(); err != nil {
		t.Errorf("httpok ended with %v, want nil", err)
	}
	if got := fmt.Sprint(fake.Calls()); got != "[stopProcess foo startProcess foo]" || len(tool.Mails()) != 1 {
		t.Errorf("calls = %s, mails %q; want the start, and a mail", got, tool.Mails())
	}
}

// Nor does one that kills this listener in the middle: the next one starts the
// process, when it has stopped, and leaves others alone.
func TestProcessIsStartedThoughHttpokIsKilled(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(web))
	defer server.Close()
	foo, bar := checktest.Process("foo", "foo", 11), checktest.Process("bar", "bar", 12)
	fake := checktest.NewFake(t, foo, bar)
	release := fake.Hold("stopProcess foo")
	args := []string{"--spool", t.TempDir(), "-p", "foo", server.URL + "/fail"}
	tool := checktest.Listen(t, fake, args...)
	tool.Tick()
	checktest.Until(t, "the restart", func() bool { return len(fake.Calls()) == 1 })
	tool.Kill()
	release()
	stopping := checktest.In(foo, client.Stopping, "STOPPING")
	stopping.PID = foo.PID
	fake.Set(stopping, checktest.In(bar, client.Stopped, "STOPPED"))
	next := checktest.Listen(t, fake, args...)
	checktest.Until(t, "a look at the process", func() bool { return fake.Asked() >= 2 })
	fake.Set(checktest.In(foo, client.Stopped, "STOPPED"), checktest.In(bar, client.Stopped, "STOPPED"))
	checktest.Until(t, "the start", func() bool { return len(fake.Calls()) == 2 }, next.Stderr)
	next.End()
	if got := fmt.Sprint(fake.Calls()); got != "[stopProcess foo startProcess foo]" {
		t.Errorf("calls = %s, want foo to be started", got)
	}
	last := checktest.Listen(t, fake, args...)
	last.ExpectReady()
	last.End()
	if n := len(fake.Calls()); n != 2 {
		t.Errorf("calls = %q, want no more: it is done", fake.Calls())
	}
}

// statuses answers with the statuses that it is told, the last one for ever, and
// counts.
type statuses struct {
	list []int
	n    atomic.Int32
}

func (s *statuses) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	i := int(s.n.Add(1)) - 1
	w.WriteHeader(s.list[min(i, len(s.list)-1)])
}

// rounds ticks until a server was asked n times.
func rounds(t *testing.T, tool *checktest.Listener, s *statuses, n int) {
	t.Helper()
	checktest.Until(t, strconv.Itoa(n)+" checks", func() bool {
		if int(s.n.Load()) < n {
			tool.Tick()
		}
		return int(s.n.Load()) >= n
	}, tool.Stderr)
}

func TestFailuresInARow(t *testing.T) {
	s := &statuses{list: []int{500, 500, 200, 500, 500, 500, 200}}
	server := httptest.NewServer(s)
	defer server.Close()
	fake := checktest.NewFake(t, checktest.Process("foo", "foo", 11))
	tool := checktest.Listen(t, fake, "-p", "foo", "-m", "a@b", "--failures", "3", "--recovery", server.URL)
	rounds(t, tool, s, 5)
	if calls := fake.Calls(); len(calls) != 0 {
		t.Errorf("calls after two failures in a row = %q, want none", calls)
	}
	rounds(t, tool, s, 7)
	mails := tool.WaitMails(2)
	if got := fmt.Sprint(fake.Calls()); got != "[stopProcess foo startProcess foo]" {
		t.Errorf("calls = %s, want one restart", got)
	}
	want := "To: a@b\nSubject: httpok: " + server.URL + ": recovered\n\nstatus contacting " + server.URL + ": 200 OK\n" +
		server.URL + " has recovered; it had failed since "
	if !strings.HasPrefix(mails[1], want) {
		t.Errorf("second mail = %q, want %q", mails[1], want)
	}
	rounds(t, tool, s, 9)
	if mails := tool.End(); len(mails) != 2 {
		t.Errorf("mails = %d, want 2: recovery is told once", len(mails))
	}
}

func TestYoungProcessesAreLeftAlone(t *testing.T) {
	s := &statuses{list: []int{500}}
	server := httptest.NewServer(s)
	defer server.Close()
	old, young := checktest.Process("web", "old", 11), checktest.Process("web", "young", 12)
	young.Start = young.Now - 59
	fake := checktest.NewFake(t, young)
	tool := checktest.Listen(t, fake, "-p", "web:*", "-m", "a@b", "--grace", "1m", server.URL)
	rounds(t, tool, s, 3)
	tool.WaitStderr("does not count", 2)
	if len(tool.Mails()) != 0 || len(fake.Calls()) != 0 {
		t.Errorf("mails = %q, calls = %q; want none while the only process is young", tool.Mails(), fake.Calls())
	}
	fake.Set(young, old)
	rounds(t, tool, s, 5)
	mail := tool.WaitMails(1)[0]
	if want := "\nweb:young was started 59 seconds ago, NOT restarting\nweb:old is in RUNNING state, restarting\nweb:old restarted"; !strings.HasSuffix(mail, want) {
		t.Errorf("mail = %q, want it to end with %q", mail, want)
	}
	tool.End()
}

func TestRestartLimit(t *testing.T) {
	s := &statuses{list: []int{500, 500, 500, 500, 500, 200, 500}}
	server := httptest.NewServer(s)
	defer server.Close()
	fake := checktest.NewFake(t, checktest.Process("foo", "foo", 11))
	tool := checktest.Listen(t, fake, "-p", "foo", "-m", "a@b", "--restart-limit", "2/1h", server.URL)
	rounds(t, tool, s, 5)
	mails := tool.WaitMails(3)
	if want := "\nfoo was restarted 2 times within 1h, NOT restarting"; !strings.HasSuffix(mails[2], want) {
		t.Errorf("third mail = %q, want it to end with %q", mails[2], want)
	}
	rounds(t, tool, s, 7) // a new outage is told, but not acted on
	tool.WaitMails(4)
	rounds(t, tool, s, 9)
	if mails := tool.End(); len(mails) != 4 || len(fake.Calls()) != 4 {
		t.Errorf("mails = %d, calls = %q; want 4: a reached limit is told once an outage, and two restarts", len(mails), fake.Calls())
	}
}

func TestFatalProcessesAreRestartedByChoice(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(web))
	defer server.Close()
	fake := checktest.NewFake(t, checktest.In(checktest.Process("foo", "foo", 0), client.Fatal, "FATAL"))
	tool := checktest.Listen(t, fake, "-p", "foo", "-E", "-m", "a@b", "--restart-fatal", server.URL+"/fail")
	tool.Tick()
	mail := tool.WaitMails(1)[0]
	if want := "\nfoo is in FATAL state, restarting\nfoo restarted"; !strings.HasSuffix(mail, want) {
		t.Errorf("mail = %q, want it to end with %q", mail, want)
	}
	tool.End()
	if got := fmt.Sprint(fake.Calls()); got != "[startProcess foo]" {
		t.Errorf("calls = %s, want a start only", got)
	}
}

func TestExternalRestartAndDryRun(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(web))
	defer server.Close()
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"--external-restart", "echo done"}, "\nweb:foo is in RUNNING state, restarting\n" +
			"restart output for web:foo:\n\n done web:foo 11\n\nweb:foo restarted"},
		{[]string{"--external-restart", "exit 3; true"}, "\nweb:foo is in RUNNING state, restarting\n" +
			"Failed to restart process web:foo: run \"exit 3; true\": exit status 3"},
		{[]string{"--dry-run", "-d", "/cores", "-g", "echo"}, "\nweb:foo is in RUNNING state, would be restarted"},
	} {
		fake := checktest.NewFake(t, checktest.Process("web", "foo", 11))
		tool := checktest.Listen(t, fake, append(slices.Clone(tt.args), "-p", "web:foo", "-m", "a@b", server.URL+"/fail")...)
		tool.Tick()
		if mail := tool.WaitMails(1)[0]; !strings.HasSuffix(mail, tt.want) {
			t.Errorf("httpok %q: mail = %q, want it to end with %q", tt.args, mail, tt.want)
		}
		tool.End()
		if calls := fake.Calls(); len(calls) != 0 {
			t.Errorf("httpok %q: calls = %q, want none", tt.args, calls)
		}
	}
}

func TestSeveralURLsActOnce(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(web))
	defer server.Close()
	fake := checktest.NewFake(t, checktest.Process("foo", "foo", 11))
	tool := checktest.Listen(t, fake, "-p", "foo", "-m", "a@b", server.URL, server.URL+"/fail", "tcp://127.0.0.1:1")
	tool.Tick()
	mail := tool.WaitMails(1)[0]
	want := "To: a@b\nSubject: httpok: " + server.URL + "/fail: bad status returned (and 1 more)\n\n" +
		"status contacting " + server.URL + "/fail: 500 Internal Server Error\n" +
		"error contacting tcp://127.0.0.1:1:\n\n dial tcp 127.0.0.1:1: connect: connection refused\n" +
		"Restarting selected processes ['foo']\nfoo is in RUNNING state, restarting\nfoo restarted"
	if mail != want {
		t.Errorf("mail = %q, want %q", mail, want)
	}
	tool.End()
	if got := fmt.Sprint(fake.Calls()); got != "[stopProcess foo startProcess foo]" {
		t.Errorf("calls = %s, want one restart", got)
	}
}

// What the server sees is what it saw of superlance: httplib's headers, no more.
func TestRequestIsSuperlances(t *testing.T) {
	seen := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		seen <- fmt.Sprint(r.Method, " ", r.RequestURI, " ", r.Proto, " ", r.Host, " ", r.Header)
	}))
	defer server.Close()
	if _, stderr, status := checktest.Output(t, checktest.Command("--test", server.URL+"/a%20b?c=d&e")); status != 0 {
		t.Fatalf("httpok --test = %d, %q; want 0", status, stderr)
	}
	want := "GET /a%20b?c=d&e HTTP/1.1 " + strings.TrimPrefix(server.URL, "http://") + " map[Accept-Encoding:[identity] User-Agent:[httpok]]"
	if got := <-seen; got != want {
		t.Errorf("request = %q, want %q", got, want)
	}
}
