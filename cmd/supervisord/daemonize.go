package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
)

// A Go program cannot fork, so a daemon is made by starting the program again
// as the leader of a new session. That child does the whole start by itself,
// with the terminal still at hand for errors, and lets go of it only when
// nothing can fail any more. Until then its starter waits at a pipe.

// starterVariable tells the child about its starter, as PID:FD. The child
// takes it out of its environment before it does anything else.
const starterVariable = "SUPERVISORD_STARTER"

// starter is the waiting process's end of the pipe, seen from the child. A nil
// starter is that of a supervisord that was not started by another one.
type starter struct{ pipe *os.File }

// adoptStarter returns the process that waits for this one to start, or nil.
func adoptStarter() *starter {
	text, ok := os.LookupEnv(starterVariable)
	if !ok {
		return nil
	}
	_ = os.Unsetenv(starterVariable) // fails for malformed names only
	pid, fd, _ := strings.Cut(text, ":")
	if pid != strconv.Itoa(os.Getppid()) {
		return nil // left over in the environment: it was meant for another
	}
	n, err := strconv.Atoi(fd)
	if err != nil || n <= 2 {
		return nil
	}
	syscall.CloseOnExec(n)
	return &starter{pipe: os.NewFile(uintptr(n), "starter")}
}

// started lets the waiting process end with status 0.
func (s *starter) started() {
	_, _ = s.pipe.Write([]byte{'.'}) // without a reader it has ended already
	_ = s.pipe.Close()
}

// startDaemon starts this program again with argv as a daemon, waits until it
// runs or has failed, and returns the exit status to end with. The daemon
// reports its failures on standard error itself.
func startDaemon(argv []string) (status int, err error) {
	file, err := os.Executable()
	if err != nil {
		return 0, fmt.Errorf("find this program: %w", err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		return 0, fmt.Errorf("make a pipe to the daemon: %w", err)
	}
	defer func() { _ = r.Close() }() // only read from
	// Caught from before there is a daemon, so that none is left behind.
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT, syscall.SIGHUP)
	defer close(signals)
	defer signal.Stop(signals)
	child, err := spawnDaemon(file, argv, w)
	if cerr := w.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return 0, fmt.Errorf("start the daemon: %w", err)
	}
	go passSignals(signals, child) // ends when signals is closed
	if n, _ := r.Read(make([]byte, 1)); n == 1 {
		return 0, nil
	}
	state, err := child.Wait()
	if err != nil {
		return 0, fmt.Errorf("wait for the daemon: %w", err)
	}
	if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 0, fmt.Errorf("start the daemon: terminated by signal %q", ws.Signal())
	}
	if state.ExitCode() == 0 {
		return 0, errors.New("start the daemon: it ended without a reason")
	}
	return state.ExitCode(), nil
}

// spawnDaemon starts file with argv in a session of its own. The child keeps
// every descriptor that is not closed on exec, and a copy of w.
func spawnDaemon(file string, argv []string, w *os.File) (*os.Process, error) {
	// A copy made by dup is not closed on exec, and keeps its number in the
	// child.
	fd, err := syscall.Dup(int(w.Fd()))
	if err != nil {
		return nil, fmt.Errorf("copy the pipe: %w", err)
	}
	defer func() { _ = syscall.Close(fd) }()         // nothing was written
	return os.StartProcess(file, argv, &os.ProcAttr{ //nolint:gosec // it is this program, with its own arguments
		Env:   append(os.Environ(), fmt.Sprintf("%s=%d:%d", starterVariable, os.Getpid(), fd)),
		Files: []*os.File{os.Stdin, os.Stdout, os.Stderr},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
}

// passSignals sends the signals that a terminal or a service manager sends to
// the waiting process on to child.
func passSignals(signals <-chan os.Signal, child *os.Process) {
	for s := range signals {
		_ = child.Signal(s) // it may have ended
	}
}

// letGoOfTerminal turns the standard streams to /dev/null.
func letGoOfTerminal() error {
	for fd, flag := range []int{os.O_RDONLY, os.O_WRONLY, os.O_WRONLY} {
		null, err := os.OpenFile(os.DevNull, flag, 0)
		if err != nil {
			return err
		}
		err = dupTo(int(null.Fd()), fd)
		_ = null.Close() // nothing was written
		if err != nil {
			return fmt.Errorf("redirect descriptor %d: %w", fd, err)
		}
	}
	return nil
}
