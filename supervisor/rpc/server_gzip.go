package rpc

import (
	"compress/gzip"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// minCompressed is the size, in bytes, from which an answer is compressed.
const minCompressed = 1 << 10

// compression compresses answers. It keeps compressors for reuse: each takes
// several hundred kilobytes.
type compression struct{ pool sync.Pool }

func newCompression() *compression {
	return &compression{pool: sync.Pool{New: func() any {
		zip, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // fails for other levels only
		return zip
	}}}
}

// compressed is an answer that is compressed if the client asks for that and
// it is a long text. Until it knows, it holds the beginning back.
type compressed struct {
	http.ResponseWriter
	c      *compression
	wanted bool
	status int // 0 until the handler has said, or written
	passed bool
	held   []byte
	zip    *gzip.Writer // nil unless the answer is compressed
}

// answer returns the writer for the answer to r. Call finish at its end.
func (c *compression) answer(w http.ResponseWriter, r *http.Request) *compressed {
	return &compressed{ResponseWriter: w, c: c, wanted: r.Method != http.MethodHead && acceptsGzip(r.Header)}
}

// acceptsGzip reads Accept-Encoding (RFC 9110, section 12.5.3). Whoever names
// only "*" gets no surprise.
func acceptsGzip(h http.Header) bool {
	for part := range strings.SplitSeq(strings.Join(h.Values("Accept-Encoding"), ","), ",") {
		coding, params, _ := strings.Cut(part, ";")
		if !strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			continue
		}
		name, weight, found := strings.Cut(params, "=")
		if !found || !strings.EqualFold(strings.TrimSpace(name), "q") {
			return true
		}
		q, err := strconv.ParseFloat(strings.TrimSpace(weight), 64)
		return err == nil && q > 0
	}
	return false
}

// WriteHeader is part of http.ResponseWriter.
func (a *compressed) WriteHeader(status int) {
	if a.passed || a.status != 0 {
		return // net/http ignores a second one, with a line in its log
	}
	if status < http.StatusOK {
		a.ResponseWriter.WriteHeader(status) // informational
		return
	}
	a.status = status
	length, err := strconv.Atoi(a.Header().Get("Content-Length"))
	switch {
	case !a.worthwhile(), err == nil && length < minCompressed:
		a.pass()
	case err == nil:
		a.begin()
	}
}

// worthwhile tells whether the answer is one that can be compressed well.
func (a *compressed) worthwhile() bool {
	h := a.Header()
	if !a.wanted || h.Get("Content-Encoding") != "" || a.status == http.StatusNoContent || a.status == http.StatusNotModified {
		return false
	}
	kind, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	switch kind = strings.TrimSpace(kind); kind {
	case "application/json", "application/javascript", "application/xml", "image/svg+xml":
		return true
	case "text/event-stream": // each event has to leave at once
		return false
	}
	return strings.HasPrefix(kind, "text/")
}

// pass sends the headers and what was held back as they are.
func (a *compressed) pass() {
	a.passed = true
	a.ResponseWriter.WriteHeader(a.status)
	if len(a.held) > 0 {
		_, _ = a.ResponseWriter.Write(a.held) //nolint:gosec // the handler chose its type and escaped it; the next write meets the same error
		a.held = nil
	}
}

// begin sends the headers of a compressed answer, and what was held back.
func (a *compressed) begin() {
	a.passed = true
	h := a.Header()
	h.Del("Content-Length")
	h.Set("Content-Encoding", "gzip")
	h.Add("Vary", "Accept-Encoding")
	a.ResponseWriter.WriteHeader(a.status)
	a.zip = a.c.pool.Get().(*gzip.Writer)
	a.zip.Reset(a.ResponseWriter)
	_, _ = a.zip.Write(a.held) // the next write meets the same error
	a.held = nil
}

// Write is part of http.ResponseWriter.
func (a *compressed) Write(p []byte) (int, error) {
	if a.status == 0 {
		if a.Header().Get("Content-Type") == "" {
			a.Header().Set("Content-Type", http.DetectContentType(p))
		}
		a.WriteHeader(http.StatusOK)
	}
	if !a.passed {
		a.held = append(a.held, p...)
		if len(a.held) >= minCompressed {
			a.begin()
		}
		return len(p), nil
	}
	if a.zip != nil {
		return a.zip.Write(p)
	}
	return a.ResponseWriter.Write(p)
}

// FlushError is what http.ResponseController calls to flush. An answer that is
// flushed before it was long enough is sent as it is.
func (a *compressed) FlushError() error {
	switch {
	case a.zip != nil:
		if err := a.zip.Flush(); err != nil {
			return err
		}
	case !a.passed && a.status != 0:
		a.pass()
	}
	return http.NewResponseController(a.ResponseWriter).Flush()
}

// Flush is part of http.Flusher.
func (a *compressed) Flush() { _ = a.FlushError() } // the next write meets the same error

// Unwrap lets http.ResponseController find what it controls.
func (a *compressed) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// finish ends the answer.
func (a *compressed) finish() {
	switch {
	case a.zip != nil:
		_ = a.zip.Close() // a client that has gone does not miss it
		a.zip.Reset(nil)
		a.c.pool.Put(a.zip)
		a.zip = nil
	case !a.passed && a.status != 0:
		a.Header().Set("Content-Length", strconv.Itoa(len(a.held)))
		a.pass()
	}
}
