package batchmail

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/vigilance-go/vigilance/cmd/internal/alert"
	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/notify/spool"
)

// pendingDir is the folder, in the listener's spool, of the events that no mail
// has yet.
const pendingDir = "pending"

// store keeps events until they are in a mail, and mails until they are
// delivered. It is used by one goroutine, but for mails.
type store struct {
	pending notify.Backlog
	mails   notify.Backlog
	durable bool
	log     *slog.Logger
	// sealing is held while events become a mail: none is sent meanwhile.
	sealing sync.Mutex
	gate    *gate
	also    func(notify.Message) error // keeps a batch for other destinations; nil for none
	now     func() time.Time
	// mailed holds the events whose mail is queued but which could not be
	// removed from pending.
	mailed map[string]bool
}

// openStore opens the spool of a listener group in dir or, when that is empty,
// in the default place. Where there can be none, it warns and uses memory.
func openStore(dir, group string, log *slog.Logger) *store {
	s := &store{log: log, gate: &gate{}, now: time.Now, mailed: make(map[string]bool)}
	err := s.open(dir, group)
	if err == nil {
		s.durable = true
		return s
	}
	log.Warn("there is no spool, so events are kept in memory, and those not yet mailed are lost if this process is killed; name a folder with --spool",
		"dir", dir, "err", err)
	s.pending, s.mails = notify.NewMemory(0), notify.NewMemory(0)
	return s
}

func (s *store) open(dir, group string) error {
	var err error
	if dir == "" {
		if dir, err = spool.DefaultDir(); err != nil {
			return err
		}
	}
	dir = spool.GroupDir(dir, group)
	mails, err := spool.Open(dir, spool.Options{Log: s.log})
	if err != nil {
		return err
	}
	pending, err := spool.Open(filepath.Join(dir, pendingDir), spool.Options{Log: s.log})
	if err != nil {
		return err
	}
	s.mails, s.pending = mails, pending
	reserve, err := pending.Reserve()
	if err != nil {
		s.log.Warn("there is no reserve for a full disk; events go back to supervisord then", "err", err)
		return nil
	}
	s.pending = notify.NewReserves(pending, reserve, s.log,
		"cannot keep events on disk; until that works they are kept in the spool's reserve, as far as it goes")
	return nil
}

// oldest returns when the oldest pending event happened that may be mailed; ok
// is false when there is none.
func (s *store) oldest() (at time.Time, ok bool) {
	names, err := s.pending.Waiting()
	if err != nil {
		s.log.Warn("cannot list the pending events", "err", err)
	}
	for _, name := range names {
		if e, err := s.pending.Peek(name); err == nil && !s.mailed[e.Message.ID] && s.gate.see(e.Message, s.now()) == pass {
			return e.Message.Time, true
		}
	}
	return time.Time{}, false
}

// batch is what is pending. Its names are in no order.
type batch struct {
	names  []string
	events []notify.Message
}

// seal makes one mail of all pending events: mail writes it. ok is false when
// there are none, or another process of the listener's pool is about it. After
// an error the events are pending as before.
func (s *store) seal(mail func(events []notify.Message) notify.Message, targets []string) (m notify.Message, ok bool, err error) {
	s.sealing.Lock()
	defer s.sealing.Unlock()
	b, release, err := s.hold()
	if err != nil || release == nil {
		return m, false, err
	}
	defer release()
	if len(b.events) == 0 {
		return m, false, nil
	}
	m = mail(b.events)
	m.ID = batchID(b.events)
	for _, event := range b.events {
		m.Events = append(m.Events, event.Occurrence())
	}
	if s.also != nil {
		// Before the mail, which says that its events are taken care of.
		if err := s.also(m); err != nil {
			return m, false, err
		}
	}
	if err := s.mails.Put(m, targets...); err != nil {
		return m, false, fmt.Errorf("keep the mail: %w", err)
	}
	s.gate.mailed(b.events, s.now())
	s.remove(b)
	return m, true, nil
}

