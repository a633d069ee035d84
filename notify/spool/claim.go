package spool

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/vigilance-go/vigilance/notify"
)

// maxFile is the largest message that is read, in bytes.
const maxFile = 64 << 20

// Claim implements notify.Queue. A file that is no message is set aside, and
// the error is then notify.ErrNotWaiting.
func (s *Spool) Claim(name string) (notify.Claim, error) {
	f, err := s.lock(name)
	if err != nil {
		return nil, err
	}
	entry, torn, err := read(f)
	if err == nil && fileName(entry.Message.ID) != name {
		err = fmt.Errorf("the message has the ID %q, which does not belong to this file name", entry.Message.ID)
	}
	if err != nil {
		s.setAside(name, err.Error())
		_ = f.Close()
		return nil, notify.ErrNotWaiting
	}
	c := &claim{s: s, name: name, f: f, entry: entry, torn: torn}
	s.mu.Lock()
	for _, t := range s.unnoted[name] {
		c.entry.Settle(t.To, t.Outcome, t.Reason)
	}
	s.mu.Unlock()
	if c.entry.Count(notify.Pending) == 0 {
		// Everything was noted before somebody died, or the disk was full.
		return nil, errors.Join(notify.ErrNotWaiting, c.Release())
	}
	return c, nil
}

// lock opens a file of new/ and takes its lock.
func (s *Spool) lock(name string) (*os.File, error) {
	path := s.path(newDir, name)
	f, err := os.OpenFile(path, os.O_RDWR|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, s.unopened(name, err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, notify.ErrNotWaiting
		}
		return nil, fmt.Errorf("lock message %q: %w", name, err)
	}
	// The second look: between the opening and the lock the file may have been
	// delivered and moved, by one who held the lock before.
	held, err := f.Stat()
	if err == nil {
		var there fs.FileInfo
		if there, err = os.Lstat(path); err == nil && !os.SameFile(held, there) {
			err = fs.ErrNotExist
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		_ = f.Close()
		return nil, notify.ErrNotWaiting
	case err != nil:
		_ = f.Close()
		return nil, fmt.Errorf("look at message %q: %w", name, err)
	case !held.Mode().IsRegular():
		s.setAside(name, "not a regular file")
		_ = f.Close()
		return nil, notify.ErrNotWaiting
	}
	return f, nil
}

// unopened finds out why a file of new/ could not be opened, sets it aside
// where that is the file's own fault, and returns the error of Claim.
func (s *Spool) unopened(name string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return notify.ErrNotWaiting
	}
	info, statErr := os.Lstat(s.path(newDir, name))
	switch {
	case statErr == nil && !info.Mode().IsRegular():
		s.setAside(name, "not a regular file")
		return notify.ErrNotWaiting
	case errors.Is(err, fs.ErrPermission):
		s.setAside(name, "not readable and writable")
		return notify.ErrNotWaiting
	default:
		return fmt.Errorf("open message: %w", err)
	}
}

func read(f *os.File) (entry notify.Entry, torn bool, err error) {
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return entry, false, err
	}
	if len(data) > maxFile {
		return entry, false, fmt.Errorf("larger than %d bytes", maxFile)
	}
	return decode(data)
}

// claim is a message whose file is locked.
type claim struct {
	s     *Spool
	name  string
	f     *os.File
	entry notify.Entry
	torn  bool // the file's last line has no end
	moved bool // out of new/
}

func (c *claim) Entry() notify.Entry { return c.entry.Clone() }

func (c *claim) Delivered(to string) error { return c.settle(to, notify.Delivered, "") }

func (c *claim) Refused(to, reason string) error { return c.settle(to, notify.Refused, reason) }

// settle notes an outcome. The last one moves the file, which says it all if
// nothing was refused; else it is written to the file's end.
func (c *claim) settle(to string, outcome notify.Outcome, reason string) error {
	if !c.entry.Settle(to, outcome, reason) {
		return nil
	}
	pending, refused := c.entry.Count(notify.Pending), c.entry.Count(notify.Refused)
	if pending > 0 || refused > 0 {
		if err := c.append(notify.Target{To: to, Outcome: outcome, Reason: reason}); err != nil {
			c.remember(to, outcome, reason)
			if pending > 0 {
				return err
			}
		}
	}
	if pending > 0 {
		return nil
	}
	if err := c.move(); err != nil {
		c.remember(to, outcome, reason)
		return err
	}
	return nil
}

// append writes an outcome to the end of the file, and then those that could
// not be written before.
func (c *claim) append(t notify.Target) error {
	if err := c.write(t); err != nil {
		return fmt.Errorf("note the outcome of message %q: %w", c.name, err)
	}
	c.s.mu.Lock()
	before := slices.Clone(c.s.unnoted[c.name])
	c.s.mu.Unlock()
	if len(before) > 0 && c.write(before...) == nil {
		c.forget()
	}
	if err := c.f.Sync(); err != nil {
		return fmt.Errorf("sync the outcome of message %q: %w", c.name, err)
	}
	return nil
}

// write writes outcomes to the end of the file. When it fails, it leaves the
// file as it was.
func (c *claim) write(targets ...notify.Target) error {
	var lines []byte
	if c.torn {
		lines = append(lines, '\n')
	}
	for _, t := range targets {
		lines = append(lines, encodeNote(t)...)
	}
	end, err := c.f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if _, err := c.f.Write(lines); err != nil {
		_ = c.f.Truncate(end) // else the line is torn, which is read over
		return err
	}
	c.torn = false
	return nil
}

// remember keeps an outcome for this process, which could not be written.
func (c *claim) remember(to string, outcome notify.Outcome, reason string) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.s.unnoted[c.name] = append(c.s.unnoted[c.name], notify.Target{To: to, Outcome: outcome, Reason: reason})
}

// forget drops what remember has kept.
func (c *claim) forget() {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	delete(c.s.unnoted, c.name)
}

// move takes a message without pending targets out of new/.
func (c *claim) move() error {
	if c.entry.Count(notify.Refused) > 0 {
		if err := c.s.bury(c.name, reasons(c.entry)); err != nil {
			return err
		}
	} else if err := c.s.finish(c.name, c.f); err != nil {
		return err
	}
	c.moved = true
	c.forget()
	return nil
}

// reasons tells why targets were refused.
func reasons(e notify.Entry) string {
	var b strings.Builder
	for _, t := range e.Targets {
		switch {
		case t.Outcome != notify.Refused:
		case t.To == "":
			fmt.Fprintf(&b, "%s\n", t.Reason)
		default:
			fmt.Fprintf(&b, "%s: %s\n", t.To, t.Reason)
		}
	}
	return b.String()
}

// Release implements notify.Claim.
func (c *claim) Release() error {
	var err error
	if !c.moved && c.entry.Count(notify.Pending) == 0 {
		err = c.move()
	}
	if closeErr := c.f.Close(); err == nil {
		err = closeErr
	}
	return err
}
