package main

import (
	"testing"

	"github.com/vigilance-go/vigilance/supervisor/config"
)

func TestMemoryLimitGrowsWithWhatIsSupervised(t *testing.T) {
	t.Parallel()
	programs := &config.Group{Kind: config.GroupPrograms, Programs: make([]*config.Program, 1000)}
	pool := &config.Group{Kind: config.GroupEventListener, Programs: make([]*config.Program, 1)}
	for _, c := range []struct {
		groups []*config.Group
		want   int64
	}{
		{nil, 40 << 20},
		{[]*config.Group{programs}, 40<<20 + 1000<<16},
		{[]*config.Group{programs, pool}, 40<<20 + 1001<<16 + 64<<20},
	} {
		if got := memoryLimit(&config.Config{Groups: c.groups}); got != c.want {
			t.Errorf("memoryLimit of %d groups = %d, want %d", len(c.groups), got, c.want)
		}
	}
}
