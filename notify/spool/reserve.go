package spool

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/vigilance-go/vigilance/notify"
)

// The reserve's size.
const (
	reserveName  = "reserve"
	reserveSlots = 256
	reserveSize  = 4 << 10
)

// Reserve is a notify.Backlog of 1 MiB that was written in advance: it takes
// messages when the disk is full. It holds 256 messages of at most 4 KiB;
// longer ones lose the middle of their log and then of their body.
//
// Several processes may share it, as they may a Spool.
type Reserve struct {
	s       *Spool // dead messages go there
	log     *slog.Logger
	changed chan struct{}

	mu    sync.Mutex // and a lock on the file, for other processes
	slots *slots
	// decoded has what slots held when they were last looked at.
	decoded map[int]held
}

// Reserve opens the spool's reserve, and writes it where it is missing. The
// error says that there is no room for it.
func (s *Spool) Reserve() (*Reserve, error) {
	f, err := openSlots(filepath.Join(s.dir, reserveName), reserveSlots, reserveSize)
	if err != nil {
		return nil, fmt.Errorf("open the spool's reserve: %w", err)
	}
	return &Reserve{s: s, log: s.log, changed: make(chan struct{}, 1), slots: f, decoded: make(map[int]held)}, nil
}

// lock takes the reserve for this goroutine.
func (r *Reserve) lock() (unlock func(), err error) {
	r.mu.Lock()
	for {
		err = syscall.Flock(int(r.slots.f.Fd()), syscall.LOCK_EX)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		r.mu.Unlock()
		return nil, fmt.Errorf("lock the spool's reserve: %w", err)
	}
	return func() {
		_ = syscall.Flock(int(r.slots.f.Fd()), syscall.LOCK_UN) // it was held
		r.mu.Unlock()
	}, nil
}

// held is a slot that is in use.
type held struct {
	slot
	i     int
	name  string
	entry notify.Entry
}

// all returns the slots with one of the marks, oldest first.
func (r *Reserve) all(marks ...mark) []held {
	var found []held
	for i := range r.slots.n {
		h, err := r.slots.head(i)
		if err != nil || !slices.Contains(marks, h.mark) {
			continue
		}
		if known, ok := r.decoded[i]; ok && known.seq == h.seq && known.len == h.len && known.sum == h.sum {
			known.slot, known.entry = h, known.entry.Clone()
			found = append(found, known)
			continue
		}
		h, data, ok := r.slots.read(i)
		if !ok {
			continue // its writer was killed before it could acknowledge
		}
		entry, _, err := decode(data)
		if err != nil {
			r.log.Warn("ignoring what is no message in the spool's reserve", "slot", i, "err", err)
			continue
		}
		r.decoded[i] = held{h, i, fileName(entry.Message.ID), entry.Clone()}
		found = append(found, held{h, i, fileName(entry.Message.ID), entry})
	}
	slices.SortFunc(found, func(a, b held) int { return cmp.Compare(a.seq, b.seq) })
	return found
}

// Put implements notify.Queue: when it returns nil, the message is on disk.
func (r *Reserve) Put(m notify.Message, to ...string) error {
	unlock, err := r.lock()
	if err != nil {
		return err
	}
	defer unlock()
	used := r.all(waiting, settled)
	at, seq := -1, uint32(1)
	taken := make(map[int]bool)
	for _, h := range used {
		if h.entry.Message.ID == m.ID {
			return nil
		}
		taken[h.i] = true
		seq = h.seq + 1
	}
	for i := range r.slots.n {
		if !taken[i] {
			at = i
			break
		}
	}
	if at < 0 {
		i := slices.IndexFunc(used, func(h held) bool { return h.mark == settled })
		if i < 0 {
			return fmt.Errorf("put message into the spool's reserve: %w", notify.ErrFull)
		}
		at = used[i].i
	}
	line, err := fitted(notify.NewEntry(m, to...), r.slots.room())
	if err == nil {
		err = r.slots.write(at, waiting, seq, line)
	}
	if err == nil {
		err = r.slots.f.Sync()
	}
	if err != nil {
		return fmt.Errorf("write message %q into the spool's reserve: %w", m.ID, err)
	}
	select {
	case r.changed <- struct{}{}:
	default:
	}
	return nil
}

// fitted encodes a message in at most limit bytes.
func fitted(e notify.Entry, limit int) ([]byte, error) {
	for {
		line, err := encode(e)
		if err != nil || len(line) <= limit {
			return line, err
		}
		m := &e.Message
		switch over := len(line) - limit; {
		case len(m.Log) > 0:
			m.Log = cutMiddle(m.Log, over)
		case len(m.Body) > 0:
			m.Body = cutMiddle(m.Body, over)
		default:
			return nil, fmt.Errorf("it is %d bytes long without log and body, want at most %d", len(line), limit)
		}
	}
}

