package rpc

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"sync"
)

// guard asks for the user name and password of one server.
type guard struct {
	credential credential
	throttle   *throttle
	remembered *memory
	one        sync.Mutex // held during an expensive check
	next       http.Handler
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
	switch err := g.check(r.Context(), callerOf(r.Context()).client, username, password); {
	case err == nil:
		callerOf(r.Context()).User = username
		g.next.ServeHTTP(w, r)
	case errors.Is(err, errWrong):
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
	if g.credential.expensive {
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
	if !g.credential.matches(username, password) {
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
