package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
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

// killSession kills what is left of a session, which a daemon began.
func killSession(sid int) {
	for range 100 { // what is being forked at this moment shows up in the next pass
		left := 0
		for _, pid := range session(sid) {
			if syscall.Kill(pid, syscall.SIGKILL) == nil {
				left++
			}
		}
		if left == 0 {
			return
		}
		<-time.After(10 * time.Millisecond)
	}
}

// session returns the processes of a session that are not dead already.
func session(sid int) []int {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // an error is of the pattern alone
	var pids []int
	for _, path := range stats {
		b, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := strings.Cut(string(b), ") ")
		f := strings.Fields(rest)
		if len(f) < 4 || f[0] == "Z" || f[3] != strconv.Itoa(sid) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// rss returns the memory of a process in bytes, all of it.
func rss(pid int) (float64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("read memory: %w", err)
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.Atoi(strings.Fields(rest)[0])
			return float64(kb) * 1024, err
		}
	}
	return 0, fmt.Errorf("read memory of %d: there is no VmRSS line", pid)
}