// recover removes from pending what a process that was killed had put into a
// mail.
func (s *store) recover() error {
	s.sealing.Lock()
	defer s.sealing.Unlock()
	_, release, err := s.hold()
	if release != nil {
		release()
	}
	return err
}

// hold takes the pending events for this process and returns those that are in
// no mail and may be. release is nil where another process has them.
func (s *store) hold() (b batch, release func(), err error) {
	release, ok, err := s.pending.Hold()
	if err != nil || !ok {
		return b, nil, err
	}
	queued, err := s.queued()
	var names []string
	if err == nil {
		names, err = s.pending.Waiting()
	}
	if err != nil {
		release()
		return b, nil, err
	}
	var mailed, dropped batch
	for _, name := range names {
		e, err := s.pending.Peek(name)
		switch {
		case errors.Is(err, notify.ErrNotWaiting):
		case err != nil:
			s.log.Warn("cannot read a pending event", "name", name, "err", err)
		case queued[e.Message.ID] || s.mailed[e.Message.ID]:
			mailed.add(name, e.Message)
		default:
			switch s.gate.see(e.Message, s.now()) {
			case pass:
				b.add(name, e.Message)
			case drop:
				dropped.add(name, e.Message)
				s.log.Info("an event is dropped, because its process is silenced", "process", e.Message.Occurrence().Namespec(), "id", e.Message.ID)
			case wait:
			}
		}
	}
	s.remove(mailed)
	s.remove(dropped)
	b.sort()
	return b, release, nil
}

// sort puts events into the order in which they came: that of the folder is
// only as fine as the file system's clock.
func (b *batch) sort() {
	slices.SortStableFunc(b.events, func(x, y notify.Message) int { return x.Time.Compare(y.Time) })
}

func (b *batch) add(name string, event notify.Message) {
	b.names, b.events = append(b.names, name), append(b.events, event)
}

// queued returns the events in the mails that are not delivered yet.
func (s *store) queued() (map[string]bool, error) {
	names, err := s.mails.Waiting()
	if err != nil {
		return nil, err
	}
	events := make(map[string]bool)
	for _, name := range names {
		e, err := s.mails.Peek(name)
		if err != nil {
			continue // it was set aside, and the log has it
		}
		for _, event := range e.Message.Events {
			events[event.ID] = true
		}
	}
	return events, nil
}

// remove takes events out of pending, because a mail has them. Those that
// cannot be are remembered, so that they are in one mail only.
func (s *store) remove(b batch) {
	err := s.pending.SettleAll(b.names, "", notify.Delivered, "")
	if err != nil {
		s.log.Warn("cannot remove events that are in a mail; after a restart they may be mailed again", "err", err)
	}
	for _, event := range b.events {
		if err != nil {
			s.mailed[event.ID] = true
		} else {
			delete(s.mailed, event.ID)
		}
	}
}

// batchID names a batch by its events, whoever makes a mail of it.
func batchID(events []notify.Message) string {
	ids := make([]any, len(events))
	for i, event := range events {
		ids[i] = event.ID
	}
	return alert.Identity{}.MessageID(ids...)
}

// outgoing is the queue of mails as the deliverer sees it: it waits while
// events become a mail, so that a mail is never delivered, and forgotten, while
// its events are still pending.
type outgoing struct{ *store }

// Put implements notify.Queue.
func (o outgoing) Put(m notify.Message, to ...string) error { return o.mails.Put(m, to...) }

// Waiting implements notify.Queue.
func (o outgoing) Waiting() ([]string, error) { return o.mails.Waiting() }

// Changed implements notify.Queue.
func (o outgoing) Changed() <-chan struct{} { return o.mails.Changed() }

// Claim implements notify.Queue.
func (o outgoing) Claim(name string) (notify.Claim, error) {
	o.sealing.Lock()
	defer o.sealing.Unlock()
	return o.mails.Claim(name)
}
