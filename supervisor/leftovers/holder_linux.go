package leftovers

import (
	"bytes"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// writeDelay is how much older than its process a pidfile may look, because
// times of processes are rounded.
const writeDelay = time.Second

// Holder returns the pid of the supervisord that has written a pidfile and
// still runs, or 0. It knows Python's supervisord too, which locks nothing:
// a process that bears its name, and lived already when the file was written,
// is the one that wrote it. Any other has got the pid later, or the clock was
// set forward since: then it is the one when it has the log file open that goes
// with the pidfile.
func Holder(pidFile, logFile string) int {
	text, err := os.ReadFile(pidFile)
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid <= 1 || pid == os.Getpid() {
		return 0
	}
	info, err := os.Stat(pidFile)
	s, serr := readStat(pid)
	if err != nil || serr != nil || !supervisordRuns(pid) {
		return 0
	}
	e := Entry{Start: s.start}
	if born := time.Now().Add(-e.Age()); born.After(info.ModTime().Add(writeDelay)) && !hasOpen(pid, logFile) {
		return 0
	}
	return pid
}

// hasOpen tells whether a process has a regular file open.
func hasOpen(pid int, name string) bool {
	file, err := os.Stat(name)
	if err != nil || !file.Mode().IsRegular() {
		return false
	}
	descriptors := "/proc/" + strconv.Itoa(pid) + "/fd"
	entries, err := os.ReadDir(descriptors)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(entries, func(entry os.DirEntry) bool {
		open, err := os.Stat(path.Join(descriptors, entry.Name()))
		return err == nil && os.SameFile(file, open)
	})
}

// supervisordRuns tells whether a process lives and is a supervisord.
func supervisordRuns(pid int) bool {
	s, err := readStat(pid)
	return err == nil && !s.dead() && namedSupervisord(pid)
}

// namedSupervisord tells whether a process, or the script that it interprets,
// is called supervisord.
func namedSupervisord(pid int) bool {
	cmdline, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	if err != nil {
		return false
	}
	args := bytes.Split(cmdline, []byte{0})
	for _, arg := range args[:min(2, len(args))] {
		if path.Base(string(arg)) == "supervisord" {
			return true
		}
	}
	return false
}
