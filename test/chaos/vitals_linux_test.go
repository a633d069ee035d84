package chaos

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// proc is one process as /proc shows it.
type proc struct {
	pid, parent, session int
	state                byte
	program              string // whose process it is, where that was looked up
}

// dead tells whether it only waits to be reaped.
func (p proc) dead() bool { return p.state == 'Z' || p.state == 'X' }

// processes returns all processes.
func processes() []proc {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var all []proc
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue // it has just gone
		}
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		if len(fields) < 4 {
			continue
		}
		parent, _ := strconv.Atoi(fields[1]) // the kernel writes numbers
		session, _ := strconv.Atoi(fields[3])
		all = append(all, proc{pid: pid, parent: parent, session: session, state: fields[0][0]})
	}
	return all
}

// vitals are what a daemon takes of the machine.
type vitals struct {
	fds, threads, goroutines, zombies int
	rss                               int // in KiB
}

// vitals measures the daemon.
func (d *daemon) vitals() vitals {
	d.t.Helper()
	var v vitals
	v.goroutines = total(d.metrics(), "go_goroutines", "")
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", d.pid()))
	if err != nil {
		d.t.Fatal(err)
	}
	v.fds = len(entries)
	v.threads, v.rss = d.status("Threads:"), d.rss()
	for _, p := range processes() {
		if p.parent == d.pid() && p.dead() {
			v.zombies++
		}
	}
	return v
}

// busiest returns the most that the daemon takes within two seconds, for when
// some of its programs are always between two lives.
func (d *daemon) busiest() vitals {
	d.t.Helper()
	most := d.vitals()
	for range 20 {
		<-time.After(100 * time.Millisecond)
		v := d.vitals()
		most.fds, most.goroutines = max(most.fds, v.fds), max(most.goroutines, v.goroutines)
	}
	return most
}

// rss returns the daemon's resident memory in KiB.
func (d *daemon) rss() int { return d.status("VmRSS:") }

// status returns a number of /proc/PID/status.
func (d *daemon) status(key string) int {
	d.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.pid()))
	if err != nil {
		d.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "\n"+key)
	number, err := strconv.Atoi(strings.Fields(rest + " 0")[0])
	if err != nil {
		d.t.Fatalf("read %s of process %d: %v", key, d.pid(), err)
	}
	return number
}

// What is no leak: Go keeps its threads for ever, memory goes back to the
// system with a delay, and the tests' clients keep some connections.
const (
	spareThreads     = 48
	spareGoroutines  = 6
	spareDescriptors = 3
	spareRSS         = 48 << 10 // KiB
	settleTime       = time.Minute
)

// leaks waits for the daemon to come back to what it took before, and returns
// by how much it stays above that.
func (d *daemon) leaks(before vitals) (count int, after vitals) {
	d.t.Helper()
	for end := time.Now().Add(settleTime); ; {
		after = d.vitals()
		count = max(0, after.fds-before.fds-spareDescriptors) +
			max(0, after.goroutines-before.goroutines-spareGoroutines) + after.zombies +
			max(0, after.threads-before.threads-spareThreads) + max(0, after.rss-before.rss-spareRSS*raceFactor)
		if count == 0 || time.Now().After(end) {
			return count, after
		}
		<-time.After(100 * time.Millisecond)
	}
}

// closeBooks adds to the account what the daemon has leaked since before, and
// notes the figures.
func (r *row) closeBooks(d *daemon, before vitals) {
	d.t.Helper()
	leaked, after := d.leaks(before)
	r.leaked += leaked
	r.note = strings.TrimSpace(fmt.Sprintf("%s fds %d>%d, goroutines %d>%d, threads %d>%d, RSS %.1f>%.1f MB, zombies %d",
		r.note, before.fds, after.fds, before.goroutines, after.goroutines, before.threads, after.threads,
		float64(before.rss)/1024, float64(after.rss)/1024, after.zombies))
	if leaked != 0 {
		d.t.Errorf("leaked: before %+v, after %+v", before, after)
	}
}
