package rpc

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/supervisor/config"
	testpeer "github.com/vigilance-go/vigilance/test/peer"
)

func unixServer(path string, mode uint32) config.Server {
	return config.Server{Kind: config.ServerUnix, Section: "unix_http_server", File: path, Mode: mode, UID: -1, GID: -1}
}

func inetServer(host string, port int) config.Server {
	return config.Server{Kind: config.ServerInet, Section: "inet_http_server", Host: host, Port: port, UID: -1, GID: -1}
}

const inUse = "Another program is already listening on a port that one of our HTTP servers is configured to use.  " +
	"Shut this program down first before starting supervisord."

// TestSocketFileIsNeverOpenToOthers looks at the folder all the time while
// sockets come and go.
func TestSocketFileIsNeverOpenToOthers(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give a file away")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "socket")
	const owner, group, mode = 65534, 65533, 0o620
	var wrong atomic.Pointer[string]
	stop := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() { // ends when stop is closed
		for {
			select {
			case <-stop:
				return
			default:
			}
			var st syscall.Stat_t
			if syscall.Lstat(path, &st) == nil && (st.Uid != owner || st.Gid != group || st.Mode&0o777 != mode) {
				text := fmt.Sprintf("%d:%d %o", st.Uid, st.Gid, st.Mode)
				wrong.Store(&text)
			}
		}
	})
	server := unixServer(path, mode)
	server.UID, server.GID = owner, group
	for range 50 {
		var s Sockets
		if err := s.Open([]config.Server{server}); err != nil {
			t.Fatal(err)
		}
		s.Close()
	}
	close(stop)
	watching.Wait()
	if text := wrong.Load(); text != nil {
		t.Errorf("the socket was once %s, want %d:%d %o always", *text, owner, group, mode)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 0 {
		t.Errorf("ReadDir after Close = %v, %v, want nothing left", left, err)
	}
}

