package rpc

import (
	"bytes"
	"time"
)

// maxScanned is how much of a request, in bytes, is searched for its Host.
const maxScanned = 16 << 10

// Read is part of net.Conn. The beginning of a request is made what net/http
// takes: Python's supervisord ignores empty lines before it, and does not ask
// for the Host of HTTP/1.1, which clients that write their requests by hand
// leave out.
func (c *gateConn) Read(p []byte) (int, error) {
	if len(c.ready) > 0 {
		n := copy(p, c.ready)
		if c.ready = c.ready[n:]; len(c.ready) == 0 {
			c.ready = nil
		}
		return n, nil
	}
	if !c.beginning || len(p) < len(hostLine) {
		return c.Conn.Read(p)
	}
	c.beginning = false
	n, err := c.Conn.Read(p)
	if err != nil || n == 0 || p[0] != '\r' && p[0] != '\n' && !wantsHost(p[:n]) {
		return n, err
	}
	return c.readHead(p, bytes.TrimLeft(p[:n], "\r\n"))
}

// readHead reads on until it is clear what begin, with which a request begins,
// lacks.
func (c *gateConn) readHead(p, begin []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(headerPatience)); err != nil { // net/http lifts it
		return 0, err
	}
	head := bytes.Clone(begin)
	lines := true // a line has been completed since the last look
	for len(head) == 0 || len(head) < maxScanned && (!lines || wantsHost(head) && !headEnds(head)) {
		n, err := c.Conn.Read(p)
		head = append(head, p[:n]...)
		lines = bytes.IndexByte(p[:n], '\n') >= 0
		if err != nil {
			if len(head) == 0 {
				return 0, err
			}
			break // the next Read meets it again
		}
		if len(head) == n {
			head = bytes.TrimLeft(head, "\r\n")
		}
	}
	if wantsHost(head) && headEnds(head) {
		line := bytes.IndexByte(head, '\n') + 1
		head = bytes.Join([][]byte{head[:line], []byte(hostLine), head[line:]}, nil)
	}
	n := copy(p, head)
	c.ready = head[n:]
	return n, nil
}

// hostLine is added to a request without Host.
const hostLine = "Host:\r\n"

// wantsHost tells whether what there is of a request is one of HTTP/1.1, or
// may become one, that has no Host so far.
func wantsHost(head []byte) bool {
	first, rest, complete := bytes.Cut(head, []byte("\n"))
	if complete && !bytes.HasSuffix(bytes.TrimSuffix(first, []byte("\r")), []byte(" HTTP/1.1")) {
		return false
	}
	for len(rest) > 0 {
		var line []byte
		line, rest, complete = bytes.Cut(rest, []byte("\n"))
		if len(line) >= len("host:") && bytes.EqualFold(line[:len("host:")], []byte("host:")) {
			return false
		}
		if complete && len(bytes.TrimSuffix(line, []byte("\r"))) == 0 {
			break // what follows is the body
		}
	}
	return true
}

// headEnds tells whether the headers of a request are complete.
func headEnds(head []byte) bool {
	return bytes.Contains(head, []byte("\n\r\n")) || bytes.Contains(head, []byte("\n\n"))
}
