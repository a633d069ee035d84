package rpc

import (
	"context"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vigilance-go/vigilance/internal/xmlrpc"
	"github.com/vigilance-go/vigilance/supervisor/access"
	"github.com/vigilance-go/vigilance/supervisor/config"
	"github.com/vigilance-go/vigilance/supervisor/mainlog"
)

// roles are all that there are.
func roles() []config.Role {
	return []config.Role{config.RoleNone, config.RoleObserver, config.RoleOperator, config.RoleAdmin}
}

// TestEveryMethodHasARole takes the methods from their table, so that one that
// nobody has decided on fails.
func TestEveryMethodHasARole(t *testing.T) {
	looks := []string{"get", "read", "tail", "list", "method", "multicall"}
	ends := []string{"shutdown", "restart", "reloadConfig", "addProcessGroup", "removeProcessGroup", "clearLog"}
	for name, m := range methodTable([]string{"supervisor"}) {
		_, short, _ := strings.Cut(name, ".")
		want := config.RoleOperator
		switch {
		case slices.ContainsFunc(looks, func(prefix string) bool { return strings.HasPrefix(short, prefix) }):
			want = config.RoleObserver
		case slices.Contains(ends, short):
			want = config.RoleAdmin
		}
		if m.needs != want {
			t.Errorf("%s is for %v, want %v", name, m.needs, want)
		}
	}
}

// TestEveryMethodIsRefusedToSmallerRoles calls each method in each role, by
// itself and in a multicall, with more arguments than any method has: what is
// permitted says so.
func TestEveryMethodIsRefusedToSmallerRoles(t *testing.T) {
	table := methodTable([]string{"supervisor"})
	for _, name := range slices.Sorted(maps.Keys(table)) {
		for _, role := range roles() {
			for _, inMulticall := range []bool{false, true} {
				out := xmlrpc.NewAnswer(0)
				r := &request{ctx: access.With(t.Context(), &access.Caller{Role: role, UID: access.Unknown}), methods: table, out: out, share: newShare(t)}
				var err error
				if inMulticall {
					err = r.oneOf(map[string]any{"methodName": name, "params": make([]any, 9)})
				} else {
					r.args = make([]any, 9)
					err = r.invoke(name)
				}
				out.Release()
				want := "not permitted"
				if role >= table[name].needs || inMulticall && name == "system.multicall" {
					want = "INCORRECT_PARAMETERS"
				}
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%s as %v (in a multicall: %v): got %v, want %s", name, role, inMulticall, err, want)
				}
			}
		}
	}
}

// TestEveryPathIsRefusedToNobody asks for each kind of path in each role.
func TestEveryPathIsRefusedToNobody(t *testing.T) {
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	s := &site{log: testLogger(t), rpc: page, logtail: page, mainlog: page, metrics: page, web: page}
	for _, path := range []string{"/", "/RPC2", "/RPC2/x", "/logtail/x", "/logtail", "/mainlogtail", "/metrics", "/do", "/live", "/ok.html", "/assets/x", "//", "/x/../RPC2"} {
		for _, role := range roles() {
			w := httptest.NewRecorder()
			r := httptest.NewRequest(http.MethodGet, "http://x"+path, nil)
			s.admit(w, r.WithContext(access.With(r.Context(), &access.Caller{Role: role})))
			want := http.StatusTeapot
			if role == config.RoleNone {
				want = http.StatusForbidden
			}
			if w.Code != want {
				t.Errorf("GET %s as %v: got %d, want %d", path, role, w.Code, want)
			}
		}
	}
}

// TestPeersAreKnown opens a unix socket and asks the kernel about this process.
func TestPeersAreKnown(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	p := peerOf(withPeer(config.Server{Kind: config.ServerUnix})(context.Background(), &gateConn{Conn: conn}))
	if p == nil || p.uid != os.Geteuid() || !slices.Contains(p.gids, os.Getegid()) {
		t.Fatalf("the peer is %+v, want uid %d and gid %d", p, os.Geteuid(), os.Getegid())
	}
	groups, err := os.Getgroups()
	if err != nil {
		t.Fatal(err)
	}
	for _, gid := range groups {
		if !slices.Contains(p.gids, gid) {
			t.Errorf("the peer's groups are %v, want all of %v", p.gids, groups)
		}
	}
	if withPeer(config.Server{Kind: config.ServerInet}) != nil {
		t.Error("the peers of an inet server are asked for")
	}
}

