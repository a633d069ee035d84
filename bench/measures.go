package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// figure is one number that a measure yields.
type figure struct {
	key  string // names it within its measure, for goals, floors and plots: "all" of start is start/all
	name string // what it is, for the report
	unit string
	// quantile of the samples that is told; 0 for the median.
	quantile float64
}

// measure is one way to look at a daemon.
type measure struct {
	name    string // for -only
	sizes   []int  // programs, or MB, of a whole run
	short   int    // the same under -short; 0 for the first of sizes
	grows   bool   // -programs applies
	rounds  int
	budget  time.Duration // for all rounds of all daemons at one size; 0 for defaultBudget
	figures []figure
	// take looks at a fresh daemon once and returns the samples of each figure.
	take func(ctx context.Context, b *bench, d daemon, size int) ([]samples, error)
}

// only is the measure as the report needs it for one of its figures.
func (m measure) only(f figure) measure {
	m.figures = []figure{f}
	return m
}

// measures are all there are, in the order of the report. It is only read.
var measures = []measure{
	{
		name: "start", sizes: []int{1000}, short: 200, grows: true, rounds: 3, take: takeStart,
		figures: []figure{
			{"all", "exec of the daemon to all programs RUNNING", "ms", 0},
			{"rpc", "exec of the daemon to the first RPC answer", "ms", 0},
			{"rpc-p99", "getState while they start, p99", "ms", 0.99},
			{"cpu", "CPU of the daemon until all RUNNING", "ms", 0},
		},
	},
	{
		name: "stop", sizes: []int{1000}, short: 200, grows: true, rounds: 3, take: takeStop,
		figures: []figure{{"groups", "SIGTERM to the daemon's end, each program its own group", "ms", 0}},
	},
	{
		name: "restart", sizes: []int{1}, rounds: 9, take: takeRestart,
		figures: []figure{
			{"p50", "kill -9 of a program to its next start, p50", "ms", 0},
			{"p99", "kill -9 of a program to its next start, p99", "ms", 0.99},
		},
	},
	{
		name: "state", sizes: []int{1000}, short: 200, grows: true, rounds: 3, take: takeState,
		figures: []figure{
			{"p50", "getState on a kept connection, p50", "ms", 0},
			{"p99", "getState on a kept connection, p99", "ms", 0.99},
		},
	},
	{
		name: "allinfo", sizes: []int{1000}, short: 200, grows: true, rounds: 3, take: takeAllInfo,
		figures: []figure{
			{"cpu", "getAllProcessInfo: CPU of the daemon a call", "ms", 0},
			{"wall", "getAllProcessInfo: wall time a call", "ms", 0},
		},
	},
	{
		name: "status", sizes: []int{100}, grows: true, rounds: 9, take: takeStatus,
		figures: []figure{{"wall", "supervisorctl status, with its own supervisorctl", "ms", 0}},
	},
	{
		name: "idle", sizes: []int{1000}, short: 200, grows: true, rounds: 1, take: takeIdle,
		figures: []figure{
			{"pss", "idle memory (PSS)", "MiB", 0},
			{"cpu", "idle CPU", "% of a core", 0},
			{"wakeups", "idle wake-ups a second", "", 0},
		},
	},
	{
		name: "deaths", sizes: []int{200}, short: 50, rounds: 1, take: takeDeaths,
		figures: []figure{{"lost", "programs that die at once, of which a listener that takes 50 ms each never hears", "lost", 0}},
	},
	{
		name: "capture", sizes: []int{256}, short: 64, rounds: 3, take: takeCapture,
		figures: []figure{
			{"cpu", "log capture: CPU of the daemon", "s/GB", 0},
			{"rotated", "log capture with rotation every 50 MB: CPU of the daemon", "s/GB", 0},
		},
	},
}

func measureNames() []string {
	var names []string
	for _, m := range measures {
		names = append(names, m.name)
	}
	return names
}

// ms is a duration as a sample.
func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// finish stops the daemon; an error of the measure itself comes first.
func finish(r *running, err *error) {
	if _, stopErr := r.stop(); *err == nil {
		*err = stopErr
	}
}

func takeStart(ctx context.Context, b *bench, d daemon, size int) (_ []samples, err error) {
	r, err := b.start(ctx, d, sleepers(size))
	if err != nil {
		return nil, err
	}
	defer finish(r, &err)
	if err := r.rpc.wait(); err != nil {
		return nil, err
	}
	first := time.Since(r.began)
	all := make(chan error, 1)
	var took, used time.Duration
	go func() { // ends when all run, or with waitLog's patience
		err := r.waitLog("entered RUNNING state", size)
		took = time.Since(r.began)
		used, _ = cpu(r.pid()) // zero shows that it could not be had
		all <- err
	}()
	var during samples
	for {
		select {
		case err := <-all:
			return []samples{{ms(took)}, {ms(first)}, during, {ms(used)}}, err
		default:
		}
		began := time.Now()
		if _, err := r.rpc.call("supervisor.getState"); err != nil {
			return nil, err
		}
		during = append(during, ms(time.Since(began)))
		<-time.After(time.Millisecond)
	}
}

