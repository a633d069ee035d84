package rpc

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vigilance-go/vigilance/internal/xmlrpc"
	"github.com/vigilance-go/vigilance/supervisor"
	"github.com/vigilance-go/vigilance/supervisor/access"
	"github.com/vigilance-go/vigilance/supervisor/config"
	"github.com/vigilance-go/vigilance/supervisor/mainlog"
)

// idle returns a handler whose daemon is not at work, so that what does not
// concern its processes can be tried alone.
func idle(t testing.TB, namespaces ...string) http.Handler {
	t.Helper()
	logger, err := mainlog.Open(mainlog.Options{Path: filepath.Join(t.TempDir(), "log")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(logger.Close)
	cfg := &config.Config{}
	for _, name := range namespaces {
		cfg.RPCInterfaces = append(cfg.RPCInterfaces, config.RPCInterface{Name: name})
	}
	d, err := supervisor.New(supervisor.Options{Config: cfg, Log: logger})
	if err != nil {
		t.Fatal(err)
	}
	return trusted(NewHandler(d, nil))
}

// trusted takes all requests as an admin's.
func trusted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(access.With(r.Context(), &access.Caller{Role: config.RoleAdmin})))
	})
}

// post sends a body to a handler.
func post(h http.Handler, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/RPC2", strings.NewReader(body)))
	return w
}

func methodCall(name, params string) string {
	return "<methodCall><methodName>" + name + "</methodName><params>" + params + "</params></methodCall>"
}

// TestOnlyRegisteredMethodsExist tries CVE-2017-11610, in which the name of a
// method was a way through the daemon's objects, by itself and in a multicall.
func TestOnlyRegisteredMethodsExist(t *testing.T) {
	h := idle(t, "supervisor")
	victim := filepath.Join(t.TempDir(), "victim")
	for _, name := range []string{
		"supervisor.supervisord.options.warnings.linecache.os.system",
		"supervisor.supervisord.options.execve",
		"supervisor.__init__", "supervisor.__class__", "supervisor._update", "supervisor.update_text",
		"system.namespaces", "system.namespaces.clear", "system.methodHelp.__func__", "system.__init__",
		"supervisor", "system", "supervisor.", ".getState", ".", "..", "getState", "SUPERVISOR.getState",
		"supervisor.getState.x", "supervisor..getState", "supervisor.getState\u00a0x",
	} {
		param := "<param><value>touch " + victim + "</value></param>"
		multi := "<param><value><array><data><value><struct>" +
			"<member><name>methodName</name><value>" + name + "</value></member>" +
			"<member><name>params</name><value><array><data><value>touch " + victim + "</value></data></array></value></member>" +
			"</struct></value></data></array></value></param>"
		for _, body := range []string{methodCall(name, param), methodCall("system.multicall", multi)} {
			w := post(h, body)
			if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "<string>UNKNOWN_METHOD</string>") {
				t.Errorf("%s\ngot %d %s\nwant the fault UNKNOWN_METHOD", body, w.Code, w.Body)
			}
		}
	}
	if _, err := os.Stat(victim); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("stat %q: got %v, want that it was not made", victim, err)
	}
}

func TestNamespacesAreThoseOfTheConfiguration(t *testing.T) {
	for _, tt := range []struct {
		namespaces []string
		want       int // methods besides those of system
	}{{nil, 0}, {[]string{"supervisor"}, 37}, {[]string{"supervisor", "other"}, 74}, {[]string{"system"}, 0}} {
		h := idle(t, tt.namespaces...)
		body := post(h, methodCall("system.listMethods", "")).Body.String()
		if got := strings.Count(body, "<string>"); got != tt.want+4 {
			t.Errorf("with the namespaces %q there are %d methods, want %d", tt.namespaces, got, tt.want+4)
		}
	}
}

func TestRefusalsArePages(t *testing.T) {
	const page = "<head>\r\n<title>Error response</title>\r\n</head>\r\n<body>\r\n<h1>Error response</h1>\r\n" +
		"<p>Error code 400.\r\n<p>Message: Bad Request.\r\n</body>\r\n"
	h := idle(t, "supervisor")
	for _, body := range []string{"", "x", "<methodCall/>"} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodPost, "/RPC2", strings.NewReader(body))
		r.Header.Set("Content-Length", "1") // that there is one is enough
		h.ServeHTTP(w, r)
		if w.Code != http.StatusBadRequest || w.Body.String() != page || w.Header().Get("Content-Type") != "text/html" {
			t.Errorf("POST %q: got %d %q %q, want 400 text/html %q", body, w.Code, w.Header(), w.Body, page)
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/RPC2", nil))
	if w.Code != http.StatusBadRequest {
		t.Errorf("GET: got %d, want 400", w.Code)
	}
	w = httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, "/RPC2", strings.NewReader(methodCall("system.listMethods", "")))
	r.Body = http.MaxBytesReader(w, r.Body, 10)
	h.ServeHTTP(w, r)
	if w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("a body that is too large: got %d, want 413", w.Code)
	}
}

// TestWhatIsRefusedIsNotReadToItsEnd: a request that is nested too deep costs as
// much as it takes to see that.
func TestWhatIsRefusedIsNotReadToItsEnd(t *testing.T) {
	h := idle(t, "supervisor")
	body := strings.NewReader(strings.Repeat("<array><data><value>", 150000))
	whole := body.Len()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/RPC2", body))
	if read, most := whole-body.Len(), 16<<10; w.Code != http.StatusBadRequest || read > most {
		t.Errorf("got status %d after %d bytes of %d, want 400 after %d at most", w.Code, read, whole, most)
	}
}

