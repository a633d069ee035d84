package web

import (
	"bytes"
	"context"
	"html/template"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vigilance-go/vigilance/supervisor"
	"github.com/vigilance-go/vigilance/supervisor/access"
	"github.com/vigilance-go/vigilance/supervisor/config"
	"github.com/vigilance-go/vigilance/supervisor/mainlog"
)

const (
	levelWarn  = mainlog.Warn
	levelError = mainlog.Error

	// themeCookie remembers the choice between light and dark.
	themeCookie = "vigilance_theme"
	// recentShown is how many events a page has before any news come.
	recentShown = 40
)

// signalNames are offered to be sent. They are only read.
var signalNames = []string{"HUP", "INT", "QUIT", "TERM", "KILL", "USR1", "USR2", "STOP", "CONT", "WINCH"}

// frame is what all pages have in common.
type frame struct {
	Title      string
	Theme      string // "light", "dark" or empty for the system's
	Root       string // from the page to the first: "" or some "../"
	Identifier string
	Host       string
	PID        int
	Version    string
	Token      string
	Signals    []string
	Role       string // of who looks; the style hides what it does not allow
}

// frame begins a page without a token.
func (h *Handler) frame(r *http.Request, title string) frame {
	f := frame{
		Title: title, Root: strings.Repeat("../", max(0, strings.Count(r.URL.Path, "/")-1)),
		Identifier: h.daemon.Identifier(), Host: h.host, PID: os.Getpid(),
		Version: supervisor.ReferenceVersion, Signals: signalNames, Role: access.Of(r.Context()).Role.String(),
	}
	if c, err := r.Cookie(themeCookie); err == nil && (c.Value == "light" || c.Value == "dark") {
		f.Theme = c.Value
	}
	return f
}

// functions are what the templates call.
func functions() template.FuncMap {
	return template.FuncMap{
		// quote is for names in links: it writes them as Supervisor does.
		"quote": func(name string) template.URL { return template.URL(pyQuote(name)) }, //nolint:gosec // pyQuote leaves letters, digits and _.-~/ alone
		"plural": func(n int, one, many string) string {
			if n == 1 {
				return "1 " + one
			}
			return strconv.Itoa(n) + " " + many
		},
	}
}

// render sends a page. It is made before anything is sent, so that an error
// still has a status of its own.
func (h *Handler) render(w http.ResponseWriter, r *http.Request, status int, name string, data any) {
	var page bytes.Buffer
	if err := h.pages.ExecuteTemplate(&page, name, data); err != nil {
		if h.log != nil {
			h.log.Logf(levelError, "Web interface error: %v", err)
		}
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/html;charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(page.Len()))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(page.Bytes()) // a client that has gone does not miss it
	}
}

// readForm reads a posted form, no longer and no slower than those of a browser
// are. It reports false when it has refused the request.
func (h *Handler) readForm(w http.ResponseWriter, r *http.Request) bool {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	rc := http.NewResponseController(w)
	if r.ContentLength != 0 {
		_ = rc.SetReadDeadline(time.Now().Add(formPatience)) // without one, a slow client harms itself
		defer func() { _ = rc.SetReadDeadline(time.Time{}) }()
	}
	if err := r.ParseForm(); err != nil {
		h.refuse(w, r, badForm)
		return false
	}
	return true
}

// form reads a field as Supervisor does: from a posted form, or else from the
// address. Empty fields count as missing.
func form(r *http.Request, name string) string {
	posted := slices.DeleteFunc(slices.Clone(r.PostForm[name]), func(v string) bool { return v == "" })
	if len(posted) > 0 {
		return posted[len(posted)-1]
	}
	for _, value := range r.URL.Query()[name] {
		if value != "" {
			return value
		}
	}
	return ""
}

// indexPage is the list of all programs.
type indexPage struct {
	frame
	Message string
	Down    bool // the daemon is going down and answers nothing
	Groups  []groupOf
	Total   int
	Changes []change
	Recent  []happening
	Blank   row // for the script to make new rows of
}

// index shows all programs, or carries out an action of one of Supervisor's
// links and comes back with a message.
func (h *Handler) index(w http.ResponseWriter, r *http.Request) {
	if !allowed(w, r, pageMethods...) {
		return
	}
	if !h.readForm(w, r) {
		return
	}
	if action := form(r, "action"); action != "" && r.Method != http.MethodHead {
		h.legacy(w, r, action, form(r, "processname"))
		return
	}
	page := indexPage{frame: h.frame(r, "Supervisor Status"), Message: form(r, "message")}
	page.Token = h.token(h.session(w, r))
	infos, err := h.daemon.AllProcessInfo(r.Context())
	page.Down = err != nil
	rows := make([]row, 0, len(infos))
	for i := range infos {
		rows = append(rows, newRow(&infos[i]))
	}
	page.Groups, page.Total = inGroups(rows), len(rows)
	page.Changes = h.hub.lookForPending(r.Context())
	page.Recent = h.recent(r.Context())
	h.render(w, r, http.StatusOK, "index.html", page)
}

// recent returns the newest events, the newest first.
func (h *Handler) recent(ctx context.Context) []happening {
	feed, occurrences, err := h.daemon.Watch(ctx, 0)
	if err != nil {
		return nil
	}
	feed.Close()
	if n := len(occurrences); n > recentShown {
		occurrences = occurrences[n-recentShown:]
	}
	var told []happening
	for _, o := range slices.Backward(occurrences) {
		told = append(told, tell(o))
	}
	return told
}

// confirmation asks whether a link was meant.
type confirmation struct {
	frame
	Action, Name string
}

// legacy carries out an action link, if it is to be trusted.
func (h *Handler) legacy(w http.ResponseWriter, r *http.Request, action, name string) {
	from, mark := originOf(r)
	switch {
	case action == "refresh": // changes nothing
	case previewing(r):
		h.refuse(w, r, refusal{http.StatusForbidden, "Not before it is asked for",
			"The browser loads this page in advance, and nothing was changed."})
		return
	case from == originForeign:
		h.refuseForeign(w, r, mark)
		return
	case from == originUnknown && !h.tokenFits(r, r.PostForm.Get("token")):
		page := confirmation{h.frame(r, "Please confirm"), action, name}
		page.Token = h.token(h.session(w, r))
		h.render(w, r, http.StatusOK, "confirm.html", page)
		return
	}
	o := order{what: action, target: name}
	if needs(action) == config.RoleNone {
		h.refuse(w, r, badForm)
		return
	}
	if !h.permitted(w, r, o) {
		return
	}
	message, err := h.legacyAction(context.WithoutCancel(r.Context()), action, name)
	if err != nil {
		h.refuse(w, r, badForm)
		return
	}
	h.note(r.Context(), o, worded(message).failure())
	// Expires is Supervisor's way of keeping browsers from remembering this.
	w.Header().Set("Expires", "Thu, 01 Jan 1970 00:00:00 GMT")
	redirect(w, http.StatusMovedPermanently, "./", message)
}

// previewing tells whether the browser only guesses that its user will want
// the page.
func previewing(r *http.Request) bool {
	for _, name := range []string{"Sec-Purpose", "Purpose", "X-Moz"} {
		if strings.Contains(r.Header.Get(name), "prefetch") {
			return true
		}
	}
	return false
}

// quoted shows what a client sent as the log does.
func quoted(text string) string { return config.PyRepr(text) }
