package notify

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Policy says which events a Dispatcher puts into one message, and when it
// sends one. The zero Policy sends each event at once in a message of its own.
type Policy struct {
	// Interval is how long the first event waits for others; what has come in
	// by then goes out in one message. 0 waits for none.
	Interval time.Duration
	// Flood is how long nothing more is said about a process after an alert
	// about it. What happens to it meanwhile is in one message at the end. 0 is
	// no such control.
	Flood time.Duration
	// PerMinute is how many messages may be sent to one target in any 60 s,
	// attempts that failed included; 0 for no limit. What is held back is in
	// the next message.
	PerMinute int
	// Recovered is how long a process must stay well before a message with
	// Recovery is sent.
	Recovered time.Duration
	// Quiet are the hours in which nothing is sent.
	Quiet Quiet
	// MaxEvents is how many events one message may stand for; 0 stands for
	// DefaultMaxEvents.
	MaxEvents int
	// Silence, when not nil, says whether nothing is to be sent about a process
	// at the moment.
	Silence func(group, process string, now time.Time) Silenced
}

// DefaultMaxEvents bounds what a message stands for, and the memory it needs.
const DefaultMaxEvents = 1000

// Silenced is what a silence says about a process. The zero Silenced is none.
type Silenced struct {
	// Until is when to look again. It is after now where there is a silence.
	Until time.Time
	// Drop tells to forget what happens, instead of telling it afterwards.
	Drop bool
}

// waiting is what a flow knows of a message that waits.
type waiting struct {
	name string // the queue's
	// since is when it happened, by the steady clock.
	since time.Time
	Occurrence
}

// inOrder compares events by when they happened.
func inOrder(a, b waiting) int {
	return cmp.Or(a.since.Compare(b.since), a.Time.Compare(b.Time), cmp.Compare(a.ID, b.ID))
}

// memory is what must be remembered about one process.
type memory struct {
	// Last is when the last alert about it was sent.
	Last time.Time `json:"last"`
	// Open tells that no recovery was sent since.
	Open bool `json:"open,omitempty"`
}

// lane is the flow to one target. It is plain data, and survives JSON. Its times
// are of the steady clock, and of the system's where it is saved.
type lane struct {
	// Sends are the attempts of the last minute.
	Sends []time.Time `json:"sends,omitempty"`
	// Processes has what was sent of late, by namespec.
	Processes map[string]memory `json:"processes,omitempty"`
}

// decision is what to do now.
type decision struct {
	// send are the events for one message, oldest first; none for no message.
	send []waiting
	// forget are the recoveries that nobody needs to hear of, drop what is
	// silenced for good.
	forget, drop []waiting
	// next is when to decide anew if nothing comes in, by the steady clock; zero
	// for never.
	next time.Time
}

func (d *decision) at(t time.Time) {
	if d.next.IsZero() || t.Before(d.next) {
		d.next = t
	}
}

// haste is what a decision must know beside the policy.
type haste struct {
	// flush tells that this is the last chance for long: then nothing waits for
	// company.
	flush bool
	// pressed tells that the service's own limit has held a message up: then
	// all that is due goes into one.
	pressed bool
}

// decide looks at what waits for one target, oldest first.
func (p Policy) decide(l *lane, events []waiting, now moment, h haste) decision {
	var d decision
	events = p.unsilenced(&d, events, now)
	events = p.useful(&d, l, events)
	if len(events) == 0 {
		return d
	}
	if end, quiet := p.Quiet.End(now.system); quiet {
		d.at(now.place(end))
		return d
	}
	var due []waiting
	for key, own := range byProcess(events) {
		send, at := p.ready(l.Processes[key], own, now.steady, h.flush)
		due = append(due, send...)
		if len(send) == 0 {
			d.at(at)
		}
	}
	if len(due) == 0 {
		return d
	}
	slices.SortFunc(due, inOrder)
	p.limit(&d, l, due, now.steady, h.pressed)
	return d
}

