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
	fd, shared, err := openTarget(f.opts.Path, 0)
	if err != nil {
		f.writing.fail(err, 0, now)
		f.note(f.writing.announce())
		f.opens.failed(now)
		return
	}
	f.adopt(fd, shared, now)
}

// adopt makes fd the log's target; shared is as openTarget returns it.
func (f *File) adopt(fd int, shared bool, now time.Time) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err == nil && st.Mode&unix.S_IFMT == unix.S_IFREG {
		f.fd, f.shared = fd, shared
		f.size, f.looked = st.Size, now
		f.opens.reset()
	} else {
		// Some systems answer an open of /dev/fd/N with a duplicate.
		f.pipe = newPipe(fd, shared || !nonblocking(fd))
	}
	if !f.writing.said && f.writing.lost == 0 {
		f.writing.err = nil // else a write has yet to show that it works again
	}
}

// openTarget opens path for appending, creating it where it is missing. It
// never blocks: a fifo without a reader is an error (ENXIO). When path stands
// for a descriptor of this process the result may be a duplicate of that, which
// shared tells: then its flags belong to others too, and are left alone.
func openTarget(path string, extra int) (fd int, shared bool, err error) {
	own, isOwn := ownDescriptor(path)
	if isOwn && !reopenable(own) {
		fd, err := unix.FcntlInt(uintptr(own), unix.F_DUPFD_CLOEXEC, 3)
		return fd, true, err
	}
	if !isOwn {
		if err := CheckLink(path); err != nil {
			return -1, false, err
		}
	}
	const flags = unix.O_WRONLY | unix.O_APPEND | unix.O_CREAT | unix.O_CLOEXEC |
		unix.O_NOCTTY | unix.O_NONBLOCK
	for {
		fd, err := unix.Open(path, flags|extra, 0o644)
		switch {
		case err == nil:
			return fd, false, nil
		case errors.Is(err, unix.EINTR):
			continue
		case isOwn:
			// Something of another user's, such as the pipe that was standard
			// output before the daemon changed its user: it cannot be opened
			// again, but it is open.
			if fd, err := unix.FcntlInt(uintptr(own), unix.F_DUPFD_CLOEXEC, 3); err == nil {
				return fd, true, nil
			}
		}
		return -1, false, err
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
