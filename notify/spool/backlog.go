package spool

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/vigilance-go/vigilance/notify"
)

var _ notify.Backlog = (*Spool)(nil)

const (
	lockName = "lock"
	// The journal holds records that are being carried out, and those that
	// could not be on a full disk.
	journalName  = "journal"
	journalSlots = 16
	journalSize  = 64 << 10
	// journalNames is how many names surely fit into a record.
	journalNames = 400
)

// verdict is the journal's record: an outcome that is being noted.
type verdict struct {
	To      string         `json:"to"`
	Outcome notify.Outcome `json:"outcome"`
	Reason  string         `json:"reason,omitempty"`
	Names   []string       `json:"names"`
}

// maxReason bounds the reason in the journal, in bytes.
const maxReason = 4 << 10

// Hold implements notify.Backlog, by a lock on a file beside the folders. It
// completes what a killed holder was noting.
func (s *Spool) Hold() (release func(), ok bool, err error) {
	f, err := os.OpenFile(s.path(lockName), os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, false, fmt.Errorf("open the spool's lock: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, false, nil
		}
		return nil, false, fmt.Errorf("lock the spool: %w", err)
	}
	journal, err := openSlots(s.path(journalName), journalSlots, journalSize)
	if err != nil {
		s.log.Warn("cannot open the spool's journal; a kill may send a part of a message again", "err", err)
	} else if err := s.replay(journal); err != nil {
		s.log.Warn("cannot complete the notes of the process before", "err", err)
	}
	s.mu.Lock()
	s.journal = journal
	s.mu.Unlock()
	return func() {
		s.mu.Lock()
		s.journal = nil
		s.mu.Unlock()
		if journal != nil {
			_ = journal.f.Close()
		}
		_ = f.Close() // and the lock with it
	}, true, nil
}

// replay carries out what is in the journal.
func (s *Spool) replay(journal *slots) error {
	var errs []error
	for i := range journal.n {
		h, data, ok := journal.read(i)
		if h.mark == free {
			continue
		}
		var v verdict
		if ok && json.Unmarshal(data, &v) == nil { // else its writer was killed before it began to act
			if err := s.apply(v); err != nil {
				errs = append(errs, err)
				continue
			}
		}
		errs = append(errs, journal.setMark(i, free))
	}
	return errors.Join(errs...)
}

// Known implements notify.Backlog.
func (s *Spool) Known(id string) bool { return s.known(fileName(id)) }

// Peek implements notify.Backlog. A file that is no message is set aside.
func (s *Spool) Peek(name string) (notify.Entry, error) {
	f, entry, _, err := s.open(name)
	if err != nil {
		return notify.Entry{}, err
	}
	_ = f.Close() // it was only read
	return entry, nil
}

// open opens and reads a message that this process holds.
func (s *Spool) open(name string) (f *os.File, entry notify.Entry, torn bool, err error) {
	f, err = os.OpenFile(s.path(newDir, name), os.O_RDWR|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, entry, false, s.unopened(name, err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	if err == nil {
		entry, torn, err = read(f)
	}
	if err == nil && fileName(entry.Message.ID) != name {
		err = fmt.Errorf("the message has the ID %q, which does not belong to this file name", entry.Message.ID)
	}
	if err != nil {
		s.setAside(name, err.Error())
		_ = f.Close()
		return nil, entry, false, notify.ErrNotWaiting
	}
	return f, entry, torn, nil
}

// SettleAll implements notify.Backlog. The caller must hold the spool.
func (s *Spool) SettleAll(names []string, to string, outcome notify.Outcome, reason string) error {
	for len(names) > 0 {
		n := min(len(names), journalNames)
		v := verdict{To: to, Outcome: outcome, Reason: reason[:min(len(reason), maxReason)], Names: names[:n]}
		if err := s.settleSome(v); err != nil {
			return err
		}
		names = names[n:]
	}
	return nil
}

func (s *Spool) settleSome(v verdict) error {
	s.mu.Lock()
	journal := s.journal
	s.mu.Unlock()
	if journal == nil || len(v.Names) == 1 && v.Outcome == notify.Delivered {
		return s.apply(v) // one message is noted in one step
	}
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write the spool's journal: %w", err)
	}
	i, err := s.freeSlot(journal)
	if err == nil {
		err = journal.write(i, kept, 0, data)
	}
	if err != nil {
		return fmt.Errorf("write the spool's journal: %w", err)
	}
	if err := s.apply(v); err != nil {
		return err // the record stays, for another time or another process
	}
	if err := journal.setMark(i, free); err != nil {
		return fmt.Errorf("clear the spool's journal: %w", err)
	}
	return nil
}

// freeSlot finds room in the journal. It first tries to carry out what is left
// there.
func (s *Spool) freeSlot(journal *slots) (int, error) {
	err := s.replay(journal)
	for i := range journal.n {
		if h, headErr := journal.head(i); headErr == nil && h.mark == free {
			return i, nil
		}
	}
	return 0, errors.Join(errors.New("it is full of what could not be noted"), err)
}

// apply notes an outcome for each message, and makes that durable once. It may
// be repeated.
func (s *Spool) apply(v verdict) error {
	var errs []error
	for _, name := range v.Names {
		if err := s.applyOne(name, v); err != nil {
			errs = append(errs, fmt.Errorf("note the outcome of message %q: %w", name, err))
		}
	}
	dirs := []string{doneDir, newDir}
	if v.Outcome == notify.Refused {
		dirs = append(dirs, deadDir)
	}
	for _, dir := range dirs {
		if err := s.sync(dir); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (s *Spool) applyOne(name string, v verdict) error {
	f, entry, torn, err := s.open(name)
	if errors.Is(err, notify.ErrNotWaiting) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // what matters was synced
	c := &claim{s: s, name: name, f: f, entry: entry, torn: torn}
	c.entry.Settle(v.To, v.Outcome, v.Reason)
	if c.entry.Count(notify.Pending) == 0 {
		if c.entry.Count(notify.Refused) == 0 {
			err = s.retire(name, f)
		} else if err = c.write(notify.Target{To: v.To, Outcome: v.Outcome, Reason: v.Reason}); err == nil {
			// The reason's file may have no room any more; it stands here as well.
			err = s.entomb(name, reasons(c.entry))
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	if err := c.write(notify.Target{To: v.To, Outcome: v.Outcome, Reason: v.Reason}); err != nil {
		return err
	}
	return f.Sync()
}
