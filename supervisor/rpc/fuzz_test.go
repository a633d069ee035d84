package rpc

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"
)

// requests are what the fuzzers begin with.
var requests = []string{
	"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET /logtail/a:b/stdout HTTP/1.1\r\nHost: \r\nAccept-Encoding: chunked\r\n\r\n\r\n",
	"\r\n\r\nGET /mainlogtail HTTP/1.0\r\n\r\n",
	"POST /RPC2 HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
	"POST /RPC2 HTTP/1.1\nContent-Length: 3\n\nabc",
	"POST /RPC2 HTTP/1.1\r\nhost:x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
	"POST /RPC2 HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\na",
	"GET /x HTTP/1.1\r\nAuthorization: Basic dXNlcjpzZWNyZXQ=\r\nAccept-Encoding: gzip;q=0.1, *\r\n\r\n",
	"GET http://x/%2e%2e/%00 HTTP/1.1\r\nHost: x\r\nOrigin: null\r\n\r\n",
	"OPTIONS * HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
	"GET / HTTP/1.1\r\n\r\nHost: x\r\n\r\n",
	"garbage\r\n\r\n", "\r\n", "",
}

// seeds returns requests, and what real clients have sent: supervisorctl of
// Supervisor and ours, xmlrpc.client, curl and Chromium.
func seeds(f *testing.F) []string {
	f.Helper()
	files, err := filepath.Glob("testdata/traffic/*")
	if err != nil || len(files) == 0 {
		f.Fatalf("find recorded requests: %q, %v", files, err)
	}
	all := slices.Clone(requests)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, string(text))
	}
	return all
}

// pieces is a connection from which the data comes in pieces.
type pieces struct {
	net.Conn
	data []byte
	size int
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.data) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.data[:min(p.size, len(p.data))])
	p.data = p.data[n:]
	return n, nil
}

func (*pieces) SetReadDeadline(time.Time) error { return nil }

// FuzzRequestHead: what net/http understands is read as it stands; of the rest,
// only empty lines and the lack of a Host are mended, however it is cut.
func FuzzRequestHead(f *testing.F) {
	for i, request := range seeds(f) {
		f.Add([]byte(request), 1+i*7)
	}
	f.Fuzz(func(t *testing.T, data []byte, size int) {
		size = max(1, size%100)
		conn := &gateConn{Conn: &pieces{data: bytes.Clone(data), size: size}, beginning: true}
		got, err := io.ReadAll(bufio.NewReader(conn))
		if err != nil {
			t.Fatalf("read %q in pieces of %d: %v", data, size, err)
		}
		plain := bytes.TrimLeft(data, "\r\n")
		if bytes.Equal(got, data) || bytes.Equal(got, plain) {
			return
		}
		line := bytes.IndexByte(plain, '\n') + 1
		want := string(plain[:line]) + hostLine + string(plain[line:])
		if string(got) != want {
			t.Fatalf("read %q in pieces of %d: got %q, want no more than a Host added", data, size, got)
		}
		if _, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(plain))); err == nil {
			before, _ := http.ReadRequest(bufio.NewReader(bytes.NewReader(plain)))
			after, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(got)))
			if err != nil || !reflect.DeepEqual(before.Header, after.Header) || before.URL.String() != after.URL.String() {
				t.Fatalf("%q is another request with its Host: %q, %v", plain, got, err)
			}
		}
	})
}

// FuzzServer: no bytes from a client make the servers' own code fail.
func FuzzServer(f *testing.F) {
	for _, request := range seeds(f) {
		f.Add([]byte(request))
	}
	site := &site{log: testLogger(f), counts: newRequestCounts(), gzip: newCompression()}
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	site.rpc, site.metrics, site.web = sameSite(bounded(newBudget(), echo)), echo, http.HandlerFunc(nothing)
	site.logtail, site.mainlog = echo, echo
	user, err := newCredential("user", "secret")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, h := range []http.Handler{site, newGuard([]credential{user}, nil, site)} {
			r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(data)))
			if err != nil {
				return
			}
			w := &discarded{header: http.Header{}}
			site.receive(unixServer("/x", 0), h).ServeHTTP(w, r)
			if w.status == http.StatusInternalServerError {
				t.Fatalf("%q: the handler panicked", data)
			}
		}
	})
}

// discarded is an answer that nobody reads.
type discarded struct {
	header http.Header
	status int
}

func (d *discarded) Header() http.Header         { return d.header }
func (d *discarded) Write(p []byte) (int, error) { return len(p), nil }
func (d *discarded) WriteHeader(status int)      { d.status = status }
