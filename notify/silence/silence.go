// Package silence keeps the file that says about which processes nothing is
// to be said for a while, such as during a deployment.
//
// It decides how the file is read and changed. What a silence does to a
// message is notify.Dispatcher's.
//
// The file is empty or has a line of JSON for each silence:
//
//	{"processes":["web:*"],"until":"2026-11-22T10:00:00Z","by":"root","why":"release 7"}
//
// An empty file, as touch makes it, silences everything until it is removed,
// but for 24 hours at most, so that one that was forgotten is not the end of
// all alerts.
package silence

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/notify/internal/replace"
)

// TouchedFor is how long an empty file silences.
const TouchedFor = 24 * time.Hour

// maxFile is the largest file that is read, in bytes.
const maxFile = 1 << 20

// Silence is one entry of the file.
type Silence struct {
	// Processes are patterns of processes, as notify.MatchProcess takes them.
	Processes []string  `json:"processes"`
	From      time.Time `json:"from,omitzero"`
	Until     time.Time `json:"until"`
	By        string    `json:"by,omitempty"`
	Why       string    `json:"why,omitempty"`
	// Drop tells to forget what happens meanwhile, instead of telling it
	// afterwards.
	Drop bool `json:"drop,omitempty"`
}

// covers tells whether the silence is for a process now.
func (s Silence) covers(group, process string, now time.Time) bool {
	return s.Until.After(now) && !s.From.After(now) && slices.ContainsFunc(s.Processes, func(p string) bool {
		return notify.MatchProcess(p, group, process)
	})
}

// Read returns the silences of a file that are not over; none where there is
// no file. A line that is no silence is an error, which comes with the others.
func Read(path string, now time.Time) ([]Silence, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read silences: %w", err)
	}
	defer func() { _ = f.Close() }() // it is only read
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read silences: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return nil, fmt.Errorf("read silences: %w", err)
	}
	silences, err := parse(data, info.ModTime())
	silences = slices.DeleteFunc(silences, func(s Silence) bool { return !s.Until.After(now) })
	if err != nil {
		err = fmt.Errorf("read silences from %q: %w", path, err)
	}
	return silences, err
}

func parse(data []byte, touched time.Time) ([]Silence, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return []Silence{{Processes: []string{"*"}, From: touched, Until: touched.Add(TouchedFor), Why: "the file is there, and empty"}}, nil
	}
	var silences []Silence
	var errs []error
	number := 0
	for line := range bytes.Lines(data) {
		number++
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		var s Silence
		err := json.Unmarshal(line, &s)
		if err == nil && (len(s.Processes) == 0 || s.Until.IsZero()) {
			err = errors.New("want at least processes and until")
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("line %d: %w", number, err))
			continue
		}
		silences = append(silences, s)
	}
	return silences, errors.Join(errs...)
}

// header tells people who keeps the file.
const header = "# Silences of alerts; vigilance-silence changes this file.\n"

// Change replaces the silences of a file by what change makes of those that
// are not over; without any the file is removed. Several processes may do so at a time, and readers see the file
// before or after it.
func Change(path string, change func([]Silence) []Silence) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // tools of other users read the silences
		return fmt.Errorf("make the folder for silences: %w", err)
	}
	lock, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return fmt.Errorf("lock the silences: %w", err)
	}
	defer func() { _ = lock.Close() }() // and the lock with it
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock the silences: %w", err)
	}
	silences, err := Read(path, time.Now())
	if err != nil {
		return err
	}
	silences = change(silences)
	if len(silences) == 0 {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove the file of silences: %w", err)
		}
		return nil // and touch may make it anew
	}
	text := bytes.NewBufferString(header)
	enc := json.NewEncoder(text)
	enc.SetEscapeHTML(false)
	for _, s := range silences {
		if err := enc.Encode(s); err != nil {
			return fmt.Errorf("write silences: %w", err)
		}
	}
	return write(path, text.Bytes())
}

// write replaces a file. It stays readable for all: a tool may run as another
// user than the one who deploys.
func write(path string, data []byte) error {
	if err := replace.File(path, data, 0o644); err != nil {
		return fmt.Errorf("write silences: %w", err)
	}
	return nil
}

// File answers from a file, which it reads again when it has changed. It may
// be used by several goroutines.
type File struct {
	path string
	log  *slog.Logger

	mu       sync.Mutex
	read     time.Time // when it was looked at
	seen     stamp
	silences []Silence
	muted    bool // the log knows that something is silenced
}

// stamp tells one state of a file from another.
type stamp struct {
	there bool
	time  time.Time
	size  int64
}

// NewFile returns a File for a path, where a file may come to be.
func NewFile(path string, log *slog.Logger) *File { return &File{path: path, log: log} }

// again is how often the file is looked at, at most.
const again = time.Second

// Silenced is a notify.Policy's Silence.
func (f *File) Silenced(group, process string, now time.Time) notify.Silenced {
	f.mu.Lock()
	defer f.mu.Unlock()
	if since := now.Sub(f.read); since < 0 || since >= again {
		f.read = now
		f.refresh(now)
	}
	var answer notify.Silenced
	for _, s := range f.silences {
		if !s.covers(group, process, now) {
			continue
		}
		answer.Drop = answer.Drop || s.Drop
		if s.Until.After(answer.Until) {
			answer.Until = s.Until
		}
	}
	return answer
}

func (f *File) refresh(now time.Time) {
	var seen stamp
	if info, err := os.Stat(f.path); err == nil {
		seen = stamp{true, info.ModTime(), info.Size()}
	}
	if seen == f.seen {
		return
	}
	silences, err := Read(f.path, now)
	if err != nil {
		f.log.Warn("cannot read all silences", "err", err)
	}
	f.seen, f.silences = seen, silences
	if len(silences) > 0 {
		for _, s := range silences {
			f.log.Info("alerts are silenced", "processes", strings.Join(s.Processes, " "), "until", s.Until, "by", s.By, "why", s.Why)
		}
	} else if f.muted {
		f.log.Info("no alerts are silenced any more")
	}
	f.muted = len(silences) > 0
}

// DefaultPath returns where the file is unless it is said otherwise: beside
// the folder of all spools, spools.
func DefaultPath(spools string) string { return filepath.Join(filepath.Dir(spools), "silence") }
