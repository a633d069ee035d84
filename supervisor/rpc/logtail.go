package rpc

import (
	"net/http"
	"os"
	"strings"

	"github.com/vigilance-go/vigilance/supervisor"
)

// logtail serves /logtail/NAME/CHANNEL, where the channel is stdout or stderr
// and may be left out for stdout: the end of a process' log and what is added
// to it, for as long as the client listens. Names come from the configuration,
// never from the disk: a path that is none of them is 404.
type logtail struct {
	daemon  *supervisor.Daemon
	streams *streams
}

// ServeHTTP is part of http.Handler.
func (l *logtail) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		refuse(w, http.StatusBadRequest)
		return
	}
	rest, _ := strings.CutPrefix(r.URL.Path, "/logtail/")
	name, channel, given := strings.Cut(rest, "/")
	if !given {
		channel = "stdout"
	}
	if channel != "stdout" && channel != "stderr" {
		refuse(w, http.StatusNotFound)
		return
	}
	path, err := l.daemon.LogFile(r.Context(), name, channel == "stderr")
	if err != nil {
		refuse(w, http.StatusNotFound)
		return
	}
	// A proxy such as nginx is not to hold the text back.
	w.Header().Set("X-Accel-Buffering", "no")
	l.streams.serveFile(w, r, path)
}

// mainLogtail serves /mainlogtail: the same for the daemon's own log.
type mainLogtail struct {
	daemon  *supervisor.Daemon
	streams *streams
}

// ServeHTTP is part of http.Handler.
func (l *mainLogtail) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		refuse(w, http.StatusBadRequest)
		return
	}
	w.Header().Set("X-Accel-Buffering", "no")
	l.streams.serveFile(w, r, l.daemon.MainLogPath())
}

// serveFile streams a file from its last kilobyte on. What is no regular file,
// such as a terminal or "syslog", has no end to begin with: 404, as for a log
// that does not exist yet.
func (s *streams) serveFile(w http.ResponseWriter, r *http.Request, path string) {
	info, err := os.Stat(path)
	if path == "" || err != nil || !info.Mode().IsRegular() {
		refuse(w, http.StatusNotFound)
		return
	}
	tail, err := openTail(path)
	if err != nil {
		refuse(w, http.StatusNotFound)
		return
	}
	defer tail.close()
	h := w.Header()
	h.Set("Last-Modified", info.ModTime().UTC().Format(http.TimeFormat))
	h.Set("Content-Type", "text/plain;charset=utf-8")
	plainly(h)
	s.serve(w, r, tail)
}

// plainly keeps a browser from taking text for anything else, and other sites'
// pages from taking it in.
func plainly(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}
