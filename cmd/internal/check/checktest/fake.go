package checktest

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/vigilance-go/vigilance/supervisor/ctl/client"
)

// Fake answers the calls that the tools make, over a Unix socket.
type Fake struct {
	// URL is what SUPERVISOR_SERVER_URL says.
	URL string
	// Username and Password are asked for when set, before the first call.
	Username, Password string

	mu     sync.Mutex
	infos  string // the answer to getAllProcessInfo
	once   string // the next one; empty for infos
	asked  int
	calls  []string
	faults map[string]client.Fault
	hold   map[string]chan struct{}
}

// NewFake starts a Fake that ends with the test.
func NewFake(t testing.TB, processes ...client.ProcessInfo) *Fake {
	t.Helper()
	f := &Fake{infos: answer(infos(processes)), faults: map[string]client.Fault{}, hold: map[string]chan struct{}{}}
	dir, err := os.MkdirTemp("", "fake") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "s.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(f)
	_ = server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(func() {
		f.mu.Lock()
		for _, gate := range f.hold {
			close(gate)
		}
		f.hold = nil
		f.mu.Unlock()
		server.Close()
		_ = os.RemoveAll(dir)
	})
	f.URL = "unix://" + socket
	return f
}

// Process makes a process in RUNNING state that has been up for 100 s.
func Process(group, name string, pid int) client.ProcessInfo {
	return client.ProcessInfo{
		Name: name, Group: group, PID: pid, State: client.Running, StateName: "RUNNING", Start: 1000, Now: 1100,
	}
}

// In returns a process in another state, without a pid.
func In(p client.ProcessInfo, state int, name string) client.ProcessInfo {
	p.State, p.StateName, p.PID = state, name, 0
	return p
}

// Set replaces the processes.
func (f *Fake) Set(processes ...client.ProcessInfo) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.infos = answer(infos(processes))
}

// Once makes the next answer name these processes, and no later one.
func (f *Fake) Once(processes ...client.ProcessInfo) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.once = answer(infos(processes))
}

// Refuse answers a call, such as "stopProcess web", with a fault.
func (f *Fake) Refuse(call string, code int, text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults[call] = client.Fault{Code: code, String: text}
}

// Hold keeps a call waiting until release is called.
func (f *Fake) Hold(call string) (release func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	gate := make(chan struct{})
	f.hold[call] = gate
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.hold, call)
		close(gate)
	}
}

// Calls returns the calls that change something, in their order: "stopProcess
// web".
func (f *Fake) Calls() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

// Asked returns how often getAllProcessInfo was called.
func (f *Fake) Asked() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked
}

var (
	methodName = regexp.MustCompile(`<methodName>supervisor\.(\w+)</methodName>`)
	argument   = regexp.MustCompile(`<string>([^<]*)</string>`)
)

// ServeHTTP implements http.Handler.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	user, password, _ := r.BasicAuth()
	if user != f.Username || password != f.Password {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	var body bytes.Buffer
	_, _ = body.ReadFrom(r.Body)
	method := methodName.FindStringSubmatch(body.String())
	if method == nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/xml")
	if method[1] == "getAllProcessInfo" {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.asked++
		_, _ = fmt.Fprint(w, cmp.Or(f.once, f.infos))
		f.once = ""
		return
	}
	call := method[1]
	for _, match := range argument.FindAllStringSubmatch(body.String(), -1) {
		call += " " + match[1]
	}
	f.mu.Lock()
	f.calls = append(f.calls, call)
	fault, refused := f.faults[call]
	gate := f.hold[call]
	f.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-r.Context().Done():
		}
	}
	if refused {
		_, _ = fmt.Fprintf(w, `<?xml version="1.0"?><methodResponse><fault><value><struct>`+
			`<member><name>faultCode</name><value><int>%d</int></value></member>`+
			`<member><name>faultString</name><value><string>%s</string></value></member>`+
			`</struct></value></fault></methodResponse>`, fault.Code, escape(fault.String))
		return
	}
	_, _ = fmt.Fprint(w, answer("<boolean>1</boolean>"))
}

func answer(value string) string {
	return `<?xml version="1.0"?><methodResponse><params><param><value>` + value + `</value></param></params></methodResponse>`
}

func escape(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // never fails
	return b.String()
}

func infos(processes []client.ProcessInfo) string {
	var b strings.Builder
	b.WriteString("<array><data>")
	for _, p := range processes {
		b.WriteString("<value><struct>")
		for name, text := range map[string]string{
			"name": p.Name, "group": p.Group, "statename": p.StateName, "description": p.Description,
			"spawnerr": p.SpawnErr, "logfile": "", "stdout_logfile": "", "stderr_logfile": "",
		} {
			fmt.Fprintf(&b, "<member><name>%s</name><value><string>%s</string></value></member>", name, escape(text))
		}
		for name, number := range map[string]int{
			"pid": p.PID, "state": p.State, "start": p.Start, "stop": p.Stop, "now": p.Now, "exitstatus": p.ExitStatus,
		} {
			fmt.Fprintf(&b, "<member><name>%s</name><value><int>%d</int></value></member>", name, number)
		}
		b.WriteString("</struct></value>")
	}
	b.WriteString("</data></array>")
	return b.String()
}
