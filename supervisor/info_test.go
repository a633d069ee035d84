package supervisor

import (
	"cmp"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/vigilance-go/vigilance/supervisor/config"
)

// TestInfosReuseMemory holds what monitors ask for most often to memory that
// does not grow with the programs: the garbage of a thousand calls a minute
// would be collected among the stacks of all readers.
func TestInfosReuseMemory(t *testing.T) {
	var groups []*config.Group
	const programs = 1000
	for i := range programs {
		groups = append(groups, alone(program(fmt.Sprintf("p%04d", programs-i), "true", manual)))
	}
	r := start(t, groups...)
	want, err := r.AllProcessInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(want) != programs || !slices.IsSortedFunc(want, func(a, b ProcessInfo) int {
		return cmp.Or(strings.Compare(a.Group, b.Group), strings.Compare(a.Name, b.Name))
	}) {
		t.Fatalf("AllProcessInfo returned %d infos, or unsorted ones, want %d sorted ones", len(want), programs)
	}
	const most = 16 << 10
	least := uint64(math.MaxUint64)
	for range 20 { // the collector, or the race detector, may take the memory away
		at := 0
		bytes := allocated(func() {
			err = r.EachProcessInfo(t.Context(), func(info *ProcessInfo) {
				if at >= programs || info.Name != want[at].Name || info.State != want[at].State {
					t.Errorf("EachProcessInfo: element %d is %+v, want it as in AllProcessInfo", at, info)
				}
				at++
			})
		})
		if err != nil || at != programs {
			t.Fatalf("EachProcessInfo: %d elements, %v, want %d", at, err, programs)
		}
		least = min(least, bytes)
	}
	if least > most {
		t.Errorf("EachProcessInfo of %d programs allocates %d bytes, want at most %d", programs, least, most)
	}
}

// allocated is how many bytes the process allocates while do runs.
func allocated(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
