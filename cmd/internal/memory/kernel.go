package memory

import (
	"regexp"
	"strconv"
	"strings"
)

// Kill is a process that the kernel has killed because memory ran out.
type Kill struct {
	PID  int
	Name string // of the command
	// Cgroup is the memory cgroup of the process; empty where the kernel has
	// not told.
	Cgroup string
	// Text is what the kernel says of it.
	Text string
}

// record reads a record of /dev/kmsg: its level, number, time and flags, a
// semicolon, its text, and further lines that do not matter. ok is false for
// one that is no kernel message: anyone may be allowed to write into the log.
func record(text string) (message string, ok bool) {
	head, message, found := strings.Cut(text, ";")
	level, _, _ := strings.Cut(head, ",")
	number, err := strconv.Atoi(level)
	if !found || err != nil || number>>3 != 0 {
		return "", false
	}
	message, _, _ = strings.Cut(message, "\n")
	return message, true
}

// kernelLines are the two lines that the kernel may write of a kill. The first
// is left out when there are too many of them; the second never is.
type kernelLines struct{ summary, killed *regexp.Regexp }

func newKernelLines() kernelLines {
	return kernelLines{
		summary: regexp.MustCompile(`^oom-kill:.*,task_memcg=(.*),task=(.*),pid=(\d+),uid=\d+`),
		killed:  regexp.MustCompile(`[Oo]ut of memory.*: Killed process (\d+) \((.*?)\)`),
	}
}

// add adds the kill that a message tells of, if it does; what two messages tell
// of the same process becomes one.
func (k kernelLines) add(kills []Kill, message string) []Kill {
	var found Kill
	if m := k.summary.FindStringSubmatch(message); m != nil {
		found = Kill{Cgroup: m[1], Name: m[2], Text: message}
		found.PID, _ = strconv.Atoi(m[3]) // only digits
	} else if m := k.killed.FindStringSubmatch(message); m != nil {
		found = Kill{Name: m[2], Text: message}
		found.PID, _ = strconv.Atoi(m[1]) // only digits
	} else {
		return kills
	}
	for i := range kills {
		if kills[i].PID == found.PID {
			if kills[i].Cgroup == "" {
				kills[i].Cgroup = found.Cgroup
			} else {
				kills[i].Text = found.Text // it says how much memory it had
			}
			return kills
		}
	}
	return append(kills, found)
}
