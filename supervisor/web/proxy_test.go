package web

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
)

// proxy shows a daemon under a path, as nginx and others do.
type proxy struct {
	path    string
	strip   bool // take the path off before passing requests on
	tell    bool // send X-Forwarded-Prefix
	ownHost bool // send the daemon's host, and the browser's in X-Forwarded-Host
}

// serve starts the proxy and returns its address.
func (p proxy) serve(t *testing.T, target *url.URL) string {
	t.Helper()
	through := &httputil.ReverseProxy{
		FlushInterval: -1,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = target.Scheme, target.Host
			r.Out.Host = r.In.Host
			if p.ownHost {
				r.Out.Host = target.Host
				r.Out.Header.Set("X-Forwarded-Host", r.In.Host)
			}
			if p.strip {
				r.Out.URL.Path = strings.TrimPrefix(r.In.URL.Path, p.path)
				r.Out.URL.RawPath = ""
			}
			if p.tell {
				r.Out.Header.Set("X-Forwarded-Prefix", p.path)
			}
		},
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, p.path+"/") {
			http.NotFound(w, r) // where another application lives
			return
		}
		through.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s.URL
}

// site is another site, on another origin, with one page in which TARGET stands
// for address.
func site(t *testing.T, page, address string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(strings.ReplaceAll(page, "TARGET", address)))
	}))
	t.Cleanup(s.Close)
	return strings.Replace(s.URL, "127.0.0.1", "localhost", 1)
}
