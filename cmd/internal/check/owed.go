package check

import (
	"crypto/rand"
	"slices"
	"sync"

	"github.com/vigilance-go/vigilance/notify"
)

// Owed is the mail about a restart, which can be written only after it. What is
// to be said if this tool is killed before is on disk, so that the next one sends
// it. It is used by one goroutine at a time.
type Owed struct {
	station *Station
	id      string // the mail's, whoever sends it: it gets into the spool once
}

// Owed returns a mail of which nothing is on disk yet.
func (s *Station) Owed() *Owed { return &Owed{s, rand.Text()} }

// Note writes down what is mailed if this tool is killed from now on: m, which
// tells what is known so far, and that it is not known what became of a process.
// Of several notes the last one counts.
func (o *Owed) Note(namespec string, m notify.Message) {
	if o.station.outbox == nil {
		return
	}
	line := o.station.Tool + " was ended before it knew what became of " + namespec
	m.Body += "\n" + line
	m.Reason += "; " + line
	o.station.owed.put(o.station.fill(m, o.id))
}

// Post mails m, in the place of what was noted.
func (o *Owed) Post(m notify.Message) {
	o.station.send(o.station.fill(m, o.id))
	o.Drop()
}

// Drop strikes out what was noted, where it still is: nothing is owed.
func (o *Owed) Drop() { o.station.owed.strike(o.id) }

// ledger holds what is noted of all mails that are owed.
type ledger struct {
	mu    sync.Mutex
	saved *Saved
	mails []notify.Message
}

// load takes up what the tool before has left, which was killed.
func (l *ledger) load() []notify.Message {
	l.saved.Load(&l.mails)
	return slices.Clone(l.mails)
}

func (l *ledger) put(m notify.Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := l.index(m.ID); i >= 0 {
		l.mails[i] = m
	} else {
		l.mails = append(l.mails, m)
	}
	l.saved.Save(l.mails)
}

func (l *ledger) strike(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := l.index(id); i >= 0 {
		l.mails = slices.Delete(l.mails, i, i+1)
		l.saved.Save(l.mails)
	}
}

func (l *ledger) index(id string) int {
	return slices.IndexFunc(l.mails, func(m notify.Message) bool { return m.ID == id })
}
