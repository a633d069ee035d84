package supervisor

import (
	"bytes"
	"fmt"
	"time"

	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/supervisor/config"
	"github.com/vigilance-go/vigilance/supervisor/process"
)

// listenerState is the state of the conversation with an event listener, with
// the reference's numbers.
type listenerState int

// The listener states (Supervisor manual, "Event Listener States").
const (
	listenerReady        listenerState = 10
	listenerBusy         listenerState = 20
	listenerAcknowledged listenerState = 30
	listenerUnknown      listenerState = 40
)

// String returns the state's name as it stands in the log.
func (s listenerState) String() string {
	switch s {
	case listenerReady:
		return "READY"
	case listenerBusy:
		return "BUSY"
	case listenerAcknowledged:
		return "ACKNOWLEDGED"
	case listenerUnknown:
		return "UNKNOWN"
	}
	return fmt.Sprintf("listenerState(%d)", int(s))
}

// Bounds on what a listener may send as one token, so that one that floods
// its stdout cannot fill the daemon's memory.
const (
	maxResultLine = 4 << 10
	maxResult     = 1 << 20
)

// conversation follows what one listener says on its stdout.
type conversation struct {
	d         *Daemon
	proc      *proc
	state     listenerState
	heard     []byte  // not yet understood
	current   *queued // sent and not yet answered
	resultLen int     // of the result that is being read; -1 for none

	// A listener that broke the protocol is restarted, each time after a
	// longer pause until it has processed an event again.
	revive     deadline
	strikes    int
	restarting bool
}

// newConversation makes the conversation with a process of a pool.
func newConversation(d *Daemon, p *proc) *conversation {
	c := &conversation{d: d, proc: p, state: listenerAcknowledged, resultLen: -1}
	c.revive.fire = func(time.Time) { c.restart() }
	return c
}

// reset begins anew with a newborn listener.
func (c *conversation) reset() {
	c.state = listenerAcknowledged
	c.heard, c.resultLen = nil, -1
	c.d.timers.set(&c.revive, time.Time{})
}

// giveBack returns the event that the listener has not answered to its pool.
func (c *conversation) giveBack() {
	if c.current != nil {
		q := *c.current
		c.current = nil
		c.proc.group.pool.rebuffer(q)
	}
}

// spoken is the message that a listener wrote to its stdout.
type spoken struct {
	run  *run
	data []byte
}

func (m spoken) apply(d *Daemon) {
	p := m.run.proc
	if p.run != m.run {
		return // the last words of a listener that was given up on
	}
	if d.log.Enabled(levelDebug) {
		d.log.Log(levelDebug, fmt.Sprintf("%s stdout output:\n%s",
			config.PyRepr(p.cfg.Name), pyBytes(m.data)))
	}
	p.reader.heard = append(p.reader.heard, m.data...)
	for p.reader.advance() {
	}
}

// advance understands one token, and reports whether there may be another.
func (c *conversation) advance() bool {
	if len(c.heard) == 0 {
		return false
	}
	switch c.state {
	case listenerAcknowledged:
		return c.awaitReady()
	case listenerReady:
		// A listener that has said READY has nothing to say until an event
		// comes.
		c.violated()
		return false
	case listenerBusy:
		if c.resultLen < 0 {
			return c.readResultLine()
		}
		return c.readResult()
	case listenerUnknown:
		c.heard = nil
		return false
	}
	return false
}

// awaitReady expects the token READY.
func (c *conversation) awaitReady() bool {
	if len(c.heard) < len(listener.Ready) {
		return false
	}
	if !bytes.HasPrefix(c.heard, []byte(listener.Ready)) {
		c.violated()
		return false
	}
	c.change(listenerReady)
	c.heard = c.heard[len(listener.Ready):]
	c.current = nil
	c.proc.group.pool.dirty = true
	return true
}

// readResultLine expects a line RESULT n.
func (c *conversation) readResultLine() bool {
	line, rest, found := bytes.Cut(c.heard, []byte("\n"))
	if !found && len(c.heard) <= maxResultLine {
		return false
	}
	n, err := listener.ParseResultLine(line)
	if !found || err != nil || n > maxResult {
		c.d.log.Logf(levelWarn, "%s: bad result line: '%s'", c.proc.cfg.Name, readable(line))
		c.violated()
		return false
	}
	c.heard, c.resultLen = rest, n
	if n == 0 {
		return c.readResult()
	}
	return true
}

// readResult expects the bytes that the result line announced.
func (c *conversation) readResult() bool {
	if len(c.heard) < c.resultLen {
		return false
	}
	result := string(c.heard[:c.resultLen])
	c.heard, c.resultLen = c.heard[c.resultLen:], -1
	if result == listener.ResultOK {
		c.d.log.Logf(levelDebug, "%s: event was processed", c.proc.cfg.Name)
		c.change(listenerAcknowledged)
		c.current, c.strikes = nil, 0
		c.proc.group.pool.stats.processed++
		return true
	}
	c.d.log.Logf(levelWarn, "%s: event was rejected", c.proc.cfg.Name)
	c.change(listenerAcknowledged)
	c.giveBack()
	return true
}

// violated ends a conversation in which the listener broke the protocol.
func (c *conversation) violated() {
	c.heard, c.resultLen = nil, -1
	c.change(listenerUnknown)
	c.d.log.Logf(levelWarn, "%s: has entered the UNKNOWN state and will no longer receive events, "+
		"this usually indicates the process violated the eventlistener protocol", c.proc.cfg.Name)
	c.giveBack()
	pause := time.Second << min(c.strikes, 5)
	c.strikes++
	c.d.timers.set(&c.revive, c.d.now().Add(pause))
}

// restart stops a listener that is in the UNKNOWN state; stateChanged starts
// it again.
func (c *conversation) restart() {
	switch c.proc.st.State {
	case process.Running, process.Starting:
		c.d.log.Logf(levelInfo, "%s: restarting the listener, which is in the UNKNOWN state", c.proc.cfg.Name)
		c.restarting = true
		c.d.step(c.proc, process.Stop{})
	case process.Stopped, process.Backoff, process.Stopping, process.Exited, process.Fatal, process.Unknown:
		// It is not running: its next life begins a new conversation.
	}
}

// stateChanged is told of each transition of the listener's process.
func (c *conversation) stateChanged() {
	switch c.proc.st.State {
	case process.Running:
		c.proc.group.pool.dirty = true
	case process.Stopped:
		if c.restarting {
			c.restarting = false
			c.d.step(c.proc, process.Start{})
		}
	case process.Starting, process.Backoff, process.Stopping, process.Exited, process.Fatal, process.Unknown:
	}
}

// change moves the conversation to another state.
func (c *conversation) change(to listenerState) {
	c.d.log.Logf(levelDebug, "%s: %s -> %s", c.proc.cfg.Name, c.state, to)
	c.state = to
}