// cutMiddle takes n bytes out of a text, but no more than half of it at a time:
// in JSON a byte may be several. A short text goes as a whole.
func cutMiddle(text string, n int) string {
	const sign = "\n[...]\n"
	if len(text) < 100 {
		return ""
	}
	n = min(n, len(text)/2) + len(sign)
	from := (len(text) - n) / 2
	return strings.ToValidUTF8(text[:from], "") + sign + strings.ToValidUTF8(text[from+n:], "")
}

// Waiting implements notify.Queue.
func (r *Reserve) Waiting() ([]string, error) {
	unlock, err := r.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	var names []string
	for _, h := range r.all(waiting) {
		names = append(names, h.name)
	}
	return names, nil
}

// Changed implements notify.Queue.
func (r *Reserve) Changed() <-chan struct{} { return r.changed }

// Hold implements notify.Backlog: whoever holds the spool holds its reserve.
func (r *Reserve) Hold() (release func(), ok bool, err error) { return func() {}, true, nil }

// Known implements notify.Backlog.
func (r *Reserve) Known(id string) bool {
	unlock, err := r.lock()
	if err != nil {
		return false
	}
	defer unlock()
	return slices.ContainsFunc(r.all(waiting, settled), func(h held) bool { return h.entry.Message.ID == id })
}

// find returns a message that waits.
func (r *Reserve) find(name string) (held, error) {
	all := r.all(waiting)
	i := slices.IndexFunc(all, func(h held) bool { return h.name == name })
	if i < 0 {
		return held{}, notify.ErrNotWaiting
	}
	return all[i], nil
}

// Peek implements notify.Backlog.
func (r *Reserve) Peek(name string) (notify.Entry, error) {
	unlock, err := r.lock()
	if err != nil {
		return notify.Entry{}, err
	}
	defer unlock()
	h, err := r.find(name)
	return h.entry, err
}

// SettleAll implements notify.Backlog.
func (r *Reserve) SettleAll(names []string, to string, outcome notify.Outcome, reason string) error {
	unlock, err := r.lock()
	if err != nil {
		return err
	}
	defer unlock()
	var errs []error
	for _, h := range r.all(waiting) {
		if slices.Contains(names, h.name) && h.entry.Settle(to, outcome, reason) {
			if err := r.note(h); err != nil {
				errs = append(errs, fmt.Errorf("note the outcome of message %q in the spool's reserve: %w", h.name, err))
			}
		}
	}
	return errors.Join(append(errs, r.slots.f.Sync())...)
}

// note writes the outcomes that the entry has.
func (r *Reserve) note(h held) error {
	switch {
	case h.entry.Count(notify.Pending) > 0:
		line, err := encode(h.entry)
		if err != nil {
			return err
		}
		for _, settled := range h.entry.Targets {
			if settled.Outcome != notify.Pending {
				settled.Reason = settled.Reason[:min(len(settled.Reason), 200)]
				line = append(line, encodeNote(settled)...)
			}
		}
		return r.slots.write(h.i, waiting, h.seq, line)
	case h.entry.Count(notify.Refused) > 0:
		if err := r.s.lay(h.name, h.entry); err != nil {
			return err
		}
	}
	return r.slots.setMark(h.i, settled)
}

// lay writes a message that is not in new/ to dead/, with the reasons.
func (s *Spool) lay(name string, e notify.Entry) error {
	line, err := encode(e)
	if err != nil {
		return err
	}
	for _, t := range e.Targets {
		line = append(line, encodeNote(t)...)
	}
	if err := s.writeReason(name+reasonSuffix, reasons(e)); err != nil {
		return err
	}
	if err := os.WriteFile(s.path(deadDir, name), line, 0o600); err != nil {
		return err
	}
	return s.sync(deadDir)
}

// Claim implements notify.Queue.
func (r *Reserve) Claim(name string) (notify.Claim, error) {
	entry, err := r.Peek(name)
	if err != nil {
		return nil, err
	}
	return &reserveClaim{r: r, name: name, entry: entry}, nil
}

// reserveClaim is a message of a reserve. The reserve's holder is alone, so
// nothing needs to be locked meanwhile.
type reserveClaim struct {
	r     *Reserve
	name  string
	entry notify.Entry
}

func (c *reserveClaim) Entry() notify.Entry { return c.entry.Clone() }

func (c *reserveClaim) Delivered(to string) error { return c.settle(to, notify.Delivered, "") }

func (c *reserveClaim) Refused(to, reason string) error { return c.settle(to, notify.Refused, reason) }

func (c *reserveClaim) settle(to string, outcome notify.Outcome, reason string) error {
	c.entry.Settle(to, outcome, reason)
	return c.r.SettleAll([]string{c.name}, to, outcome, reason)
}

func (c *reserveClaim) Release() error { return nil }
