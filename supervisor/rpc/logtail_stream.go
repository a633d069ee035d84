package rpc

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// maxStreams bounds the clients that follow a file at one time.
	maxStreams = 256
	// chunkPause is the time between two looks at a file that is being
	// written, so that a flood of small writes is sent in large pieces.
	chunkPause = 20 * time.Millisecond
	// maxNoise is how many bytes a client may send after its request.
	maxNoise = 64 << 10
)

// streams are the answers without an end of all servers. Each has its
// connection for itself: net/http would not see that a client has gone which
// sends anything after its request, as Python's supervisorctl does.
type streams struct {
	watcher *watcher

	mu    sync.Mutex
	conns map[net.Conn]struct{}
	ended bool
	all   sync.WaitGroup
}

func newStreams() *streams {
	return &streams{watcher: newWatcher(), conns: make(map[net.Conn]struct{})}
}

// end ends all streams and waits for them.
func (s *streams) end() {
	s.mu.Lock()
	s.ended = true
	for conn := range s.conns {
		_ = conn.SetDeadline(time.Unix(1, 0)) // its goroutines see that
	}
	s.mu.Unlock()
	s.all.Wait()
	s.watcher.close()
}

// enter counts a stream in, unless there are too many.
func (s *streams) enter(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || len(s.conns) >= maxStreams {
		return false
	}
	s.conns[conn] = struct{}{}
	s.all.Add(1)
	return true
}

func (s *streams) leave(conn net.Conn) {
	s.mu.Lock()
	delete(s.conns, conn)
	s.mu.Unlock()
	_ = conn.Close() // nothing is left to say
	s.all.Done()
}

// serve sends what t has, and will have, until the client goes.
func (s *streams) serve(w http.ResponseWriter, r *http.Request, t *tail) {
	header := w.Header().Clone()
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		refuse(w, http.StatusInternalServerError)
		return
	}
	if !s.enter(conn) {
		_, _ = io.WriteString(conn, busy) // told as a courtesy
		_ = conn.Close()
		return
	}
	defer s.leave(conn)
	_ = conn.SetDeadline(time.Time{})
	out := &streamWriter{conn: conn, chunked: r.ProtoAtLeast(1, 1)}
	if out.begin(header) != nil {
		return
	}
	gone := make(chan struct{})
	go func() { // ends with the connection, at the latest when leave closes it
		defer close(gone)
		_, _ = io.CopyN(io.Discard, buffered, maxNoise)
	}()
	if s.follow(out, t, gone) == nil {
		_ = out.finish()
	}
}

// follow copies t to out until the client goes, which is no error.
func (s *streams) follow(out io.Writer, t *tail, gone <-chan struct{}) error {
	watch := s.watcher.add(t.path)
	defer watch.close()
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		if err := copyNew(out, t, watch); err != nil {
			return err
		}
		pause.Reset(chunkPause)
		select {
		case <-pause.C:
		case <-gone:
			return nil
		}
		select {
		case <-watch.changed:
		case <-watch.ticks():
		case <-gone:
			return nil
		}
	}
}

// copyNew sends all that has been added to the file.
func copyNew(out io.Writer, t *tail, watch *watch) error {
	buf := make([]byte, tailChunk)
	for {
		watch.refresh()
		moved, shorter := t.look()
		if shorter {
			if _, err := io.WriteString(out, truncated); err != nil {
				return err
			}
		}
		for {
			chunk, err := t.read(buf)
			if err != nil {
				return err
			}
			if len(chunk) == 0 {
				break
			}
			if _, err := out.Write(chunk); err != nil {
				return err
			}
		}
		if !moved {
			return nil
		}
		if rest := t.rest(); len(rest) > 0 {
			if _, err := out.Write(rest); err != nil {
				return err
			}
		}
		watch.renew()
		if t.open() != nil {
			return nil // gone again: the watch tells when it comes back
		}
	}
}

// streamWriter writes one answer to a connection of its own.
type streamWriter struct {
	conn    net.Conn
	chunked bool // else HTTP/1.0
	frame   []byte
}

// begin sends the headers.
func (s *streamWriter) begin(h http.Header) error {
	proto := "HTTP/1.0"
	if s.chunked {
		proto = "HTTP/1.1"
		h.Set("Transfer-Encoding", "chunked")
	} else {
		h.Set("Connection", "close")
	}
	h.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	out := bufio.NewWriter(s.conn)
	_, _ = fmt.Fprintf(out, "%s 200 OK\r\n", proto) // Flush tells
	_ = h.Write(out)
	_, _ = io.WriteString(out, "\r\n")
	return out.Flush()
}

// Write sends p as one chunk. It is part of io.Writer.
func (s *streamWriter) Write(p []byte) (int, error) {
	if !s.chunked {
		return s.conn.Write(p)
	}
	s.frame = fmt.Appendf(s.frame[:0], "%x\r\n", len(p))
	s.frame = append(append(s.frame, p...), "\r\n"...)
	if _, err := s.conn.Write(s.frame); err != nil {
		return 0, err
	}
	return len(p), nil
}

// finish sends the end of the answer.
func (s *streamWriter) finish() error {
	if !s.chunked {
		return nil
	}
	_, err := io.WriteString(s.conn, "0\r\n\r\n")
	return err
}
