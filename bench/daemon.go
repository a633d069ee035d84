package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// patience bounds every wait for a daemon.
const patience = 2 * time.Minute

// daemon is a supervisord to measure: its name in the report and its command,
// in which {conf} stands for the configuration file.
type daemon struct {
	name    string
	command []string
}

// ctl is the supervisorctl beside the daemon's binary.
func (d daemon) ctl() string {
	path, err := exec.LookPath(d.command[0])
	if err != nil {
		return "supervisorctl"
	}
	return filepath.Join(filepath.Dir(path), "supervisorctl")
}

// running is a daemon at work.
type running struct {
	daemon
	dir   string
	cmd   *exec.Cmd
	began time.Time
	ended chan error
	rpc   *rpcClient
	seen  int64 // bytes of the log that have been looked at
	log   bytes.Buffer
}

// start writes sections behind the common ones of a configuration and starts
// the daemon on it.
func (b *bench) start(ctx context.Context, d daemon, sections string) (*running, error) {
	dir, err := os.MkdirTemp(b.dir, d.name)
	if err != nil {
		return nil, fmt.Errorf("make a folder for the daemon: %w", err)
	}
	r := &running{daemon: d, dir: dir, ended: make(chan error, 1), rpc: newRPCClient(filepath.Join(dir, "sock"))}
	conf := fmt.Sprintf(`[unix_http_server]
file=%[1]s/sock
[supervisord]
logfile=%[1]s/log
logfile_maxbytes=0
pidfile=%[1]s/pid
childlogdir=%[1]s
minfds=16384
nodaemon=true
silent=true
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://%[1]s/sock
%[2]s`, dir, sections)
	if err := os.WriteFile(r.conf(), []byte(conf), 0o600); err != nil {
		return nil, fmt.Errorf("write configuration: %w", err)
	}
	args := make([]string, len(d.command))
	for i, a := range d.command {
		args[i] = strings.ReplaceAll(a, "{conf}", r.conf())
	}
	r.cmd = exec.CommandContext(ctx, args[0], args[1:]...)
	r.cmd.Cancel = func() error { return r.cmd.Process.Signal(syscall.SIGTERM) }
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	var said bytes.Buffer
	r.cmd.Stderr = &said
	r.began = time.Now()
	if err := r.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", d.name, err)
	}
	go func() { // ends with the daemon
		err := r.cmd.Wait()
		if said.Len() > 0 {
			err = errors.Join(err, errors.New(said.String()))
		}
		r.ended <- err
	}()
	return r, nil
}

func (r *running) conf() string { return filepath.Join(r.dir, "conf") }

func (r *running) pid() int { return r.cmd.Process.Pid }

// stop shuts the daemon down and returns how long that took.
func (r *running) stop() (time.Duration, error) {
	began := time.Now()
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return 0, fmt.Errorf("stop %s: %w", r.name, err)
	}
	select {
	case err := <-r.ended:
		if err != nil {
			return 0, fmt.Errorf("stop %s: %w", r.name, err)
		}
		return time.Since(began), nil
	case <-time.After(patience):
		_ = r.cmd.Process.Kill() // it had its chance
		return 0, fmt.Errorf("stop %s: it did not end within %v", r.name, patience)
	}
}

// count returns how often text stands in what the daemon has logged so far.
func (r *running) count(text string) int {
	f, err := os.Open(filepath.Join(r.dir, "log"))
	if err != nil {
		return 0
	}
	defer func() { _ = f.Close() }() // only read
	if _, err := f.Seek(r.seen, 0); err == nil {
		n, _ := r.log.ReadFrom(f)
		r.seen += n
	}
	return bytes.Count(r.log.Bytes(), []byte(text))
}

// waitLog returns once text stands in the log n times.
func (r *running) waitLog(text string, n int) error {
	for end := time.Now().Add(patience); r.count(text) < n; {
		if time.Now().After(end) {
			return fmt.Errorf("%s logged %q %d times, want %d:\n%s", r.name, text, r.count(text), n, lastLines(r.log.String()))
		}
		select {
		case err := <-r.ended:
			r.ended <- err
			return fmt.Errorf("%s ended early: %w", r.name, err)
		case <-time.After(200 * time.Microsecond):
		}
	}
	return nil
}

// lastLines is the end of a text.
func lastLines(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-5):], "\n")
}

// sleepers are n programs that do nothing and write nothing.
func sleepers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "[program:p%d]\ncommand=/bin/sleep 100000\nstartsecs=0\nstdout_logfile=NONE\nstderr_logfile=NONE\n", i)
	}
	return b.String()
}

// startSleepers starts a daemon with n sleepers and waits until all run.
func (b *bench) startSleepers(ctx context.Context, d daemon, n int) (*running, error) {
	r, err := b.start(ctx, d, sleepers(n))
	if err != nil {
		return nil, err
	}
	if err := r.waitLog("entered RUNNING state", n); err != nil {
		_, _ = r.stop() // the first error is the one to tell
		return nil, err
	}
	if err := r.rpc.wait(); err != nil {
		_, _ = r.stop()
		return nil, err
	}
	return r, nil
}
