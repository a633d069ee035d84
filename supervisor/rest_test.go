package supervisor

import (
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/vigilance-go/vigilance/supervisor/mainlog"
)

func TestRestIsCalledOnceWhenAllHaveBeenStarted(t *testing.T) {
	var calls atomic.Int64
	r := startWith(t, Options{Rest: func() { calls.Add(1) }}, mainlog.Debug,
		alone(program("a", "/bin/cat", quick)), alone(program("b", "/bin/cat", quick)))
	r.until("Rest to be called", func() bool { return calls.Load() > 0 })
	infos, err := r.AllProcessInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range infos {
		if i.PID == 0 {
			t.Errorf("%s has not been born when Rest is called: %+v", i.Name, i)
		}
	}
	r.stop(syscall.SIGTERM)
	if n := calls.Load(); n != 1 {
		t.Errorf("Rest was called %d times, want once", n)
	}
}
