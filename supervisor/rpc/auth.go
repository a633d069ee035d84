package rpc

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/vigilance-go/vigilance/supervisor/access"
)

// guard asks for a user name and a password of one server.
type guard struct {
	credentials []credential
	audit       *access.Audit
	throttle    *throttle
	remembered  *memory
	one         sync.Mutex // held during an expensive check
	next        http.Handler
}

// newGuard lets requests with one of the credentials pass to next. Wrong
// passwords are noted in audit.
func newGuard(credentials []credential, audit *access.Audit, next http.Handler) *guard {
	return &guard{credentials: credentials, audit: audit,
		throttle: newThrottle(time.Now), remembered: newMemory(time.Now), next: next}
}

// find returns the credential with that name, or for a name that nobody has the
// one whose check takes the longest: time does not tell who exists.
func (g *guard) find(username string) (c *credential, known bool) {
	for i := range g.credentials {
		this := &g.credentials[i]
		switch {
		case equal(username, this.username):
			c, known = this, true
		case c == nil || !known && this.expensive:
			c = this
		}
	}
	return c, known
}

// ServeHTTP lets requests with the right password pass. What it answers to
// others is the reference's (medusa/auth_handler.py), but that their
// repetition is slowed down: see throttle.
func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := r.Header.Get("Authorization")
	if header == "" {
		unauthorized(w)
		return
	}
	scheme, encoded, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "basic") {
		unauthorized(w)
		return
	}
	username, password, ok := decodeBasic(encoded)
	if !ok {
		refuse(w, http.StatusBadRequest)
		return
	}
	caller := access.Of(r.Context())
	switch err := g.check(r.Context(), caller.Key, username, password); {
	case err == nil:
		c, _ := g.find(username)
		// A list of the socket's peers, or a suspicious host, may have left less.
		caller.User, caller.Role = username, min(caller.Role, c.role)
		g.next.ServeHTTP(w, r)
	case errors.Is(err, errWrong):
		g.audit.RecordLogin(caller, username)
		unauthorized(w)
	case errors.Is(err, errThrottled):
		w.Header().Set("Retry-After", "1")
		w.Header().Set("Connection", "close")
		refuse(w, http.StatusTooManyRequests)
	default: // the client has gone
	}
}

// errWrong says that the name or the password is wrong.
var errWrong = errors.New("check the password: it is wrong")

// check returns nil for the right password, and else errWrong, errThrottled or
// ctx's error.
func (g *guard) check(ctx context.Context, client, username, password string) error {
	if g.remembered.holds(client, username, password) {
		return nil
	}
	if err := g.throttle.wait(ctx, client); err != nil {
		return err
	}
	c, known := g.find(username)
	if c.expensive {
		// One check at a time leaves the other processors to the daemon's work.
		g.one.Lock()
		defer g.one.Unlock()
		if g.remembered.holds(client, username, password) {
			return nil // the request before was the same client's
		}
		if g.throttle.suspects(client) {
			return errThrottled // the requests before were wrong
		}
	}
	if right := c.verify(password); !right || !known {
		g.throttle.failed(client)
		return errWrong
	}
	g.throttle.succeeded(client)
	g.remembered.add(client, username, password)
	return nil
}

// unauthorized asks for a password. The connection ends, so that a body that
// is on its way need not be read.
func unauthorized(w http.ResponseWriter) {
	w.Header().Set("Connection", "close")
	w.Header().Set("WWW-Authenticate", `Basic realm="default"`)
	refuse(w, http.StatusUnauthorized)
}

// decodeBasic reads what stands behind "Basic": the base64 of name:password,
// padded or not.
func decodeBasic(text string) (username, password string, ok bool) {
	text = strings.TrimRight(strings.TrimSpace(text), "=")
	decoded, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return "", "", false
	}
	return strings.Cut(string(decoded), ":")
}