func takeStop(ctx context.Context, b *bench, d daemon, size int) ([]samples, error) {
	r, err := b.startSleepers(ctx, d, size)
	if err != nil {
		return nil, err
	}
	took, err := r.stop()
	return []samples{{ms(took)}}, err
}

func takeRestart(ctx context.Context, b *bench, d daemon, _ int) (_ []samples, err error) {
	r, err := b.start(ctx, d, "[program:p0]\ncommand=/bin/sleep 100000\nstartsecs=0\nautorestart=true\n")
	if err != nil {
		return nil, err
	}
	defer finish(r, &err)
	var s samples
	for i := range 12 {
		if err := r.waitLog("spawned: 'p0'", i+1); err != nil {
			return nil, err
		}
		pids := spawnedPIDs(r.log.String())
		if i > 0 {
			// A program that lives for a moment is no crash loop.
			<-time.After(1100 * time.Millisecond)
		}
		began := time.Now()
		if err := syscall.Kill(pids[len(pids)-1], syscall.SIGKILL); err != nil {
			return nil, fmt.Errorf("kill the program: %w", err)
		}
		if err := r.waitLog("spawned: 'p0'", i+2); err != nil {
			return nil, err
		}
		s = append(s, ms(time.Since(began)))
		if b.short && i == 3 {
			break
		}
	}
	return []samples{s, s}, nil
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

func takeState(ctx context.Context, b *bench, d daemon, size int) (_ []samples, err error) {
	r, err := b.startSleepers(ctx, d, size)
	if err != nil {
		return nil, err
	}
	defer finish(r, &err)
	c, err := newRawClient(filepath.Join(r.dir, "sock"), "supervisor.getState")
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.conn.Close() }() // nothing is owed to it
	var s samples
	for range 1000 {
		began := time.Now()
		if err := c.call(); err != nil {
			return nil, err
		}
		s = append(s, ms(time.Since(began)))
	}
	return []samples{s, s}, nil
}

func takeAllInfo(ctx context.Context, b *bench, d daemon, size int) (_ []samples, err error) {
	r, err := b.startSleepers(ctx, d, size)
	if err != nil {
		return nil, err
	}
	defer finish(r, &err)
	before, err := cpu(r.pid())
	if err != nil {
		return nil, err
	}
	// As many calls as take a while, but not for ever.
	var calls int
	began := time.Now()
	for calls = 0; calls < 200 && time.Since(began) < 3*time.Second; calls++ {
		if _, err := r.rpc.call("supervisor.getAllProcessInfo"); err != nil {
			return nil, err
		}
	}
	took := time.Since(began)
	after, err := cpu(r.pid())
	return []samples{{ms(after-before) / float64(calls)}, {ms(took) / float64(calls)}}, err
}

func takeStatus(ctx context.Context, b *bench, d daemon, size int) (_ []samples, err error) {
	r, err := b.startSleepers(ctx, d, size)
	if err != nil {
		return nil, err
	}
	defer finish(r, &err)
	var s samples
	for range 3 {
		began := time.Now()
		out, err := exec.CommandContext(ctx, d.ctl(), "-c", r.conf(), "status").Output()
		if err != nil {
			return nil, fmt.Errorf("run %s status: %w", d.ctl(), err)
		}
		if n := strings.Count(string(out), "RUNNING"); n != size {
			return nil, fmt.Errorf("%s status shows %d RUNNING, want %d", d.ctl(), n, size)
		}
		s = append(s, ms(time.Since(began)))
	}
	return []samples{s}, nil
}

func takeIdle(ctx context.Context, b *bench, d daemon, size int) (_ []samples, err error) {
	r, err := b.startSleepers(ctx, d, size)
	if err != nil {
		return nil, err
	}
	defer finish(r, &err)
	span := 30 * time.Second
	if b.short {
		span = 5 * time.Second
	}
	<-time.After(2 * time.Second) // for what follows a start to come to rest
	memory, err := pss(r.pid())
	if err != nil {
		return nil, err
	}
	before, err := cpu(r.pid())
	woken := wakeups(r.pid())
	if err != nil {
		return nil, err
	}
	select {
	case <-time.After(span):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	after, err := cpu(r.pid())
	return []samples{
		{memory / (1 << 20)},
		{100 * float64(after-before) / float64(span)},
		{(wakeups(r.pid()) - woken) / span.Seconds()},
	}, err
}
