package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// folderVar names the folder of the binary that is tested.
const folderVar = "VIGILANCE_WEB_TEST_FOLDER"

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "vigilance-web-")
	if err != nil {
		panic(err)
	}
	_ = os.Setenv(folderVar, dir)
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// binary builds the real supervisord, once for all tests that need it.
var binary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(os.Getenv(folderVar), "supervisord")
	out, err := exec.Command("go", "build", "-tags", "urfave_cli_no_docs", "-o", path,
		"github.com/vigilance-go/vigilance/cmd/supervisord").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build supervisord: %w\n%s", err, out)
	}
	return path, nil
})

// daemon is a supervisord with an HTTP server, in a folder of its own.
type daemon struct {
	t    *testing.T
	dir  string
	conf string
	url  string // without a slash at the end
	jar  http.CookieJar
	gone chan struct{}
}

// programs is the part of a configuration from [program:x] on. "DIR" in it
// stands for the daemon's folder.
type programs string

// run starts the project's own supervisord with these programs, and with
// options for its HTTP server.
func (p programs) run(t *testing.T, serverOptions ...string) *daemon {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return p.runWith(t, path, serverOptions...)
}

// runWith starts the supervisord at path.
func (p programs) runWith(t *testing.T, path string, serverOptions ...string) *daemon {
	t.Helper()
	jar, _ := cookiejar.New(nil)
	d := &daemon{t: t, dir: t.TempDir(), jar: jar, gone: make(chan struct{})}
	d.conf = filepath.Join(d.dir, "supervisord.conf")
	address := freeAddress(t)
	d.url = "http://" + address
	d.write("head.conf", "[supervisord]\nlogfile=DIR/supervisord.log\npidfile=DIR/supervisord.pid\nchildlogdir=DIR\n"+
		"[inet_http_server]\nport="+address+"\n"+strings.Join(serverOptions, "\n")+"\n"+
		"[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n")
	d.configure(p)
	var out bytes.Buffer
	cmd := exec.Command(path, "-n", "-c", d.conf)
	cmd.Stdout, cmd.Stderr, cmd.Dir = &out, &out, d.dir
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { // ends with the daemon, which Cleanup ends
		_ = cmd.Wait()
		close(d.gone)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-d.gone:
		case <-time.After(time.Minute):
			_ = cmd.Process.Kill()
			t.Errorf("supervisord did not end; its log:\n%s", d.read("supervisord.log"))
		}
	})
	d.until("supervisord answers", func() bool {
		select {
		case <-d.gone:
			t.Fatalf("supervisord ended at once:\n%s", out.String())
		default:
		}
		resp, err := http.Get(d.url + "/ok.html")
		if err == nil {
			_ = resp.Body.Close()
		}
		return err == nil
	})
	return d
}

// configure writes the configuration with other programs.
func (d *daemon) configure(p programs) {
	d.write("supervisord.conf", d.read("head.conf")+string(p))
}

// freeAddress is an address on which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// write writes a file in the daemon's folder.
func (d *daemon) write(name, text string) {
	d.t.Helper()
	text = strings.ReplaceAll(text, "DIR", d.dir)
	if err := os.WriteFile(filepath.Join(d.dir, name), []byte(text), 0o755); err != nil {
		d.t.Fatal(err)
	}
}

// read is what a file in the daemon's folder holds; empty when it is missing.
func (d *daemon) read(name string) string {
	b, _ := os.ReadFile(filepath.Join(d.dir, name))
	return string(b)
}

// until polls until ok holds.
func (d *daemon) until(what string, ok func() bool) {
	d.t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); {
		if time.Now().After(end) {
			d.t.Fatalf("%s: it did not happen; the log:\n%s", what, d.read("supervisord.log"))
		}
		<-time.After(10 * time.Millisecond)
	}
}

// answer is what a request came back with.
type answer struct {
	status int
	header http.Header
	body   string
}

// message is the one in the address that the answer leads to.
func (a answer) message() string {
	u, err := url.Parse(a.header.Get("Location"))
	if err != nil {
		return ""
	}
	return u.Query().Get("message")
}

// ask sends a request without following where it leads. Headers are given as
// "Name: value". Cookies are kept only where the request is a browser's: when
// there are headers.
func (d *daemon) ask(method, path string, form url.Values, headers ...string) answer {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), time.Minute)
	defer cancel()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(ctx, method, d.url+path, body)
	if err != nil {
		d.t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			req.Host = value
		}
		req.Header.Set(name, value)
		client.Jar = d.jar
	}
	resp, err := client.Do(req)
	if err != nil {
		d.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		d.t.Fatalf("%s %s: %v", method, path, err)
	}
	return answer{resp.StatusCode, resp.Header, string(b)}
}

// get is ask by a script.
func (d *daemon) get(path string) answer { return d.ask(http.MethodGet, path, nil) }

// asBrowser marks a request as one of this page in a browser.
const asBrowser = "Sec-Fetch-Site: same-origin"

// token loads the page as a browser does, and returns its token.
func (d *daemon) token() string {
	d.t.Helper()
	page := d.ask(http.MethodGet, "/", nil, asBrowser)
	m := regexp.MustCompile(`name="token" value="([^"]+)"`).FindStringSubmatch(page.body)
	if m == nil {
		d.t.Fatalf("the page has no token:\n%s", page.body)
	}
	return m[1]
}

// states are the programs' states as the page shows them.
func (d *daemon) states() map[string]string {
	d.t.Helper()
	states := make(map[string]string)
	for _, m := range regexp.MustCompile(`data-name="([^"]+)" data-state="([A-Z]+)"`).FindAllStringSubmatch(d.get("/").body, -1) {
		states[m[1]] = m[2]
	}
	return states
}

// untilState waits for a program's state.
func (d *daemon) untilState(name, want string) {
	d.t.Helper()
	var got string
	for end := time.Now().Add(time.Minute); ; <-time.After(20 * time.Millisecond) {
		if got = d.states()[name]; got == want {
			return
		}
		if time.Now().After(end) {
			d.t.Fatalf("%s is %s, want %s; the log:\n%s", name, got, want, d.read("supervisord.log"))
		}
	}
}

// peer returns the path of a program of a Debian package. Without it the test
// is skipped, or fails where all packages must be there.
func peer(t *testing.T, path, pkg string) string {
	t.Helper()
	if _, err := os.Stat(path); err == nil {
		return path
	}
	if os.Getenv("VIGILANCE_REQUIRE_PEERS") == "1" {
		t.Fatalf("%s is missing; install Debian's package %s", path, pkg)
	}
	t.Skipf("%s is missing; Debian's package %s has it", path, pkg)
	return ""
}
