package osproc

import (
	"errors"
	"os"
	"os/signal"
	"syscall"
)

// Exit is the end of a child, or of an orphan that the kernel handed to this
// process because it is PID 1.
type Exit struct {
	PID    int
	Status syscall.WaitStatus
}

// Reap waits for every child of the process and reports each end once, until
// stop is closed. It must be the only waiter. Children that ended before the
// call are reported too. report runs on Reap's goroutine and holds no lock.
//
// An end may be reported before the Spawn that it belongs to has returned to
// its caller: whoever spawns and receives reports on one goroutine sees them
// in order.
func (s *Spawner) Reap(stop <-chan struct{}, report func(Exit)) {
	// One place is enough: a SIGCHLD that finds it taken is covered by the one
	// that took it, since all children are collected each time.
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	defer signal.Stop(ended)
	for {
		for {
			exit, ok := s.collect()
			if !ok {
				break
			}
			report(exit)
		}
		select {
		case <-ended:
		case <-stop:
			return
		}
	}
}

// collect takes one ended child; ok is false when there is none for now.
func (s *Spawner) collect() (exit Exit, ok bool) {
	s.forking.Lock()
	defer s.forking.Unlock()
	for {
		pid, err := syscall.Wait4(-1, &exit.Status, syscall.WNOHANG, nil)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		exit.PID = pid
		return exit, err == nil && pid > 0
	}
}
