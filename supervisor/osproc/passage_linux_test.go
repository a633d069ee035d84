package osproc

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// leastDescriptors returns how many descriptors the thread has that has the
// fewest.
func leastDescriptors(t *testing.T) int {
	t.Helper()
	threads, err := filepath.Glob("/proc/self/task/*/fd")
	if err != nil || len(threads) == 0 {
		t.Fatalf("threads: %v, %v", threads, err)
	}
	least := 1 << 20
	for _, dir := range threads {
		if entries, err := os.ReadDir(dir); err == nil { // else the thread has ended
			least = min(least, len(entries))
		}
	}
	return least
}

// A child copies the descriptors of the thread that forks it, and closes them
// at its exec. There must not be more of them with each child.
func TestForkingThreadHasNoDescriptorsOfTheDaemon(t *testing.T) {
	kept, held, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t)
	for range 20 {
		r.start(command("/bin/sleep", "1000"))
	}
	const most = 8 // the standard streams, the passage, the runtime's poller
	if got := leastDescriptors(t); got > most {
		t.Errorf("with 20 children the forking thread has %d descriptors, want at most %d", got, most)
	}
	// What the daemon closes is closed: a log or a socket would live on.
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { // ends with the pipe
		_, err := kept.Read(make([]byte, 1))
		ended <- err
	}()
	eventually(t, "the end of a pipe that the daemon has closed", func() bool { return len(ended) == 1 })
	if err := <-ended; !errors.Is(err, io.EOF) {
		t.Errorf("Read = %v, want EOF", err)
	}
}

// Where unshare is refused, as in many containers, the thread shares the
// daemon's descriptors: what was sent is used as it is, and left open.
func TestWithoutPassageDescriptorsAreUsedAsTheyAre(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p := passage{near: noFD, far: noFD}
	p.enter()
	sent := []uintptr{w.Fd()}
	if err := p.send(sent); err != nil {
		t.Fatalf("send = %v", err)
	}
	got, err := p.receive(sent)
	if err != nil || len(got) != 1 || got[0] != sent[0] {
		t.Fatalf("receive(%v) = %v, %v; want the same", sent, got, err)
	}
	p.release(got)
	p.close()
	if err := w.Close(); err != nil {
		t.Errorf("Close after release = %v, want it still open", err)
	}
}
