package osproc

import (
	"runtime"
	"sync"
)

// ReserveThreads makes the Go runtime have at least n threads more than it
// needs now, and returns when it has. The runtime keeps them for ever, and
// takes one of them whenever a system call blocks. Without a reserve it would
// have to make one then, and where the system refuses (RLIMIT_NPROC or the
// pids.max of a container is used up, by programs that fork without end, say),
// the runtime ends the whole process.
func ReserveThreads(n int) {
	var all, gone sync.WaitGroup
	all.Add(n)
	for range n {
		gone.Go(func() { // ends when all have a thread of their own
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			all.Done()
			all.Wait()
		})
	}
	gone.Wait()
}
