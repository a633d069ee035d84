package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// takeRestart lets one program die over and over, by kill -9 and by itself,
// and looks when the next one is started and when a listener hears of it.
func takeRestart(ctx context.Context, b *bench, d daemon, _ int) (_ []samples, err error) {
	listener, err := ears(0, "PROCESS_STATE_EXITED")
	if err != nil {
		return nil, err
	}
	const program = "startsecs=0\nautorestart=true\nstdout_logfile=NONE\nstderr_logfile=NONE\n"
	r, err := b.start(ctx, d, 3, listener+
		"[program:killed]\ncommand=/bin/sleep 100000\n"+program+
		"[program:ends]\ncommand=/bin/cat %(here)s/fifo\nautostart=false\n"+program)
	if err != nil {
		return nil, err
	}
	defer finish(r, &err)
	if err := r.waitListener(); err != nil {
		return nil, err
	}
	killedAt := make(map[int]time.Time)
	killed, err := b.restarts(ctx, r, "killed", func(pid int) error {
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
	ended, err := b.exits(ctx, r)
	return []samples{killed, killed, told, told, ended, ended}, err
}

// exits lets the program end by itself: it reads a FIFO to its end.
func (b *bench) exits(ctx context.Context, r *running) (samples, error) {
	path := filepath.Join(r.dir, "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		return nil, fmt.Errorf("make a FIFO: %w", err)
	}
	if _, err := r.rpc.call("supervisor.startProcess", "ends"); err != nil {
		return nil, err
	}
	return b.restarts(ctx, r, "ends", func(int) error {
		f, err := os.OpenFile(path, os.O_WRONLY, 0) // when the program has opened it
		if err != nil {
			return fmt.Errorf("open the FIFO: %w", err)
		}
		return f.Close()
	})
}

// restarts lets a program die as often as there is time for, and returns how
// long it took, each time, until it was started again.
func (b *bench) restarts(ctx context.Context, r *running, program string, die func(pid int) error) (samples, error) {
	most, span := 100, 15*time.Second
	if b.short {
		most, span = 20, 4*time.Second
	}
	spawned := "spawned: '" + program + "'"
	if err := r.waitLog(spawned, 1); err != nil {
		return nil, err
	}
	var s samples
	for end := time.Now().Add(span); len(s) < most && (len(s) == 0 || time.Now().Before(end)); {
		pid, err := r.lastPID(spawned)
		if err != nil {
			return nil, err
		}
		// Not in step with a daemon that looks around at intervals.
		if err := sleep(ctx, 10*time.Millisecond+rand.N(100*time.Millisecond)); err != nil {
			return nil, err
		}
		began := time.Now()
		if err := die(pid); err != nil {
			return nil, fmt.Errorf("let %s die: %w", program, err)
		}
		if err := r.waitLog(spawned, len(s)+2); err != nil {
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
