package main

import (
	"maps"
	"slices"
	"sync"

	"github.com/vigilance-go/vigilance/cmd/internal/check"
)

// owed are the casualties that a mail is owed about: it is sent once the process
// was restarted, which takes a while. They are on disk before it is noted there
// that their kills are known, so that a kill of oommon loses none.
type owed struct {
	mu    sync.Mutex
	saved *check.Saved
	mails map[string]*casualty // by the process
	past  map[string]*casualty // what the oommon before has left
}

// recall reads what the oommon before has left, which was killed.
func (o *owed) recall() { o.saved.Load(&o.past) }

// add notes that a mail is owed. Nobody changes c after that.
func (o *owed) add(name string, c *casualty) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.mails[name] = c
	o.saved.Save(o.mails)
}

// settle notes that the mail is in the spool.
func (o *owed) settle(name string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.mails, name)
	o.saved.Save(o.mails)
}

// tellOwed mails what the oommon before could not any more. What it has stopped
// is started by the station.
func (m *oommon) tellOwed() {
	for _, name := range slices.Sorted(maps.Keys(m.owed.past)) {
		c := m.owed.past[name]
		m.mail(c, append(c.Lines, "oommon was ended before it knew what became of "+name))
	}
	if m.owed.past != nil {
		m.owed.past = nil
		m.owed.settle("") // the file says so, too
	}
}
