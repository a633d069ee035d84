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
	"sync"
	"time"

	"github.com/vigilance-go/vigilance/notify"
)

// DefaultMaxMessages is the limit of a spool that is not told one.
const DefaultMaxMessages = 100_000

// The folders of a spool.
const (
	tmpDir  = "tmp"
	newDir  = "new"
	doneDir = "done"
	deadDir = "dead"
)

// Options are the particulars of a spool.
type Options struct {
	// MaxMessages is how many messages may wait; 0 stands for
	// DefaultMaxMessages.
	MaxMessages int
	// Log hears of files that are no messages; nil stands for slog.Default().
	Log *slog.Logger
}

// Spool is a notify.Queue in a folder. Its methods may be called from several
// goroutines, and several processes may open the same folder.
type Spool struct {
	dir     string
	max     int
	log     *slog.Logger
	changed chan struct{}

	mu sync.Mutex
	// waiting is how many files new/ held when it was last looked at, plus the
	// puts since: at least as many as there are, but for those of others.
	waiting int
	settled int // since done/ was pruned
	// unnoted holds outcomes that could not be written.
	unnoted map[string][]notify.Target
	journal *slots // while this process holds the spool
	// ignored holds files that are no messages and cannot be moved away.
	ignored map[string]bool
}

var _ notify.Queue = (*Spool)(nil)

// Open makes the spool's folders where they are missing, for the user alone,
// and opens it. The error names the folder that cannot be made or written.
func Open(dir string, o Options) (*Spool, error) {
	if o.MaxMessages <= 0 {
		o.MaxMessages = DefaultMaxMessages
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	for _, sub := range []string{tmpDir, newDir, doneDir, deadDir} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return nil, fmt.Errorf("make spool: %w", err)
		}
	}
	s := &Spool{
		dir:     dir,
		max:     o.MaxMessages,
		log:     o.Log,
		changed: make(chan struct{}, 1),
		unnoted: make(map[string][]notify.Target),
		ignored: make(map[string]bool),
	}
	probe, err := s.createTmp()
	if err != nil {
		return nil, fmt.Errorf("write to spool: %w", err)
	}
	_ = probe.Close()
	_ = os.Remove(probe.Name())
	s.pruneTmp()
	s.pruneDone()
	return s, nil
}

// Dir returns the spool's folder.
func (s *Spool) Dir() string { return s.dir }

// Changed implements notify.Queue.
func (s *Spool) Changed() <-chan struct{} { return s.changed }

// Waiting implements notify.Queue. Names are in the order in which the
// messages were put.
func (s *Spool) Waiting() ([]string, error) {
	entries, err := os.ReadDir(s.path(newDir))
	if err != nil {
		return nil, fmt.Errorf("list spool: %w", err)
	}
	type file struct {
		name string
		time time.Time
	}
	files := make([]file, 0, len(entries))
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || s.ignored[e.Name()] {
			continue // gone meanwhile, or not ours
		}
		files = append(files, file{e.Name(), info.ModTime()})
	}
	s.waiting = len(files)
	slices.SortStableFunc(files, func(a, b file) int { return a.time.Compare(b.time) })
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = f.name
	}
	return names, nil
}

// Put implements notify.Queue: when it returns nil, the message is on disk.
func (s *Spool) Put(m notify.Message, to ...string) error {
	if m.ID == "" {
		return errors.New("put message into spool: it has no ID")
	}
	name := fileName(m.ID)
	if s.known(name) {
		return nil
	}
	if err := s.reserve(); err != nil {
		return err
	}
	line, err := encode(notify.NewEntry(m, to...))
	if err != nil {
		return fmt.Errorf("encode message %q: %w", m.ID, err)
	}
	tmp, err := s.createTmp()
	if err != nil {
		return fmt.Errorf("write message %q: %w", m.ID, err)
	}
	_, err = tmp.Write(line)
	if err == nil {
		err = tmp.Sync()
	}
	if closeErr := tmp.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), s.path(newDir, name))
	}
	if err != nil {
		_ = os.Remove(tmp.Name())
		return fmt.Errorf("write message %q: %w", m.ID, err)
	}
	if err := s.sync(newDir); err != nil {
		// It may be lost in a power cut, and is delivered unless it is.
		s.log.Warn("cannot sync the spool", "err", err)
	}
	s.signal()
	return nil
}

