package childlog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// rotate renames Path to Path.1, Path.1 to Path.2 and so on, and starts a new
// Path, if the file has really reached MaxBytes. Where that fails the open file
// stays in use, longer than it should be: better than to lose what comes.
func (f *File) rotate(now time.Time) {
	if !f.turns.due(now) {
		return
	}
	var opened, named unix.Stat_t
	if err := unix.Fstat(f.fd, &opened); err == nil {
		f.size, f.looked = opened.Size, now
		if f.size < f.opts.MaxBytes {
			return // truncated by somebody else
		}
	}
	// When the path no longer leads to the file that is open, another writer
	// of the same log has rotated it, or an administrator: to shift the backups
	// once more would push out a good one. Only the new file is wanted.
	err := unix.Stat(f.opts.Path, &named)
	ours := err == nil && named.Dev == opened.Dev && named.Ino == opened.Ino
	extra := 0
	if ours {
		if err := shiftBackups(f.opts.Path, f.opts.Backups); err != nil {
			f.rotationFailed(err, now)
			return
		}
		extra = unix.O_TRUNC
	}
	fd, shared, err := openTarget(f.opts.Path, extra)
	if err != nil {
		f.rotationFailed(err, now)
		return
	}
	f.release()
	f.adopt(fd, shared, now)
	f.turns.reset()
	f.note(f.rotating.succeed(now.Add(settleAfter)))
}

func (f *File) rotationFailed(err error, now time.Time) {
	f.turns.failed(now)
	f.rotating.fail(err, 0, now)
	f.note(f.rotating.announce())
}

// shiftBackups makes room at path: each backup moves up by one, the one
// numbered backups is replaced, and path becomes the first. At 0 backups
// nothing moves. A file that vanished meanwhile is no error.
func shiftBackups(path string, backups int) error {
	for i := backups - 1; i >= 0; i-- {
		from := path
		if i > 0 {
			from = fmt.Sprintf("%s.%d", path, i)
		}
		err := os.Rename(from, fmt.Sprintf("%s.%d", path, i+1))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
