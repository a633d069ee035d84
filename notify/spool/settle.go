package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// reasonSuffix ends the name of the file that says why another is in dead/.
const reasonSuffix = ".reason"

// finish moves a delivered message to done/, where only its name is kept.
func (s *Spool) finish(name string, f *os.File) error {
	if err := s.retire(name, f); err != nil {
		return err
	}
	if err := errors.Join(s.sync(doneDir), s.sync(newDir)); err != nil {
		return fmt.Errorf("sync delivered message %q: %w", name, err)
	}
	return nil
}

// retire is finish, without making it durable.
func (s *Spool) retire(name string, f *os.File) error {
	if err := os.Rename(s.path(newDir, name), s.path(doneDir, name)); err != nil {
		return fmt.Errorf("move delivered message %q: %w", name, err)
	}
	// Neither is needed to remember the delivery: no error of the caller's.
	_ = f.Truncate(0)
	now := time.Now()
	_ = os.Chtimes(s.path(doneDir, name), now, now)
	s.mu.Lock()
	s.settled++
	prune := s.settled%pruneEvery == 0
	s.mu.Unlock()
	if prune {
		s.pruneDone()
	}
	return nil
}

// bury moves a file of new/ to dead/ and writes the reason beside it. A reason
// that cannot be written, as on a full disk, keeps nothing in new/.
func (s *Spool) bury(name, reason string) error {
	if err := s.entomb(name, reason); err != nil {
		return err
	}
	if err := errors.Join(s.sync(deadDir), s.sync(newDir)); err != nil {
		return fmt.Errorf("sync message %q, which was set aside: %w", name, err)
	}
	return nil
}

// entomb is bury, without making it durable.
func (s *Spool) entomb(name, reason string) error {
	target := name
	for i := 1; ; i++ {
		if _, err := os.Lstat(s.path(deadDir, target)); errors.Is(err, fs.ErrNotExist) {
			break
		}
		target = fmt.Sprintf("%s.%d", name, i)
	}
	reasonErr := s.writeReason(target+reasonSuffix, reason)
	if err := os.Rename(s.path(newDir, name), s.path(deadDir, target)); err != nil {
		return fmt.Errorf("set message %q aside: %w", name, err)
	}
	if reasonErr != nil {
		s.log.Warn("cannot write why a message was set aside", "name", target, "reason", reason, "err", reasonErr)
	}
	return nil
}

func (s *Spool) writeReason(name, reason string) error {
	f, err := os.OpenFile(s.path(deadDir, name), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(reason)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

// setAside buries a file that is no message. One that cannot be moved is
// ignored from now on, so that it does not stop the others.
func (s *Spool) setAside(name, reason string) {
	s.log.Warn("setting aside a file in the spool that is no message", "name", name, "reason", reason)
	if err := s.bury(name, reason+"\n"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.log.Warn("cannot set a file aside; ignoring it", "name", name, "err", err)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.ignored[name] = true
	}
}
