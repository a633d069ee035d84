//go:build !linux

package rpc

// watcher has every file looked at once a second.
type watcher struct{}

func newWatcher() *watcher { return &watcher{} }

// add watches the file at path until the watch is closed.
func (*watcher) add(path string) *watch {
	w := &watch{path: path, changed: make(chan struct{}, 1)}
	w.poll()
	return w
}

func (*watcher) close() {}

// renew is to be called when the path leads to another file.
func (*watch) renew() {}

// refresh is to be called before each look.
func (*watch) refresh() {}

func (w *watch) close() { w.stopPolling() }
