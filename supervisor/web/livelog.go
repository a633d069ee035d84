package web

import (
	"context"
	"net/http"
)

// liveLog is the log that one browser follows.
type liveLog struct {
	follower
	// source returns the log's file, empty for none; nil when the page shows
	// no log.
	source func(context.Context) (string, error)
	now    string // the file, as of the last time it was asked for
	looks  int
	begun  bool // something was sent
}

// logOf returns the log that a request for live news names: a process by log=
// and channel=, or the daemon's own by mainlog=.
func (h *Handler) logOf(r *http.Request) *liveLog {
	query := r.URL.Query()
	switch name := query.Get("log"); {
	case name != "":
		ofStderr := query.Get("channel") == stderrName
		return &liveLog{source: func(ctx context.Context) (string, error) {
			return h.daemon.LogPath(ctx, name, ofStderr)
		}}
	case query.Has("mainlog"):
		return &liveLog{source: func(context.Context) (string, error) {
			return h.daemon.MainLogPath(), nil
		}}
	}
	return &liveLog{}
}

// send sends what is new in the log, and reports whether the browser is still
// there.
func (l *liveLog) send(ctx context.Context, s *stream) bool {
	if l.source == nil {
		return true
	}
	p, ok := l.next(ctx)
	if !ok {
		return true
	}
	p.Begin, l.begun = !l.begun, true
	return s.send(message{"log", encode(p)})
}

// next looks at the log.
func (l *liveLog) next(ctx context.Context) (piece, bool) {
	if l.looks%resolveEvery == 0 {
		path, err := l.source(ctx)
		if err != nil {
			l.close()
			return l.note("The log cannot be had: " + err.Error() + ".")
		}
		l.now = path
	}
	l.looks++
	return l.look(l.now)
}
