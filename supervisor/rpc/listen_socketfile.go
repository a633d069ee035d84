package rpc

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	sys "golang.org/x/sys/unix"

	"github.com/vigilance-go/vigilance/supervisor/config"
)

const (
	// linkTries bounds the attempts to put a socket in the place of a stale
	// one, with others trying the same.
	linkTries = 10
	// lockPatience is how long another supervisord may hold the folder.
	lockPatience = 2 * time.Second
	// probePatience is how long a socket may take to accept a connection that
	// asks whether anybody listens.
	probePatience = time.Second
)

// socketFile remembers which file belongs to a unix socket.
type socketFile struct {
	path     string
	dev, ino uint64
}

// ownerError is the reference's text for a chown that is not permitted.
type ownerError struct{ text string }

func (e *ownerError) Error() string { return e.text }

// listenUnix listens on a unix socket. Its file comes into being in a folder
// that nobody else can enter, and is moved to its place when its mode and its
// owner are right: at no time can anybody connect who must not. A socket that
// stands there already is replaced if nobody listens on it; anything else but
// a symbolic link is left alone, as errno.EEXIST.
func listenUnix(server config.Server) (deadlineListener, *socketFile, error) {
	if len(server.File) >= maxSocketPath {
		return nil, nil, errPathTooLong
	}
	dir := filepath.Dir(server.File)
	private, err := os.MkdirTemp(dir, ".s")
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = os.RemoveAll(private) }() // it holds a second name of the socket
	temporary := filepath.Join(private, "s")
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: temporary, Net: "unix"})
	if errors.Is(err, syscall.EINVAL) && len(temporary) >= maxSocketPath {
		err = errPathTooLong
	}
	if err != nil {
		return nil, nil, err
	}
	listener.SetUnlinkOnClose(false)
	err = prepareSocket(temporary, server)
	var file *socketFile
	if err == nil {
		file, err = placeSocket(temporary, server.File)
	}
	if err != nil {
		_ = listener.Close() // it was never used
		return nil, nil, err
	}
	return listener, file, nil
}

// maxSocketPath is the size of a socket's address, which ends with a zero byte.
const maxSocketPath = len(syscall.RawSockaddrUnix{}.Path)

// errPathTooLong has Python's words.
var errPathTooLong = errors.New("AF_UNIX path too long")

// prepareSocket gives the socket's file its mode and its owner.
func prepareSocket(path string, server config.Server) error {
	if err := sys.Chmod(path, server.Mode); err != nil {
		return &fs.PathError{Op: "chmod", Path: path, Err: err}
	}
	if server.UID == -1 && server.GID == -1 {
		return nil
	}
	err := os.Lchown(path, server.UID, server.GID)
	if errors.Is(err, syscall.EPERM) {
		name := strconv.Itoa(os.Geteuid())
		if account, err := user.LookupId(name); err == nil {
			name = account.Username
		}
		return &ownerError{fmt.Sprintf("Not permitted to chown %s to uid/gid (%d, %d); adjust \"sockchown\" value "+
			"in config file or on command line to values that the current user (%s) can successfully chown",
			server.File, server.UID, server.GID, name)}
	}
	return err
}

// placeSocket gives the socket its name.
func placeSocket(temporary, path string) (*socketFile, error) {
	unlock := lockFolder(filepath.Dir(path))
	defer unlock()
	for range linkTries {
		err := os.Link(temporary, path)
		if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EOPNOTSUPP) || errors.Is(err, syscall.ENOSYS) {
			// A file system without hard links.
			if _, err = os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
				err = os.Rename(temporary, path)
			} else if err == nil {
				err = fs.ErrExist
			}
		}
		switch {
		case err == nil:
			return identify(path)
		case !errors.Is(err, fs.ErrExist):
			return nil, err
		}
		if err := removeStale(path); err != nil {
			return nil, err
		}
	}
	return nil, syscall.EADDRINUSE
}

// removeStale removes a socket on which nobody listens. The error is
// EADDRINUSE when somebody does, and EEXIST for what is no socket.
func removeStale(path string) error {
	before, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case before.Mode().Type() != fs.ModeSocket && before.Mode().Type() != fs.ModeSymlink:
		return &fs.PathError{Op: "listen", Path: path, Err: syscall.EEXIST}
	}
	conn, err := net.DialTimeout("unix", path, probePatience)
	switch {
	case err == nil:
		_ = conn.Close() // it has told what was asked
		return syscall.EADDRINUSE
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, fs.ErrNotExist):
	default:
		// A full backlog, or no permission to ask: somebody is there.
		return syscall.EADDRINUSE
	}
	after, err := os.Lstat(path)
	if err != nil || !os.SameFile(before, after) {
		return nil // another has replaced it: look again
	}
	return os.Remove(path)
}

// lockFolder keeps other supervisords from the same takeover, and returns what
// ends that. A folder that cannot be locked is used without.
func lockFolder(dir string) (unlock func()) {
	folder, err := os.Open(dir)
	if err != nil {
		return func() {}
	}
	deadline := time.Now().Add(lockPatience)
	for sys.Flock(int(folder.Fd()), sys.LOCK_EX|sys.LOCK_NB) != nil && time.Now().Before(deadline) {
		<-time.After(10 * time.Millisecond)
	}
	return func() { _ = folder.Close() } // which lets go of the lock
}

// identify learns which file stands at path.
func identify(path string) (*socketFile, error) {
	var st sys.Stat_t
	if err := sys.Lstat(path, &st); err != nil {
		return nil, &fs.PathError{Op: "lstat", Path: path, Err: err}
	}
	return &socketFile{path, uint64(st.Dev), uint64(st.Ino)}, nil //nolint:unconvert // int32 on some systems
}

// isOurs tells whether the file is the one that was made.
func (f *socketFile) isOurs() bool {
	now, err := identify(f.path)
	return err == nil && *now == *f
}

// remove removes the file if it is ours.
func (f *socketFile) remove() {
	if f.isOurs() {
		_ = os.Remove(f.path) // somebody else may have done so
	}
}
