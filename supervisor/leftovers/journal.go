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

// spareRoom is the least room, in bytes, that the file has beyond its entries.
// It is taken in advance, so that births on a full disk are noted too.
const spareRoom = 64 << 10

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
	end     int64 // of what was written
	room    int64 // the size of the file; zeros follow the end
	entries map[key]Entry
	failing bool
	// Report takes a line for the log when remembering fails, and when it works
	// again; nil for nobody.
	Report func(text string)
}

// Claim opens the file at path for this supervisord, and returns what an
// earlier one has left running. The error is a *HeldError while another
// supervisord has it, else the reason why nothing can be remembered for now:
// then there is a Journal all the same, which goes on trying. Damaged counts
// the lines of the file that could not be read, whose processes are not found.
func Claim(path string) (j *Journal, found []Found, damaged int, err error) {
	j = &Journal{path: path, world: world(), entries: make(map[key]Entry)}
	f, err := lock(path)
	var p parsed
	if err == nil {
		if p, err = parse(f); err != nil {
			_ = f.Close() // nothing was written
		}
	}
	if _, ok := errors.AsType[*HeldError](err); ok {
		return nil, nil, 0, err
	}
	if err != nil {
		p = look(path) // on a disk that cannot be written, it can be read
	}
	for _, e := range findAll(p.entries, j.world) {
		if process, ok := open(e.Entry, j.world); ok {
			e.Process = process
			found = append(found, e)
			j.entries[e.key()] = e.Entry
		}
	}
	if err == nil {
		_ = j.take(f) // where that fails, the next note does, too, and is told
	}
	j.failing = err != nil
	return j, found, p.damaged, err
}

// look reads a file that cannot be claimed, if it can be believed.
func look(path string) parsed {
	f, err := os.OpenFile(path, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return parsed{}
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil || trusted(info) != nil {
		return parsed{}
	}
	p, _ := parse(f) // what could be read counts
	return p
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
	stat, _ := readStat(e.PID) // one that has ended already has no start, and is nobody's leftover
	e.Start, e.World = stat.start, j.world
	j.note(e)
}

// note writes an entry.
func (j *Journal) note(e Entry) {
	j.entries[e.key()] = e
	var err error
	if j.file == nil {
		err = j.open()
	} else if err = j.append(e); err != nil || j.failing {
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

// open tries again what Claim could not do.
func (j *Journal) open() error {
	f, err := lock(j.path)
	if err != nil {
		return err
	}
	return j.take(f)
}

// take makes a locked file the journal's.
func (j *Journal) take(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		_ = f.Close() // nothing was written
		return err
	}
	j.file, j.end, j.room = f, info.Size(), info.Size()
	return j.rewrite()
}

// append adds an entry to the file, or writes it anew where there is no room
// left or somebody has deleted, replaced or changed it.
func (j *Journal) append(e Entry) error {
	line, err := appendLine(nil, e)
	if err != nil {
		return err
	}
	if j.end+int64(len(line)) > j.room || !j.intact() {
		return j.rewrite()
	}
	n, err := j.file.WriteAt(line, j.end)
	j.end += int64(n)
	return err
}

// intact tells whether the file is as it was left.
func (j *Journal) intact() bool {
	info, err := j.file.Stat()
	return err == nil && links(info) > 0 && info.Size() == j.room
}

// rewrite puts a new file in the place of the old one. At each moment, the one
// that stands there is whole and locked. Where there is no room for another, it
// writes over the old one.
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
	room := int64(len(text) + max(spareRoom, 2*len(text)))
	f, err := replace(j.path, append(text, make([]byte, room-int64(len(text)))...))
	if err == nil {
		_ = j.file.Close() // the lock on the old one is of no use any more
		j.file, j.end, j.room = f, int64(len(text)), room
		return nil
	}
	if int64(len(text)) > j.room || !j.intact() {
		return err
	}
	old := max(0, j.end-int64(len(text)))
	if _, err := j.file.WriteAt(append(text, make([]byte, old)...), 0); err != nil {
		return err
	}
	j.end = int64(len(text))
	return nil
}

// replace puts a file in the place of the one at path, and returns it, locked.
func replace(path string, text []byte) (*os.File, error) {
	temporary := path + ".new"
	if err := os.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL|openFlags, 0o600)
	if err != nil {
		return nil, err
	}
	if err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err == nil {
		if _, err = f.Write(text); err == nil {
			err = os.Rename(temporary, path)
		}
	}
	if err != nil {
		_ = f.Close()            // the first error counts
		_ = os.Remove(temporary) // likewise
		return nil, err
	}
	return f, nil
}

// Close gives the file up, and removes it when nothing runs any more that is
// worth remembering.
func (j *Journal) Close(nothingRuns bool) {
	if j == nil || j.file == nil {
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
