package supervisor

import (
	"sync/atomic"

	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/supervisor/config"
)

// Levels of the daemon's log, as the plain numbers that mainlog takes.
const (
	levelBlather = int(config.LevelBlather)
	levelDebug   = int(config.LevelDebug)
	levelInfo    = int(config.LevelInfo)
	levelWarn    = int(config.LevelWarn)
	levelError   = int(config.LevelError)
)

// bus hands events to the pools that subscribe to them.
type bus struct {
	d      *Daemon
	pools  []*pool
	serial uint64 // of the next event that a pool takes

	// These are all here that the readers of children's output look at: that
	// a pool has no room, and that its listeners are slower than they are.
	full     atomic.Bool
	behind   atomic.Bool
	held     []chan struct{} // sources that wait for room
	patience deadline        // the end of their wait
}

// event is one occurrence, shared by all pools that have it in their buffers.
type event struct {
	kind    listener.EventType
	serial  uint64
	payload []byte
}

func (b *bus) init(d *Daemon) {
	b.d = d
	b.patience.fire = b.giveUp
}

// subscribe adds a pool.
func (b *bus) subscribe(p *pool) {
	b.pools = append(b.pools, p)
	b.d.ticks.arm(b.d.now())
}

// unsubscribe takes a pool away.
func (b *bus) unsubscribe(p *pool) {
	for i, q := range b.pools {
		if q == p {
			b.pools = append(b.pools[:i:i], b.pools[i+1:]...)
			break
		}
	}
	b.d.ticks.arm(b.d.now())
}

// wanted tells whether any pool subscribes to events of this kind.
func (b *bus) wanted(kind listener.EventType) bool {
	for _, p := range b.pools {
		if p.wants(kind) {
			return true
		}
	}
	return false
}

// notify hands an event to those who watch, and to every pool that subscribes
// to it. Like the reference, it spends a serial only on an event that a pool
// takes.
func (d *Daemon) notify(body listener.Body) {
	kind := body.Type()
	d.feeds.tell(d.now(), body)
	if d.bus.wanted(kind) {
		d.bus.publish(&event{kind: kind, payload: body.AppendPayload(nil)})
	}
}

// publish hands an event without a serial to every pool that subscribes to it.
func (b *bus) publish(ev *event) {
	taken := false
	for _, p := range b.pools {
		if !p.wants(ev.kind) {
			continue
		}
		if !taken {
			taken = true
			ev.serial = b.serial
			b.serial++
		}
		p.accept(ev)
	}
}

// dispatch lets each pool that has something new send what it can.
func (b *bus) dispatch() {
	progress := false
	for _, p := range b.pools {
		if p.dirty {
			p.dirty = false
			progress = p.dispatch() || progress
		}
	}
	b.letGo(progress)
}
