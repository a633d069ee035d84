package rpc

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/vigilance-go/vigilance/supervisor"
	"github.com/vigilance-go/vigilance/supervisor/access"
	"github.com/vigilance-go/vigilance/supervisor/config"
	"github.com/vigilance-go/vigilance/supervisor/mainlog"
)

const (
	// headerPatience is how long a client may take for the headers of a
	// request once it has begun, or has connected.
	headerPatience = 30 * time.Second
	// maxHeader bounds the headers of a request, in bytes.
	maxHeader = 64 << 10
	// endPatience is how long answers may still be on their way when the
	// daemon ends.
	endPatience = 2 * time.Second
)

// Options say what the HTTP servers serve.
type Options struct {
	Daemon *supervisor.Daemon
	Log    *mainlog.Logger
	// Servers are the configuration's, for each of which the Sockets are open.
	Servers []config.Server
	// Users are the configuration's, who may use the servers that ask for a
	// password.
	Users []config.User
	// Audit is where changes that clients ask for are noted; nil for nowhere.
	Audit *access.Audit
	// Web answers what no other handler here does: /, and all other paths.
	// Nil answers 404. It is asked behind the same authentication, and must
	// refuse requests of other sites itself where it does something on a GET.
	// Its streams end when their request's context does.
	Web http.Handler
}

// Servers are the HTTP servers of one daemon, at work.
type Servers struct {
	servers []*http.Server
	streams *streams
	cancel  context.CancelFunc
	serving sync.WaitGroup
}

// Serve starts a server on each socket and logs what the reference logs about
// each. They serve until Close. The error is one of the configuration's: a
// password or a certificate that cannot be read.
func Serve(sockets *Sockets, o Options) (*Servers, error) {
	ctx, cancel := context.WithCancel(context.Background())
	s := &Servers{streams: newStreams(), cancel: cancel}
	site := newSite(o, s.streams)
	for _, server := range o.Servers {
		if err := s.add(ctx, sockets, o, site, server); err != nil {
			s.Close()
			return nil, err
		}
	}
	return s, nil
}

// add starts one server.
func (s *Servers) add(ctx context.Context, sockets *Sockets, o Options, site *site, server config.Server) error {
	handler, err := protect(site, o, server)
	if err != nil {
		return err
	}
	lease, err := sockets.lease(server)
	if err != nil {
		return err
	}
	listener := net.Listener(newGate(lease, maxConnections(len(o.Servers)), server.CertFile != ""))
	if server.CertFile != "" {
		if listener, err = listenTLS(listener, server, o.Log); err != nil {
			return err
		}
	}
	announce(o, server)
	handler = checkHost(o.Log, server, asksPassword(o, server), handler)
	h := &http.Server{
		Handler:                      site.receive(server, handler),
		ReadHeaderTimeout:            headerPatience,
		MaxHeaderBytes:               maxHeader,
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     log.New(debugWriter{o.Log}, "", 0),
		BaseContext:                  func(net.Listener) context.Context { return ctx },
		ConnContext:                  withPeer(server),
		ConnState:                    connState,
	}
	h.Protocols = new(http.Protocols)
	h.Protocols.SetHTTP1(true) // what all clients speak, and what streams need
	s.servers = append(s.servers, h)
	s.serving.Go(func() { // ends when Close ends the lease
		if err := h.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			o.Log.Logf(mainlog.Error, "HTTP server %s ended: %v", config.PyRepr(server.Section), err)
		}
	})
	return nil
}

// announce logs what the reference does when a server starts, and where one
// without a password can be reached.
func announce(o Options, server config.Server) {
	for _, name := range o.Daemon.RPCNamespaces() {
		o.Log.Logf(mainlog.Info, "RPC interface %s initialized", config.PyRepr(name))
	}
	if asksPassword(o, server) || server.ClientCA != "" || server.Peers != nil {
		return
	}
	o.Log.Logf(mainlog.Critical, "Server %s running without any HTTP authentication checking", config.PyRepr(server.Section))
	if server.Kind == config.ServerInet {
		host := server.Host
		if host == "" {
			host = "*"
		}
		o.Log.Logf(mainlog.Warn, "anybody who can connect to %s:%d can start and stop programs; set username and password in [%s], "+
			"or use a [unix_http_server]", host, server.Port, server.Section)
	}
}

// asksPassword tells whether the server asks for a password: its own, or one of
// the users', for whom each inet server asks where there are any. As with the
// reference, an empty user name means that a server has no password.
func asksPassword(o Options, server config.Server) bool {
	return hasPassword(server) || server.Kind == config.ServerInet && len(o.Users) > 0
}

