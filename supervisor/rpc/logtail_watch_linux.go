package rpc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"sync"

	sys "golang.org/x/sys/unix"
)

// What is to be told of a file and of the folder in which another one can take
// its name.
const (
	fileEvents   = sys.IN_MODIFY | sys.IN_ATTRIB | sys.IN_MOVE_SELF | sys.IN_DELETE_SELF
	folderEvents = sys.IN_CREATE | sys.IN_MOVED_TO | sys.IN_MOVE_SELF | sys.IN_DELETE_SELF | sys.IN_ONLYDIR
	// goneEvents tell that what is watched is not any more what its path names.
	goneEvents = sys.IN_MOVE_SELF | sys.IN_DELETE_SELF | sys.IN_IGNORED
)

// watcher watches files by inotify(7): who follows a file that nobody writes
// costs nothing. It has a descriptor and a goroutine while it has watches.
type watcher struct {
	mu      sync.Mutex
	file    *os.File // nil while there are no watches
	fd      int      // of file, whose own method would make it blocking
	watches map[int32]map[*watch]struct{}
	ended   bool
	reading sync.WaitGroup
}

func newWatcher() *watcher { return &watcher{watches: make(map[int32]map[*watch]struct{})} }

// add watches the file at path until the watch is closed. Where the system
// cannot, it is looked at once a second.
func (r *watcher) add(path string) *watch {
	w := &watch{path: path, changed: make(chan struct{}, 1), watcher: r, ids: [2]int32{-1, -1}}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.enter(w)
	return w
}

// renew is to be called when the path leads to another file.
func (w *watch) renew() {
	w.watcher.mu.Lock()
	defer w.watcher.mu.Unlock()
	w.watcher.leave(w)
	w.watcher.enter(w)
}

// refresh is to be called before each look: it watches what the path leads to
// after something on the way there was replaced.
func (w *watch) refresh() {
	w.watcher.mu.Lock()
	defer w.watcher.mu.Unlock()
	if w.gone || w.ticker != nil {
		w.watcher.leave(w)
		w.watcher.enter(w)
	}
}

func (w *watch) close() {
	w.watcher.mu.Lock()
	defer w.watcher.mu.Unlock()
	w.watcher.leave(w)
	w.watcher.rest()
}

// enter begins to watch. It is called with r.mu held.
func (r *watcher) enter(w *watch) {
	w.gone = false
	if !r.open() {
		w.poll()
		return
	}
	for i, what := range []struct {
		path string
		mask uint32
	}{{w.path, fileEvents}, {filepath.Dir(w.path), folderEvents}} {
		id, err := sys.InotifyAddWatch(r.fd, what.path, what.mask)
		if err != nil {
			if i == 0 && errors.Is(err, sys.ENOENT) {
				continue // the folder tells when it comes
			}
			w.poll()
			continue
		}
		w.ids[i] = int32(id) //nolint:gosec // the kernel's are ints of 32 bits
		if r.watches[w.ids[i]] == nil {
			r.watches[w.ids[i]] = make(map[*watch]struct{})
		}
		r.watches[w.ids[i]][w] = struct{}{}
	}
}

// leave ends a watch. It is called with r.mu held.
func (r *watcher) leave(w *watch) {
	w.stopPolling()
	for i, id := range w.ids {
		w.ids[i] = -1
		followers := r.watches[id]
		if id < 0 || followers == nil {
			continue
		}
		delete(followers, w)
		if len(followers) == 0 {
			delete(r.watches, id)
			if r.file != nil {
				_, _ = sys.InotifyRmWatch(r.fd, uint32(id)) // the file may be gone, and its watch with it
			}
		}
	}
}

// open makes the descriptor and the goroutine if there are none.
func (r *watcher) open() bool {
	if r.file != nil || r.ended {
		return r.file != nil
	}
	fd, err := sys.InotifyInit1(sys.IN_CLOEXEC | sys.IN_NONBLOCK)
	if err != nil {
		return false
	}
	r.file, r.fd = os.NewFile(uintptr(fd), "inotify"), fd
	file := r.file
	r.reading.Go(func() { r.serve(file) }) // ends when the file is closed
	return true
}

// rest closes the descriptor when there are no watches.
func (r *watcher) rest() {
	if len(r.watches) == 0 && r.file != nil {
		_ = r.file.Close() // it was only read
		r.file = nil
	}
}

// close ends the watcher for good.
func (r *watcher) close() {
	r.mu.Lock()
	r.ended = true
	clear(r.watches)
	r.rest()
	r.mu.Unlock()
	r.reading.Wait()
}

// serve hands the system's events on.
func (r *watcher) serve(file *os.File) {
	buf := make([]byte, 16<<10)
	for {
		n, err := file.Read(buf)
		if err != nil {
			return
		}
		r.mu.Lock()
		if r.file == file {
			r.hand(buf[:n])
		}
		r.mu.Unlock()
	}
}

// hand wakes those whose file or folder the events are about.
func (r *watcher) hand(events []byte) {
	for len(events) >= sys.SizeofInotifyEvent {
		id := int32(binary.NativeEndian.Uint32(events)) //nolint:gosec // the kernel's are ints of 32 bits
		mask := binary.NativeEndian.Uint32(events[4:])
		size := sys.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(events[12:]))
		if size > len(events) {
			return
		}
		name, _, _ := bytes.Cut(events[sys.SizeofInotifyEvent:size], []byte{0})
		events = events[size:]
		if mask&sys.IN_Q_OVERFLOW != 0 {
			for _, followers := range r.watches {
				for w := range followers {
					w.wake()
				}
			}
			continue
		}
		for w := range r.watches[id] {
			w.gone = w.gone || mask&goneEvents != 0
			if len(name) == 0 || string(name) == filepath.Base(w.path) {
				w.wake()
			}
		}
		if mask&sys.IN_IGNORED != 0 {
			delete(r.watches, id) // the kernel has ended it
		}
	}
}
