package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// clockTick is the unit of /proc/PID/stat: Linux fixes it for user space.
const clockTick = 10 * time.Millisecond

// cpu returns the CPU time that a process has used, with its threads.
func cpu(pid int) (time.Duration, error) {
	// schedstat counts nanoseconds, but for one thread alone.
	var total time.Duration
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil || len(tasks) == 0 {
		return cpuTicks(pid)
	}
	for _, t := range tasks {
		b, err := os.ReadFile(t)
		if err != nil {
			continue // a thread that has ended
		}
		ns, err := strconv.ParseInt(strings.Fields(string(b) + " 0")[0], 10, 64)
		if err != nil {
			return cpuTicks(pid)
		}
		total += time.Duration(ns)
	}
	return total, nil
}

// cpuTicks is cpu in ticks, with the threads that have ended.
func cpuTicks(pid int) (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("read CPU time: %w", err)
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	f := strings.Fields(rest)
	if len(f) < 13 {
		return 0, fmt.Errorf("read CPU time: want 13 fields behind the name, got %q", rest)
	}
	user, _ := strconv.Atoi(f[11])
	system, err := strconv.Atoi(f[12])
	return time.Duration(user+system) * clockTick, err
}

// pss returns the memory of a process in bytes, shared pages shared out.
func pss(pid int) (float64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, fmt.Errorf("read memory: %w", err)
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "Pss:"); ok {
			kb, err := strconv.Atoi(strings.Fields(rest)[0])
			return float64(kb) * 1024, err
		}
	}
	return 0, fmt.Errorf("read memory of %d: there is no Pss line", pid)
}

// wakeups returns how often the threads of a process have been scheduled
// after waiting.
func wakeups(pid int) float64 {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	total := 0
	for _, t := range tasks {
		b, _ := os.ReadFile(t) // a thread that has ended counts no more
		for line := range strings.Lines(string(b)) {
			if rest, ok := strings.CutPrefix(line, "voluntary_ctxt_switches:"); ok {
				n, _ := strconv.Atoi(strings.TrimSpace(rest))
				total += n
			}
		}
	}
	return float64(total)
}
