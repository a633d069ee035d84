package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// turns is how many programs die in turn. One that died all the time would
// be a crash loop, which a daemon may slow down.
const turns = 24

// takeRestart lets programs die one after another, by kill -9 and by
// themselves, and looks when the next is started and when a listener hears of
// it.
func takeRestart(ctx context.Context, b *bench, d daemon, _ int) (_ []samples, err error) {
	listener, err := ears(0, "PROCESS_STATE_EXITED")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(b.dir, "fifos")
	if err != nil {
		return nil, fmt.Errorf("make a folder for FIFOs: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // else with the run's folder
	mouths, err := openFIFOs(dir, turns)
	defer closeAll(mouths)
	if err != nil {
		return nil, err
	}
	r, err := b.start(ctx, d, 2*turns+1, listener+mortals(dir))
	if err != nil {
		return nil, err
	}
	defer finish(r, &err)
	if err := r.waitLog("entered RUNNING state", 2*turns+1); err != nil {
		return nil, err
	}
	if err := r.waitListener(); err != nil {
		return nil, err
	}
	killedAt := make(map[int]time.Time)
	killed, err := b.restarts(ctx, r, "killed", func(_, pid int) error {
		killedAt[pid] = time.Now()
		return syscall.Kill(pid, syscall.SIGKILL)
	})
	if err != nil {
		return nil, err
	}
	var told samples
	for _, h := range r.waitHeard(len(killedAt), 3*time.Second) {
		if at, ok := killedAt[h.pid]; ok {
			told = append(told, ms(h.at.Sub(at)))
		}
	}
	if len(told) < len(killedAt) {
		return nil, fmt.Errorf("the listener of %s heard of %d deaths, want %d", r.name, len(told), len(killedAt))
	}
	ended, err := b.restarts(ctx, r, "ends", func(i, _ int) error {
		_, err := mouths[i].WriteString("a line for head to end with\n")
		return err
	})
	return []samples{killed, killed, told, told, ended, ended}, err
}

// mortals are programs that wait to be killed, and others that end when there
// is a line to read from a FIFO in dir.
func mortals(dir string) string {
	var conf strings.Builder
	for i := range turns {
		for _, program := range [][2]string{
			{"killed", "/bin/sleep 100000"}, {"ends", fmt.Sprintf("/usr/bin/head -n1 %s/fifo%d", dir, i)},
		} {
			fmt.Fprintf(&conf, "[program:%s%d]\ncommand=%s\nstartsecs=0\nautorestart=true\nstdout_logfile=NONE\nstderr_logfile=NONE\n",
				program[0], i, program[1])
		}
	}
	return conf.String()
}

// restarts lets programs whose names begin with name die as often as there is
// time for, and returns how long it took, each time, until the program was
// started again.
func (b *bench) restarts(ctx context.Context, r *running, name string, die func(i, pid int) error) (samples, error) {
	most, span := 100, 15*time.Second
	if b.short {
		most, span = 20, 4*time.Second
	}
	var s samples
	for end := time.Now().Add(span); len(s) < most && (len(s) == 0 || time.Now().Before(end)); {
		i := len(s) % turns
		spawned := fmt.Sprintf("spawned: '%s%d'", name, i)
		pid, err := r.lastPID(spawned)
		if err != nil {
			return nil, err
		}
		// Not in step with a daemon that looks around at intervals.
		if err := sleep(ctx, 10*time.Millisecond+rand.N(100*time.Millisecond)); err != nil {
			return nil, err
		}
		began := time.Now()
		if err := die(i, pid); err != nil {
			return nil, fmt.Errorf("let %s%d die: %w", name, i, err)
		}
		if err := r.waitLog(spawned, len(s)/turns+2); err != nil {
			return nil, err
		}
		s = append(s, ms(time.Since(began)))
	}
	return s, nil
}

// lastPID returns the process number behind the last "spawned" in the log. The
// line may not be whole yet.
func (r *running) lastPID(spawned string) (int, error) {
	var pid int
	for end := time.Now().Add(patience); time.Now().Before(end); <-time.After(time.Millisecond) {
		r.count(spawned) // reads on
		log := r.log.String()
		line, _, whole := strings.Cut(log[max(0, strings.LastIndex(log, spawned)):], "\n")
		_, number, ok := strings.Cut(line, "' with pid ")
		if !whole || !ok {
			continue
		}
		pid, err := strconv.Atoi(number)
		if err != nil {
			return 0, fmt.Errorf("read the process number in %q: %w", line, err)
		}
		return pid, nil
	}
	return pid, notWithin{fmt.Sprintf("%s logs %q", r.name, spawned), patience}
}

// spawnedPIDs reads the process numbers out of the log.
func spawnedPIDs(log string) []int {
	var pids []int
	for line := range strings.Lines(log) {
		var pid int
		if _, rest, ok := strings.Cut(line, "' with pid "); ok {
			if _, err := fmt.Sscan(rest, &pid); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}
