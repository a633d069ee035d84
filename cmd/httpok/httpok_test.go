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
	ends := checktest.Endings(t)
	ends([]string{"-h"}, 0, begins, "")
	ends([]string{"--help"}, 0, begins, "")
	ends(nil, 255, begins, "Error: no URL\n")
	ends([]string{"-a"}, 255, begins, "Error: no URL\n")
	ends([]string{"http://127.0.0.1:1/", "--check"}, 255, begins, "Error: URL \"--check\", want options before the URL\n")
	ends([]string{"-z", "http://x"}, 255, begins, "Error: option -z not recognized\n")
	ends([]string{"-p"}, 255, begins, "Error: option -p requires argument\n")
	ends([]string{"-t", "soon", "http://x"}, 1, "", `httpok: read options: -t "soon", want a number`)
	ends([]string{"-t0", "http://x"}, 1, "", `httpok: read options: -t "0", want a number`)
	ends([]string{"-c", "fine", "http://x"}, 1, "", `httpok: read options: -c "fine", want a number`)
	ends([]string{"--failures", "0", "http://x"}, 255, begins, `Error: --failures "0", want a number of 1 or more`)
	ends([]string{"--restart-limit", "3", "http://x"}, 255, begins, `Error: --restart-limit "3", want a number and a span such as 3/1h`)
	ends([]string{"--body-regex", "(", "http://x"}, 255, begins, `Error: --body-regex "(": error parsing regexp`)
	ends([]string{"--header", "secret", "http://x"}, 255, begins, "Error: --header, want NAME: VALUE\n")
	ends([]string{"-aptest", "--prog", "x", "--not", "-Ee", "http://x"}, 0, "", "httpok must be run as a supervisor event listener\n")
	ends([]string{"ftp://x"}, 0, "", "httpok must be run as a supervisor event listener\n")
	ends([]string{"--test", "ftp://x"}, 1, "", "httpok: Bad scheme ftp\n")
	ends([]string{"--test", "tcp://x"}, 1, "", `httpok: read URL "tcp://x": no port in it`)
	ends([]string{"--check", "-p", "x", "-m", "a@b", "http://x"}, 0, "== options are good", "")
	ends([]string{"--check", "unix:"}, 1, "", "httpok: Bad scheme unix\n")
	ends([]string{"--version"}, 0, "", "")
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
		case <-time.After(time.Minute):
		case <-r.Context().Done():
		}
	case "/endless":
		for r.Context().Err() == nil {
			if _, err := fmt.Fprintln(w, "It works"); err != nil {
				return
			}
			w.(http.Flusher).Flush()
			select { // as a slow server does
			case <-time.After(10 * time.Millisecond):
			case <-r.Context().Done():
			}
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
		{"not eager at last", []string{"-p", "bar", "-e", "-E", "URL/fail"}, "", "", ""},
		// superlance never asks with -E and one of these two.
		{"not eager, any", []string{"-a", "-E", "URL/fail"}, "httpok: URL/fail: bad status returned", failing + "Restarting all running processes\n" +
			"foo is in RUNNING state, restarting\nfoo restarted\nbar not in RUNNING state, NOT restarting\n" +
			"baz:baz_01 not in RUNNING state, NOT restarting", "stopProcess foo, startProcess foo"},
		{"not eager, group:name", []string{"-p", "foo:foo", "-E", "URL/fail"}, "httpok: URL/fail: bad status returned",
			failing + "Restarting selected processes ['foo:foo']\nfoo is in RUNNING state, restarting\nfoo restarted", "stopProcess foo, startProcess foo"},
		{"not eager, group:name does not run", []string{"-p", "baz:baz_01", "--not-eager", "URL/fail"}, "", "", ""},
		{"any overrides programs", []string{"--any", "--program=foo", "-p", "baz:baz_01", "-p", "gone", "URL/fail"},
			"httpok: URL/fail: bad status returned", failing + "Restarting all running processes\n" +
				"foo is in RUNNING state, restarting\nfoo restarted\nbar not in RUNNING state, NOT restarting\n" +
				"baz:baz_01 not in RUNNING state, NOT restarting\nPrograms not restarted because they did not exist: ['gone']",
			"stopProcess foo, startProcess foo"},
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
