// Package peer runs a supervisord for a test, ours or Python's, and reports what
// it did in a form in which two of them can be compared. It decides how a daemon
// is started, watched, stopped and cleaned up after; it never judges what the
// daemon did, and knows no testing.T: every failure is an error with the
// daemon's log in it.
package peer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Deadline bounds each wait for something that the daemon is to do. It is far
// above what any of it takes, because CI machines stall.
const Deadline = 45 * time.Second

// pollInterval is how often a wait looks again.
const pollInterval = 20 * time.Millisecond

// marker is the environment variable by which everything that a daemon has
// started can be found, whoever its parent is now. Its value is the folder.
const marker = "VIGILANCE_TEST_DIR"

// Spec says which daemon to run, and on what.
type Spec struct {
	Command   []string          // the supervisord and its first arguments
	Config    string            // sections below [supervisord]; %(here)s is Dir
	Options   string            // further lines for [supervisord]
	Files     map[string]string // files to make in Dir, executable, by relative name
	Dir       string            // an empty folder, deleted by its owner
	Env       []string          // additions to the environment, NAME=value
	Daemonize bool              // leave out -n
	Namespace bool              // make it PID 1 of a new namespace (Linux, as root)
}

// Daemon is a running supervisord. Its folder holds supervisord.conf,
// supervisord.log, daemon.stdout, daemon.stderr, childlogs/ (childlogdir), and
// out/, where a Spec's programs write what is to be compared.
type Daemon struct {
	Dir    string
	cmd    *exec.Cmd
	exited chan struct{} // closed once the started command was waited for
	pid    int           // of the daemon itself
}

// Start writes the config and starts the daemon. In the foreground it returns
// at once; with Daemonize it returns once the command has returned and the
// pidfile names the daemon.
func Start(spec Spec) (*Daemon, error) {
	if err := spec.lay(); err != nil {
		return nil, err
	}
	args := append([]string(nil), spec.Command[1:]...)
	if !spec.Daemonize {
		args = append(args, "-n")
	}
	d := &Daemon{Dir: spec.Dir, exited: make(chan struct{})}
	d.cmd = exec.Command(spec.Command[0], append(args, "-c", d.Path("supervisord.conf"))...)
	d.cmd.Dir = spec.Dir
	d.cmd.Env = append(append(os.Environ(), marker+"="+spec.Dir), spec.Env...)
	d.cmd.SysProcAttr = attributes(spec.Namespace)
	for name, stream := range map[string]*io.Writer{"daemon.stdout": &d.cmd.Stdout, "daemon.stderr": &d.cmd.Stderr} {
		// Appended to, because the daemon may open /dev/stdout once more.
		file, err := os.OpenFile(d.Path(name), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
		if err != nil {
			return nil, err
		}
		defer func() { _ = file.Close() }() // the daemon has its own descriptor by then
		*stream = file
	}
	if err := d.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start supervisord: %w", err)
	}
	d.pid = d.cmd.Process.Pid
	// Ends with the command, which Stop makes sure of.
	go func() {
		_ = d.cmd.Wait()
		close(d.exited)
	}()
	if spec.Daemonize {
		return d, d.adopt()
	}
	return d, nil
}

// lay makes the folder's files.
func (s Spec) lay() error {
	for _, dir := range []string{"childlogs", "out"} {
		if err := os.Mkdir(filepath.Join(s.Dir, dir), 0o755); err != nil {
			return err
		}
	}
	for name, content := range s.Files {
		if err := os.WriteFile(filepath.Join(s.Dir, name), []byte(content), 0o755); err != nil {
			return err
		}
	}
	config := "[supervisord]\n" +
		"logfile=%(here)s/supervisord.log\n" +
		"pidfile=%(here)s/supervisord.pid\n" +
		"childlogdir=%(here)s/childlogs\n" +
		s.Options + "\n" + s.Config
	return os.WriteFile(filepath.Join(s.Dir, "supervisord.conf"), []byte(config), 0o644)
}

