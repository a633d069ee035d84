package peer

import (
	"bytes"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Leftovers returns the command lines of the processes that the daemon's
// programs have left behind, sorted; the daemon itself is not one of them. It
// needs /proc, and finds nothing where there is none.
func (d *Daemon) Leftovers() []string {
	var lines []string
	for pid, line := range d.descendants() {
		if pid != d.pid {
			lines = append(lines, line)
		}
	}
	slices.Sort(lines)
	return lines
}

// Running returns the process ids of the daemon's programs that have exactly
// this command line.
func (d *Daemon) Running(cmdline string) []int {
	var pids []int
	for pid, line := range d.descendants() {
		if pid != d.pid && line == cmdline {
			pids = append(pids, pid)
		}
	}
	return pids
}

// descendants returns the command line, by process id, of every process that
// carries the daemon's marker, the daemon included.
func (d *Daemon) descendants() map[int]string {
	found := make(map[int]string)
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return found
	}
	want := []byte(marker + "=" + d.Dir + "\x00")
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		environ, err := os.ReadFile("/proc/" + entry.Name() + "/environ")
		if err != nil || !bytes.Contains(environ, want) || !processRuns(pid) {
			continue
		}
		cmdline, err := os.ReadFile("/proc/" + entry.Name() + "/cmdline")
		if err != nil {
			continue
		}
		found[pid] = strings.TrimRight(strings.ReplaceAll(string(cmdline), "\x00", " "), " ")
	}
	return found
}

// processRuns says whether a process exists and is not a zombie.
func processRuns(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	// The state follows the command name, which may itself hold parentheses.
	_, state, found := strings.Cut(string(stat[bytes.LastIndexByte(stat, ')')+1:]), " ")
	return found && !strings.HasPrefix(state, "Z")
}
