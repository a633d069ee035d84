// Command pidproxy lets a supervisord run a program that is started by another
// one, such as a shell script: it runs the starter, and sends the signals that
// it receives to the process whose number stands in a pidfile. It takes the
// place of Supervisor's pidproxy.
//
// It decides to whom a signal goes and when it ends itself; it never watches
// the process in the pidfile, and lives as long as the starter does.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Printf(usage, os.Args[0])
		os.Exit(1)
	}
	os.Exit(run(os.Args[1], os.Args[2:]))
}

const usage = `pidproxy -- run a command and send it signals by way of its pidfile.

The command is run and waited for. A TERM, HUP, INT, USR1, USR2 or QUIT signal
that comes meanwhile is sent on to the process whose number the pidfile holds;
after TERM, INT and QUIT this program ends.

Usage: %s <pidfile name> <command> [<cmdarg1> ...]
`

// The exit statuses. The first two are those of Supervisor's pidproxy, for
// which a command that cannot be run is one that has ended.
const (
	statusEnded    = 0 // the command has ended, or a signal was to end it
	statusUnsent   = 1 // there is no process to send a signal to
	statusNotFound = 127
)

// run runs the command and passes signals on until one of both ends it. It
// returns the exit status.
func run(pidFile string, command []string) int {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT,
		syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGQUIT)
	ended, err := start(command)
	if err != nil {
		fmt.Fprintf(os.Stderr, "pidproxy: run %q: %v\n", command[0], err)
		return statusNotFound
	}
	p := &proxy{pidFile: pidFile}
	var changed <-chan struct{} // nil until a signal has to wait for the pidfile
	for {
		select {
		case sig := <-signals:
			p.add(sig)
			if _, err := readPID(pidFile); err != nil {
				fmt.Printf("Can't read child pidfile %s!\n", pidFile)
				if changed == nil {
					changed = watch(pidFile)
				}
			}
		case <-changed:
		case <-ended:
			return statusEnded
		}
		if status, over := p.deliver(); over {
			return status
		}
	}
}

// proxy holds the signals that wait until there is a pidfile.
type proxy struct {
	pidFile string
	waiting []syscall.Signal
}

func (p *proxy) add(sig os.Signal) {
	if number, ok := sig.(syscall.Signal); ok {
		p.waiting = append(p.waiting, number)
	}
}

// deliver sends the waiting signals if the pidfile can be read. It reports
// whether that was the last thing to do, and the exit status then.
func (p *proxy) deliver() (status int, over bool) {
	if len(p.waiting) == 0 {
		return 0, false
	}
	pid, err := readPID(p.pidFile)
	if err != nil {
		return 0, false // the user has been told
	}
	for _, number := range p.waiting {
		if err := syscall.Kill(pid, number); err != nil {
			fmt.Fprintf(os.Stderr, "pidproxy: send %v to process %d of %q: %v\n", number, pid, p.pidFile, err)
			return statusUnsent, true
		}
		switch number {
		case syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT:
			return statusEnded, true
		}
	}
	p.waiting = p.waiting[:0]
	return 0, false
}

// start runs the command. Its name is not searched for in PATH. The channel is
// closed when it has ended.
func start(command []string) (<-chan struct{}, error) {
	path, err := filepath.Abs(command[0])
	if err != nil {
		return nil, err
	}
	cmd := &exec.Cmd{Path: path, Args: command, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	// Ends with the command, or is left behind at the end of this process.
	go func() {
		_ = cmd.Wait() // as with Supervisor's, nobody asks for its status
		close(ended)
	}()
	return ended, nil
}

// readPID reads the number of a process, which is greater than 0: other numbers
// would send a signal to more than one.
func readPID(pidFile string) (int, error) {
	text, err := os.ReadFile(pidFile)
	if err != nil {
		return 0, err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid <= 0 {
		return 0, fmt.Errorf("read pidfile %q: it has %.40q, want a process number", pidFile, text)
	}
	return pid, nil
}
