package leftovers

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"time"
)

// findAll returns what may be alive of a file's entries. For births of which
// only the intent is known, it looks for the process.
func findAll(entries map[key]Entry, world string) []Found {
	var found []Found
	var births []Entry
	for _, e := range entries {
		switch {
		case e.World != world:
		case e.PID != 0:
			found = append(found, Found{Entry: e})
		default:
			births = append(births, e)
		}
	}
	if len(births) == 0 {
		return found
	}
	for until := time.Now().Add(birthPatience); ; {
		orphans, unborn := scan(births)
		if !unborn || time.Now().After(until) {
			return append(found, orphans...)
		}
		<-time.After(birthPause)
	}
}

// scan looks through /proc for the processes of births. Unborn tells that
// there is a child that has yet to become its program.
func scan(births []Entry) (found []Found, unborn bool) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, false
	}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		s, err := readStat(pid)
		if err != nil || s.dead() || !orphaned(&s) {
			continue
		}
		for _, b := range births {
			switch {
			case s.start < b.Start:
			case s.threads == 1 && (isOurProgram(pid) || s.session == pid && isChanging(pid)):
				unborn = true
			case s.session == pid && carries(pid, b):
				b.PID, b.Start = pid, s.start
				found = append(found, Found{Entry: b})
			}
		}
	}
	return found, unborn
}

// orphaned tells whether a process has lost its parent: a living supervisord's
// child is none of ours.
func orphaned(s *stat) bool {
	if s.parent <= 1 {
		return true
	}
	comm, err := os.ReadFile("/proc/" + strconv.Itoa(s.parent) + "/comm")
	return err == nil && !strings.HasPrefix(string(comm), "supervisord")
}

// isOurProgram tells whether a process runs the same file as this one.
func isOurProgram(pid int) bool {
	mine, err := os.Readlink("/proc/self/exe")
	theirs, terr := os.Readlink("/proc/" + strconv.Itoa(pid) + "/exe")
	return err == nil && terr == nil && strings.TrimSuffix(theirs, " (deleted)") == mine
}

// isChanging tells whether a process has no environment, as is so for a moment
// while it becomes another program.
func isChanging(pid int) bool {
	environ, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	return err == nil && len(environ) == 0
}

// carries tells whether a process has the environment of the program.
func carries(pid int, e Entry) bool {
	environ, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil {
		return false
	}
	environ = append([]byte{0}, environ...)
	has := func(name, value string) bool {
		return bytes.Contains(environ, []byte("\x00"+name+"="+value+"\x00"))
	}
	return has("SUPERVISOR_PROCESS_NAME", e.Name) && has("SUPERVISOR_GROUP_NAME", e.Group)
}
