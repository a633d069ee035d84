package chaos

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestTermInEveryPhase ends the daemon at random moments of its life, once or
// twice: it leaves nothing behind.
func TestTermInEveryPhase(t *testing.T) {
	t.Parallel()
	rnd := random(t)
	r := account(t, "SIGTERM in every phase, once or twice", "20 programs, 5 of them dying all the time")
	d := start(t, spec{config: "[program:lives]\ncommand=sleep 1000\nnumprocs=15\nprocess_name=l%(process_num)d\n" +
		"[program:dies]\ncommand=sleep 0.1\nautorestart=true\nstartsecs=0\nnumprocs=5\nprocess_name=d%(process_num)d\n" +
		"[eventlistener:e]\n" + self("listen good") + "events=EVENT\n"})
	for end := time.Now().Add(span(4*time.Second, 5)); time.Now().Before(end); {
		switch rnd.IntN(4) {
		case 0: // during a restart
			_ = syscall.Kill(d.pid(), syscall.SIGHUP) // which ends one that has hardly begun
			<-time.After(time.Duration(rnd.IntN(60)) * time.Millisecond)
		case 1: // with a client that waits
			go func() { _, _ = d.rpc.StopAllProcesses(t.Context()) }() // ends with the daemon
		}
		if d.alive() {
			_ = syscall.Kill(d.pid(), syscall.SIGTERM) // likewise
		}
		if rnd.IntN(2) == 0 {
			<-time.After(time.Duration(rnd.IntN(10)) * time.Millisecond)
			if d.alive() {
				_ = syscall.Kill(d.pid(), syscall.SIGTERM) // it may have ended
			}
		}
		r.faults++
		d.until("the end of the daemon", func() bool { return !d.alive() })
		// A signal that comes before the daemon catches any ends it at once.
		ws, ok := d.cmd.ProcessState.Sys().(syscall.WaitStatus)
		early := ok && ws.Signaled() && (ws.Signal() == syscall.SIGTERM || ws.Signal() == syscall.SIGHUP)
		if code := d.cmd.ProcessState.ExitCode(); code != 0 && !early {
			r.lost++
			t.Errorf("SIGTERM: the daemon ended with %v, want status 0; standard error:\n%s", d.cmd.ProcessState, last(d.read("err"), 2000))
		}
		if left := d.marked(); len(left) > 0 {
			r.leaked += len(left)
			t.Errorf("SIGTERM left %v behind", left)
		}
		d.launch()
		<-time.After(time.Duration(rnd.IntN(100)) * time.Millisecond)
	}
	d.awaitAnswer()
	d.end()
}

// TestSuspendedDaemon stops and continues the daemon while its programs die and
// clients connect.
func TestSuspendedDaemon(t *testing.T) {
	t.Parallel()
	r := account(t, "daemon suspended and continued", "20 programs")
	d := start(t, spec{config: "[program:p]\ncommand=sleep 1000\nautorestart=true\nstartsecs=0\nnumprocs=20\nprocess_name=p%(process_num)d\n"})
	d.untilAll("RUNNING")
	before := d.vitals()
	for range scale(3, 30) {
		d.signal(syscall.SIGSTOP)
		for pid := range d.marked() {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended
			r.faults++
		}
		answered := make(chan struct{})
		go func() { // ends when the daemon goes on
			defer close(answered)
			_, _ = d.rpc.AllProcessInfo(t.Context())
		}()
		<-time.After(300 * time.Millisecond) // the suspension
		d.signal(syscall.SIGCONT)
		<-answered
		d.untilOnce()
	}
	r.closeBooks(d, before)
	d.end()
}

// TestAddressSpaceUsedUp runs the daemon with little memory, and asks for much.
func TestAddressSpaceUsedUp(t *testing.T) {
	t.Parallel()
	if raceFactor > 1 {
		t.Skip("the race detector needs terabytes of address space")
	}
	r := account(t, "ulimit -v 900 MB", "5 programs")
	d := start(t, spec{shell: "ulimit -v 900000", config: "[program:p]\ncommand=sleep 1000\nstartsecs=0\nnumprocs=5\nprocess_name=p%(process_num)d\n" +
		"[program:writes]\n" + "command=sh -c \"head -c 40000000 /dev/zero | tr '\\\\000' x\"\nstdout_logfile_maxbytes=0\nautorestart=false\n"})
	d.untilLog("exited: writes", 1)
	for range scale(5, 50) {
		r.inputs++
		if text, err := d.rpc.ReadStdoutLog(t.Context(), "writes", 0, 30<<20); err != nil || len(text) != 30<<20 {
			t.Errorf("read 30 MB of a log: %d bytes, %v", len(text), err)
		}
	}
	d.end()
}

// TestFirstProcess makes the daemon PID 1, whose programs leave orphans behind
// all the time.
func TestFirstProcess(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("needs root, to make a PID namespace")
	}
	r := account(t, "PID 1 with orphans", "5 programs that leave 20 orphans each time")
	d := start(t, spec{
		attr: syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID},
		config: "[program:o]\n" + self("orphans") + "autorestart=true\nstartsecs=0\nnumprocs=5\nprocess_name=o%(process_num)d\n" +
			"[program:lives]\ncommand=sleep 1000\nstartsecs=0\n",
	})
	before := d.vitals()
	<-time.After(span(3*time.Second, 4)) // as long as the load is held
	d.stopAll()
	r.faults = strings.Count(d.read("supervisord.log"), "reaped unknown pid")
	if r.faults == 0 {
		t.Error("no orphan was reaped: the test tests nothing")
	}
	r.note = fmt.Sprintf("%d orphans reaped,", r.faults)
	before.zombies = 0
	r.closeBooks(d, before)
	d.end()
}
