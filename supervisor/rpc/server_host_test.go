package rpc

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/vigilance-go/vigilance/supervisor/access"
	"github.com/vigilance-go/vigilance/supervisor/config"
)

// TestHostsThatRebindOnlyLook asks servers under all kinds of names, as a
// browser and as a program.
func TestHostsThatRebindOnlyLook(t *testing.T) {
	own, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	const none = "none" // a page of HTTP status 403
	for _, tt := range []struct {
		host                               string
		open, openBrowser, listed, guarded string // the role, by the kind of server
	}{
		{"127.0.0.1:9001", "admin", "admin", "admin", "admin"},
		{"[::1]:9001", "admin", "admin", "admin", "admin"},
		{"[fe80::1]:9001", "admin", "admin", "admin", "admin"},
		{"", "admin", "admin", "admin", "admin"},
		{"localhost:9001", "admin", "admin", "admin", "admin"},
		{"LocalHost.:9001", "admin", "admin", "admin", "admin"},
		{"app.localhost:9001", "admin", "admin", "admin", "admin"},
		{own + ":9001", "admin", "admin", "admin", "admin"},
		{"full.name.example:9001", "admin", "admin", "admin", "admin"}, // the resolver has it
		{"listen.example:9001", "admin", "admin", "admin", "admin"},    // port= has it
		{"ops.example.com:9001", "admin", "observer", "admin", "admin"},
		{"a.sub.example.com:9001", "admin", "observer", "admin", "admin"},
		{"sub.example.com:9001", "admin", "observer", none, "admin"},
		{"evil.example.org:9001", "admin", "observer", none, "admin"},
		{"127.0.0.1.evil.example.org:9001", "admin", "observer", none, "admin"},
		{"localhost.evil.example.org:9001", "admin", "observer", none, "admin"},
		{"supervisor:9001", "admin", "admin", none, "admin"},
		{"box.local:9001", "admin", "admin", none, "admin"},
		{"box.local.evil.example.org:9001", "admin", "observer", none, "admin"},
		{"evil.example.org.:9001", "admin", "observer", none, "admin"},
		// A proxy in between: a browser would have named the port.
		{"evil.example.org", "admin", "admin", none, "admin"},
		{"evil.example.org:443", "admin", "admin", none, "admin"},
		{"ops.example.com", "admin", "admin", "admin", "admin"},
	} {
		ask := func(allowed []string, asksPassword bool, headers ...string) string {
			server := config.Server{Kind: config.ServerInet, Host: "listen.example", Port: 9001, AllowedHosts: allowed}
			got := none
			h := checkHost(testLogger(t), server, asksPassword, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				got = access.Of(r.Context()).Role.String()
			}))
			if check, ok := h.(*hostCheck); ok {
				check.canonical = func() string { return "full.name.example" }
			}
			r := httptest.NewRequest(http.MethodPost, "/RPC2", nil)
			r.Host = tt.host
			for _, name := range headers {
				r.Header.Set(name, "")
			}
			h.ServeHTTP(httptest.NewRecorder(), r.WithContext(access.With(r.Context(), &access.Caller{Role: config.RoleAdmin})))
			return got
		}
		allowed := []string{"ops.example.com", "*.sub.example.com"}
		for _, c := range []struct{ name, got, want string }{
			{"a program at an open server", ask(nil, false), tt.open},
			{"a browser at an open server", ask(nil, false, "Accept-Language"), tt.openBrowser},
			{"a browser's script at an open server", ask(nil, false, "Origin"), tt.openBrowser},
			{"a program at a server with allowed_hosts", ask(allowed, false), tt.listed},
			{"a browser at one with a password too", ask(allowed, true, "Referer"), tt.listed},
			{"a browser at a server with a password", ask(nil, true, "Sec-Fetch-Site"), tt.guarded},
		} {
			if c.got != c.want {
				t.Errorf("Host %q, %s: got %s, want %s", tt.host, c.name, c.got, c.want)
			}
		}
	}
}

// TestStrangeHostsAreToldOnce bounds what names that clients make up write.
func TestStrangeHostsAreToldOnce(t *testing.T) {
	log, read := loggedLines(t)
	h := checkHost(log, config.Server{Kind: config.ServerInet, Section: "inet_http_server", Port: 80}, false, http.HandlerFunc(nothing))
	h.(*hostCheck).canonical = func() string { return "" }
	for i := range 100 {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = "evil" + strings.Repeat("x", i/2) + ".example\x1b[2J"
		r.Header.Set("Origin", "null")
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	lines := read()
	if len(lines) != maxNamesTold || strings.Contains(lines[0], "\x1b") || !strings.Contains(lines[0], "set allowed_hosts in its section") {
		t.Errorf("50 strange names, twice each: got %d lines %q, want %d that name the option", len(lines), lines[:min(1, len(lines))], maxNamesTold)
	}
}

// TestThePortGivesAProxyAway: a browser leaves out no port but the usual one.
func TestThePortGivesAProxyAway(t *testing.T) {
	for _, tt := range []struct {
		port     int
		certFile string
		host     string
		want     bool
	}{
		{9001, "", "x.example:9001", false},
		{9001, "", "x.example", true},
		{9001, "", "x.example:80", true},
		{80, "", "x.example", false},
		{80, "", "x.example:80", false},
		{443, "/c.pem", "x.example", false},
		{80, "/c.pem", "x.example", true},
		{9001, "", "x.example:", true},
	} {
		h := &hostCheck{server: config.Server{Port: tt.port, CertFile: tt.certFile}}
		if got := h.isProxied(&http.Request{Host: tt.host}); got != tt.want {
			t.Errorf("isProxied of Host %q at port %d, certificate %q: got %v, want %v", tt.host, tt.port, tt.certFile, got, tt.want)
		}
	}
}