// adopt waits for a daemonized supervisord to say who it is.
func (d *Daemon) adopt() error {
	if err := d.wait("the command to return", func() bool { return closed(d.exited) }); err != nil {
		return err
	}
	if code := d.cmd.ProcessState.ExitCode(); code != 0 {
		return d.failed(fmt.Sprintf("the command exited with %d", code))
	}
	d.pid = 0
	return d.wait("a pidfile", func() bool {
		text, err := os.ReadFile(d.Path("supervisord.pid"))
		if err != nil {
			return false
		}
		pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
		d.pid = pid
		return err == nil
	})
}

// Path returns a name inside the daemon's folder as an absolute path.
func (d *Daemon) Path(name string) string { return filepath.Join(d.Dir, name) }

// PID returns the daemon's process id.
func (d *Daemon) PID() int { return d.pid }

// Signal sends the daemon a signal.
func (d *Daemon) Signal(sig syscall.Signal) error {
	if err := syscall.Kill(d.pid, sig); err != nil {
		return fmt.Errorf("send %v to supervisord: %w", sig, err)
	}
	return nil
}

// WaitLog waits until supervisord.log contains text at least count times.
func (d *Daemon) WaitLog(text string, count int) error {
	return d.WaitFile("supervisord.log", func(log []byte) bool {
		return bytes.Count(log, []byte(text)) >= count
	}, fmt.Sprintf("%d times %q in supervisord.log", count, text))
}

// WaitFile waits until the file of that name in the daemon's folder fulfils the
// condition, which the error describes as wanted. A missing file reads as empty.
func (d *Daemon) WaitFile(name string, condition func([]byte) bool, wanted string) error {
	return d.wait(wanted, func() bool {
		content, err := os.ReadFile(d.Path(name))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return false
		}
		return condition(content)
	})
}

// WaitExit waits until the daemon is gone, and returns its exit status: -1 when
// a signal ended it, and always 0 for one that had daemonized.
func (d *Daemon) WaitExit() (int, error) {
	err := d.wait("supervisord to exit", func() bool { return !d.alive() })
	if err != nil {
		return 0, err
	}
	return d.cmd.ProcessState.ExitCode(), nil
}

// End sends SIGTERM to a daemon that still runs, and waits until it is gone, as
// WaitExit does.
func (d *Daemon) End() (int, error) {
	if d.alive() {
		if err := d.Signal(syscall.SIGTERM); err != nil {
			return 0, err
		}
	}
	return d.WaitExit()
}

// Stop ends the daemon if it still runs, the hard way if it must, and kills
// whatever it or its children have left behind.
func (d *Daemon) Stop() {
	if d.alive() {
		_ = d.Signal(syscall.SIGTERM)
		if _, err := d.WaitExit(); err != nil {
			_ = d.Signal(syscall.SIGKILL)
		}
	}
	for pid := range d.descendants() {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	<-d.exited
}

// alive says whether the daemon runs. One that daemonized may be left a zombie
// where PID 1 does not reap, and counts as gone.
func (d *Daemon) alive() bool {
	if d.pid == d.cmd.Process.Pid {
		return !closed(d.exited)
	}
	return processRuns(d.pid)
}

// wait polls until the condition holds. A daemon that dies meanwhile ends the
// wait early, after one last look.
func (d *Daemon) wait(wanted string, condition func() bool) error {
	deadline := time.NewTimer(Deadline)
	defer deadline.Stop()
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		dead := d.cmd.Process.Pid == d.pid && closed(d.exited)
		if condition() {
			return nil
		}
		if dead {
			return d.failed("supervisord exited before there was " + wanted)
		}
		select {
		case <-ticker.C:
		case <-deadline.C:
			return d.failed(fmt.Sprintf("waited %v in vain for %s", Deadline, wanted))
		}
	}
}

// failed returns an error with everything that explains it.
func (d *Daemon) failed(what string) error {
	var report strings.Builder
	fmt.Fprintf(&report, "%s: %s", d.cmd.Path, what)
	for _, name := range []string{"supervisord.log", "daemon.stderr"} {
		content, _ := os.ReadFile(d.Path(name))
		fmt.Fprintf(&report, "\n--- %s:\n%s", name, content)
	}
	return errors.New(report.String())
}

func closed(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}
