// Package web is the page through which people watch and drive the daemon in
// a browser: Supervisor's URLs and messages, and a view that stays live.
//
// It decides how things look, which requests of a browser are to be trusted,
// and in which words an action is reported. It never acts by itself: what is
// done, the core does, and who may come in at all was decided before by the
// HTTP servers of package rpc.
package web

import (
	"crypto/rand"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/vigilance-go/vigilance/supervisor"
	"github.com/vigilance-go/vigilance/supervisor/access"
	"github.com/vigilance-go/vigilance/supervisor/mainlog"
)

// Options is what the page needs from its surroundings.
type Options struct {
	// Daemon is the daemon that is shown and driven.
	Daemon *supervisor.Daemon
	// Log is the daemon's log; nil for none. It says when an action of a
	// foreign page has been refused.
	Log *mainlog.Logger
	// Audit is where the actions are noted; nil for nowhere.
	Audit *access.Audit
}

// The files of the page, as they are built into the binary.
//
//go:embed assets
var files embed.FS

// Handler serves the page. It is made by New.
type Handler struct {
	daemon *supervisor.Daemon
	log    *mainlog.Logger
	audit  *access.Audit
	key    []byte // signs tokens
	pages  *template.Template
	assets map[string]asset // by path
	hub    *hub
	host   string
}

// New makes the handler of every path that no other handler has. It panics
// only when the files built into the binary are broken.
func New(o Options) *Handler {
	h := &Handler{
		daemon: o.Daemon,
		log:    o.Log,
		audit:  o.Audit,
		key:    make([]byte, 32),
		pages:  template.Must(template.New("").Funcs(functions()).ParseFS(files, "assets/*.html")),
		assets: loadAssets(),
		hub:    newHub(o.Daemon),
	}
	_, _ = rand.Read(h.key) // never fails, by its documentation
	h.host, _ = os.Hostname()
	return h
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	harden(w.Header())
	switch path := strings.TrimLeft(r.URL.Path, "/"); path {
	case "", "index.html":
		h.index(w, r)
	case "tail.html":
		h.tail(w, r)
	case "log.html":
		h.mainLog(w, r)
	case "ok.html":
		h.ok(w, r)
	case "do":
		h.do(w, r)
	case "live":
		h.live(w, r)
	default:
		h.other(w, r, path)
	}
}

// harden sets what each answer has: nothing is loaded from elsewhere, no other
// page may frame this one or learn of its addresses, and no type is guessed.
func harden(header http.Header) {
	header.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; "+
		"img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	header.Set("X-Frame-Options", "DENY")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "same-origin")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Cache-Control", "no-cache, no-store")
}

// ok answers the check that load balancers use.
func (h *Handler) ok(w http.ResponseWriter, r *http.Request) {
	if !allowed(w, r, pageMethods...) {
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	_, _ = w.Write([]byte("OK")) // a client that has gone does not miss it
}

// other serves the embedded files; there is nothing else.
func (h *Handler) other(w http.ResponseWriter, r *http.Request, path string) {
	file, known := h.assets[path]
	if !known {
		h.refuse(w, r, refusal{http.StatusNotFound, "There is no such page",
			"The address names nothing that supervisord has."})
		return
	}
	if !allowed(w, r, http.MethodGet, http.MethodHead) {
		return
	}
	file.serve(w, r)
}

// pageMethods are those that Supervisor takes for its pages, and HEAD. They
// are only read.
var pageMethods = []string{http.MethodGet, http.MethodHead, http.MethodPost}

// allowed reports whether the request has one of the methods, and refuses it
// if not.
func allowed(w http.ResponseWriter, r *http.Request, methods ...string) bool {
	if slices.Contains(methods, r.Method) {
		return true
	}
	w.Header().Set("Allow", strings.Join(methods, ", "))
	http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	return false
}

// prefix is the path under which the browser sees the page, "" or
// "/supervisor", as a proxy or the option base_path says.
func prefix(r *http.Request) string { return cleanPrefix(r.Header.Get("X-Forwarded-Prefix")) }

// cleanPrefix brings a path into the form "/a/b", and makes "" of everything
// that is not a plain path, such as "//evil.example".
func cleanPrefix(p string) string {
	p = strings.Trim(p, "/")
	if p == "" || strings.Contains(p, "//") {
		return ""
	}
	for _, c := range []byte(p) {
		plain := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
			strings.IndexByte("/-_.~", c) >= 0
		if !plain {
			return ""
		}
	}
	return "/" + p
}

// asset is one embedded file.
type asset struct {
	content string
	kind    string
	etag    string
}

// loadAssets takes the embedded files that are served as they are.
func loadAssets() map[string]asset {
	kinds := map[string]string{
		".css": "text/css; charset=utf-8",
		".js":  "text/javascript; charset=utf-8",
		".svg": "image/svg+xml",
	}
	all := make(map[string]asset)
	entries, err := fs.ReadDir(files, "assets")
	if err != nil {
		panic(fmt.Sprintf("read the embedded files: %v", err))
	}
	for _, e := range entries {
		name := e.Name()
		kind := kinds[name[strings.LastIndexByte(name, '.'):]]
		if kind == "" {
			continue
		}
		content, err := files.ReadFile("assets/" + name)
		if err != nil {
			panic(fmt.Sprintf("read the embedded file %q: %v", name, err))
		}
		all["assets/"+name] = asset{string(content), kind, etag(content)}
	}
	return all
}

// serve answers with the file, or with the news that the browser has it.
func (a asset) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", a.kind)
	w.Header().Set("Etag", a.etag)
	w.Header().Set("Cache-Control", "no-cache") // kept, and asked about each time
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(a.content))
}
