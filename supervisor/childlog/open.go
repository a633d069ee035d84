package childlog

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// open opens the log's path, or leaves the log without a target and says why.
func (f *File) open(now time.Time) {
	fd, mode, err := openTarget(f.opts.Path, 0)
	if err != nil {
		f.writing.fail(err, 0, now)
		f.note(f.writing.announce())
		f.opens.failed(now)
		return
	}
	f.adopt(fd, mode, now)
}

// adopt makes fd the log's target.
func (f *File) adopt(fd int, mode targetMode, now time.Time) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err == nil && st.Mode&unix.S_IFMT == unix.S_IFREG {
		f.fd, f.shared = fd, mode == sharedTarget
		f.size, f.looked = st.Size, now
		f.opens.reset()
		if f.writing.said || f.writing.lost > 0 {
			return // a write has yet to show that it works again
		}
		f.writing.err = nil
		return
	} else if err == nil && st.Mode&unix.S_IFMT == unix.S_IFSOCK {
		mode = socketTarget
	}
	if mode == ownTarget && !nonblocking(fd) {
		mode = sharedTarget // some systems answer an open of /dev/fd/N with a duplicate
	}
	f.pipe = newPipe(fd, mode)
	if !f.writing.said {
		f.writing.err = nil
	}
}

// targetMode says how a target that is no regular file can be written without
// blocking.
type targetMode int

const (
	ownTarget    targetMode = iota // opened here: the descriptor does not block
	sharedTarget                   // a duplicate whose flags belong to others too
	socketTarget                   // asked not to block at each call
)

// openTarget opens path for appending, creating it where it is missing. It
// never blocks: a fifo without a reader is an error (ENXIO). When path stands
// for a descriptor of this process the result refers to the same open file.
func openTarget(path string, extra int) (int, targetMode, error) {
	own, isOwn := ownDescriptor(path)
	if isOwn && !reopenable(own) {
		fd, err := unix.FcntlInt(uintptr(own), unix.F_DUPFD_CLOEXEC, 3)
		return fd, sharedTarget, err
	}
	const flags = unix.O_WRONLY | unix.O_APPEND | unix.O_CREAT | unix.O_CLOEXEC |
		unix.O_NOCTTY | unix.O_NONBLOCK
	for {
		fd, err := unix.Open(path, flags|extra, 0o644)
		switch {
		case err == nil:
			return fd, ownTarget, nil
		case errors.Is(err, unix.EINTR):
			continue
		case isOwn:
			// Something of another user's, such as the pipe that was standard
			// output before the daemon changed its user: it cannot be opened
			// again, but it is open.
			if fd, err := unix.FcntlInt(uintptr(own), unix.F_DUPFD_CLOEXEC, 3); err == nil {
				return fd, sharedTarget, nil
			}
		}
		return -1, ownTarget, err
	}
}

func nonblocking(fd int) bool {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	return err == nil && flags&unix.O_NONBLOCK != 0
}

// reopenable tells whether opening descriptor fd by its name gives something
// as good as the descriptor. A pipe or a terminal opened again is the same one,
// with flags of our own. A regular file opened again has a position of its own,
// and two positions in one file overwrite each other; a socket has no name.
func reopenable(fd int) bool {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return true // let open find the error
	}
	kind := st.Mode & unix.S_IFMT
	return kind != unix.S_IFREG && kind != unix.S_IFSOCK
}

// ownDescriptor returns the descriptor of this process that path stands for,
// by name or by a chain of symbolic links to such a name.
func ownDescriptor(path string) (fd int, ok bool) {
	self := strconv.Itoa(os.Getpid())
	for range 40 { // as many links as the kernel follows
		path = filepath.Clean(path)
		switch path {
		case "/dev/stdout":
			return 1, true
		case "/dev/stderr":
			return 2, true
		}
		for _, dir := range []string{"/dev/fd/", "/proc/self/fd/", "/proc/" + self + "/fd/"} {
			if number, found := strings.CutPrefix(path, dir); found {
				fd, err := strconv.Atoi(number)
				return fd, err == nil
			}
		}
		target, err := os.Readlink(path)
		if err != nil {
			return 0, false
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(path), target)
		}
		path = target
	}
	return 0, false
}
