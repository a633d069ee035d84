package supervisor

import (
	"time"

	"github.com/vigilance-go/vigilance/supervisor/osproc"
	"github.com/vigilance-go/vigilance/supervisor/process"
)

// drainTime is how long the end of a process waits for the last of its output
// to be logged. It is spent only where a log is slow: what a pipe holds is
// read in microseconds.
const drainTime = time.Second

// run is one life of a process: from the request to spawn it to the moment
// when it has ended and its output has been read.
type run struct {
	proc    *proc
	child   *osproc.Child // nil until spawned
	outputs outputs
	open    int          // outputs that are still being read
	end     *osproc.Exit // set once the child has been reaped
	drain   deadline     // the end of waiting for outputs
}

// runEnded begins the end of a run: the child is reaped, its last output is
// on the way.
func (d *Daemon) runEnded(r *run, e osproc.Exit) {
	r.end = &e
	for _, o := range r.outputs {
		if o != nil && !o.ended {
			o.pipe.Drain()
		}
	}
	if r.open == 0 {
		d.finish(r)
		return
	}
	r.drain.fire = func(time.Time) { d.finish(r) }
	d.timers.set(&r.drain, d.now().Add(drainTime))
}

// outputEnded is the message that a stream has been read to its end.
type outputEnded struct{ out *output }

func (m outputEnded) apply(d *Daemon) {
	m.out.ended = true
	r := m.out.run
	r.open--
	if r.open == 0 && r.end != nil && r.proc.run == r {
		d.finish(r)
	}
}

// finish ends a run whose output is read and tells the machine.
func (d *Daemon) finish(r *run) {
	d.timers.set(&r.drain, time.Time{})
	p := r.proc
	p.run = nil
	if r.child.Stdin != nil {
		_ = r.child.Stdin.Close() // nothing is owed to a process that has ended
	}
	if p.reader != nil {
		p.reader.giveBack()
	}
	r.countEnd()
	d.endRun(p, process.Ended{WaitStatus: uint32(r.end.Status)})
	d.log.Log(levelDebug, "received SIGCHLD indicating a child quit")
}
