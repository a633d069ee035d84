package rpc

import "sync"

// requestCounts counts what the servers answered.
type requestCounts struct {
	mu     sync.Mutex
	counts map[requestKind]*requestCount
}

// requestKind is what requests are told apart by: both are few.
type requestKind struct {
	handler string
	code    int
}

type requestCount struct{ requests, bytes uint64 }

func newRequestCounts() *requestCounts {
	return &requestCounts{counts: make(map[requestKind]*requestCount)}
}

// add counts one answer.
func (c *requestCounts) add(handler string, code int, bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := requestKind{handler, code}
	n := c.counts[k]
	if n == nil {
		n = &requestCount{}
		c.counts[k] = n
	}
	n.requests++
	n.bytes += uint64(max(bytes, 0))
}
