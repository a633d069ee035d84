package childlog

import (
	"fmt"
	"time"
)

// settleAfter is how long nothing must have failed before a success counts as
// recovery: on a disk that is nearly full short lines fit where long ones do
// not, and the daemon's log should not be told about each of them.
const settleAfter = 2 * time.Second

// outage is the account of one thing that does not work: whether it is going
// on, whether that was said, and what it has cost.
type outage struct {
	began, ended string // the texts, without the reason and the cost
	log          string // fills a %s in them, if there is one
	err          error  // the latest failure; nil when all is well
	last         time.Time
	lost         int64 // bytes
	said         bool
}

// text makes one of the texts. They are made when they are said: each of
// thousands of logs has two of these accounts, and nearly none is ever used.
func (o *outage) text(format string) string {
	if o.log == "" {
		return format
	}
	return fmt.Sprintf(format, o.log)
}

// fail records a failure at now that cost lost bytes.
func (o *outage) fail(err error, lost int64, now time.Time) {
	o.err, o.last = err, now
	o.lost += lost
}

// announce returns the line about an outage that nobody has been told of.
func (o *outage) announce() note {
	if o.err == nil || o.said {
		return note{}
	}
	o.said = true
	return note{levelError, fmt.Sprintf("%s: %v", o.text(o.began), o.err)}
}

// succeed records a success at now and returns the line that ends an outage.
func (o *outage) succeed(now time.Time) note {
	if o.err == nil || o.said && now.Sub(o.last) < settleAfter {
		return note{}
	}
	return o.end(o.text(o.ended))
}

// close returns the last line of an outage that never ended.
func (o *outage) close() note {
	if o.err == nil || o.lost == 0 {
		return note{}
	}
	return o.end(o.text(o.began) + " until it was closed")
}

func (o *outage) end(text string) note {
	n := note{levelInfo, text}
	if o.lost > 0 {
		n = note{levelWarn, fmt.Sprintf("%s: %d bytes were lost", text, o.lost)}
	}
	if !o.said && o.lost == 0 {
		n = note{}
	}
	o.err, o.lost, o.said = nil, 0, false
	return n
}

// pause paces attempts by the time of the writes that would like one. The zero
// pause is due.
type pause struct {
	next   time.Time
	length time.Duration
}

func (p *pause) due(now time.Time) bool { return !now.Before(p.next) }

func (p *pause) failed(now time.Time) {
	p.length = min(max(2*p.length, firstPause), longestPause)
	p.next = now.Add(p.length)
}

func (p *pause) reset() { *p = pause{} }