// known tells whether a message of that name was put before. The order of the
// looks is that in which a message moves.
func (s *Spool) known(name string) bool {
	return slices.ContainsFunc([]string{newDir, doneDir, deadDir}, func(dir string) bool {
		_, err := os.Lstat(s.path(dir, name))
		return err == nil
	})
}

// reserve counts one more message. The folder is read only when the count has
// reached the limit.
func (s *Spool) reserve() error {
	s.mu.Lock()
	full := s.waiting >= s.max
	s.mu.Unlock()
	if full {
		if _, err := s.Waiting(); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting >= s.max {
		return fmt.Errorf("put message into spool %q with %d waiting: %w", s.dir, s.waiting, notify.ErrFull)
	}
	s.waiting++
	return nil
}

// createTmp makes a file with a name of its own in tmp/.
func (s *Spool) createTmp() (*os.File, error) {
	return os.CreateTemp(s.path(tmpDir), fmt.Sprintf("%d.*", os.Getpid()))
}

func (s *Spool) signal() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

func (s *Spool) path(elem ...string) string {
	return filepath.Join(append([]string{s.dir}, elem...)...)
}

// sync makes the names in a folder of the spool durable.
func (s *Spool) sync(sub string) error {
	dir, err := os.Open(s.path(sub))
	if err != nil {
		return err
	}
	err = dir.Sync()
	if closeErr := dir.Close(); err == nil {
		err = closeErr
	}
	return err
}

// Ages and numbers beyond which files are removed.
const (
	tmpAge  = time.Hour
	doneAge = 24 * time.Hour
	doneMax = 10_000
	// pruneEvery is how many messages are settled between two looks at done/.
	pruneEvery = 500
)

// pruneTmp removes what killed writers left behind.
func (s *Spool) pruneTmp() {
	for _, f := range s.aged(tmpDir) {
		if time.Since(f.ModTime()) > tmpAge {
			_ = os.Remove(s.path(tmpDir, f.Name()))
		}
	}
}

// pruneDone forgets the IDs that were delivered long ago.
func (s *Spool) pruneDone() {
	files := s.aged(doneDir)
	for i, f := range files {
		if len(files)-i > doneMax || time.Since(f.ModTime()) > doneAge {
			_ = os.Remove(s.path(doneDir, f.Name()))
		}
	}
}

// aged returns the files of a folder, the oldest first.
func (s *Spool) aged(sub string) []fs.FileInfo {
	entries, err := os.ReadDir(s.path(sub))
	if err != nil {
		return nil
	}
	infos := make([]fs.FileInfo, 0, len(entries))
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			infos = append(infos, info)
		}
	}
	slices.SortFunc(infos, func(a, b fs.FileInfo) int { return a.ModTime().Compare(b.ModTime()) })
	return infos
}

// DefaultDir returns the folder in which each group of listeners has one for
// its messages: /var/lib/vigilance/spool for root, else vigilance/spool under
// $XDG_STATE_HOME, which is ~/.local/state where it is not set. The error says
// that there is no home.
func DefaultDir() (string, error) {
	base := "/var/lib"
	if os.Geteuid() != 0 {
		base = os.Getenv("XDG_STATE_HOME")
		if !filepath.IsAbs(base) {
			home, err := os.UserHomeDir()
			if err != nil {
				return "", fmt.Errorf("find a place for the spool: %w", err)
			}
			if !filepath.IsAbs(home) {
				return "", errors.New("find a place for the spool: $HOME is not an absolute path")
			}
			base = filepath.Join(home, ".local", "state")
		}
	}
	return filepath.Join(base, "vigilance", "spool"), nil
}

// GroupDir returns the folder of a listener group in dir. Groups must not
// share a spool: each delivers in its own way.
func GroupDir(dir, group string) string { return filepath.Join(dir, folderName(group)) }

// folderName makes a group's name the name of a folder.
func folderName(group string) string {
	name := strings.Map(func(r rune) rune {
		if r == filepath.Separator || r == 0 {
			return '_'
		}
		return r
	}, group)
	if name == "" || name[0] == '.' {
		name = "_" + name
	}
	return name
}
