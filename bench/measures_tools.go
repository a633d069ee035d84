package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// takeTools looks at the programs around a daemon: their sizes, and how fast
// they come up and how much they hold when they have nothing to do. Python's
// listener is the smallest that can be written with Supervisor's childutils.
func takeTools(ctx context.Context, b *bench, d daemon, _ int) ([]samples, error) {
	ctl, err := firstLines(ctx, b, d)
	found := []samples{sizeOf(d, "supervisord"), sizeOf(d, "supervisorctl"), sizeOf(d, "crashmail"), ctl, nil, nil, nil}
	if err != nil {
		return found, err
	}
	if python := d.python(); python != "" {
		found[4], found[5], err = b.idleListener(ctx, python, "-c",
			"import sys\nfrom supervisor import childutils\nwhile 1:\n    childutils.listener.wait(sys.stdin, sys.stdout)\n    childutils.listener.ok(sys.stdout)\n")
		return found, err
	}
	crashmail, slackalert := d.beside("crashmail"), d.beside("slackalert")
	if !executable(crashmail) || !executable(slackalert) {
		return found, notMeasured{"there are no listeners beside " + d.command[0]}
	}
	spool, err := os.MkdirTemp(b.dir, "spool")
	if err != nil {
		return found, fmt.Errorf("make a folder for a spool: %w", err)
	}
	defer func() { _ = os.RemoveAll(spool) }() // else with the run's folder
	if found[4], found[5], err = b.idleListener(ctx, crashmail, "-a", "-m", "ops@example.com", "--spool", spool); err != nil {
		return found, err
	}
	_, found[6], err = b.idleListener(ctx, slackalert, "-a", "--webhook-url", "http://127.0.0.1:9/", "--spool", spool)
	return found, err
}

// sizeOf returns the size of a command beside the daemon in MiB; none for a
// script.
func sizeOf(d daemon, name string) samples {
	fi, err := os.Stat(d.beside(name))
	if err != nil || d.python() != "" {
		return nil
	}
	return samples{float64(fi.Size()) / (1 << 20)}
}

// toolRuns returns how often a command is started.
func (b *bench) toolRuns() int {
	if b.short {
		return 3
	}
	return 10
}

// firstLines returns how long supervisorctl takes to its first line of output.
func firstLines(ctx context.Context, b *bench, d daemon) (_ samples, err error) {
	r, err := b.start(ctx, d, 1, sleepers(1))
	if err != nil {
		return nil, err
	}
	defer finish(r, &err)
	if err := r.waitLog("entered RUNNING state", 1); err != nil {
		return nil, err
	}
	if _, err := r.answers(); err != nil {
		return nil, err
	}
	var s samples
	for range b.toolRuns() {
		took, _, err := b.firstLine(ctx, nil, d.ctl(), "-c", r.conf(), "status")
		if err != nil {
			return s, err
		}
		s = append(s, took)
	}
	return s, nil
}

// idleListener returns how long a listener takes to say READY, in ms, and how
// much memory it holds, in MiB, when it has done nothing for a while.
func (b *bench) idleListener(ctx context.Context, command ...string) (ready, memory samples, err error) {
	for range b.toolRuns() {
		var held float64
		look := func(pid int) (err error) {
			if len(memory) >= b.toolRuns()/3 { // which does not change much
				return nil
			}
			if err = sleep(ctx, time.Second); err == nil {
				held, err = rss(pid)
				memory = append(memory, held/(1<<20))
			}
			return err
		}
		took, line, err := b.firstLine(ctx, look, command...)
		if err == nil && line != "READY\n" {
			err = fmt.Errorf("run %s: it said %q, want READY", filepath.Base(command[0]), line)
		}
		if err != nil {
			return ready, memory, err
		}
		ready = append(ready, took)
	}
	return ready, memory, nil
}

// firstLine runs a command, in the surroundings of a listener, until it has
// written a line and look has seen it. It returns how long the line took, in
// ms, and the line.
func (b *bench) firstLine(ctx context.Context, look func(pid int) error, command ...string) (took float64, line string, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(slices.Clone(b.environ()), "SUPERVISOR_ENABLED=1", "SUPERVISOR_SERVER_URL=unix:///nowhere",
		"SUPERVISOR_PROCESS_NAME=idle", "SUPERVISOR_GROUP_NAME=idle")
	in, err := cmd.StdinPipe()
	if err != nil {
		return 0, "", fmt.Errorf("make a pipe: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, "", fmt.Errorf("make a pipe: %w", err)
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, "", fmt.Errorf("run %s: %w", command[0], err)
	}
	line, err = bufio.NewReader(out).ReadString('\n')
	took = ms(time.Since(began))
	if err == nil && look != nil {
		err = look(cmd.Process.Pid)
	}
	_ = in.Close() // a listener may end by itself
	_ = cmd.Process.Kill()
	_ = cmd.Wait() // it was killed, and what it said is known
	if err != nil {
		return 0, "", errors.Join(fmt.Errorf("run %s: it said %q", command[0], line), err)
	}
	return took, line, nil
}
