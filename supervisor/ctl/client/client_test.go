package client

import (
	"context"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// server answers getPID with 42 over a connection that is kept, asks for
// user:secret when auth is set, and counts connections.
type server struct {
	*httptest.Server
	connections atomic.Int32
	auth        bool
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	user, password, _ := r.BasicAuth()
	if s.auth && (user != "user" || password != "secret") {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	body, _ := io.ReadAll(r.Body)
	switch {
	case r.URL.Path == "/logtail/a:b c/stdout":
		_, _ = io.WriteString(w, "log")
	case r.URL.Path != "/RPC2" || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "text/xml":
		w.WriteHeader(http.StatusBadRequest)
	case strings.Contains(string(body), "<methodName>supervisor.getPID</methodName>"):
		_, _ = io.WriteString(w, answer("<value><int>42</int></value>"))
	case strings.Contains(string(body), "supervisor.startProcess") && strings.Contains(string(body), "<string>a&lt;b</string>"):
		<-r.Context().Done() // never
	default:
		w.WriteHeader(http.StatusInternalServerError)
	}
}

func serve(t *testing.T, auth, tls bool, network, address string) *server {
	t.Helper()
	s := &server{auth: auth}
	s.Server = httptest.NewUnstartedServer(s)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.connections.Add(1)
		}
	}
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	_ = s.Listener.Close()
	s.Listener = l
	if tls {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

func connect(t *testing.T, o Options) *Client {
	t.Helper()
	c, err := New(o)
	if err != nil {
		t.Fatalf("New(%+v): %v", o, err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestClientKeepsItsConnection(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "a.sock")
	unix := serve(t, false, false, "unix", socket)
	tcp := serve(t, false, false, "tcp", "127.0.0.1:0")
	for _, tt := range []struct {
		url string
		s   *server
	}{{"unix://" + socket, unix}, {tcp.URL, tcp}, {tcp.URL + "/some/path?x#y", tcp}} {
		before := tt.s.connections.Load()
		c := connect(t, Options{URL: tt.url})
		for range 3 {
			if pid, err := c.PID(t.Context()); pid != 42 || err != nil {
				t.Errorf("PID of %s = %d, %v, want 42", tt.url, pid, err)
			}
		}
		if n := tt.s.connections.Load() - before; n != 1 {
			t.Errorf("three calls of %s made %d connections, want 1", tt.url, n)
		}
	}
}

func TestClientAuthenticates(t *testing.T) {
	s := serve(t, true, false, "tcp", "127.0.0.1:0")
	user, secret, empty := "user", "secret", ""
	for _, tt := range []struct {
		username, password *string
		status             int
	}{{&user, &secret, 0}, {&user, &user, 401}, {nil, nil, 401}, {&user, nil, 401}, {&user, &empty, 401}} {
		c := connect(t, Options{URL: s.URL, Username: tt.username, Password: tt.password})
		for _, call := range []func() error{
			func() error { _, err := c.PID(t.Context()); return err },
			func() error { _, err := c.Stream(t.Context(), "/logtail/a:b c/stdout"); return err },
		} {
			var refused *ProtocolError
			err := call()
			switch {
			case tt.status == 0 && err != nil:
				t.Errorf("call with the right password: %v", err)
			case tt.status != 0 && (!errors.As(err, &refused) || *refused != ProtocolError{401, "Unauthorized"}):
				t.Errorf("call with %v and %v: %v, want 401 Unauthorized", tt.username, tt.password, err)
			}
		}
	}
}

func TestClientChecksCertificates(t *testing.T) {
	s := serve(t, false, true, "tcp", "127.0.0.1:0")
	dir := t.TempDir()
	authority, none := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "none.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := errors.Join(os.WriteFile(authority, block, 0o600), os.WriteFile(none, []byte("no PEM"), 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		o    Options
		want string // in the error; empty for none
	}{
		{Options{URL: s.URL}, "certificate"},
		{Options{URL: s.URL, CAFile: authority}, ""},
		{Options{URL: s.URL, Insecure: true}, ""},
		{Options{URL: strings.Replace(s.URL, "127.0.0.1", "localhost", 1), CAFile: authority}, "localhost"},
		{Options{URL: s.URL, CAFile: none}, "no certificate in it"},
		{Options{URL: s.URL, CAFile: filepath.Join(dir, "nosuch")}, "no such file"},
	} {
		c, err := New(tt.o)
		if err == nil {
			_, err = c.PID(t.Context())
			c.Close()
		}
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("call with %+v: %v, want %q", tt.o, err, tt.want)
		}
	}
}

func TestClientErrors(t *testing.T) {
	dir := t.TempDir()
	s := serve(t, false, false, "tcp", "127.0.0.1:0")
	var unknown *UnknownProtocolError
	for _, url := range []string{"", "nosuch", "ftp://x", "localhost:9001", "HTTP://x"} {
		if _, err := New(Options{URL: url}); !errors.As(err, &unknown) || unknown.URL != url {
			t.Errorf("New with %q: %v, want an unknown protocol", url, err)
		}
	}
	_, err := connect(t, Options{URL: "unix://" + dir + "/nosuch"}).PID(t.Context())
	if !errors.Is(err, syscall.ENOENT) {
		t.Errorf("call of a missing socket: %v, want ENOENT", err)
	}
	_, err = connect(t, Options{URL: s.URL}).APIVersion(t.Context())
	var refused *ProtocolError
	if !errors.As(err, &refused) || refused.Status != 500 {
		t.Errorf("call answered with 500: %v, want a ProtocolError", err)
	}
	// A call takes as long as it takes, but ends with its context.
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := connect(t, Options{URL: s.URL}).StartProcess(ctx, "a<b"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("call that does not end: %v, want the end of the context", err)
	}
}

func TestClientStreams(t *testing.T) {
	s := serve(t, false, false, "tcp", "127.0.0.1:0")
	body, err := connect(t, Options{URL: s.URL}).Stream(t.Context(), "/logtail/a:b c/stdout")
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if text, err := io.ReadAll(body); string(text) != "log" || err != nil {
		t.Errorf("stream = %q, %v, want log", text, err)
	}
}
