package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// takeS6 lets s6-svscan start a folder for each program and stop them again.
func takeS6(ctx context.Context, b *bench, size int) (_ map[string]samples, err error) {
	svscan, err := exec.LookPath("s6-svscan")
	if err != nil || b.floor == "" {
		return nil, errors.Join(err, errors.New("it needs Debian's packages s6 and gcc"))
	}
	dir, running, err := b.s6Folders(size)
	if err != nil {
		return nil, fmt.Errorf("prepare s6: %w", err)
	}
	// All that s6 starts holds the pipe, so that its end is theirs.
	alive, held, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("prepare s6: %w", err)
	}
	defer func() { err = errors.Join(err, alive.Close()) }()
	cmd := exec.CommandContext(ctx, svscan, "-c", strconv.Itoa(2*size+10), dir)
	cmd.Env = append(b.environ(), "BENCH_RUNNING="+running)
	cmd.ExtraFiles = []*os.File{held}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	began := time.Now()
	if err := errors.Join(cmd.Start(), held.Close()); err != nil {
		return nil, fmt.Errorf("start s6-svscan: %w", err)
	}
	defer func() {
		if err != nil {
			b.sweep()
			_ = cmd.Wait() // killed above
		}
	}()
	if err := waitSize(ctx, running, size); err != nil {
		return nil, fmt.Errorf("wait for s6's programs to run: %w", err)
	}
	started := time.Since(began)

	began = time.Now()
	control := exec.CommandContext(ctx, filepath.Join(filepath.Dir(svscan), "s6-svscanctl"), "-t", dir)
	if err := control.Run(); err != nil {
		return nil, fmt.Errorf("stop s6-svscan: %w", err)
	}
	if end, ok := ctx.Deadline(); ok {
		if err := alive.SetReadDeadline(end); err != nil {
			return nil, fmt.Errorf("bound the end of s6: %w", err)
		}
	}
	if _, err := io.Copy(io.Discard, alive); err != nil {
		return nil, fmt.Errorf("wait for the end of s6's programs: %w", err)
	}
	stopped := time.Since(began)
	if err := cmd.Wait(); err != nil {
		return nil, fmt.Errorf("wait for s6-svscan: %w", err)
	}
	return map[string]samples{"start/all": {ms(started)}, "stop/groups": {ms(stopped)}}, nil
}

// s6Folders makes so many folders for s6-svscan, and the file that grows by a
// byte with every program that runs. A folder's run is the floor program,
// which appends the byte and becomes sleep: what a run script does at least.
func (b *bench) s6Folders(size int) (dir, running string, err error) {
	if dir, err = os.MkdirTemp(b.dir, "s6-"); err != nil {
		return "", "", err
	}
	running = filepath.Join(dir, ".running")
	err = os.WriteFile(running, nil, 0o600)
	for i := range size {
		folder := filepath.Join(dir, fmt.Sprintf("p%d", i))
		err = errors.Join(err, os.Mkdir(folder, 0o700), os.Symlink(b.floor, filepath.Join(folder, "run")))
	}
	return dir, running, err
}

// waitSize returns once a file has so many bytes.
func waitSize(ctx context.Context, name string, size int) error {
	for {
		fi, err := os.Stat(name)
		switch {
		case err != nil:
			return err
		case int(fi.Size()) >= size:
			return nil
		}
		if err := sleep(ctx, time.Millisecond); err != nil {
			return fmt.Errorf("%d of %d: %w", fi.Size(), size, err)
		}
	}
}
