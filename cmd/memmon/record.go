package main

import (
	"slices"
	"time"
)

// record is how a process has been. It survives a restart of memmon.
type record struct {
	PID    int     `json:"pid"`
	Start  int     `json:"start"`            // of the process, in Unix time: pids are used again
	Over   int     `json:"over,omitempty"`   // times above its limit, in a row, up to --samples
	Warned bool    `json:"warned,omitempty"` // that it comes near its limit
	Told   bool    `json:"told,omitempty"`   // that it should be restarted, and was not
	Growth history `json:"growth,omitzero"`
}

// differs tells whether there is something to save.
func (r *record) differs(was record) bool {
	return r.Over != was.Over || r.Warned != was.Warned || r.Told != was.Told || r.Growth.Told != was.Growth.Told ||
		!slices.Equal(r.Growth.At, was.Growth.At)
}

// recall returns the records that were saved and can be true: a file may hold
// anything, and a clock may have been set back since.
func recall(saved map[string]*record, now time.Time) map[string]*record {
	known := make(map[string]*record, len(saved))
	for name, r := range saved {
		if r == nil || r.Over < 0 {
			continue
		}
		h := &r.Growth
		late := slices.ContainsFunc(append(slices.Clone(h.At), h.When), func(t time.Time) bool { return t.After(now) })
		if late || len(h.At) != len(h.Sizes) || !slices.IsSortedFunc(h.At, time.Time.Compare) {
			*h = history{}
		}
		known[name] = r
	}
	return known
}

const (
	// growthSpan is what growth is measured over, growthStep how far apart the
	// sizes are that are kept, and growthMin the age of the first of them.
	growthSpan = time.Hour
	growthStep = 5 * time.Minute
	growthMin  = 30 * time.Minute
)

// history is how large a process was within the last hour.
type history struct {
	At    []time.Time `json:"at,omitempty"`
	Sizes []int64     `json:"sizes,omitempty"`
	Told  bool        `json:"told,omitempty"` // within this hour
	When  time.Time   `json:"when,omitzero"`
}

// add notes a size. Once there is one that is old enough it returns the oldest
// and its age.
func (h *history) add(now time.Time, size int64) (from int64, age time.Duration, ok bool) {
	if n := len(h.At); n == 0 || now.Sub(h.At[n-1]) >= growthStep {
		h.At, h.Sizes = append(h.At, now), append(h.Sizes, size)
	}
	for len(h.At) > 1 && now.Sub(h.At[0]) > growthSpan {
		h.At, h.Sizes = h.At[1:], h.Sizes[1:]
	}
	if h.Told && now.Sub(h.When) >= growthSpan {
		h.Told = false
	}
	if !h.Told {
		h.When = now
	}
	age = now.Sub(h.At[0])
	return h.Sizes[0], age, age >= growthMin
}
