package supervisor

import (
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/supervisor/mainlog"
)

// recorder is a Manager that writes down what it is told.
type recorder struct {
	mu    sync.Mutex
	told  []string // without the signs of life
	alive int
}

func (r *recorder) Ready()             { r.note("ready") }
func (r *recorder) Reloading()         { r.note("reloading") }
func (r *recorder) Stopping()          { r.note("stopping") }
func (*recorder) Every() time.Duration { return 5 * time.Millisecond }

func (r *recorder) note(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.told = append(r.told, what)
}

func (r *recorder) Alive() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.alive++
}

func (r *recorder) signs() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.alive
}

func TestManagerHearsOfTheLoop(t *testing.T) {
	for sig, want := range map[syscall.Signal][]string{
		syscall.SIGTERM: {"ready", "stopping"},
		syscall.SIGHUP:  {"ready", "reloading"},
	} {
		heard := &recorder{}
		r := startWith(t, Options{Manager: heard}, mainlog.Debug, alone(program("cat", "/bin/cat", quick)))
		r.until("three signs of life", func() bool { return heard.signs() >= 3 })
		r.stop(sig)
		if !slices.Equal(heard.told, want) {
			t.Errorf("after %v: told %q, want %q", sig, heard.told, want)
		}
	}
}

// TestManagerHearsThatTheLoopIsStuck shows that signs of life come from the
// loop, and from nothing else.
func TestManagerHearsThatTheLoopIsStuck(t *testing.T) {
	heard := &recorder{}
	r := startWith(t, Options{Manager: heard}, mainlog.Debug, alone(program("cat", "/bin/cat", manual)))
	var before, after int
	err := r.inLoop(t.Context(), func() {
		before = heard.signs()
		<-time.After(20 * heard.Every())
		after = heard.signs()
	})
	if err != nil || after != before {
		t.Errorf("a loop that is stuck: %d signs of life, then %d, %v, want no more", before, after, err)
	}
	r.until("a sign of life once the loop turns again", func() bool { return heard.signs() > after })
}