// TestSocketTakesOverOnlyWhatNobodyUses puts things where the socket is to be.
func TestSocketTakesOverOnlyWhatNobodyUses(t *testing.T) {
	stale := func(path string) error {
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
		if err != nil {
			return err
		}
		l.SetUnlinkOnClose(false)
		return l.Close()
	}
	tests := []struct {
		name string
		make func(path string) error
		want string
	}{
		{"nothing", func(string) error { return nil }, ""},
		{"a stale socket", stale, ""},
		{"a link to nothing", func(path string) error { return os.Symlink(path+".gone", path) }, ""},
		{"a link to a stale socket", func(path string) error {
			if err := stale(path + ".other"); err != nil {
				return err
			}
			return os.Symlink(path+".other", path)
		}, ""},
		{"a live socket", func(path string) error {
			l, err := net.Listen("unix", path)
			if err == nil {
				t.Cleanup(func() { l.Close() })
			}
			return err
		}, inUse},
		{"a link to a live socket", func(path string) error {
			l, err := net.Listen("unix", path+".other")
			if err != nil {
				return err
			}
			t.Cleanup(func() { l.Close() })
			return os.Symlink(path+".other", path)
		}, inUse},
		{"a file", func(path string) error { return os.WriteFile(path, []byte("precious"), 0o600) },
			"Cannot open an HTTP server: socket.error reported errno.EEXIST (17)"},
		{"a folder", func(path string) error { return os.Mkdir(path, 0o700) },
			"Cannot open an HTTP server: socket.error reported errno.EEXIST (17)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "socket")
			if err := tt.make(path); err != nil {
				t.Fatal(err)
			}
			before, _ := os.Lstat(path)
			var s Sockets
			err := s.Open([]config.Server{unixServer(path, 0o700)})
			defer s.Close()
			if got := errorText(err); got != tt.want {
				t.Fatalf("Open with %s there: got %q, want %q", tt.name, got, tt.want)
			}
			after, statErr := os.Lstat(path)
			if tt.want != "" {
				if statErr != nil || !os.SameFile(before, after) {
					t.Errorf("Open with %s there: it was replaced, want it left alone", tt.name)
				}
				return
			}
			if conn, err := net.Dial("unix", path); err != nil {
				t.Errorf("Dial: %v", err)
			} else {
				conn.Close()
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestOneOfManyTakesOverAStaleSocket starts many at once on one stale socket.
func TestOneOfManyTakesOverAStaleSocket(t *testing.T) {
	for range 20 {
		path := filepath.Join(t.TempDir(), "socket")
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
		if err != nil {
			t.Fatal(err)
		}
		l.SetUnlinkOnClose(false)
		l.Close()
		var all [8]Sockets
		var won atomic.Int64
		var trying sync.WaitGroup
		for i := range all {
			trying.Go(func() { // ends with Open
				switch err := all[i].Open([]config.Server{unixServer(path, 0o700)}); errorText(err) {
				case "":
					won.Add(1)
				case inUse:
				default:
					t.Errorf("Open: got %q, want %q or no error", err, inUse)
				}
			})
		}
		trying.Wait()
		conn, err := net.Dial("unix", path)
		if won.Load() != 1 || err != nil {
			t.Errorf("%d took the socket over, and Dial returned %v, want 1 and no error", won.Load(), err)
		} else {
			conn.Close()
		}
		for i := range all {
			all[i].Close()
		}
	}
}

// TestSocketsOutliveARestart opens one set of servers after the other.
func TestSocketsOutliveARestart(t *testing.T) {
	dir := t.TempDir()
	first, second := freePort(t), freePort(t)
	path := filepath.Join(dir, "socket")
	var s Sockets
	defer s.Close()
	open := func(servers ...config.Server) {
		t.Helper()
		if err := s.Open(servers); err != nil {
			t.Fatal(err)
		}
		for _, server := range servers {
			if _, err := s.lease(server); err != nil {
				t.Fatal(err)
			}
		}
		if len(s.open) != len(servers) {
			t.Fatalf("Open(%d servers): %d sockets are open", len(servers), len(s.open))
		}
	}
	open(inetServer("127.0.0.1", first), unixServer(path, 0o700))
	inet, unixSocket := s.open[0], s.open[1]
	waiting, err := net.Dial("unix", path) // accepted by nobody yet
	if err != nil {
		t.Fatal(err)
	}
	defer waiting.Close()

	open(inetServer("127.0.0.1", first), inetServer("127.0.0.1", second), unixServer(path, 0o700))
	if s.open[0] != inet || s.open[1] != unixSocket {
		t.Error("Open with one more server: the others were opened again, want the same sockets")
	}
	lease, err := s.lease(unixServer(path, 0o700))
	if err != nil {
		t.Fatal(err)
	}
	if conn, err := lease.Accept(); err != nil {
		t.Errorf("Accept of a client that connected before: %v", err)
	} else {
		conn.Close()
	}
	lease.Close()
	if _, err := lease.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept after Close: got %v, want %v", err, net.ErrClosed)
	}

	open(inetServer("", first), unixServer(path, 0o777)) // another host and mode
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o777 {
		t.Errorf("Stat after the mode changed: %v, %v, want 0777", info.Mode(), err)
	}
	blocker, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", second))
	if err != nil {
		t.Fatalf("the second port is still in use: %v", err)
	}
	defer blocker.Close()
	if err := s.Open([]config.Server{inetServer("127.0.0.1", second)}); errorText(err) != inUse {
		t.Errorf("Open of a used port: got %v, want %q", err, inUse)
	}
	open(inetServer("", first), unixServer(path, 0o777)) // nothing was lost

	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	open(unixServer(path, 0o777))
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the socket's file was deleted; after Open: %v", err)
	}
	if err := os.Rename(path, path+".moved"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if _, err := os.Stat(path); err != nil {
		t.Errorf("Close removed a file that is not its socket: %v", err)
	}
}

// freePort returns a TCP port of the loopback that nobody listens on now.
func freePort(t *testing.T) int {
	t.Helper()
	port, err := testpeer.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func TestListenErrorsAreTheReferences(t *testing.T) {
	dir := t.TempDir()
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	const cannot = "Cannot open an HTTP server: socket.error reported "
	tests := []struct {
		server config.Server
		want   string
	}{
		{unixServer(filepath.Join(dir, "missing", "socket"), 0o700), cannot + "errno.ENOENT (2)"},
		{unixServer(filepath.Join(dir, strings.Repeat("x", 120)), 0o700), cannot + "AF_UNIX path too long"},
		{unixServer(filepath.Join(deep(t, dir), "socket"), 0o700), cannot + "AF_UNIX path too long"},
		{inetServer("127.0.0.1", taken.Addr().(*net.TCPAddr).Port), inUse},
		{inetServer("192.0.2.1", 9001), cannot + "errno.EADDRNOTAVAIL (99)"},
		{inetServer("host.invalid", 9001), cannot + "-"},
	}
	for _, tt := range tests {
		var s Sockets
		err := s.Open([]config.Server{tt.server})
		s.Close()
		if got := errorText(err); !strings.HasPrefix(got, tt.want) || got == "" {
			t.Errorf("Open(%s%s): got %q, want %q", tt.server.Host, tt.server.File, got, tt.want)
		}
	}
}

// deep returns a folder whose path is longer than a socket's address can be.
func deep(t *testing.T, dir string) string {
	t.Helper()
	for len(dir) < 110 {
		dir = filepath.Join(dir, strings.Repeat("d", 30))
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestListenInetHosts(t *testing.T) {
	tests := []struct {
		host  string
		dials []string
	}{
		{"", []string{"127.0.0.1"}},
		{"127.0.0.1", []string{"127.0.0.1"}},
		{"localhost", []string{"127.0.0.1"}},
		{"[::1]", []string{"::1"}},
		{"::1", []string{"::1"}},
		{"[::]", []string{"::1", "127.0.0.1"}},
	}
	for _, tt := range tests {
		if strings.Contains(tt.host, ":") {
			if l, err := net.Listen("tcp6", "[::1]:0"); err != nil {
				t.Logf("not tested with host %q: no IPv6 here: %v", tt.host, err)
				continue
			} else {
				l.Close()
			}
		}
		port := freePort(t)
		l, err := listenInet(tt.host, port)
		if err != nil {
			t.Errorf("listenInet(%q): %v", tt.host, err)
			continue
		}
		for _, dial := range tt.dials {
			conn, err := net.DialTimeout("tcp", net.JoinHostPort(dial, fmt.Sprint(port)), 5*time.Second)
			if err != nil {
				t.Errorf("listenInet(%q), Dial(%s): %v", tt.host, dial, err)
				continue
			}
			conn.Close()
		}
		l.Close()
	}
}

// TestGateMakesRoom opens more connections than a server may have.
func TestGateMakesRoom(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	g := newGate(l, 3, false)
	dial := func() (client net.Conn, server *gateConn) {
		t.Helper()
		client, err := net.Dial("tcp4", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { client.Close() })
		conn, err := g.Accept()
		if err != nil {
			t.Fatal(err)
		}
		return client, conn.(*gateConn)
	}
	first, firstServer := dial()
	second, secondServer := dial()
	connState(secondServer, http.StateNew)
	dial()
	connState(firstServer, http.StateActive)
	dial() // in the place of the second
	if _, err := second.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the connection that waited the longest: Read = %v, want EOF", err)
	}
	_ = first.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if _, err := first.Read(make([]byte, 1)); errors.Is(err, io.EOF) {
		t.Error("a connection with a request was closed, want it open")
	}
	if g.open != 3 {
		t.Errorf("%d connections are open, want 3", g.open)
	}
}
