package supervisor

import (
	"context"
	"slices"
	"sync/atomic"

	"github.com/vigilance-go/vigilance/supervisor/process"
)

// Stats is what the daemon has counted since it started, and what waits at one
// moment.
type Stats struct {
	Mood      Mood
	Processes []ProcessStats // in the order of the groups
	Pools     []PoolStats    // likewise
	// Events counts the events that at least one pool subscribed to.
	Events uint64
}

// ProcessStats counts what happened to one process since its group was added.
type ProcessStats struct {
	ProcessInfo
	// Starts counts the children that were born, Exits those that ended, by
	// reason, and the births that failed.
	Starts uint64
	Exits  [ExitReasons]uint64
	// StdoutBytes and StderrBytes count what the children have written.
	StdoutBytes, StderrBytes uint64
}

// ExitReason says why a child is gone. It is an index of ProcessStats.Exits.
type ExitReason int

// The reasons.
const (
	ExitExpected   ExitReason = 0 // by itself, with one of exitcodes
	ExitUnexpected ExitReason = 1 // by itself, with another status
	ExitSignalled  ExitReason = 2 // by a signal that it was not stopped with
	ExitStopped    ExitReason = 3 // because it was asked to
	ExitNotSpawned ExitReason = 4 // it could not be started at all

	// ExitReasons is the number of reasons.
	ExitReasons = 5
)

// PoolStats counts what became of the events of one [eventlistener:x] pool.
type PoolStats struct {
	Name string
	// Accepted events came in; Sent went to a listener (again, when one had
	// been given back); Processed were acknowledged with OK; Rejected came
	// back; Dropped were lost because the buffer was full.
	Accepted, Sent, Processed, Rejected, Dropped uint64
	// Waiting events are in the buffer, with so many bytes of payload.
	// MaxWaiting is how many events fit.
	Waiting, MaxWaiting int
	WaitingBytes        int
}

// procCounts is what ProcessStats is made of. The bytes are counted by the
// readers of the streams, everything else by the loop.
type procCounts struct {
	starts uint64
	exits  [ExitReasons]uint64
	bytes  [2]atomic.Uint64
}

// Stats returns what was counted. It answers while the daemon goes down, too.
func (d *Daemon) Stats(ctx context.Context) (Stats, error) {
	var s Stats
	err := d.inLoop(ctx, func() {
		now := d.now()
		s.Mood, s.Events = d.mood, d.bus.serial
		for _, g := range d.order {
			for _, p := range g.procs {
				s.Processes = append(s.Processes, ProcessStats{
					ProcessInfo: d.info(p, now),
					Starts:      p.counts.starts,
					Exits:       p.counts.exits,
					StdoutBytes: p.counts.bytes[stdout].Load(),
					StderrBytes: p.counts.bytes[stderr].Load(),
				})
			}
			if g.pool != nil {
				s.Pools = append(s.Pools, g.pool.snapshot())
			}
		}
	})
	return s, err
}

// snapshot copies the pool's counters.
func (p *pool) snapshot() PoolStats {
	return PoolStats{
		Name:     p.group.cfg.Name,
		Accepted: p.stats.accepted, Sent: p.stats.sent, Processed: p.stats.processed,
		Rejected: p.stats.rejected, Dropped: p.stats.dropped,
		Waiting: len(p.buffer), MaxWaiting: p.maxEvents, WaitingBytes: p.bytes,
	}
}

// countEnd notes why the child of r is gone. It is called before the process
// machine hears of it.
func (r *run) countEnd() {
	p, status := r.proc, r.end.Status
	reason := ExitUnexpected
	switch {
	case p.st.State == process.Stopping:
		reason = ExitStopped
	case status.Signaled():
		reason = ExitSignalled
	case slices.Contains(p.rules.ExitCodes, status.ExitStatus()):
		reason = ExitExpected
	}
	p.counts.exits[reason]++
}

// LogFile is LogPath for those who only look: it answers while the daemon goes
// down, too. The error is a Fault BAD_NAME.
func (d *Daemon) LogFile(ctx context.Context, namespec string, ofStderr bool) (string, error) {
	channel := stdout
	if ofStderr {
		channel = stderr
	}
	var path string
	var missing error
	err := d.inLoop(ctx, func() {
		var p *proc
		if p, missing = d.findOne(namespec); missing == nil {
			path = p.logPath[channel]
		}
	})
	if err == nil {
		err = missing
	}
	return path, err
}
