package supervisor

import (
	"context"
	"testing"
)

// TestClientThatGoesLeavesNoRace asks for things and goes, in all moments. The
// race detector tells when the loop writes what the caller reads.
func TestClientThatGoesLeavesNoRace(t *testing.T) {
	r := start(t, alone(program("cat", "/bin/cat", quick)))
	for range 2000 {
		ctx, cancel := context.WithCancel(t.Context())
		go cancel() // ends at once
		if path, err := r.LogFile(ctx, "cat", false); err != nil && path != "" {
			t.Errorf("LogFile = %q, %v, want a path or an error", path, err)
		}
		if info, err := r.ProcessInfo(ctx, "cat"); err == nil && info.Name != "cat" {
			t.Errorf("ProcessInfo = %q, want cat", info.Name)
		}
		if stats, err := r.Stats(ctx); err == nil && len(stats.Processes) != 1 {
			t.Errorf("Stats = %d processes, want 1", len(stats.Processes))
		}
	}
}
