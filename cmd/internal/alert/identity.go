package alert

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Identity makes IDs for events: an event that a daemon sends twice, because
// the listener died before its answer, gets the same ID twice.
type Identity struct{ daemon string }

// NewIdentity returns the Identity of a listener of the daemon with process
// ID pid, the listener's parent. Serial numbers start anew with each daemon, so
// the ID holds which one it is: the boot, its process ID and its start. Where
// the system does not tell these, each listener process has an Identity of its
// own: an event may then be mailed twice, but no two are taken for one.
func NewIdentity(pid int) Identity {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err == nil {
		var start string
		if start, err = startTime(pid); err == nil {
			return Identity{fmt.Sprintf("%s %d %s", strings.TrimSpace(string(boot)), pid, start)}
		}
	}
	return Identity{rand.Text()}
}

// startTime returns when a process began, in the system's own unit.
func startTime(pid int) (string, error) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return "", err
	}
	// The name may hold anything; what follows its last parenthesis starts with
	// the third field, and the start is the 22nd.
	_, rest, _ := strings.Cut(string(stat[max(strings.LastIndexByte(string(stat), ')'), 0):]), " ")
	fields := strings.Fields(rest)
	if len(fields) < 20 {
		return "", fmt.Errorf("read start of process %d: %d fields, want 20", pid, len(fields))
	}
	return fields[19], nil
}

// MessageID returns the ID of an event by its facts: those that another event
// of the same daemon cannot share.
func (i Identity) MessageID(facts ...any) string {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%q", i.daemon)
	for _, fact := range facts {
		_, _ = fmt.Fprintf(h, " %q", fmt.Sprint(fact))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
