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

// patience bounds every wait for a daemon but those for its end.
const patience = 2 * time.Minute

// daemon is a supervisord to measure: its name in the report and its command,
// in which {conf} stands for the configuration file.
type daemon struct {
	name    string
	command []string
}

// beside returns the path of a command that lies in the folder of the
// daemon's binary.
func (d daemon) beside(name string) string {
	path, err := exec.LookPath(d.command[0])
	if err != nil {
		return name
	}
	return filepath.Join(filepath.Dir(path), name)
}

// ctl is the supervisorctl beside the daemon's binary.
func (d daemon) ctl() string { return d.beside("supervisorctl") }

// notWithin is an error of a daemon that is too slow for a measure, which is
// a finding and no failure.
type notWithin struct {
	what  string
	limit time.Duration
}

func (e notWithin) Error() string { return fmt.Sprintf("%s: not within %v", e.what, e.limit) }

// notMeasured is an error of a daemon that a measure does not apply to.
type notMeasured struct{ why string }

func (e notMeasured) Error() string { return "not measured: " + e.why }

// running is a daemon at work.
type running struct {
	daemon
	dir   string
	cmd   *exec.Cmd
	began time.Time
	ended chan error
	over  bool // ended has been read, or the daemon was killed
	rpc   *rpcClient
	file  *os.File // the log, once there is one
	log   bytes.Buffer
	found map[string]found

	told       []heard // by the listener, as far as it has been read
	heardBytes int64
}

// found is how often a text stands in the log's first bytes.
type found struct{ times, upTo int }

// start writes sections behind the common ones of a configuration and starts
// the daemon on it. It will have so many programs.
func (b *bench) start(ctx context.Context, d daemon, programs int, sections string) (*running, error) {
	dir, err := os.MkdirTemp(b.dir, d.name)
	if err != nil {
		return nil, fmt.Errorf("make a folder for the daemon: %w", err)
	}
	r := &running{daemon: d, dir: dir, ended: make(chan error, 1), found: make(map[string]found)}
	r.rpc = newRPCClient(r.socket())
	// Python's daemon wants three descriptors for each program. More would be
	// a handicap: its children close as many as minfds says, one by one.
	conf := fmt.Sprintf(`[unix_http_server]
file=%[1]s/sock
[supervisord]
logfile=%[1]s/log
logfile_maxbytes=0
pidfile=%[1]s/pid
childlogdir=%[1]s
minfds=%[2]d
nodaemon=true
silent=true
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://%[1]s/sock
%[3]s`, dir, 1024+3*programs, sections)
	if err := os.WriteFile(r.conf(), []byte(conf), 0o600); err != nil {
		return nil, fmt.Errorf("write configuration: %w", err)
	}
	args := make([]string, len(d.command))
	for i, a := range d.command {
		args[i] = strings.ReplaceAll(a, "{conf}", r.conf())
	}
	r.cmd = exec.CommandContext(ctx, args[0], args[1:]...)
	r.cmd.Env = b.environ()
	// A session tells what belongs to the daemon, whatever becomes of it.
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	var said bytes.Buffer
	r.cmd.Stderr = &said
	r.cmd.WaitDelay = time.Second // a child may hold on to standard error
	r.began = time.Now()
	if err := r.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", d.name, err)
	}
	go func() { // ends with the daemon
		err := r.cmd.Wait()
		if said.Len() > 0 {
			err = errors.Join(err, errors.New(lastLines(said.String())))
		}
		r.ended <- err
	}()
	return r, nil
}

func (r *running) conf() string { return filepath.Join(r.dir, "conf") }

func (r *running) pid() int { return r.cmd.Process.Pid }

// stop shuts the daemon down and returns how long that took. One that takes
// longer than patience is killed.
func (r *running) stop(patience time.Duration) (time.Duration, error) {
	began := time.Now()
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return 0, fmt.Errorf("stop %s: %w", r.name, err)
	}
	select {
	case err := <-r.ended:
		took := time.Since(began)
		r.over = true
		r.kill() // its children, if it has left any
		if err != nil {
			return 0, fmt.Errorf("stop %s: %w", r.name, err)
		}
		return took, nil
	case <-time.After(patience):
		r.kill()
		return 0, notWithin{"stop " + r.name, patience}
	}
}

// kill ends the daemon and all that it has started, at once.
func (r *running) kill() {
	if !r.over {
		_ = r.cmd.Process.Kill() // it may have ended by itself
		<-r.ended                //nolint:errcheck // it was killed, and says so
		r.over = true
	}
	killSession(r.pid())
	if r.file != nil {
		_ = r.file.Close() // only read
		r.file = nil
	}
	_ = os.RemoveAll(r.dir) // logs may be large; what is left goes with the run's folder
}

// count returns how often text stands in what the daemon has logged so far.
func (r *running) count(text string) int {
	if r.file == nil {
		var err error
		if r.file, err = os.Open(filepath.Join(r.dir, "log")); err != nil {
			return 0
		}
	}
	_, _ = r.log.ReadFrom(r.file) // what cannot be read now may be later
	f := r.found[text]
	news := r.log.Bytes()[f.upTo:]
	if n := bytes.Count(news, []byte(text)); n > 0 {
		f.times += n
		f.upTo += bytes.LastIndex(news, []byte(text)) + len(text)
	}
	f.upTo = max(f.upTo, r.log.Len()-len(text)+1) // it may have begun, but not ended
	r.found[text] = f
	return f.times
}

// betweenLooks is the pause between two looks at a daemon.
const betweenLooks = 200 * time.Microsecond

// waitLog returns once text stands in the log n times.
func (r *running) waitLog(text string, n int) error {
	for end := time.Now().Add(patience); r.count(text) < n; {
		if time.Now().After(end) {
			return notWithin{fmt.Sprintf("%s logs %q %d times (%d so far)", r.name, text, n, r.count(text)), patience}
		}
		select {
		case err := <-r.ended:
			r.ended <- err
			return fmt.Errorf("%s ended early: %w\n%s", r.name, err, lastLines(r.log.String()))
		default:
			pause()
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

// oneGroup makes programs p0 to pN one group.
func oneGroup(n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("p%d", i)
	}
	return "[group:all]\nprograms=" + strings.Join(names, ",") + "\n"
}
