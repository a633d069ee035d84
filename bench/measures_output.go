package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// takeDeaths kills all programs at once and counts what a slow listener is
// told.
func takeDeaths(ctx context.Context, b *bench, d daemon, size int) (_ []samples, err error) {
	listener, err := ears(50*time.Millisecond, "PROCESS_STATE_EXITED")
	if err != nil {
		return nil, err
	}
	// One group, since some daemons stop groups one after another.
	programs := strings.ReplaceAll(sleepers(size), "startsecs=0\n", "startsecs=0\nautorestart=false\n")
	r, err := b.start(ctx, d, size, listener+programs+oneGroup(size))
	if err != nil {
		return nil, err
	}
	defer finish(r, &err)
	if err := r.waitLog("entered RUNNING state", size+1); err != nil {
		return nil, err
	}
	if err := r.waitListener(); err != nil {
		return nil, err
	}
	for i, pid := range spawnedPIDs(r.log.String()) {
		if i > 0 { // the first is the listener, which has the lowest priority number
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended by itself
		}
	}
	if err := r.waitLog("terminated by SIGKILL", size); err != nil {
		return nil, err
	}
	return []samples{{float64(size - len(r.waitHeard(size, 3*time.Second)))}}, nil
}

// takeCapture lets a program write, and counts the CPU time that the daemon
// needs to log it.
func takeCapture(ctx context.Context, b *bench, d daemon, size int) ([]samples, error) {
	plain, err := b.capture(ctx, d, size, "blocks", "0")
	if err != nil {
		return nil, err
	}
	rotated, err := b.capture(ctx, d, size, "blocks", "50MB")
	return []samples{{plain}, {rotated}}, err
}

// takeLines is takeCapture with a program that writes each line by itself.
func takeLines(ctx context.Context, b *bench, d daemon, size int) ([]samples, error) {
	cost, err := b.capture(ctx, d, size, "lines", "0")
	return []samples{{cost}}, err
}

// capture returns the daemon's CPU time, in seconds for each GB of output.
func (b *bench) capture(ctx context.Context, d daemon, megabytes int, manner, maxBytes string) (_ float64, err error) {
	writer, err := playing("writer", strconv.Itoa(megabytes), manner)
	if err != nil {
		return 0, err
	}
	r, err := b.start(ctx, d, 1, "[program:writer]\n"+writer+"startsecs=0\nautostart=false\n"+
		"autorestart=false\nredirect_stderr=true\nstdout_logfile=%(here)s/out\nstdout_logfile_backups=20\nstdout_logfile_maxbytes="+maxBytes+"\n")
	if err != nil {
		return 0, err
	}
	defer finish(r, &err)
	if _, err := r.answers(); err != nil {
		return 0, err
	}
	before, err := cpu(r.pid())
	if err != nil {
		return 0, err
	}
	if _, err := r.rpc.call("supervisor.startProcess", "writer"); err != nil {
		return 0, err
	}
	if err := r.waitLog("exited: writer", 1); err != nil {
		return 0, err
	}
	after, err := cpu(r.pid())
	if err != nil {
		return 0, err
	}
	if got, want := r.logged(), int64(megabytes)<<20; got != want {
		return 0, fmt.Errorf("%s logged %d bytes of %d", r.name, got, want)
	}
	return (after - before).Seconds() / (float64(megabytes<<20) / 1e9), nil
}

// logged is the size of all logs whose names begin with "out", in bytes.
func (r *running) logged() int64 {
	logs, _ := filepath.Glob(filepath.Join(r.dir, "out*")) // an error is of the pattern alone
	var size int64
	for _, path := range logs {
		if fi, err := os.Stat(path); err == nil {
			size += fi.Size()
		}
	}
	return size
}

// takeChatter lets many programs write a line a second each.
func takeChatter(ctx context.Context, b *bench, d daemon, size int) (_ []samples, err error) {
	span := 15 * time.Second
	if b.short {
		span = 5 * time.Second
	}
	var conf strings.Builder
	for i := range size {
		// cat is a small program, and writes what it reads at once.
		fmt.Fprintf(&conf, "[program:p%d]\ncommand=/bin/cat %%(here)s/fifo%d\nstartsecs=0\nstdout_logfile=%%(here)s/out%[1]d\nstderr_logfile=NONE\n", i, i)
	}
	conf.WriteString(oneGroup(size))
	// A daemon may start its programs before the FIFOs are there, so they are
	// made in a folder that the configuration can name in advance.
	dir, err := os.MkdirTemp(b.dir, "fifos")
	if err != nil {
		return nil, fmt.Errorf("make a folder for FIFOs: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // else with the run's folder
	mouths, err := openFIFOs(dir, size)
	defer closeAll(mouths)
	if err != nil {
		return nil, err
	}
	r, err := b.start(ctx, d, 2*size, strings.ReplaceAll(conf.String(), "%(here)s/fifo", dir+"/fifo"))
	if err != nil {
		return nil, err
	}
	defer finish(r, &err)
	if err := r.waitLog("entered RUNNING state", size); err != nil {
		return nil, err
	}
	if err := sleep(ctx, rest); err != nil {
		return nil, err
	}
	before, err := cpu(r.pid())
	if err != nil {
		return nil, err
	}
	began := time.Now()
	written, err := chat(ctx, mouths, span)
	if err != nil {
		return nil, err
	}
	took := time.Since(began)
	after, err := cpu(r.pid())
	if err != nil {
		return nil, err
	}
	for end := time.Now().Add(2 * time.Second); r.logged() < written && time.Now().Before(end); {
		<-time.After(20 * time.Millisecond) // what is under way
	}
	return []samples{{100 * float64(after-before) / float64(took)}, {100 * float64(r.logged()) / float64(written)}}, nil
}

// openFIFOs makes FIFOs called fifo0, fifo1 and so on, and opens them.
func openFIFOs(dir string, n int) ([]*os.File, error) {
	var files []*os.File
	for i := range n {
		path := filepath.Join(dir, fmt.Sprintf("fifo%d", i))
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			return files, fmt.Errorf("make a FIFO: %w", err)
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0) // to write alone, it would wait for a reader
		if err != nil {
			return files, fmt.Errorf("open a FIFO: %w", err)
		}
		files = append(files, f)
	}
	return files, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close() // nothing is owed to a FIFO
	}
}

// chat writes a line a second to each of files, one after another and spread
// over the second. It returns how many bytes it wrote.
func chat(ctx context.Context, files []*os.File, span time.Duration) (int64, error) {
	const turns = 100 // in a second
	line := []byte(strings.Repeat("x", lineLen-1) + "\n")
	ticker := time.NewTicker(time.Second / turns)
	defer ticker.Stop()
	var written int64
	for turn := range int(span.Seconds() * turns) {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return written, ctx.Err()
		}
		for i := turn % turns; i < len(files); i += turns {
			n, err := files[i].Write(line)
			if err != nil {
				return written, fmt.Errorf("write to a FIFO: %w", err)
			}
			written += int64(n)
		}
	}
	return written, nil
}
