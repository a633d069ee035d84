package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// roleVar makes this program play a supervised one; its value is the role, a
// colon, and the role's argument.
const roleVar = "BENCH_ROLE"

// playRole is the other side of the measures that need a program or listener
// of a certain kind.
func playRole(role string) int {
	kind, arg, _ := strings.Cut(role, ":")
	switch kind {
	case "listener":
		return playListener(arg)
	case "writer":
		return playWriter(arg)
	}
	return 2
}

// playListener takes 50 ms for each event and appends a byte to a file.
func playListener(path string) int {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return 1
	}
	in := bufio.NewReader(os.Stdin)
	for {
		fmt.Print("READY\n")
		header, err := in.ReadString('\n')
		if err != nil {
			return 0
		}
		_, length, _ := strings.Cut(header, " len:")
		n, err := strconv.Atoi(strings.TrimSpace(length))
		if err != nil {
			return 1
		}
		if _, err := io.CopyN(io.Discard, in, int64(n)); err != nil {
			return 1
		}
		time.Sleep(50 * time.Millisecond) // the work that an event makes
		if _, err := f.Write([]byte{'.'}); err != nil {
			return 1
		}
		fmt.Print("RESULT 2\nOK")
	}
}

// playWriter writes lines of 100 bytes, in blocks of 64 KiB, until it has
// written so many MB; then it stays.
func playWriter(megabytes string) int {
	mb, err := strconv.Atoi(megabytes)
	if err != nil {
		return 2
	}
	line := append(bytes.Repeat([]byte{'x'}, 99), '\n')
	block := bytes.Repeat(line, 655)
	for left := mb << 20; left > 0; left -= len(block) {
		if _, err := os.Stdout.Write(block); err != nil {
			return 1
		}
	}
	return 0
}

// takeDeaths kills all programs at once and counts what a slow listener is
// told.
func takeDeaths(ctx context.Context, b *bench, d daemon, size int) (_ []samples, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	heard := filepath.Join(b.dir, "heard-"+d.name)
	_ = os.Remove(heard) // of the round before
	var conf strings.Builder
	fmt.Fprintf(&conf, "[eventlistener:ears]\ncommand=%s\nenvironment=%s=\"listener:%s\"\nevents=PROCESS_STATE_EXITED\nstderr_logfile=NONE\nstdout_logfile=NONE\n",
		self, roleVar, heard)
	for i := range size {
		fmt.Fprintf(&conf, "[program:p%d]\ncommand=/bin/sleep 100000\nstartsecs=0\nautorestart=false\nstdout_logfile=NONE\nstderr_logfile=NONE\n", i)
	}
	// One group, since some daemons stop groups one after another.
	conf.WriteString("[group:all]\nprograms=p0")
	for i := 1; i < size; i++ {
		fmt.Fprintf(&conf, ",p%d", i)
	}
	r, err := b.start(ctx, d, conf.String()+"\n")
	if err != nil {
		return nil, err
	}
	defer finish(r, &err)
	if err := r.waitLog("entered RUNNING state", size+1); err != nil {
		return nil, err
	}
	<-time.After(2 * time.Second) // for the listener to say READY
	for i, pid := range spawnedPIDs(r.log.String()) {
		if i > 0 { // the first is the listener, which has the lowest priority number
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended by itself
		}
	}
	if err := r.waitLog("terminated by SIGKILL", size); err != nil {
		return nil, err
	}
	// It is over when nothing more comes for a while.
	told, last := 0, time.Now()
	for time.Since(last) < 3*time.Second && told < size {
		if fi, err := os.Stat(heard); err == nil && int(fi.Size()) != told {
			told, last = int(fi.Size()), time.Now()
		}
		<-time.After(20 * time.Millisecond)
	}
	return []samples{{float64(size - told)}}, nil
}

// takeCapture lets a program write, and counts the CPU time that the daemon
// needs to log it.
func takeCapture(ctx context.Context, b *bench, d daemon, size int) ([]samples, error) {
	plain, err := b.capture(ctx, d, size, "0")
	if err != nil {
		return nil, err
	}
	rotated, err := b.capture(ctx, d, size, "50MB")
	return []samples{{plain}, {rotated}}, err
}

// capture returns the daemon's CPU time, in seconds for each GB of output.
func (b *bench) capture(ctx context.Context, d daemon, megabytes int, maxBytes string) (_ float64, err error) {
	self, err := os.Executable()
	if err != nil {
		return 0, fmt.Errorf("find this program: %w", err)
	}
	r, err := b.start(ctx, d, fmt.Sprintf("[program:writer]\ncommand=%s\nenvironment=%s=\"writer:%d\"\nstartsecs=0\nautostart=false\n"+
		"autorestart=false\nredirect_stderr=true\nstdout_logfile=%%(here)s/out\nstdout_logfile_maxbytes=%s\nstdout_logfile_backups=1\n",
		self, roleVar, megabytes, maxBytes))
	if err != nil {
		return 0, err
	}
	defer finish(r, &err)
	if err := r.rpc.wait(); err != nil {
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
	return (after - before).Seconds() / (float64(megabytes) / 1000 * 1.048576), err
}