// unsilenced takes out what is silenced.
func (p Policy) unsilenced(d *decision, events []waiting, now moment) []waiting {
	if p.Silence == nil {
		return events
	}
	var loud []waiting
	answers := make(map[string]Silenced)
	for _, e := range events {
		key := e.Namespec()
		s, ok := answers[key]
		if !ok {
			s = p.Silence(e.Group, e.Process, now.system)
			answers[key] = s
		}
		switch {
		case !s.Until.After(now.system):
			loud = append(loud, e)
		case s.Drop:
			d.drop = append(d.drop, e)
		default:
			d.at(now.place(s.Until))
		}
	}
	return loud
}

// useful takes out the recoveries that something has happened after, and those
// of processes that no alert was about.
func (p Policy) useful(d *decision, l *lane, events []waiting) []waiting {
	last := make(map[string]int) // the newest event of each process
	alerts := make(map[string]bool)
	for i, e := range events {
		last[e.Namespec()] = i
		if !e.Recovery {
			alerts[e.Namespec()] = true
		}
	}
	var left []waiting
	for i, e := range events {
		key := e.Namespec()
		if e.Recovery && (last[key] != i || !alerts[key] && !l.Processes[key].Open) {
			d.forget = append(d.forget, e)
			continue
		}
		left = append(left, e)
	}
	return left
}

func byProcess(events []waiting) map[string][]waiting {
	m := make(map[string][]waiting)
	for _, e := range events {
		m[e.Namespec()] = append(m[e.Namespec()], e)
	}
	return m
}

// ready returns what may be said about one process now, or when that may
// change. own has a recovery in the last place only.
func (p Policy) ready(m memory, own []waiting, now time.Time, flush bool) (send []waiting, at time.Time) {
	alerts, well := own, time.Time{}
	if last := own[len(own)-1]; last.Recovery {
		alerts = own[:len(own)-1]
		well = last.since.Add(p.Recovered)
		if m.Open && !well.After(now) {
			return own, at // and with it what was held back
		}
	}
	if len(alerts) == 0 {
		return nil, well
	}
	due := alerts[0].since.Add(p.Interval)
	if held := m.Last.Add(p.Flood); !m.Last.IsZero() && p.Flood > 0 && held.After(due) {
		due = held
	}
	if due.After(now) && !flush {
		if m.Open && !well.IsZero() && well.Before(due) {
			due = well
		}
		return nil, due
	}
	if !well.IsZero() && !well.After(now) {
		return own, at
	}
	return alerts, at
}

// limit takes as much of what is due as one message may hold, if a message
// may be sent at all.
func (p Policy) limit(d *decision, l *lane, due []waiting, now time.Time, pressed bool) {
	l.prune(now, p.Flood)
	left := p.PerMinute - len(l.Sends)
	if p.PerMinute > 0 && left <= 0 {
		d.at(l.Sends[len(l.Sends)-p.PerMinute].Add(time.Minute))
		return
	}
	most := p.MaxEvents
	if most <= 0 {
		most = DefaultMaxEvents
	}
	if !pressed && p.Interval == 0 && p.Flood == 0 && (p.PerMinute == 0 || left > 1) {
		most = 1 // nothing asks for company yet
	}
	if len(due) > most {
		due = due[:most]
		d.at(now)
	}
	d.send = due
}

// prune drops what has no meaning any more.
func (l *lane) prune(now time.Time, flood time.Duration) {
	l.Sends = slices.DeleteFunc(l.Sends, func(t time.Time) bool {
		return !t.Add(time.Minute).After(now)
	})
	for key, m := range l.Processes {
		if !m.Open && !m.Last.Add(flood).After(now) {
			delete(l.Processes, key)
		}
	}
}

// each returns a copy with other times.
func (l *lane) each(of func(time.Time) time.Time) *lane {
	c := &lane{Processes: maps.Clone(l.Processes)}
	for _, t := range l.Sends {
		c.Sends = append(c.Sends, of(t))
	}
	for key, m := range c.Processes {
		m.Last = of(m.Last)
		c.Processes[key] = m
	}
	return c
}

// sent remembers what a delivered message was about. Without recoveries
// nothing stays open.
func (l *lane) sent(events []waiting, now time.Time, recoveries bool) {
	if l.Processes == nil {
		l.Processes = make(map[string]memory)
	}
	for _, e := range events { // oldest first: a recovery comes last
		m := l.Processes[e.Namespec()]
		m.Open = recoveries && !e.Recovery
		if !e.Recovery {
			m.Last = now
		}
		l.Processes[e.Namespec()] = m
	}
}
