package memory

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"time"
)

// psTable is what ps says, asked once a pass.
type psTable struct {
	run   func() ([]byte, error)
	sizes map[int]int64
	above map[int]int
}

// psTimeout bounds a run of ps.
const psTimeout = 10 * time.Second

// runPS asks ps in the way that every Unix has.
func runPS() ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), psTimeout)
	defer cancel()
	out, err := exec.CommandContext(ctx, "ps", "-A", "-o", "pid=", "-o", "ppid=", "-o", "rss=").Output()
	if err != nil {
		return nil, fmt.Errorf("run ps, because there is no /proc: %w", err)
	}
	return out, nil
}

func (t *psTable) begin() error {
	out, err := t.run()
	if err != nil {
		return err
	}
	t.sizes, t.above = map[int]int64{}, map[int]int{}
	for line := range bytes.Lines(out) {
		fields := bytes.Fields(line)
		if len(fields) != 3 {
			continue
		}
		pid, pidErr := strconv.Atoi(string(fields[0]))
		parent, parentErr := strconv.Atoi(string(fields[1]))
		kib, sizeErr := strconv.ParseInt(string(fields[2]), 10, 64)
		if pidErr == nil && parentErr == nil && sizeErr == nil {
			t.sizes[pid], t.above[pid] = kib<<10, parent
		}
	}
	return nil
}

func (t *psTable) size(pid int, _ Measure) int64 {
	if size, ok := t.sizes[pid]; ok {
		return size
	}
	return Unknown
}

func (t *psTable) parents() (map[int]int, error) { return t.above, nil }

func (t *psTable) parent(pid int) (parent int, ok bool) {
	parent, ok = t.above[pid]
	return parent, ok
}
