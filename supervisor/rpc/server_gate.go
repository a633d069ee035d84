package rpc

import (
	"container/list"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	sys "golang.org/x/sys/unix"
)

const (
	// writeSlice is how many bytes a client must take within writePatience, or
	// its connection is closed.
	writeSlice    = 64 << 10
	writePatience = time.Minute
	// Where all connections together have more than muchUnsent bytes on their
	// way, slow clients get less patience.
	muchUnsent    = answerMemory / 2
	shortPatience = 2 * time.Second
	// The bounds of the connections that one server has open.
	leastConnections = 32
	mostConnections  = 1024
)

// maxConnections is how many connections each of so many servers may have
// open: together a quarter of the descriptors that this process may have, so
// that clients never keep it from starting programs.
func maxConnections(servers int) int {
	var limit sys.Rlimit
	if err := sys.Getrlimit(sys.RLIMIT_NOFILE, &limit); err != nil {
		return leastConnections
	}
	share := uint64(limit.Cur) / 4 / uint64(max(servers, 1)) //nolint:unconvert // int64 on some systems
	return int(min(max(share, leastConnections), mostConnections))
}

// gate bounds the connections of one server. There is no limit to how long a
// client may keep one open without a request: listeners keep theirs for days.
// But when all are taken, a new one takes the place of the one that has been
// waiting for its request the longest.
type gate struct {
	net.Listener
	most int
	// encrypted: TLS is spoken on the connections, which are not looked into.
	encrypted bool

	mu      sync.Mutex
	open    int
	waiting *list.List // of *gateConn, without a request, the longest first
	unsent  atomic.Int64
}

func newGate(l net.Listener, most int, encrypted bool) *gate {
	return &gate{Listener: l, most: most, encrypted: encrypted, waiting: list.New()}
}

// busy is the whole answer to a connection for which there is no room.
const busy = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

// Accept is part of net.Listener.
func (g *gate) Accept() (net.Conn, error) {
	for {
		conn, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if c := g.admit(conn); c != nil {
			return c, nil
		}
		if !g.encrypted {
			_ = conn.SetWriteDeadline(time.Now().Add(shortPatience))
			_, _ = io.WriteString(conn, busy) // told as a courtesy
		}
		_ = conn.Close()
	}
}

// admit takes a connection in, or returns nil when all others are at work.
func (g *gate) admit(conn net.Conn) *gateConn {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open >= g.most {
		front := g.waiting.Front()
		if front == nil {
			return nil
		}
		longest := front.Value.(*gateConn)
		longest.leaveLocked()
		_ = longest.Conn.Close() // its goroutine sees that
	}
	g.open++
	c := &gateConn{Conn: conn, gate: g, beginning: !g.encrypted}
	c.place = g.waiting.PushBack(c)
	return c
}

// gateConn is one connection of a server.
type gateConn struct {
	net.Conn
	gate  *gate
	place *list.Element // nil while there is a request
	left  bool

	// What follows belongs to whoever reads: see Read.
	beginning bool   // the next bytes begin a request
	ready     []byte // read, and not yet handed on
}

// connState follows the connections of all servers, for http.Server.ConnState.
func connState(conn net.Conn, state http.ConnState) {
	if wrapped, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = wrapped.NetConn() // TLS
	}
	c, ok := conn.(*gateConn)
	if !ok || state == http.StateNew { // which has its place
		return
	}
	g := c.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	if c.place != nil {
		g.waiting.Remove(c.place)
		c.place = nil
	}
	if state != http.StateIdle {
		return
	}
	c.beginning = !g.encrypted
	if !c.left {
		c.place = g.waiting.PushBack(c)
	}
}

// Close is part of net.Conn.
func (c *gateConn) Close() error {
	c.gate.mu.Lock()
	c.leaveLocked()
	c.gate.mu.Unlock()
	return c.Conn.Close()
}

func (c *gateConn) leaveLocked() {
	if c.place != nil {
		c.gate.waiting.Remove(c.place)
		c.place = nil
	}
	if !c.left {
		c.left = true
		c.gate.open--
	}
}

// Write is part of net.Conn. It gives up on a client that does not read.
func (c *gateConn) Write(p []byte) (written int, err error) {
	left := c.gate.unsent.Add(int64(len(p)))
	defer func() { c.gate.unsent.Add(int64(written - len(p))) }()
	for first := true; first || len(p) > written; first = false {
		patience := writePatience
		if left > muchUnsent {
			patience = shortPatience
		}
		if err := c.SetWriteDeadline(time.Now().Add(patience)); err != nil {
			return written, err
		}
		n, err := c.Conn.Write(p[written:min(written+writeSlice, len(p))])
		written += n
		left = c.gate.unsent.Add(-int64(n))
		if err != nil {
			return written, err
		}
	}
	return written, nil
}
