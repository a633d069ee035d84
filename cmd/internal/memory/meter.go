package memory

import (
	"errors"
	"fmt"
	"slices"
)

// Measure is a way to count memory. Its values are what users write.
type Measure string

// The measures.
const (
	// RSS is resident memory, as ps shows it. What processes share counts for
	// each of them.
	RSS Measure = "rss"
	// PSS is resident memory in which what is shared is divided among those
	// that share it.
	PSS Measure = "pss"
	// USS is resident memory that nobody else has.
	USS Measure = "uss"
	// Cgroup is what the process's cgroup is charged for, which holds the
	// page cache and everything else that runs in it.
	Cgroup Measure = "cgroup"
)

// Measures returns all measures.
func Measures() []Measure { return []Measure{RSS, PSS, USS, Cgroup} }

// Unknown stands for the memory of a process that is gone, or that could not be
// read.
const Unknown int64 = -1

// Meter measures processes. It is used by one goroutine.
type Meter struct {
	measure    Measure
	cumulative bool
	source     source
}

// source is where a Meter reads.
type source interface {
	// begin begins a pass.
	begin() error
	// size returns what a process uses, in bytes, or Unknown.
	size(pid int, m Measure) int64
	// parents returns the parent of every process. It may be out of date for a
	// process whose pid was given to another one since.
	parents() (map[int]int, error)
	// parent returns the parent of a process as it is now.
	parent(pid int) (parent int, ok bool)
}

// NewMeter returns a Meter. A cumulative one adds what the descendants of a
// process use. The error says what this system does not have.
func NewMeter(m Measure, cumulative bool) (*Meter, error) {
	if !slices.Contains(Measures(), m) {
		return nil, fmt.Errorf("%q, want one of %q", m, Measures())
	}
	p, err := openProc()
	switch {
	case err == nil:
		return &Meter{measure: m, cumulative: cumulative && m != Cgroup, source: p}, nil
	case m != RSS:
		return nil, fmt.Errorf("measure %s, which needs Linux's /proc: %w", m, err)
	default:
		return &Meter{measure: m, cumulative: cumulative, source: &psTable{run: runPS}}, nil
	}
}

// Read returns what each process uses, in bytes, and Unknown for those that are
// gone. The error says why nothing could be read.
func (m *Meter) Read(pids []int) ([]int64, error) {
	if err := m.source.begin(); err != nil {
		return nil, err
	}
	sizes := make([]int64, len(pids))
	if !m.cumulative {
		for i, pid := range pids {
			sizes[i] = m.source.size(pid, m.measure)
		}
		return sizes, nil
	}
	parents, err := m.source.parents()
	if err != nil {
		return nil, err
	}
	children := make(map[int][]int, len(parents))
	for pid, parent := range parents {
		children[parent] = append(children[parent], pid)
	}
	for i, pid := range pids {
		sizes[i] = m.tree(pid, children)
	}
	return sizes, nil
}

// tree adds up a process and its descendants. A descendant that is gone by now,
// or another process's, uses nothing.
func (m *Meter) tree(pid int, children map[int][]int) int64 {
	total := m.source.size(pid, m.measure)
	if total == Unknown || len(children[pid]) == 0 {
		return total
	}
	seen := map[int]bool{pid: true} // pids are used again: two reads may make a circle
	for open := []int{pid}; len(open) > 0; {
		above := open[len(open)-1]
		open = open[:len(open)-1]
		for _, pid := range children[above] {
			if parent, ok := m.source.parent(pid); !ok || parent != above || seen[pid] {
				continue
			}
			seen[pid] = true
			total += max(m.source.size(pid, m.measure), 0)
			open = append(open, pid)
		}
	}
	return total
}

// Table tells whose child each process of the system is. It is used by one
// goroutine.
type Table struct{ source source }

// NewTable returns a Table. The error says that the system cannot tell.
func NewTable() (*Table, error) {
	p, err := openProc()
	if errors.Is(err, errNoProc) {
		return &Table{&psTable{run: runPS}}, nil
	}
	return &Table{p}, err
}

// Parents returns the parent of every process of the system. The map is valid
// until the next call.
func (t *Table) Parents() (map[int]int, error) {
	if err := t.source.begin(); err != nil {
		return nil, err
	}
	return t.source.parents()
}

// errNoProc is a system without Linux's /proc.
var errNoProc = errors.New("there is none")
