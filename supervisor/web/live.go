package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

const (
	// lookEvery is how often a log is looked at that somebody follows.
	lookEvery = 250 * time.Millisecond
	// resolveEvery counts looks: a program's log may be another one after an
	// update of the configuration.
	resolveEvery = 8
	// aliveEvery is how often something is sent even when nothing happens, so
	// that proxies and both ends notice a dead connection.
	aliveEvery = 15 * time.Second
)

// stream writes server-sent events. How long a browser may take to accept one
// is up to the server.
type stream struct {
	w  http.ResponseWriter
	rc *http.ResponseController
}

// send writes one event and reports whether that went well.
func (s *stream) send(m message) bool {
	return s.write(fmt.Appendf(nil, "event: %s\ndata: %s\n\n", m.event, m.data))
}

func (s *stream) write(text []byte) bool {
	if _, err := s.w.Write(text); err != nil {
		return false
	}
	return s.rc.Flush() == nil
}

// live keeps one browser up to date until it goes: with the processes, and
// with the log that the page shows, if any.
func (h *Handler) live(w http.ResponseWriter, r *http.Request) {
	if !allowed(w, r, http.MethodGet) {
		return
	}
	ctx := r.Context()
	session := h.session(w, r)
	c, err := h.hub.join(ctx)
	if err != nil {
		http.Error(w, "supervisord is going down", http.StatusServiceUnavailable)
		return
	}
	defer h.hub.leave(c)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // for nginx, which would hold events back
	s := &stream{w, http.NewResponseController(w)}
	alive := time.NewTicker(aliveEvery)
	defer alive.Stop()
	log := h.logOf(r)
	defer log.close()
	var look <-chan time.Time // never, without a log
	if log.source != nil {
		ticker := time.NewTicker(lookEvery)
		defer ticker.Stop()
		look = ticker.C
	}
	if !s.send(h.hub.picture(c, h.token(session))) || !log.send(ctx, s) {
		return
	}
	for ok := true; ok; {
		select {
		case m := <-c.out:
			ok = s.send(m)
		case <-look:
			ok = log.send(ctx, s)
		case <-alive.C:
			ok = s.write([]byte(": still here\n\n"))
		case <-h.daemon.Done():
			return
		case <-ctx.Done():
			return
		}
		if ok && c.behind.Load() {
			ok = s.send(h.hub.picture(c, h.token(session)))
		}
	}
}

// MarshalJSON makes an array of the run, as there are many of them.
func (r run) MarshalJSON() ([]byte, error) {
	if r.Class == "" {
		return json.Marshal([]string{r.Text})
	}
	return json.Marshal([]string{r.Text, r.Class})
}
