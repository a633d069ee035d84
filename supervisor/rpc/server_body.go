package rpc

import (
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

const (
	// maxBody bounds the body of a request, in bytes. The largest that makes
	// sense carries a text for a process' stdin.
	maxBody = 4 << 20
	// freeBody is the part of a body that is always accepted; what is beyond
	// it counts, with that of all other requests, against maxBodies.
	freeBody  = 16 << 10
	maxBodies = 8 << 20
	// bodyPatience is how long a client may take for the body of a request.
	bodyPatience = 30 * time.Second
)

// budget bounds the memory that the bodies of all requests take at one time.
type budget struct{ used atomic.Int64 }

func newBudget() *budget { return new(budget) }

// take accounts for n more bytes and reports false when there is no room.
func (b *budget) take(n int64) bool {
	if b.used.Add(n) > maxBodies {
		b.used.Add(-n)
		return false
	}
	return true
}

// lacks tells whether there is no room for n more bytes now.
func (b *budget) lacks(n int64) bool { return n > 0 && b.used.Load()+n > maxBodies }

// bounded lets next read bodies no faster, larger or more at a time than the
// daemon can bear: reading more fails with *http.MaxBytesError.
func bounded(b *budget, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength <= maxBody && b.lacks(r.ContentLength-freeBody) {
			w.Header().Set("Retry-After", "1") // nothing is read, to be thrown away in the end
			w.Header().Set("Connection", "close")
			refuse(w, http.StatusRequestEntityTooLarge)
			return
		}
		if r.ContentLength > maxBody {
			w.Header().Set("Connection", "close")
			refuse(w, http.StatusRequestEntityTooLarge)
			return
		}
		control := http.NewResponseController(w)
		if r.ContentLength != 0 {
			_ = control.SetReadDeadline(time.Now().Add(bodyPatience)) // without one, a slow client harms itself
		}
		body := &boundedBody{
			ReadCloser: http.MaxBytesReader(w, r.Body, maxBody), budget: b, header: w.Header(),
			// Without a deadline, so that a request that takes long is not cut.
			done: func() { _ = control.SetReadDeadline(time.Time{}) },
		}
		defer body.release()
		r.Body = body
		next.ServeHTTP(w, r)
	})
}

// boundedBody is the body of one request.
type boundedBody struct {
	io.ReadCloser
	budget *budget
	header http.Header
	done   func()
	read   int64
	taken  int64
}

// Read is part of io.Reader.
func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	if beyond := b.read - freeBody; beyond > b.taken {
		if !b.budget.take(beyond - b.taken) {
			b.header.Set("Retry-After", "1") // the bodies of others take the room
			b.header.Set("Connection", "close")
			return 0, &http.MaxBytesError{Limit: b.read - int64(n)}
		}
		b.taken = beyond
	}
	if err != nil {
		b.done()
	}
	return n, err
}

func (b *boundedBody) release() { b.budget.used.Add(-b.taken) }
