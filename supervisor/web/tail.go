package web

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"os"
	"strconv"

	"github.com/vigilance-go/vigilance/supervisor"
	"github.com/vigilance-go/vigilance/supervisor/childlog"
)

const (
	// stderrName is the value of channel= for the log of stderr.
	stderrName = "stderr"
	// leastTail is how many bytes of a log tail.html shows at least.
	leastTail = 1024
	// mostTail bounds what a page holds, where Supervisor has no bound.
	mostTail = 4 << 20
)

// tailPage shows the end of a log.
type tailPage struct {
	frame
	Name    string // namespec; empty for the daemon's own log, and for none
	Main    bool   // it is the daemon's own log
	Channel string // "stdout" or "stderr"
	Limit   int64
	Row     *row // nil when there is no such process
	Runs    []run
	Message string
}

// More is the limit for a longer part of the log.
func (p tailPage) More() int64 { return min(max(p.Limit*16, 16<<10), mostTail) }

// Live is what the page's script asks news for.
func (p tailPage) Live() string {
	switch {
	case p.Main:
		return "live?mainlog=1"
	case p.Row == nil:
		return "live"
	}
	return "live?log=" + pyQuote(p.Name) + "&channel=" + p.Channel
}

// tail shows the end of a process's log, as Supervisor's page of that name
// does; channel=stderr is ours.
func (h *Handler) tail(w http.ResponseWriter, r *http.Request) {
	if !allowed(w, r, pageMethods...) {
		return
	}
	if !h.readForm(w, r) {
		return
	}
	name := form(r, "processname")
	page := tailPage{Name: name, Channel: "stdout", Limit: tailLimit(form(r, "limit"))}
	if form(r, "channel") == stderrName {
		page.Channel = stderrName
	}
	title := name
	if name == "" {
		title = "None"
	}
	page.frame = h.frame(r, "Supervisor tail of process "+title)
	page.Token = h.token(h.session(w, r))
	if name == "" {
		page.Runs = []run{{Text: "No process name found"}}
	} else {
		page.Runs = h.tailOf(r.Context(), &page)
	}
	h.render(w, r, http.StatusOK, "tail.html", page)
}

// tailLimit reads the number of bytes to show. Anything but digits, and
// numbers that are too small, mean the least.
func tailLimit(text string) int64 {
	for _, c := range text {
		if c < '0' || c > '9' {
			return leastTail
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if errors.Is(err, strconv.ErrRange) {
		n = math.MaxInt64
	}
	return min(max(n, leastTail), mostTail)
}

// tailOf reads the log of the page's process, and completes the page with what
// is known of it. What goes wrong is worded as Supervisor does.
func (h *Handler) tailOf(ctx context.Context, page *tailPage) []run {
	info, err := h.daemon.ProcessInfo(ctx, page.Name)
	if err != nil {
		return []run{{Text: "ERROR: " + unexpected(err)}}
	}
	r := newRow(&info)
	page.Row = &r
	path := info.Stdout
	if page.Channel == stderrName {
		path = info.Stderr
	}
	return readTail(path, page.Limit, page.Name)
}

// readTail reads the end of a log.
func readTail(path string, limit int64, name string) []run {
	st, err := os.Stat(path)
	if path == "" || err != nil {
		return []run{{Text: "No file for " + name}}
	}
	if !st.Mode().IsRegular() {
		return []run{{Text: "ERROR: " + unexpected(supervisor.NewFault(supervisor.FaultFailed, path))}}
	}
	data, err := childlog.ReadFile(path, -limit, 0)
	if err != nil {
		return []run{{Text: "ERROR: " + unexpected(supervisor.NewFault(supervisor.FaultFailed, path))}}
	}
	var p painter
	return p.paint(data)
}

// mainLog shows the end of the daemon's own log.
func (h *Handler) mainLog(w http.ResponseWriter, r *http.Request) {
	if !allowed(w, r, http.MethodGet, http.MethodHead) {
		return
	}
	page := tailPage{
		frame: h.frame(r, "Log of supervisord"), Main: true, Channel: "stdout",
		Limit: tailLimit(r.URL.Query().Get("limit")),
	}
	page.Token = h.token(h.session(w, r))
	page.Runs = readTail(h.daemon.MainLogPath(), page.Limit, fmt.Sprintf("supervisord (pid %d)", page.PID))
	h.render(w, r, http.StatusOK, "tail.html", page)
}
