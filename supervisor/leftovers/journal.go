package leftovers

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// openFlags keep a symbolic link, or a pipe without a writer, from being taken
// for the file.
const openFlags = unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_CLOEXEC

// A child that was forked but has not become its program yet is waited for.
const (
	birthPatience = 2 * time.Second
	birthPause    = 20 * time.Millisecond
)

// spareLines is how many lines the file may have beyond twice what is worth
// keeping before it is written anew.
const spareLines = 1000

// Journal is the file of a running supervisord. As long as it is open, no other
// can claim it; the lock ends with the process, however it ends.
//
// A write that fails is told to Report, once, and made good by the next one
// that succeeds. Nothing is synced: what the kernel was told survives the
// daemon, and after a crash of the machine there are no leftovers.
//
// A nil Journal remembers nothing. It is for one goroutine at a time.
type Journal struct {
	path    string
	file    *os.File
	world   string
	size    int64 // of the file as it was left
	lines   int
	entries map[key]Entry
	failing bool
	// Report takes a line for the log when remembering fails, and when it works
	// again; nil for nobody.
	Report func(text string)
}

// Claim opens the file at path for this supervisord, and returns what an
// earlier one has left running. The error is a *HeldError while another
// supervisord has it, else the reason why nothing can be remembered. Damaged
// counts the lines of the file that could not be read, whose processes are
// not found.
func Claim(path string) (j *Journal, found []Found, damaged int, err error) {
	f, err := lock(path)
	if err != nil {
		return nil, nil, 0, err
	}
	p, err := parse(f)
	if err != nil {
		_ = f.Close() // nothing was written
		return nil, nil, 0, err
	}
	j = &Journal{path: path, file: f, world: world(), entries: make(map[key]Entry)}
	for _, e := range findAll(p.entries, j.world) {
		if process, ok := open(e.Entry, j.world); ok {
			e.Process = process
			found = append(found, e)
			j.entries[e.key()] = e.Entry
		}
	}
	if err := j.rewrite(); err != nil {
		for _, f := range found {
			f.Process.Close()
		}
		_ = j.file.Close() // nothing was written
		return nil, nil, 0, err
	}
	return j, found, p.damaged, nil
}

// lock opens the file at path and locks it for this process. A daemon that was
// killed at a birth lives on in its child, with all its descriptors, until the
// child becomes its program: that is waited for.
func lock(path string) (*os.File, error) {
	for until := time.Now().Add(birthPatience); ; {
		f, err := openOwn(path)
		if err != nil {
			return nil, err
		}
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err != nil {
			held := &HeldError{Path: path}
			if p, perr := parse(f); perr == nil {
				held.PID = p.header.Daemon
			}
			_ = f.Close() // nothing was written
			switch {
			case errors.Is(err, unix.EWOULDBLOCK) && !supervisordRuns(held.PID) && time.Now().Before(until):
				<-time.After(birthPause)
				continue
			case errors.Is(err, unix.EWOULDBLOCK):
				return nil, held
			}
			return nil, fmt.Errorf("lock state file %q: %w", path, err)
		}
		mine, err := f.Stat()
		if now, serr := os.Lstat(path); err == nil && serr == nil && os.SameFile(mine, now) {
			return f, nil
		}
		_ = f.Close() // its owner put another in its place, or removed it
	}
}

// Intend notes that a process is about to be born, so that it is found even
// when nobody lives to note its birth. Its PID, Start and World are found out.
func (j *Journal) Intend(e Entry) {
	if j != nil && j.world != "" {
		e.PID, e.Start, e.World = 0, ticksNow(), j.world
		j.note(e)
	}
}

// Born notes a process that has just been born. Its Start and World are
// found out here.
func (j *Journal) Born(e Entry) {
	if j == nil || j.world == "" {
		return
	}
	stat, err := readStat(e.PID)
	if err != nil {
		return // it has ended already
	}
	e.Start, e.World = stat.start, j.world
	j.note(e)
}

// note writes an entry.
func (j *Journal) note(e Entry) {
	j.entries[e.key()] = e
	err := j.append(e)
	if err != nil || j.failing {
		err = j.rewrite() // on a disk that was full, there is a torn line
	}
	switch {
	case err != nil && !j.failing:
		j.failing = true
		j.report(fmt.Sprintf("could not write %s, so that what runs will not be known to the next supervisord: %v", j.path, err))
	case err == nil && j.failing:
		j.failing = false
		j.report(j.path + " can be written again")
	}
}

func (j *Journal) report(text string) {
	if j.Report != nil {
		j.Report(text)
	}
}

// append adds an entry to the file, or writes it anew where that is shorter or
// somebody has deleted, replaced or changed it.
func (j *Journal) append(e Entry) error {
	info, err := j.file.Stat()
	if err != nil || links(info) == 0 || info.Size() != j.size || j.lines > spareLines+2*len(j.entries) {
		return j.rewrite()
	}
	line, err := appendLine(nil, e)
	if err != nil {
		return err
	}
	n, err := j.file.Write(line)
	j.size += int64(n)
	j.lines++
	return err
}

// rewrite puts a new file in the place of the old one. At each moment, the one
// that stands there is whole and locked.
func (j *Journal) rewrite() error {
	text, err := appendLine(nil, header{Daemon: os.Getpid()})
	for _, e := range j.entries {
		if err == nil {
			text, err = appendLine(text, e)
		}
	}
	if err != nil {
		return err
	}
	temporary := j.path + ".new"
	if err := os.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND|openFlags, 0o600)
	if err != nil {
		return err
	}
	if err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err == nil {
		if _, err = f.Write(text); err == nil {
			err = os.Rename(temporary, j.path)
		}
	}
	if err != nil {
		_ = f.Close()            // the first error counts
		_ = os.Remove(temporary) // likewise
		return err
	}
	_ = j.file.Close() // the lock on the old one is of no use any more
	j.file, j.size, j.lines = f, int64(len(text)), len(j.entries)+1
	return nil
}

// Close gives the file up, and removes it when nothing runs any more that is
// worth remembering.
func (j *Journal) Close(nothingRuns bool) {
	if j == nil {
		return
	}
	if nothingRuns {
		mine, err := j.file.Stat()
		if now, serr := os.Lstat(j.path); err == nil && serr == nil && os.SameFile(mine, now) {
			_ = os.Remove(j.path) // somebody else may have done so
		}
	}
	_ = j.file.Close() // each write was checked
}

// owner returns the user that a file belongs to.
func owner(info os.FileInfo) (int, error) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, errors.New("its owner is not known")
	}
	return int(st.Uid), nil
}

// links returns how many names a file has.
func links(info os.FileInfo) uint64 {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 1
	}
	return uint64(st.Nlink) //nolint:unconvert // narrower on some systems
}
