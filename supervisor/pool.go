package supervisor

import (
	"errors"
	"fmt"
	"slices"
	"syscall"

	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/supervisor/process"
)

// What a pool keeps for its listeners when buffer_size is not set. The
// reference's default of 10 events loses nearly all of a mass death.
const (
	defaultBufferEvents = 10_000
	defaultBufferBytes  = 64 << 20
)

// pool is the event side of an [eventlistener:x] group: what waits to be sent
// to whichever of its listeners is ready first.
type pool struct {
	d         *Daemon
	group     *group
	events    []listener.EventType // what it subscribes to
	maxEvents int
	maxBytes  int // 0: bounded by maxEvents alone
	buffer    []queued
	bytes     int    // payload bytes in buffer
	serial    uint64 // of the next event that this pool takes
	dirty     bool   // something changed that may allow a dispatch
	hears     bool   // it wants events that a child's output makes
	holds     bool   // the sources of some of its events wait when it is full
	stuck     bool   // it was full for so long that nobody waits for it
	wire      []byte // where events are encoded
	stats     poolStats
}

// poolStats counts what became of a pool's events.
type poolStats struct {
	accepted, sent, processed, rejected, dropped uint64
}

// queued is an event with its place in one pool's sequence.
type queued struct {
	ev     *event
	serial uint64
}

// newPool makes the pool of an event listener group.
func newPool(d *Daemon, g *group) *pool {
	p := &pool{d: d, group: g}
	for _, name := range g.cfg.Pool.Events {
		p.events = append(p.events, listener.EventType(name))
	}
	p.hears = slices.ContainsFunc(spokenKinds, p.wants)
	p.maxEvents = g.cfg.Pool.BufferSize
	if p.maxEvents == 0 {
		p.maxEvents, p.maxBytes = defaultBufferEvents, defaultBufferBytes
		p.holds = slices.ContainsFunc(holdable, p.wants)
	}
	return p
}

// wants tells whether the pool subscribes to events of this kind, by its own
// name or that of a parent.
func (p *pool) wants(kind listener.EventType) bool {
	for _, e := range p.events {
		if kind.Matches(e) {
			return true
		}
	}
	return false
}

// accept puts a new event at the end of the buffer.
func (p *pool) accept(ev *event) {
	q := queued{ev, p.serial}
	p.serial++
	p.stats.accepted++
	p.makeRoom(len(ev.payload))
	p.buffer = append(p.buffer, q)
	p.bytes += len(ev.payload)
	p.dirty = true
}

// rebuffer puts an event that a listener did not process back in front.
func (p *pool) rebuffer(q queued) {
	p.d.log.Logf(levelDebug, "rebuffering event %d for pool %s (buf size=%d, max=%d)",
		q.ev.serial, p.group.cfg.Name, len(p.buffer), p.maxEvents)
	p.stats.rejected++
	p.makeRoom(len(q.ev.payload))
	p.buffer = append(p.buffer, queued{})
	copy(p.buffer[1:], p.buffer)
	p.buffer[0] = q
	p.bytes += len(q.ev.payload)
	p.dirty = true
}

// makeRoom discards the oldest events until one of size bytes fits.
func (p *pool) makeRoom(size int) {
	for len(p.buffer) > 0 &&
		(len(p.buffer) >= p.maxEvents || p.maxBytes > 0 && p.bytes+size > p.maxBytes) {
		old := p.pop()
		p.stats.dropped++
		p.d.log.Logf(levelError, "pool %s event buffer overflowed, discarding event %d",
			p.group.cfg.Name, old.ev.serial)
	}
}

// pop takes the oldest event out of the buffer.
func (p *pool) pop() queued {
	q := p.buffer[0]
	p.buffer[0] = queued{} // let the payload go
	p.buffer = p.buffer[1:]
	p.bytes -= len(q.ev.payload)
	return q
}

// dispatch sends the oldest events to the listeners that are ready, and
// reports whether there were any.
func (p *pool) dispatch() (sent bool) {
	for len(p.buffer) > 0 && p.send(p.buffer[0]) {
		p.pop()
		sent = true
	}
	return sent
}

// send gives an event to the first ready listener, and reports false when
// there is none.
func (p *pool) send(q queued) bool {
	for _, l := range p.group.procs {
		c := l.reader
		if l.st.State != process.Running || c.state != listenerReady || l.run == nil {
			continue
		}
		switch err := l.run.child.Stdin.Write(p.envelope(q)); {
		case err == nil:
			c.state = listenerBusy
			c.current = &q
			p.stuck = false
			p.stats.sent++
			p.d.log.Logf(levelDebug, "event %d sent to listener %s", q.ev.serial, l.cfg.Name)
			return true
		case errors.Is(err, syscall.EPIPE):
			p.d.log.Logf(levelDebug, "epipe occurred while sending event %d to listener %s, listener state unchanged",
				q.ev.serial, l.cfg.Name)
		default:
			// It is larger than what may wait for a listener: it would stop
			// the pool for ever.
			p.stats.dropped++
			p.d.log.Log(levelError, fmt.Sprintf("discard event %d for listener %s: %v", q.ev.serial, l.cfg.Name, err))
			return true
		}
	}
	return false
}

// wireSize is the room, in bytes, that a pool keeps for the encoding of its
// events: for what fits into a pipe. Larger ones are rare.
const wireSize = 72 << 10

// envelope is an event as it goes over the wire. It is valid until the next.
func (p *pool) envelope(q queued) []byte {
	h := listener.Header{
		Server:     p.d.opts.Config.Supervisord.Identifier,
		Serial:     q.ev.serial,
		Pool:       p.group.cfg.Name,
		PoolSerial: q.serial,
		EventName:  q.ev.kind,
	}
	const header = 160 // about its length
	buf := p.wire[:0]
	if need := header + len(q.ev.payload); cap(buf) < need {
		buf = make([]byte, 0, need)
	}
	buf = listener.AppendEvent(buf, h, q.ev.payload)
	if cap(buf) <= wireSize {
		p.wire = buf
	}
	return buf
}
