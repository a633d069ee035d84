package rpc

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/vigilance-go/vigilance/supervisor/access"
	"github.com/vigilance-go/vigilance/supervisor/config"
	"github.com/vigilance-go/vigilance/supervisor/mainlog"
)

// A page of the web can let its own name point to this machine, and is then of
// the same origin as the daemon in its reader's browser (DNS rebinding). What
// gives it away is the name in the Host header, which the browser sets.
//
//   - With allowed_hosts, nothing is served under other names than those, the
//     machine's own and addresses.
//   - Without, a server that asks for no password lets browsers only look under
//     a name that could be a stranger's: one with a dot that is not the
//     machine's. Programs are not asked for a name, and a server with a password
//     is safe, as a browser keeps passwords by name. Behind a proxy, too, nothing
//     changes: what gives that away is a port in the Host header that is not the
//     server's own, which a browser cannot have reached by itself.

const (
	// maxNamesTold bounds how many strange names the log tells of.
	maxNamesTold = 16
	// canonicalPatience bounds the look-up of this machine's full name.
	canonicalPatience = 2 * time.Second
)

// hostCheck knows the names of one server.
type hostCheck struct {
	server config.Server
	own    string // this machine's name
	// canonical returns its full name, which is asked for when it is needed.
	canonical func() string
	log       *mainlog.Logger
	next      http.Handler

	mu   sync.Mutex
	told map[string]bool
}

// checkHost puts a server's handler behind the check that it needs.
func checkHost(log *mainlog.Logger, server config.Server, asksPassword bool, next http.Handler) http.Handler {
	protected := asksPassword || server.ClientCA != ""
	if server.Kind != config.ServerInet || protected && server.AllowedHosts == nil {
		return next
	}
	own, err := os.Hostname()
	if err != nil {
		own = "localhost"
	}
	return &hostCheck{
		server: server, own: strings.ToLower(own), canonical: sync.OnceValue(func() string { return canonicalName(own) }),
		log: log, next: next, told: make(map[string]bool),
	}
}

// canonicalName asks the system's resolver for the full name of a host; empty
// where there is none.
func canonicalName(host string) string {
	ctx, cancel := context.WithTimeout(context.Background(), canonicalPatience)
	defer cancel()
	name, err := net.DefaultResolver.LookupCNAME(ctx, host)
	if err != nil {
		return ""
	}
	return hostName(name)
}

// ServeHTTP is part of http.Handler.
func (h *hostCheck) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := hostName(r.Host)
	switch {
	case h.allows(name):
	case h.server.AllowedHosts != nil && name == h.canonical():
	case h.server.AllowedHosts != nil:
		h.tell(name, "answered nothing to a client that calls [%s] %s: allowed_hosts does not name that", h.server.Section)
		refuse(w, http.StatusForbidden)
		return
	case !couldBeAStrangers(name) || !isBrowser(r) || h.isProxied(r):
	case name == h.canonical():
	default:
		h.tell(name, "lets browsers that call [%s] %s only look, as any page of the web could use that name: "+
			"if it is this server's, set allowed_hosts in its section, or a username and password", h.server.Section)
		c := access.Of(r.Context())
		c.Role = min(c.Role, config.RoleObserver)
		c.Reason = "the server has no password, and does not know the name by which the browser calls it: see allowed_hosts"
	}
	h.next.ServeHTTP(w, r)
}

// tell logs each name once.
func (h *hostCheck) tell(name, format, section string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.told[name] && len(h.told) < maxNamesTold {
		h.told[name] = true
		h.log.Logf(mainlog.Warn, format, section, config.PyRepr(name))
	}
}

// hostName is a Host header without its port, brackets and final dot.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
}

// allows tells whether a name is one of the server's for certain.
func (h *hostCheck) allows(name string) bool {
	if _, err := netip.ParseAddr(name); err == nil || name == "" {
		return true // nobody's name
	}
	short, _, _ := strings.Cut(h.own, ".")
	switch name {
	case "localhost", h.own, short, hostName(h.server.Host):
		return true
	}
	if strings.HasSuffix(name, ".localhost") {
		return true
	}
	for _, allowed := range h.server.AllowedHosts {
		below, wild := strings.CutPrefix(allowed, "*")
		if name == allowed || wild && strings.HasSuffix(name, below) {
			return true
		}
	}
	return false
}

// couldBeAStrangers tells whether somebody else could own the name: not one
// without a dot, nor one below a domain that the Internet does not have.
func couldBeAStrangers(name string) bool {
	if !strings.Contains(name, ".") {
		return false
	}
	for _, private := range []string{".local", ".internal", ".lan", ".home.arpa", ".intranet", ".corp", ".home", ".test"} {
		if strings.HasSuffix(name, private) {
			return false
		}
	}
	return true
}

// isProxied tells whether a request came by another port than the server's: a
// browser names the port that it has connected to, where that is not the usual.
func (h *hostCheck) isProxied(r *http.Request) bool {
	port, usual := "", "80"
	if h.server.CertFile != "" {
		usual = "443"
	}
	if _, given, err := net.SplitHostPort(r.Host); err == nil {
		port = given
	}
	if port == "" {
		port = usual
	}
	return port != strconv.Itoa(h.server.Port)
}

// isBrowser tells whether a request has a header that all browsers send by
// themselves. A page can change some, but remove none.
func isBrowser(r *http.Request) bool {
	for _, name := range []string{"Accept-Language", "Origin", "Referer", "Sec-Fetch-Site", "Sec-Fetch-Mode"} {
		if _, sent := r.Header[name]; sent {
			return true
		}
	}
	return false
}