// TestNobodyWritesLogLinesFromOutside sends what would look like a line of the
// log.
func TestNobodyWritesLogLinesFromOutside(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"supervisor.getState", "supervisor.getState"},
		{"BAD_NAME: it's \u00e4", "BAD_NAME: it's \u00e4"},
		{"x\n2026-11-22 00:00:00,000 CRIT forged", `x\n2026-11-22 00:00:00,000 CRIT forged`},
		{"\x1b[2J", `\x1b[2J`},
		{strings.Repeat("a", 3000), strings.Repeat("a", maxQuoted)},
	} {
		if got := oneLine(tt.text); got != tt.want {
			t.Errorf("oneLine(%q) = %q, want %q", tt.text, got, tt.want)
		}
	}
	b := &body{Reader: bytes.NewReader(bytes.Repeat([]byte("\x01"), 1<<20))}
	if _, err := io.Copy(io.Discard, b); err != nil {
		t.Fatal(err)
	}
	if got, most := b.quote(), 4*maxQuoted+10; len(got) > most || !strings.HasSuffix(got, "...") {
		t.Errorf("a refused request of 1 MiB takes %d bytes of the log, want at most %d", len(got), most)
	}
}

func TestNobodyIsAnsweredWhoHasGone(t *testing.T) {
	h := idle(t, "supervisor")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/RPC2", strings.NewReader(methodCall("supervisor.getState", "")))
	h.ServeHTTP(w, r)
	if w.Body.Len() != 0 {
		t.Errorf("got the answer %q, want none", w.Body)
	}
}

func TestReadLogIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, []byte("begin"), 0o600); err != nil {
		t.Fatal(err)
	}
	const size = maxLogRead + 10
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		offset, length int64
		want           string // the answer, or the fault
	}{
		{0, 5, "<string>begin</string>"},
		{0, 0, "FAILED: the log holds 67108874 bytes there, of which 67108864 can be read at a time"},
		{-size, 0, "FAILED: the log holds 67108874 bytes there, of which 67108864 can be read at a time"},
		{size - 2, 0, "<string>\uFFFD\uFFFD</string>"},
		{-2, 0, "<string>\uFFFD\uFFFD</string>"},
		{1 << 62, 0, "<string></string>"},
		{-1 << 62, 1, "BAD_ARGUMENTS"},
	} {
		out := xmlrpc.NewAnswer(0)
		r := &request{ctx: t.Context(), args: []any{tt.offset, tt.length}, out: out, share: newShare(t)}
		var got strings.Builder
		if err := r.readLog(path, 0); err != nil {
			got.WriteString(err.Error())
		} else if _, err := out.WriteTo(&got); err != nil {
			t.Error(err)
		}
		if !strings.Contains(got.String(), tt.want) {
			t.Errorf("readLog(%d, %d): got %q, want %q", tt.offset, tt.length, &got, tt.want)
		}
		out.Release()
	}
}

func TestMulticallIsBounded(t *testing.T) {
	out := xmlrpc.NewAnswer(0)
	defer out.Release()
	out.Data(bytes.Repeat([]byte("x"), maxInMemory))
	r := &request{ctx: t.Context(), methods: methodTable(nil), out: out, share: newShare(t)}
	err := r.oneOf(map[string]any{"methodName": "system.listMethods"})
	if err == nil || err.Error() != "FAILED: the answer is too long" {
		t.Errorf("a call behind %d bytes of answers: got %v, want a fault", maxInMemory, err)
	}
}

// FuzzHandler sends anything. Whatever comes, the answer is a page with status
// 400 or XML, and system.multicall never leaves its table.
func FuzzHandler(f *testing.F) {
	for _, seed := range []string{
		"", "x", methodCall("system.listMethods", ""), methodCall("system.methodHelp", "<param><value>system.multicall</value></param>"),
		methodCall("supervisor.getProcessInfo", "<param><value><string>a:b</string></value></param>"),
		methodCall("supervisor.readLog", "<param><value><int>0</int></value></param><param><value><i4>-1</i4></value></param>"),
		methodCall("system.multicall", "<param><value><array><data><value><struct><member><name>methodName</name>"+
			"<value>system.methodSignature</value></member><member><name>params</name><value><array><data><value>x</value>"+
			"</data></array></value></member></struct></value></data></array></value></param>"),
	} {
		f.Add([]byte(seed))
	}
	h := idle(f, "supervisor")
	gone, cancel := context.WithCancel(context.Background())
	cancel() // there is no daemon to wait for
	f.Fuzz(func(t *testing.T, body []byte) {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(gone, http.MethodPost, "/RPC2", bytes.NewReader(body))
		h.ServeHTTP(w, r)
		switch w.Code {
		case http.StatusBadRequest, http.StatusLengthRequired:
		case http.StatusOK:
			for dec := xml.NewDecoder(w.Body); ; {
				if _, err := dec.Token(); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Fatalf("%q: the answer is not XML: %v", body, err)
				}
			}
		default:
			t.Errorf("%q: got status %d", body, w.Code)
		}
	})
}
