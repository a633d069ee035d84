package rpc

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/internal/xmlrpc"
	"github.com/vigilance-go/vigilance/supervisor/config"
)

// newShare returns the share of an answer that is the only one.
func newShare(t *testing.T) *share {
	t.Helper()
	s, err := newAnswerBudget(methodTable([]string{"supervisor"})).begin(t.Context(), "supervisor.getState", nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTheDemandIsWhatACallAsksFor(t *testing.T) {
	t.Parallel()
	inner := func(method string, args ...any) any { return map[string]any{"methodName": method, "params": args} }
	b := newAnswerBudget(methodTable([]string{"supervisor"}))
	(&share{budget: b, method: "supervisor.getAllConfigInfo"}).made(5000)
	(&share{budget: b, method: "supervisor.getAllNonsense"}).made(1 << 20)
	for _, c := range []struct {
		method string
		args   []any
		want   demand
	}{
		{"supervisor.getState", nil, demand{}},
		{"supervisor.getAllProcessInfo", nil, demand{bytes: answerMemory}},
		{"supervisor.getAllNonsense", nil, demand{}},
		{"supervisor.getAllConfigInfo", nil, demand{bytes: 5000}},
		{"supervisor.readProcessStdoutLog", []any{"x", int64(0), int64(1000)}, demand{bytes: 1000}},
		{"supervisor.readProcessStdoutLog", []any{"x", int64(-1600), int64(0)}, demand{bytes: 1600}},
		{"supervisor.readProcessLog", []any{"x", int64(0), int64(0)}, demand{files: 1}},
		{"supervisor.tailProcessStderrLog", []any{"x", int64(5), int64(2000)}, demand{bytes: 2000}},
		{"supervisor.readLog", []any{int64(0), int64(1 << 40)}, demand{files: 1}},
		{"supervisor.readLog", nil, demand{files: 1}},
		{"supervisor.clearLog", nil, demand{}},
		{"system.multicall", []any{[]any{
			inner("supervisor.readLog", int64(0), int64(10)), inner("supervisor.getState"), inner("system.multicall"),
			inner("supervisor.readLog", int64(-7), int64(0)), inner("supervisor.readLog", int64(0), int64(0)), "nonsense",
			inner("supervisor.getAllConfigInfo"),
		}}, demand{bytes: 5017, files: 1}},
	} {
		if got := b.expect(c.method, c.args); got != c.want {
			t.Errorf("expect(%s, %v) = %+v, want %+v", c.method, c.args, got, c.want)
		}
	}
}

// beginner returns a function that begins answers of one budget, unless there is
// no room for a while.
func beginner(t *testing.T) func(method string, args ...any) (*share, error) {
	b := newAnswerBudget(methodTable([]string{"supervisor"}))
	return func(method string, args ...any) (*share, error) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		return b.begin(ctx, method, args)
	}
}

// TestLargeAnswersTakeTurns: small ones never wait for them, nor do long logs.
func TestLargeAnswersTakeTurns(t *testing.T) {
	t.Parallel()
	begin := beginner(t)
	const all, configs = "supervisor.getAllProcessInfo", "supervisor.getAllConfigInfo"
	large, err := begin(all)
	if err != nil {
		t.Fatalf("the first: %v", err)
	}
	if _, err := begin(configs); err == nil {
		t.Error("begin of a second large answer succeeded, want that it waits")
	}
	if _, err := begin("supervisor.getState"); err != nil {
		t.Errorf("begin of a small answer beside a large one: %v", err)
	}
	large.made(1 << 20) // it is shorter than it could have been
	for range 7 {
		if _, err := begin(all); err != nil {
			t.Errorf("begin of what takes 1 MiB, beside as much: %v", err)
		}
	}
	if _, err := begin(all); err == nil {
		t.Error("begin of a ninth answer of 1 MiB succeeded, want that it waits")
	}
	large.end()
	if _, err := begin(all); err != nil {
		t.Errorf("begin after the end of another: %v", err)
	}
}

// TestLongLogsTakeTurns: each keeps a file open while it is sent.
func TestLongLogsTakeTurns(t *testing.T) {
	t.Parallel()
	begin := beginner(t)
	calls := make([]any, answerFiles+1)
	for i := range calls {
		calls[i] = map[string]any{"methodName": "supervisor.readLog"}
	}
	many, err := begin(multicallName, calls)
	if err != nil {
		t.Fatal(err)
	}
	for i := range calls {
		if got, want := many.mayOpen(), i < answerFiles; got != want {
			t.Errorf("mayOpen for file %d = %t, want %t", i, got, want)
		}
	}
	if _, err := begin("supervisor.readLog"); err == nil {
		t.Error("begin of one more log succeeded, want that it waits")
	}
	if _, err := begin("supervisor.readLog", int64(-1000), int64(0)); err != nil {
		t.Errorf("begin of a short part beside them: %v", err)
	}
	many.end()
	if _, err := begin("supervisor.readLog"); err != nil {
		t.Errorf("begin of a log after the others: %v", err)
	}
}

// TestAnswersAreMadeInTurn: as many at a time as there are processors.
func TestAnswersAreMadeInTurn(t *testing.T) {
	t.Parallel()
	s := newShare(t)
	var last func()
	for range runtime.GOMAXPROCS(0) {
		end, err := s.turn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		last = end
	}
	gone, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := s.turn(gone); err == nil {
		t.Error("one more turn than there are processors, want that it waits")
	}
	// Were the turns those of logs on a disk that hangs, all would wait for it.
	r := &request{ctx: gone, share: s, args: []any{1}}
	called := false
	m := &method{needs: config.RoleObserver, params: make([]tag, 1), call: func(*request) error { called = true; return nil }}
	if err := r.inTurn("supervisor.readLog", m); err != nil || !called {
		t.Errorf("reading a log waits for a turn: %v", err)
	}
	last()
	if _, err := s.turn(t.Context()); err != nil {
		t.Errorf("a turn after the end of another: %v", err)
	}
}

// TestLongLogsAreNotHeldInMemory: neither while they are measured nor while
// they are sent.
func TestLongLogsAreNotHeldInMemory(t *testing.T) {
	const size, most = 8 << 20, 1 << 20
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
	s, err := newAnswerBudget(methodTable([]string{"supervisor"})).begin(t.Context(), "supervisor.readLog", nil)
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	out := xmlrpc.NewAnswer(s.taken.bytes)
	defer out.Release()
	r := &request{ctx: t.Context(), args: []any{int64(0), int64(0)}, out: out, share: s}
	if err := r.readLog(path, 0); err != nil {
		t.Fatal(err)
	}
	sent, err := out.WriteTo(io.Discard)
	runtime.ReadMemStats(&after)
	if err != nil || sent < size {
		t.Errorf("WriteTo: got %d bytes, %v, want %d at least", sent, err, size)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	r.ctx = gone
	if err := r.readLog(path, 0); err == nil {
		t.Error("a log is read for a client that has gone")
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > most {
		t.Errorf("an answer of %d bytes allocates %d, want at most %d", sent, got, most)
	}
}
