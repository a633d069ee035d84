package childlog

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// ErrForeignLink says that a path is a symbolic link that a stranger may have
// put there.
var ErrForeignLink = errors.New("it is a symbolic link of somebody else in a folder that others can write")

// CheckLink refuses a path at which a stranger may have put a symbolic link, so
// that what is written there goes somewhere else: the folder can be written by
// others, and the link is neither root's, nor ours, nor the folder's owner's.
// (The rule of Linux' fs.protected_symlinks, which is off in many containers.)
// Whatever else is wrong with the path, opening it will tell.
func CheckLink(path string) error {
	link, err := os.Lstat(path)
	if err != nil || link.Mode().Type() != os.ModeSymlink {
		return nil
	}
	folder, err := os.Stat(filepath.Dir(path))
	if err != nil || folder.Mode().Perm()&0o022 == 0 {
		return nil
	}
	of, ok := link.Sys().(*syscall.Stat_t)
	in, known := folder.Sys().(*syscall.Stat_t)
	if !ok || !known || of.Uid == 0 || int(of.Uid) == os.Geteuid() || of.Uid == in.Uid {
		return nil
	}
	return fmt.Errorf("follow %q of user %d: %w", path, of.Uid, ErrForeignLink)
}
