package supervisor

import (
	"time"

	"github.com/vigilance-go/vigilance/listener"
)

// holdTime is how long the source of an event waits for a pool that has no
// room and whose listeners take nothing. One that is merely slow makes some
// room in that time; one that is stuck must not freeze the programs whose
// output it was to hear.
const holdTime = time.Second

// Room that is kept for what is on its way when a pool reports itself full:
// every message in the inbox may be an event with a pipe's worth of output.
const (
	spareEvents = 2 * inboxLen
	spareBytes  = inboxLen << 16
)

// backlog is how many events that wait in a pool show that its listeners are
// the slowest on the way. Output is then gathered into larger events, so that
// there are fewer of them.
const backlog = 8

// holdable are the kinds of event whose source can wait: a child, whose pipe
// fills meanwhile, or a client. It is only read.
var holdable = append([]listener.EventType{listener.RemoteCommunicationSent}, spokenKinds...)

// spokenKinds are those of them that a child's output makes.
var spokenKinds = []listener.EventType{
	listener.ProcessLogStdout, listener.ProcessLogStderr,
	listener.ProcessCommunicationStdout, listener.ProcessCommunicationStderr,
}

// hold is the message that the source of an event waits until there is room
// for more; gate is closed when it may go on.
type hold struct{ gate chan struct{} }

func (m hold) apply(d *Daemon) {
	if !d.bus.crowded() {
		close(m.gate)
		return
	}
	d.bus.held = append(d.bus.held, m.gate)
	if d.bus.patience.at.IsZero() {
		d.timers.set(&d.bus.patience, d.now().Add(holdTime))
	}
}

// holdBack makes the goroutine that has sent an event wait while the pools
// that want such events are full. It costs nothing while they are not.
func (d *Daemon) holdBack() {
	if !d.bus.full.Load() {
		return
	}
	m := hold{gate: make(chan struct{})}
	if !d.send(m) {
		return
	}
	select {
	case <-m.gate:
	case <-d.done:
	}
}

// crowded tells whether a pool that is making progress has no room for the
// output of children, and lets their readers know how the pools fare.
func (b *bus) crowded() bool {
	full, behind := false, false
	for _, p := range b.pools {
		full = full || p.crowded()
		behind = behind || p.behind()
	}
	if full != b.full.Load() {
		b.full.Store(full)
	}
	if behind != b.behind.Load() {
		b.behind.Store(behind)
	}
	return full
}

// behind tells whether the pool wants output events and has not got rid of
// what it has already.
func (p *pool) behind() bool {
	return p.hears && len(p.buffer) >= min(backlog, max(1, p.maxEvents/2))
}

// crowded tells whether the pool wants output events, has hardly any room
// left for them, and is not known to be stuck. A pool with a buffer_size of
// its own never is: it drops, as its user asked.
func (p *pool) crowded() bool {
	return p.holds && !p.stuck &&
		(len(p.buffer) > p.maxEvents-spareEvents || p.bytes > p.maxBytes-spareBytes)
}

// letGo lets the sources of events go on when there is room again. While a
// listener takes events, they wait for that.
func (b *bus) letGo(progress bool) {
	switch crowded := b.crowded(); {
	case len(b.held) == 0:
	case !crowded:
		b.openGates()
	case progress:
		b.d.timers.set(&b.patience, b.d.now().Add(holdTime))
	}
}

// giveUp lets the sources go on although there is no room. Pools that are
// still full count as stuck until one of their listeners takes an event.
func (b *bus) giveUp(time.Time) {
	for _, p := range b.pools {
		p.stuck = p.stuck || p.crowded()
	}
	b.openGates()
}

func (b *bus) openGates() {
	for _, gate := range b.held {
		close(gate)
	}
	b.held = nil
	b.d.timers.set(&b.patience, time.Time{})
	b.crowded()
}
