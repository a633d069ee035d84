package main

import (
	"os"
	"runtime/debug"
	"time"

	"github.com/vigilance-go/vigilance/supervisor/config"
)

// What the daemon may take, in bytes, before the garbage collector works harder
// than usual. The first is for itself and its clients; each process has pipes
// and logs, and each pool may have its buffer full.
const (
	ownMemory     = 56 << 20
	processMemory = 64 << 10
	poolMemory    = 64 << 20
)

// collectorRest is how long the garbage collector rests beyond the start of the
// servers, whose first answers would wait for it.
const collectorRest = 50 * time.Millisecond

// restCollector lets the garbage collector rest until collect is called: nearly
// all that a start allocates stays, and to look through it again and again
// delays the first answer. A memory limit holds nevertheless.
func restCollector() (collect func()) {
	percent := debug.SetGCPercent(-1)
	return func() { debug.SetGCPercent(percent) }
}

// limitMemory keeps what clients cause to be allocated from growing to twice
// what is in use before it is collected. It leaves the limit to whoever has set
// GOMEMLIMIT.
func limitMemory(cfg *config.Config) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit(cfg))
	}
}

// memoryLimit is the limit for a configuration.
func memoryLimit(cfg *config.Config) int64 {
	limit := int64(ownMemory)
	for _, g := range cfg.Groups {
		limit += processMemory * int64(len(g.Programs))
		if g.Kind == config.GroupEventListener {
			limit += poolMemory
		}
	}
	return limit
}
