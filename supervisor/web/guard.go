package web

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
)

// A request that changes something must be the wish of somebody who looks at
// this page, and not of another page that is open in the same browser.
//
//   - The page's own buttons send a token by POST. It is signed for the
//     browser's session, so no other page can know it.
//   - Supervisor's links act by GET, and must go on doing so for bookmarks and
//     scripts. What a browser marks as another site's request is refused.
//     A browser that marks nothing, as on plain HTTP, is asked for a click.

// sessionCookie names the browser's session. Its value is no secret of the
// daemon's: daemons on other ports of the host see it, and may have set it.
const sessionCookie = "vigilance_session"

// sessionLen is the length of a session's name in characters.
const sessionLen = 43

// etag names the content of a file.
func etag(content []byte) string {
	sum := sha256.Sum256(content)
	return `"` + hex.EncodeToString(sum[:8]) + `"`
}

// session returns the name of the browser's session, and begins one when it
// has none.
func (h *Handler) session(w http.ResponseWriter, r *http.Request) string {
	if c, err := r.Cookie(sessionCookie); err == nil && len(c.Value) == sessionLen {
		return c.Value
	}
	name := make([]byte, 32)
	_, _ = rand.Read(name) // never fails, by its documentation
	value := base64.RawURLEncoding.EncodeToString(name)
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure where the browser came by https: it could not keep it elsewhere
		Name: sessionCookie, Value: value, Path: prefix(r) + "/",
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: overTLS(r),
	})
	return value
}

// overTLS tells whether the browser came by https, here or to a proxy.
func overTLS(r *http.Request) bool {
	return r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https"
}

// token is what the session's page shows with its requests.
func (h *Handler) token(session string) string {
	mac := hmac.New(sha256.New, h.key)
	mac.Write([]byte(session))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// tokenFits tells whether the request carries its session's token.
func (h *Handler) tokenFits(r *http.Request, token string) bool {
	c, err := r.Cookie(sessionCookie)
	return err == nil && hmac.Equal([]byte(token), []byte(h.token(c.Value)))
}

// origin is where a request comes from, as far as the client tells.
type origin int

const (
	originOwn     origin = 1 // this page, the address bar, or a bookmark
	originForeign origin = 2 // another site
	originScript  origin = 3 // no browser: curl, a monitoring script
	originUnknown origin = 4 // a browser that does not tell
)

// originOf reads the marks that browsers set and no page can forge. The text
// names the mark by which a foreign request was recognised.
func originOf(r *http.Request) (origin, string) {
	switch site := r.Header.Get("Sec-Fetch-Site"); site {
	case "":
	case "same-origin", "none":
		return originOwn, ""
	default:
		return originForeign, "Sec-Fetch-Site: " + site
	}
	for _, name := range []string{"Origin", "Referer"} {
		text := r.Header.Get(name)
		if text == "" {
			continue
		}
		u, err := url.Parse(text)
		if err != nil || u.Host == "" || !ownHost(r, u.Host) {
			return originForeign, name + ": " + text
		}
		return originOwn, ""
	}
	// Every browser names its user's languages; hardly any script does.
	if r.Header.Get("Accept-Language") != "" && strings.HasPrefix(r.UserAgent(), "Mozilla/") {
		return originUnknown, ""
	}
	return originScript, ""
}

// ownHost tells whether host is the one that the request was sent to. A page
// cannot make a browser send X-Forwarded-Host, so only a proxy sets it.
func ownHost(r *http.Request, host string) bool {
	if strings.EqualFold(host, r.Host) {
		return true
	}
	for forwarded := range strings.SplitSeq(r.Header.Get("X-Forwarded-Host"), ",") {
		if forwarded = strings.TrimSpace(forwarded); forwarded != "" && strings.EqualFold(host, forwarded) {
			return true
		}
	}
	return false
}

// refusal is the page that a client gets instead of what it asked for.
type refusal struct {
	Status       int
	What, Reason string
}

// foreign is the refusal of another site's request.
func foreign(mark string) refusal {
	return refusal{http.StatusForbidden, "This request came from another site",
		"A page elsewhere asked your browser for it, and nothing was changed (" + mark + "). " +
			"If you use a proxy, it must pass on the Host header, or set X-Forwarded-Host."}
}

// stale is the refusal of a request without the right token.
var stale = refusal{http.StatusForbidden, "This page is out of date",
	"supervisord was restarted since, or your browser keeps no cookies. Nothing was changed. " +
		"Load the page again, and try once more."}

// refuse answers with a page that says why.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, why refusal) {
	if wantsJSON(r) {
		writeJSON(w, why.Status, outcome{Message: why.What + ". " + why.Reason})
		return
	}
	h.render(w, r, why.Status, "refused.html", struct {
		frame
		refusal
	}{h.frame(r, why.What), why})
}

// refuseForeign answers another site's request, and notes it in the log.
func (h *Handler) refuseForeign(w http.ResponseWriter, r *http.Request, mark string) {
	if h.log != nil {
		h.log.Logf(levelWarn, "refused a request for %s to change something, as it came from another site (%s)",
			quoted(r.URL.Path), quoted(mark))
	}
	h.refuse(w, r, foreign(mark))
}
