package supervisor

import (
	"errors"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/supervisor/config"
	"github.com/vigilance-go/vigilance/supervisor/process"
)

func TestWatchTellsWhatHappens(t *testing.T) {
	r := start(t, alone(program("cat", "/bin/cat", quick)))
	r.untilState("cat", process.Running)
	full, recent, err := r.Watch(t.Context(), 1)
	if err != nil {
		t.Fatalf("Watch: %v", err)
	}
	defer full.Close()
	var kinds []listener.EventType
	for i, o := range recent {
		kinds = append(kinds, o.Body.Type())
		if o.Serial != uint64(i+1) || o.When.IsZero() {
			t.Errorf("recent[%d] = %+v, want serial %d and a time", i, o, i+1)
		}
	}
	want := []listener.EventType{
		listener.ProcessGroupAdded, listener.SupervisorRunning,
		listener.ProcessStateStarting, listener.ProcessStateRunning,
	}
	if len(kinds) != len(want) {
		t.Fatalf("recent = %v, want %v", kinds, want)
	}
	for i := range want {
		if kinds[i] != want[i] {
			t.Errorf("recent = %v, want %v", kinds, want)
		}
	}

	// Nobody reads: the second and the third are lost, and nothing waits.
	for range 3 {
		if err := r.SendRemoteCommEvent(t.Context(), "hello", "a secret"); err != nil {
			t.Fatal(err)
		}
	}
	got := <-full.News
	body, ok := got.Body.(listener.RemoteCommunication)
	if !ok || body.CommType != "hello" || body.Data != "" {
		t.Errorf("News = %+v, want a remote communication hello without its data", got)
	}
	if n := full.Dropped(); n != 2 {
		t.Errorf("Dropped() = %d, want 2", n)
	}
}

func TestWatchEnds(t *testing.T) {
	r := start(t)
	f, _, err := r.Watch(t.Context(), 8)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if err := r.SendRemoteCommEvent(t.Context(), "hello", ""); err != nil {
		t.Fatal(err)
	}
	select {
	case o := <-f.News:
		t.Errorf("News after Close = %+v, want nothing", o)
	default:
	}
	r.stop(15)
	select {
	case <-r.Done():
	case <-time.After(time.Minute):
		t.Error("Done() is not closed after Run")
	}
	if _, _, err := r.Watch(t.Context(), 8); !errors.Is(err, ErrStopped) {
		t.Errorf("Watch of a stopped daemon = %v, want ErrStopped", err)
	}
}

func TestPendingIsWhatRereadFound(t *testing.T) {
	was := alone(program("same", "/bin/cat", manual))
	changing := alone(program("changing", "/bin/cat", manual))
	going := alone(program("going", "/bin/cat", manual))
	r := start(t, was, changing, going)
	if p, err := r.Pending(t.Context()); err != nil || len(p) != 0 {
		t.Fatalf("Pending() before a reread = %v, %v; want nothing", p, err)
	}
	other := alone(program("changing", "/bin/cat -u", manual))
	r.opts.Reload = func() (*config.Config, error) {
		return &config.Config{Groups: []*config.Group{was, other, alone(program("coming", "/bin/cat", manual))}}, nil
	}
	if _, err := r.Reread(t.Context()); err != nil {
		t.Fatal(err)
	}
	p, err := r.Pending(t.Context())
	if err != nil || len(p) != 3 {
		t.Fatalf("Pending() = %v, %v; want three changes", p, err)
	}
	for i, want := range []struct {
		name            string
		running, wanted bool
	}{{"going", true, false}, {"changing", true, true}, {"coming", false, true}} {
		got := p[i]
		if got.Name() != want.name || (got.Running != nil) != want.running || (got.Wanted != nil) != want.wanted {
			t.Errorf("Pending()[%d] = %s running %v wanted %v, want %+v", i, got.Name(), got.Running, got.Wanted, want)
		}
	}
	if p[1].Wanted.Programs[0].Command != "/bin/cat -u" {
		t.Errorf("the changed group's wanted command = %q, want the new one", p[1].Wanted.Programs[0].Command)
	}
}
