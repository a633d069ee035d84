package web

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vigilance-go/vigilance/supervisor"
	"github.com/vigilance-go/vigilance/supervisor/access"
	"github.com/vigilance-go/vigilance/supervisor/config"
	"github.com/vigilance-go/vigilance/supervisor/mainlog"
)

// FuzzPath asks for any page with any query as an observer: nothing fails,
// nothing acts, and what came with the address is never markup or a header.
func FuzzPath(f *testing.F) {
	for _, seed := range []string{
		"/", "/index.html?message=%3Cscript%3Ealert(1)%3C/script%3E", "/index.html?processname=a%3Ab&action=stop", "/?action=stopall",
		"/tail.html?processname=%22%3E%3Cimg%20src=x%3E&limit=-1&channel=stderr", "/tail.html?limit=99999999999999999999", "/log.html?limit=10",
		"/ok.html", "/assets/style.css", "/assets/../web.go", "//evil.example/", "/do?start=*", "/a/b/c", "/%00", "/index.html;x", "/?action=refresh&message=x%0d%0aSet-Cookie:y",
	} {
		f.Add(seed, "cross-site", "")
		f.Add(seed, "", "/prefix")
	}
	log, err := mainlog.Open(mainlog.Options{Path: filepath.Join(f.TempDir(), "log"), Level: mainlog.Critical})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(log.Close)
	d, err := supervisor.New(supervisor.Options{Config: &config.Config{}, Log: log})
	if err != nil {
		f.Fatal(err)
	}
	h := New(Options{Daemon: d, Log: log})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := d.Run(ctx); err != nil { // from now on it answers that it has stopped
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, address, site, prefix string) {
		u, err := url.ParseRequestURI(address)
		if err != nil || strings.TrimLeft(u.Path, "/") == "live" {
			return
		}
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
			r := (&http.Request{Method: method, URL: u, Host: "host", Body: http.NoBody, Header: http.Header{
				"Sec-Fetch-Site": {site}, "X-Forwarded-Prefix": {prefix},
			}}).WithContext(access.With(ctx, &access.Caller{Role: config.RoleObserver}))
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code >= http.StatusInternalServerError && w.Code != http.StatusServiceUnavailable {
				t.Fatalf("%s %s: got %d", method, address, w.Code)
			}
			body := w.Body.String()
			for _, values := range u.Query() {
				for _, value := range values {
					if strings.ContainsAny(value, "<>") && len(value) > 3 && strings.Contains(body, value) && !strings.Contains(plainPage, value) {
						t.Fatalf("%s %s: the page holds %q as it came", method, address, value)
					}
				}
			}
			for name, values := range w.Header() {
				if strings.ContainsAny(name+strings.Join(values, ""), "\r\n") {
					t.Fatalf("%s %s: the header %s is %q", method, address, name, values)
				}
			}
			if place := w.Header().Get("Location"); place != "" && !strings.HasPrefix(place, "./") {
				t.Fatalf("%s %s leads to %q, want a place on this page", method, address, place)
			}
		}
	})
}

// plainPage is markup that pages have of their own.
const plainPage = "<!DOCTYPE html><html lang=\"en\"></html><head></head><body></body><main></main>"
