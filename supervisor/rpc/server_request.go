package rpc

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/vigilance-go/vigilance/supervisor/config"
	"github.com/vigilance-go/vigilance/supervisor/mainlog"
)

// Caller is who sent a request.
type Caller struct {
	// Server is the configuration's section of the server that was asked.
	Server string
	// Remote is the client's address and port; empty for a unix socket.
	Remote string
	// User is the name that came with the right password; empty where no
	// password is asked for.
	User string

	client string // see clientKey
	kind   string // what serves the request, as metrics name it
}

type callerKey struct{}

// CallerOf returns who sent the request that ctx belongs to. It is zero
// outside of requests.
func CallerOf(ctx context.Context) Caller { return *callerOf(ctx) }

// callerOf returns the request's own Caller, which what handles the request
// fills.
func callerOf(ctx context.Context) *Caller {
	if c, ok := ctx.Value(callerKey{}).(*Caller); ok {
		return c
	}
	return &Caller{}
}

// receive is the outermost handler of a server's requests: it says who asks,
// bounds what a failure breaks, compresses, counts and logs.
func (s *site) receive(server config.Server, next http.Handler) http.Handler {
	next = underBase(server.BasePath, next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &Caller{Server: server.Section, kind: "none"}
		if server.Kind == config.ServerInet {
			c.Remote = r.RemoteAddr
		}
		c.client = clientKey(c.Remote)
		r = r.WithContext(context.WithValue(r.Context(), callerKey{}, c))
		w.Header().Set("Server", "vigilance")
		rec := &recorder{ResponseWriter: w}
		defer func() {
			if failure := recover(); failure != nil && failure != http.ErrAbortHandler { //nolint:errorlint // a panic's value
				s.log.Logf(mainlog.Critical, "Handling HTTP request %s %s raised an unexpected exception: %v\n%s",
					r.Method, config.PyRepr(r.URL.Path), failure, debug.Stack())
				if rec.status != 0 {
					panic(http.ErrAbortHandler) // the answer has begun: the client must see that it is broken
				}
				refuse(rec, http.StatusInternalServerError)
			}
			s.counts.add(c.kind, rec.code(), rec.written)
			s.logAccess(r, c, rec)
		}()
		zipped := s.gzip.answer(rec, r)
		next.ServeHTTP(zipped, r)
		zipped.finish()
	})
}

// logAccess logs a request in the reference's form, at its level.
func (s *site) logAccess(r *http.Request, c *Caller, rec *recorder) {
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