func TestPeersHaveTheRolesOfTheLists(t *testing.T) {
	lists := &config.Peers{
		Admins:    config.PeerList{UIDs: []int{71001}},
		Operators: config.PeerList{GIDs: []int{72001}},
		Observers: config.PeerList{UIDs: []int{71001, 71002}, GIDs: []int{72002}},
	}
	everybody := &config.Peers{Observers: config.PeerList{Everybody: true}}
	for _, tt := range []struct {
		name  string
		lists *config.Peers
		peer  *peer
		want  config.Role
	}{
		{"no lists", nil, &peer{uid: 71009}, config.RoleAdmin},
		{"no lists, unknown", nil, nil, config.RoleAdmin},
		{"an admin who is an observer as well", lists, &peer{uid: 71001}, config.RoleAdmin},
		{"an observer", lists, &peer{uid: 71002}, config.RoleObserver},
		{"an observer in the operators' group", lists, &peer{uid: 71002, gids: []int{5, 72001}}, config.RoleOperator},
		{"in the observers' group", lists, &peer{uid: 71009, gids: []int{72002}}, config.RoleObserver},
		{"on no list", lists, &peer{uid: 71009, gids: []int{71001, 71002}}, config.RoleNone},
		{"root", lists, &peer{uid: 0}, config.RoleAdmin},
		{"the daemon's own user", lists, &peer{uid: os.Geteuid()}, config.RoleAdmin},
		{"unknown", lists, nil, config.RoleNone},
		{"anybody", everybody, &peer{uid: 71009}, config.RoleObserver},
	} {
		c := &access.Caller{Role: config.RoleAdmin}
		judgePeer(c, config.Server{Kind: config.ServerUnix, Peers: tt.lists}, tt.peer)
		if c.Role != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, c.Role, tt.want)
		}
	}
}

// TestPasswordsAndListsBothCount: who is an admin by password and an observer
// by the socket's lists is an observer, and the other way round.
func TestPasswordsAndListsBothCount(t *testing.T) {
	for _, tt := range []struct{ peer, user, want config.Role }{
		{config.RoleAdmin, config.RoleAdmin, config.RoleAdmin},
		{config.RoleAdmin, config.RoleObserver, config.RoleObserver},
		{config.RoleObserver, config.RoleAdmin, config.RoleObserver},
		{config.RoleNone, config.RoleAdmin, config.RoleNone},
	} {
		user := credential{username: "u", role: tt.user, verify: func(p string) bool { return p == "p" }}
		c := &access.Caller{Role: tt.peer}
		g := newGuard([]credential{user}, nil, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.SetBasicAuth("u", "p")
		g.ServeHTTP(httptest.NewRecorder(), r.WithContext(access.With(r.Context(), c)))
		if c.Role != tt.want {
			t.Errorf("peer %v with the password of %v: got %v, want %v", tt.peer, tt.user, c.Role, tt.want)
		}
	}
}

// loggedLines returns a log, and what has been written to it once it is read.
func loggedLines(t *testing.T) (log *mainlog.Logger, read func() []string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "log")
	log, err := mainlog.Open(mainlog.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	return log, func() []string {
		log.Close()
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Split(strings.TrimSpace(string(text)), "\n")
	}
}

// TestPasswordsInFiles reads a password of each form from a file.
func TestPasswordsInFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	for _, tt := range []struct {
		text, password string // empty: an error
		mode           os.FileMode
		warned         bool
	}{
		{"secret\nsecond line\n", "secret", 0o600, false},
		{"secret\r\n", "secret", 0o640, true},
		{"{SHA}e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4", "secret", 0o604, true},
		{bcryptOf(t, "secret") + "\n", "secret", 0o400, false},
		{"\nsecret\n", "", 0o600, false},
		{"", "", 0o600, false},
	} {
		_ = os.Remove(path)
		if err := os.WriteFile(path, []byte(tt.text), tt.mode); err != nil {
			t.Fatal(err)
		}
		log, read := loggedLines(t)
		user := config.User{Section: "user:u", Name: "u", Password: "{FILE}" + path, Role: config.RoleObserver}
		h, err := protect(nil, Options{Log: log, Users: []config.User{user}}, config.Server{Kind: config.ServerInet})
		warned := strings.Contains(strings.Join(read(), "\n"), "can be used by others than its owner")
		if tt.password == "" {
			if err == nil || strings.Contains(err.Error(), "secret\n") {
				t.Errorf("a file with %q: got error %v, want one without its content", tt.text, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("a file with %q: %v", tt.text, err)
			continue
		}
		g := h.(*guard)
		if err := g.check(t.Context(), "", "u", tt.password); err != nil || warned != tt.warned {
			t.Errorf("a file with %q of mode %04o: check = %v, warned %v, want nil, %v", tt.text, tt.mode, err, warned, tt.warned)
		}
		if g.check(t.Context(), "", "u", tt.text) == nil && tt.text != tt.password {
			t.Errorf("a file with %q: its whole text is taken for the password", tt.text)
		}
	}
	if _, err := newCredential("u", "{FILE}/nonexistent"); err == nil {
		t.Error("a file that is not there: got no error")
	}
}
