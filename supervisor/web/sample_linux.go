package web

import (
	"time"

	"github.com/prometheus/procfs"
)

// ticksPerSecond is the unit of CPU times in /proc, which is the same on every
// Linux that Go runs on.
const ticksPerSecond = 100

// sampler measures processes by reading /proc.
type sampler struct {
	fs     procfs.FS
	ok     bool
	at     time.Time
	before map[int]spent // by pid, as of the last sample
}

// spent is the CPU time that a process had used up; the start tells two
// processes of one pid apart.
type spent struct {
	start uint64
	ticks uint
}

func newSampler() *sampler {
	fs, err := procfs.NewFS(procfs.DefaultMountPoint)
	return &sampler{fs: fs, ok: err == nil}
}

// sample measures each of the given processes together with its descendants.
// Those whose figures cannot be had are left out. The first call only looks
// and returns nothing, as does one long after another.
func (s *sampler) sample(pids []int, now time.Time) map[int]usage {
	if !s.ok || len(pids) == 0 {
		return nil
	}
	procs, err := s.fs.AllProcs()
	if err != nil {
		return nil
	}
	parents := make(map[int]int, len(procs))
	stats := make(map[int]spent, len(procs))
	for _, p := range procs {
		if st, err := p.Stat(); err == nil { // else it has just ended
			parents[st.PID] = st.PPID
			stats[st.PID] = spent{st.Starttime, st.UTime + st.STime}
		}
	}
	elapsed, before := now.Sub(s.at), s.before
	s.at, s.before = now, stats
	if before == nil || elapsed <= 0 || elapsed > 3*sampleEvery {
		return nil
	}
	found := make(map[int]usage, len(pids))
	for _, pid := range pids {
		if _, lives := stats[pid]; lives {
			found[pid] = usage{}
		}
	}
	for pid, st := range stats {
		root, ours := ancestor(pid, parents, found)
		if !ours {
			continue
		}
		u := found[root]
		if p, err := s.fs.Proc(pid); err == nil {
			if m, err := p.Statm(); err == nil {
				u.RSS += int64(m.ResidentBytes()) //nolint:gosec // no machine has as much memory
			}
		}
		u.CPU += float64(st.ticks-used(before, pid, st)) / ticksPerSecond / elapsed.Seconds() * 100
		found[root] = u
	}
	return found
}

// used is what the process had spent at the sample before: nothing when it was
// born since.
func used(before map[int]spent, pid int, st spent) uint {
	if was, known := before[pid]; known && was.start == st.start && was.ticks <= st.ticks {
		return was.ticks
	}
	return 0
}

// ancestor returns the nearest of the wanted processes above pid, or pid
// itself.
func ancestor(pid int, parents map[int]int, wanted map[int]usage) (int, bool) {
	for range len(parents) { // a table read piece by piece may hold a ring
		if _, ok := wanted[pid]; ok {
			return pid, true
		}
		up, ok := parents[pid]
		if !ok || up <= 1 {
			return 0, false
		}
		pid = up
	}
	return 0, false
}
