package rpc

import (
	"context"
	"testing"
	"time"
)

func TestLogSizeIsWhatACallAsksFor(t *testing.T) {
	t.Parallel()
	inner := func(method string, args ...any) any { return map[string]any{"methodName": method, "params": args} }
	for _, c := range []struct {
		method string
		args   []any
		want   int64
	}{
		{"supervisor.getState", nil, 0},
		{"supervisor.readProcessStdoutLog", []any{"x", int64(0), int64(1000)}, 1000},
		{"supervisor.readProcessStdoutLog", []any{"x", int64(-1600), int64(0)}, 1600},
		{"supervisor.readProcessLog", []any{"x", int64(0), int64(0)}, maxLogRead},
		{"supervisor.tailProcessStderrLog", []any{"x", int64(5), int64(2000)}, 2000},
		{"supervisor.readLog", []any{int64(0), int64(1 << 40)}, maxLogRead},
		{"supervisor.readLog", nil, maxLogRead},
		{"supervisor.clearLog", nil, 0},
		{"system.multicall", []any{[]any{
			inner("supervisor.readLog", int64(0), int64(10)), inner("supervisor.getState"), inner("system.multicall"),
			inner("supervisor.readLog", int64(-7), int64(0)), "nonsense",
		}}, 17},
	} {
		if got := logSize(c.method, c.args); got != c.want {
			t.Errorf("logSize(%s, %v) = %d, want %d", c.method, c.args, got, c.want)
		}
	}
}

// TestLargeAnswersTakeTurns: small ones never wait for them.
func TestLargeAnswersTakeTurns(t *testing.T) {
	t.Parallel()
	b := newAnswerBudget()
	begin := func(method string, args ...any) (*share, error) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		return b.begin(ctx, method, args)
	}
	large, err := begin("supervisor.readLog", int64(0), int64(0))
	if err != nil {
		t.Fatalf("the first: %v", err)
	}
	if _, err := begin("supervisor.readLog", int64(0), int64(1<<20)); err == nil {
		t.Error("begin of a second large answer succeeded, want that it waits")
	}
	for _, method := range []string{"supervisor.getState", "supervisor.getAllProcessInfo"} {
		small, err := begin(method)
		if err != nil {
			t.Errorf("begin(%s) beside a large answer: %v", method, err)
			continue
		}
		small.made(2 << 20)
		small.end()
	}
	if _, err := begin("supervisor.getAllProcessInfo"); err == nil {
		t.Error("begin of a method whose last answer was large succeeded, want that it waits")
	}
	large.made(1 << 20) // it is shorter than it could have been
	for _, n := range []int64{1 << 20, 6 << 20} {
		if _, err := begin("supervisor.readLog", int64(0), n); err != nil {
			t.Errorf("begin of %d bytes beside 1 MiB: %v", n, err)
		}
	}
	large.end()
}