func hasPassword(server config.Server) bool { return server.Username != nil && *server.Username != "" }

// protect puts the site behind the server's passwords, if it has any. Whoever
// gives the server's own is an admin.
func protect(site *site, o Options, server config.Server) (http.Handler, error) {
	admitted := http.HandlerFunc(site.admit)
	if !asksPassword(o, server) {
		return admitted, nil
	}
	var all []credential
	add := func(section, name, password string, role config.Role) error {
		c, err := newCredential(name, password)
		if err != nil {
			return fmt.Errorf("section [%s]: %w", section, err)
		}
		if path, mode := exposed(password); mode != 0 {
			o.Log.Logf(mainlog.Warn, "the password file %s of section [%s] can be used by others than its owner (mode %04o)", path, section, mode)
		}
		c.role = role
		all = append(all, c)
		return nil
	}
	if hasPassword(server) {
		if err := add(server.Section, *server.Username, *server.Password, config.RoleAdmin); err != nil {
			return nil, err
		}
	}
	for _, user := range o.Users {
		if err := add(user.Section, user.Name, user.Password, user.Role); err != nil {
			return nil, err
		}
	}
	return newGuard(all, o.Audit, admitted), nil
}

// Close stops serving: nothing new is accepted, streams end, and answers that
// are on their way get a moment to arrive. The sockets stay open.
func (s *Servers) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), endPatience)
	defer cancel()
	s.streams.end()
	time.AfterFunc(endPatience/4, s.cancel) // for handlers that wait for something else
	var closing sync.WaitGroup
	for _, h := range s.servers {
		closing.Go(func() { // ends with ctx at the latest
			if h.Shutdown(ctx) != nil {
				_ = h.Close() // only listeners report errors, and these are leases
			}
		})
	}
	closing.Wait()
	s.cancel()
	s.serving.Wait()
}

// site is what all servers of a daemon serve.
type site struct {
	log     *mainlog.Logger
	rpc     http.Handler
	logtail http.Handler
	mainlog http.Handler
	metrics http.Handler
	web     http.Handler
	counts  *requestCounts
	gzip    *compression
}

func newSite(o Options, streams *streams) *site {
	s := &site{log: o.Log, web: o.Web, counts: newRequestCounts(), gzip: newCompression()}
	s.rpc = sameSite(bounded(newBudget(), NewHandler(o.Daemon, o.Audit)))
	s.logtail = &logtail{daemon: o.Daemon, streams: streams}
	s.mainlog = &mainLogtail{daemon: o.Daemon, streams: streams}
	s.metrics = newMetrics(o.Daemon, s.counts)
	if s.web == nil {
		s.web = http.HandlerFunc(nothing)
	}
	return s
}

// admit turns away who has no role at all. The handlers behind it serve whoever
// may look, and check themselves what needs more.
func (s *site) admit(w http.ResponseWriter, r *http.Request) {
	if access.Of(r.Context()).Role < config.RoleObserver {
		refuse(w, http.StatusForbidden)
		return
	}
	s.ServeHTTP(w, r)
}

// ServeHTTP hands a request to the handler for its path. As with the
// reference, the RPC handler has every path that begins with /RPC2.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.handler(r).ServeHTTP(w, r)
}

func (s *site) handler(r *http.Request) http.Handler {
	c := access.Of(r.Context())
	switch path := r.URL.Path; {
	case strings.HasPrefix(path, "/RPC2"):
		c.Kind = "rpc"
		return s.rpc
	case path == "/logtail" || strings.HasPrefix(path, "/logtail/"):
		c.Kind = "logtail"
		return s.logtail
	case strings.HasPrefix(path, "/mainlogtail"):
		c.Kind = "mainlogtail"
		return s.mainlog
	case path == "/metrics":
		c.Kind = "metrics"
		return s.metrics
	}
	c.Kind = "web"
	return s.web
}

// nothing answers as the reference does for a path at which there is nothing.
func nothing(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		refuse(w, http.StatusNotFound)
		return
	}
	refuse(w, http.StatusBadRequest)
}

// sameSite refuses what a browser sends for another site's page: it would add
// the password that its user gave it.
func sameSite(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if protection.Check(r) != nil {
			refuse(w, http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// debugWriter takes what net/http complains about: mostly clients that do not
// speak HTTP or TLS.
type debugWriter struct{ log *mainlog.Logger }

// Write is part of io.Writer.
func (d debugWriter) Write(p []byte) (int, error) {
	d.log.Log(mainlog.Debug, strings.TrimRight(string(p), "\n"))
	return len(p), nil
}
