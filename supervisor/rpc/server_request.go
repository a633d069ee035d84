package rpc

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"time"

	"github.com/vigilance-go/vigilance/supervisor/access"
	"github.com/vigilance-go/vigilance/supervisor/config"
	"github.com/vigilance-go/vigilance/supervisor/mainlog"
)

// receive is the outermost handler of a server's requests: it says who asks,
// bounds what a failure breaks, compresses, counts and logs.
func (s *site) receive(server config.Server, next http.Handler) http.Handler {
	next = underBase(server.BasePath, next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := caller(server, r)
		r = r.WithContext(access.With(r.Context(), c))
		w.Header().Set("Server", "vigilance")
		rec := &recorder{ResponseWriter: w}
		defer func() {
			failure := recover()
			broken := failure == http.ErrAbortHandler //nolint:errorlint // a panic's value
			if failure != nil && !broken {
				s.log.Logf(mainlog.Critical, "Handling HTTP request %s %s raised an unexpected exception: %v\n%s",
					r.Method, config.PyRepr(r.URL.Path), failure, debug.Stack())
				if broken = rec.status != 0; !broken {
					refuse(rec, http.StatusInternalServerError)
				}
			}
			s.counts.add(c.Kind, rec.code(), rec.written)
			s.logAccess(r, c, rec)
			if broken {
				panic(http.ErrAbortHandler) // the answer has begun: the client must see that it is not whole
			}
		}()
		zipped := s.gzip.answer(rec, r)
		next.ServeHTTP(zipped, r)
		zipped.finish()
	})
}

// caller says who sent a request, as far as that is known before its password
// is looked at.
func caller(server config.Server, r *http.Request) *access.Caller {
	c := &access.Caller{Server: server.Section, Kind: "none", UID: access.Unknown, PID: access.Unknown, Role: config.RoleAdmin}
	if server.Kind == config.ServerInet {
		c.Remote = r.RemoteAddr
	} else {
		judgePeer(c, server, peerOf(r.Context()))
	}
	c.Key = clientKey(c.Remote)
	return c
}

// judgePeer gives who uses a unix socket the role that the server's lists have
// for it.
func judgePeer(c *access.Caller, server config.Server, p *peer) {
	if p != nil {
		c.UID, c.PID = p.uid, p.pid
	}
	switch {
	case server.Peers == nil:
	case p == nil:
		c.Role, c.Reason = config.RoleNone, "the system does not tell who has opened the socket"
	case p.uid == 0 || p.uid == os.Geteuid():
	default:
		c.Role = server.Peers.Role(p.uid, p.gids)
	}
}

// logAccess logs a request in the reference's form, at its level.
func (s *site) logAccess(r *http.Request, c *access.Caller, rec *recorder) {
	if !s.log.Enabled(mainlog.Trace) {
		return
	}
	host, port, err := net.SplitHostPort(c.Remote)
	if err != nil {
		host, port = "localhost", "0"
	}
	request := fmt.Sprintf("%s %s %s", r.Method, r.RequestURI, r.Proto)
	s.log.Logf(mainlog.Trace, "%s:%s - - [%s] \"%s\" %d %d", host, port,
		time.Now().UTC().Format("02/Jan/2006:15:04:05 -0700"), request, rec.code(), rec.written)
}

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	status  int
	written int64
}

// WriteHeader is part of http.ResponseWriter.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= http.StatusOK {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write is part of http.ResponseWriter.
func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(p)
	r.written += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController find what it controls.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// code is the status of the answer.
func (r *recorder) code() int {
	if r.status == 0 {
		return http.StatusOK
	}
	return r.status
}
