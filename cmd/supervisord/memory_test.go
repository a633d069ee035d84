package main

import (
	"runtime/debug"
	"testing"

	"github.com/vigilance-go/vigilance/supervisor/config"
)

// TestCollectorRestsOnlyWhileStarting runs alone: the setting is the process'.
func TestCollectorRestsOnlyWhileStarting(t *testing.T) {
	const percent = 123
	defer debug.SetGCPercent(debug.SetGCPercent(percent))
	for _, what := range []string{"first", "second"} {
		collect := restCollector()
		if got := debug.SetGCPercent(-1); got != -1 {
			t.Errorf("during the %s start GOGC is %d, want -1, off", what, got)
		}
		collect()
		if collect(); debug.SetGCPercent(percent) != percent {
			t.Errorf("after the %s start GOGC is not %d as before", what, percent)
		}
	}
}

func TestMemoryLimitGrowsWithWhatIsSupervised(t *testing.T) {
	t.Parallel()
	programs := &config.Group{Kind: config.GroupPrograms, Programs: make([]*config.Program, 1000)}
	pool := &config.Group{Kind: config.GroupEventListener, Programs: make([]*config.Program, 1)}
	for _, c := range []struct {
		groups []*config.Group
		want   int64
	}{
		{nil, 56 << 20},
		{[]*config.Group{programs}, 56<<20 + 1000<<16},
		{[]*config.Group{programs, pool}, 56<<20 + 1001<<16 + 64<<20},
	} {
		if got := memoryLimit(&config.Config{Groups: c.groups}); got != c.want {
			t.Errorf("memoryLimit of %d groups = %d, want %d", len(c.groups), got, c.want)
		}
	}
}
