package rpc

import (
	"net/http"
	"strings"
)

// forwardedPrefix is the header by which a proxy says under which path it
// shows a server, and by which the web page learns of base_path.
const forwardedPrefix = "X-Forwarded-Prefix"

// underBase takes base off the paths of requests that come with it, so that a
// proxy may pass them on as they are. Others are served as well: supervisorctl
// and proxies that take it off themselves know nothing of it.
func underBase(base string, next http.Handler) http.Handler {
	if base == "" {
		return next
	}
	stripped := http.StripPrefix(base, next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get(forwardedPrefix) == "" {
			r.Header.Set(forwardedPrefix, base)
		}
		switch {
		case r.URL.Path == base:
			w.Header().Set("Location", base+"/")
			w.WriteHeader(http.StatusMovedPermanently)
		case strings.HasPrefix(r.URL.Path, base+"/"):
			stripped.ServeHTTP(w, r)
		default:
			next.ServeHTTP(w, r)
		}
	})
}
