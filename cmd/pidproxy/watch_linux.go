package main

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// watch tells whenever a file in the folder of that one has been written or has
// got its name. It lasts until the process ends.
func watch(file string) <-chan struct{} {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return poll()
	}
	const events = unix.IN_CLOSE_WRITE | unix.IN_MOVED_TO | unix.IN_CREATE | unix.IN_ONLYDIR
	if _, err := unix.InotifyAddWatch(fd, filepath.Dir(file), events); err != nil {
		_ = unix.Close(fd) // nothing was read from it
		return poll()      // the folder may come later
	}
	changes := os.NewFile(uintptr(fd), "inotify")
	changed := make(chan struct{}, 1)
	// Ends with the process.
	go func() {
		buffer := make([]byte, 4096)
		for {
			if _, err := changes.Read(buffer); err != nil {
				return
			}
			select {
			case changed <- struct{}{}:
			default: // it has been told already
			}
		}
	}()
	return changed
}
