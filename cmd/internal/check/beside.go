package check

import (
	"context"
	"runtime/debug"
	"sync"
	"time"
)

// Beside runs work beside the loop that answers events. Each piece of work has
// a name, and what is under way is not begun a second time.
type Beside struct {
	// Watch ends when the tool is asked to end; Act some time later, so that a
	// restart can be finished.
	Watch, Act context.Context
	stopWatch  context.CancelFunc
	stopAct    context.CancelFunc

	mu   sync.Mutex
	busy map[string]bool
	work sync.WaitGroup
}

// NewBeside returns a Beside whose contexts have the values of ctx.
func NewBeside(ctx context.Context) *Beside {
	b := &Beside{busy: map[string]bool{}}
	b.Watch, b.stopWatch = context.WithCancel(context.WithoutCancel(ctx))
	b.Act, b.stopAct = context.WithCancel(context.WithoutCancel(ctx))
	return b
}

// Go runs f in a goroutine of its own, unless work of that name is under way,
// and reports whether it does. The end of f ends the goroutine; Stop's contexts
// see to that.
func (b *Beside) Go(name string, f func()) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.busy[name] {
		return false
	}
	b.busy[name] = true
	b.work.Add(1)
	go func() {
		defer b.work.Done()
		defer b.done(name)
		f()
	}()
	return true
}

// Busy reports whether work of that name is under way.
func (b *Beside) Busy(name string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.busy[name]
}

func (b *Beside) done(name string) {
	b.mu.Lock()
	delete(b.busy, name)
	idle := len(b.busy) == 0
	b.mu.Unlock()
	if idle {
		Relax()
	}
}

// Relax gives back the memory that a piece of work has left. It is called where
// nothing is to be done for some seconds, often a minute: what is not given back
// would be held all that time.
func Relax() { debug.FreeOSMemory() }

// Stop ends Watch at once, and Act when all work is done or after patience, and
// waits for the work. Go is not called any more.
func (b *Beside) Stop(patience time.Duration) {
	b.stopWatch()
	timer := time.AfterFunc(patience, b.stopAct)
	defer timer.Stop()
	b.work.Wait()
	b.stopAct()
}
