package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/vigilance-go/vigilance/notify"
)

// Find returns the folders of all spools in dir: those of listener groups, and
// of their destinations. None is an empty list.
func Find(dir string) ([]string, error) {
	var found []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return err
		case !d.IsDir():
			return nil
		case d.Name() == newDir && isDir(filepath.Join(filepath.Dir(path), deadDir)):
			found = append(found, filepath.Dir(path))
			return fs.SkipDir
		case slices.Contains([]string{tmpDir, doneDir, deadDir}, d.Name()) && isDir(filepath.Join(filepath.Dir(path), newDir)):
			return fs.SkipDir
		default:
			return nil
		}
	})
	if err != nil {
		return found, fmt.Errorf("look for spools: %w", err)
	}
	return found, nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// Attach opens a spool that is there, to look at it. It makes nothing and
// cleans nothing up.
func Attach(dir string) *Spool {
	return &Spool{
		dir: dir, max: DefaultMaxMessages, log: slog.New(slog.DiscardHandler), changed: make(chan struct{}, 1),
		unnoted: make(map[string][]notify.Target), ignored: make(map[string]bool),
	}
}

// Item is a message in a spool, as people look at it.
type Item struct {
	// Name is that of its file.
	Name string
	// Dead tells that it was set aside, and Reason why.
	Dead   bool
	Reason string
	// Reserved tells that it waits in the reserve for a full disk.
	Reserved bool
	// Time is when it was put, or set aside.
	Time time.Time
	// Entry is empty where the file is no message; then Reason says so.
	Entry notify.Entry
}

// Items returns what waits and what was set aside, oldest first.
func (s *Spool) Items() ([]Item, error) {
	var items []Item
	for _, dir := range []string{newDir, deadDir} {
		for _, info := range s.aged(dir) {
			if strings.HasSuffix(info.Name(), reasonSuffix) {
				continue
			}
			item := Item{Name: info.Name(), Dead: dir == deadDir, Time: info.ModTime()}
			data, err := os.ReadFile(s.path(dir, info.Name()))
			if errors.Is(err, fs.ErrNotExist) {
				continue // delivered meanwhile
			}
			if err == nil {
				item.Entry, _, err = decode(data)
			}
			if reason, readErr := os.ReadFile(s.path(dir, info.Name()+reasonSuffix)); readErr == nil {
				item.Reason = strings.TrimSpace(string(reason))
			}
			if item.Reason == "" {
				item.Reason = strings.TrimSpace(reasons(item.Entry))
			}
			if item.Reason == "" && err != nil {
				item.Reason = err.Error()
			}
			items = append(items, item)
		}
	}
	reserved, err := s.reserved()
	return append(items, reserved...), err
}

func (s *Spool) reserved() ([]Item, error) {
	if _, err := os.Stat(s.path(reserveName)); err != nil {
		return nil, nil // there is none
	}
	r, err := s.Reserve()
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.slots.f.Close() }() // it is only read
	names, err := r.Waiting()
	var items []Item
	for _, name := range names {
		if entry, err := r.Peek(name); err == nil {
			items = append(items, Item{Name: name, Reserved: true, Time: entry.Message.Time, Entry: entry})
		}
	}
	return items, err
}

// Retry puts a message that was set aside back to those that wait, for the
// targets that refused it.
func (s *Spool) Retry(name string) error {
	data, err := os.ReadFile(s.path(deadDir, name))
	if err != nil {
		return fmt.Errorf("retry message: %w", err)
	}
	entry, _, err := decode(data)
	if err != nil {
		return fmt.Errorf("retry %q, which is no message: %w", name, err)
	}
	line, err := encode(entry)
	if err != nil {
		return fmt.Errorf("retry message %q: %w", name, err)
	}
	for _, t := range entry.Targets {
		if t.Outcome == notify.Delivered {
			line = append(line, encodeNote(t)...)
		}
	}
	tmp, err := s.createTmp()
	if err != nil {
		return fmt.Errorf("retry message %q: %w", name, err)
	}
	_, err = tmp.Write(line)
	if err == nil {
		err = tmp.Sync()
	}
	if closeErr := tmp.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), s.path(newDir, fileName(entry.Message.ID)))
	}
	if err != nil {
		_ = os.Remove(tmp.Name())
		return fmt.Errorf("retry message %q: %w", name, err)
	}
	return s.bin(name)
}

// Drop removes a message for good, whether it waits or was set aside.
func (s *Spool) Drop(item Item) error {
	switch {
	case item.Dead:
		return s.bin(item.Name)
	case item.Reserved:
		return fmt.Errorf("drop message %q: it is in the reserve for a full disk, and leaves that when it is sent", item.Name)
	default:
		if err := s.retireUnread(item.Name); err != nil {
			return fmt.Errorf("drop message %q: %w", item.Name, err)
		}
		return nil
	}
}

func (s *Spool) retireUnread(name string) error {
	if err := os.Rename(s.path(newDir, name), s.path(doneDir, name)); err != nil {
		return err
	}
	return os.Truncate(s.path(doneDir, name), 0)
}

// bin removes what was set aside.
func (s *Spool) bin(name string) error {
	err := os.Remove(s.path(deadDir, name))
	if reasonErr := os.Remove(s.path(deadDir, name+reasonSuffix)); err == nil && !errors.Is(reasonErr, fs.ErrNotExist) {
		err = reasonErr
	}
	return errors.Join(err, s.sync(deadDir), s.sync(newDir))
}
