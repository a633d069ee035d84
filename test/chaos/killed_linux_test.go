package chaos

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestKilledDaemonLeavesEachProgramRunningOnce kills the daemon at random
// moments, while programs die and are restarted, and starts it again.
func TestKilledDaemonLeavesEachProgramRunningOnce(t *testing.T) {
	t.Parallel()
	for _, orphans := range []string{"stop", "adopt"} {
		t.Run(orphans, func(t *testing.T) {
			t.Parallel()
			rnd := random(t)
			quiet, dying := scale(10, 40), scale(5, 20)
			r := account(t, "kill -9 of the daemon, orphans="+orphans, fmt.Sprintf("%d programs, %d of them dying all the time", quiet+dying+2, dying))
			d := start(t, spec{options: "orphans=" + orphans, files: map[string]string{"dying.sh": "exec sleep 0.$(($$ % 9 + 1))\n"}, config: fmt.Sprintf(
				"[program:quiet]\ncommand=sleep 1000\nstartsecs=0\nnumprocs=%d\nprocess_name=q%%(process_num)d\n"+
					"[program:dying]\ncommand=sh %%(here)s/dying.sh\nautorestart=true\nstartsecs=0\nnumprocs=%d\nprocess_name=d%%(process_num)d\n"+
					"[program:stubborn]\ncommand=sh -c \"trap '' TERM; while :; do sleep 0.2; done\"\nstopwaitsecs=0\nkillasgroup=true\nstartsecs=0\n"+
					"[program:family]\ncommand=sh -c 'sleep 999 & sleep 999 & wait'\nstopasgroup=true\nkillasgroup=true\nstartsecs=0\n", quiet, dying)})
			for end := time.Now().Add(span(6*time.Second, 8)); time.Now().Before(end); {
				<-time.After(time.Duration(rnd.IntN(300)) * time.Millisecond)
				d.kill()
				r.faults++
				d.launch()
			}
			d.awaitAnswer()
			d.untilOnce()
			before := d.vitals()
			d.end()
			r.leaked += len(d.marked())
			for _, p := range d.marked() {
				t.Errorf("after the orderly end, process %+v is left", p)
			}
			r.note = fmt.Sprintf("fds %d, RSS %.1f MB", before.fds, float64(before.rss)/1024)
			if _, err := os.Stat(d.path("supervisord.pid.state")); !os.IsNotExist(err) {
				t.Errorf("Stat(state file) after an orderly end = %v, want that it is gone", err)
			}
		})
	}
}

// TestLeftoversEndByTheirOwnRules kills the daemon and changes its
// configuration before the next start.
func TestLeftoversEndByTheirOwnRules(t *testing.T) {
	t.Parallel()
	const (
		same     = "[program:same]\ncommand=sleep 1000\nstartsecs=0\n"
		slow     = "[program:slow]\ncommand=sh %(here)s/slow.sh\nstartsecs=0\nstopwaitsecs=1\nkillasgroup=true\n"
		changed  = "[program:changed]\ncommand=sleep 1001\nstartsecs=0\n"
		gone     = "[program:gone]\ncommand=sh %(here)s/gone.sh\nstartsecs=0\nstopsignal=USR1\n"
		listener = "[eventlistener:listener]\ncommand=sleep 1003\nevents=EVENT\nstartsecs=0\n"
	)
	for orphans, adopted := range map[string]string{"stop": "", "adopt": "same slow"} {
		t.Run(orphans, func(t *testing.T) {
			t.Parallel()
			r := account(t, "leftovers of a changed configuration, orphans="+orphans, "5 programs")
			d := start(t, spec{
				options: "orphans=" + orphans, config: same + slow + changed + gone + listener,
				files: map[string]string{
					"slow.sh": "trap '' TERM\ntouch $0.ready\nwhile :; do sleep 0.1; done\n",
					"gone.sh": "trap 'echo USR1 >>$0.got; exit' USR1\ntouch $0.ready\nwhile :; do sleep 0.1; done\n",
				},
			})
			d.until("the traps", func() bool {
				_, slow := os.Stat(d.path("slow.sh.ready"))
				_, gone := os.Stat(d.path("gone.sh.ready"))
				return slow == nil && gone == nil
			})
			d.untilAll("RUNNING")
			was := make(map[string]int)
			for _, i := range d.infos() {
				was[i.Name] = i.PID
			}
			d.kill()
			r.faults++
			config := strings.NewReplacer(gone, "", "sleep 1001", "sleep 1002").Replace(d.read("supervisord.conf"))
			d.write("supervisord.conf", config)
			d.launch()
			d.awaitAnswer()
			d.untilOnce()
			for _, i := range d.infos() {
				want := strings.Contains(adopted, i.Name)
				if got := i.PID == was[i.Name]; got != want {
					r.lost++
					t.Errorf("%s had pid %d and has %d, want the same = %v", i.Name, was[i.Name], i.PID, want)
				}
			}
			d.until("the program that is no more to end", func() bool { return syscall.Kill(was["gone"], 0) != nil })
			if got := d.read("gone.sh.got"); got != "USR1\n" {
				r.lost++
				t.Errorf("the program that is no more got %q, want USR1", got)
			}
			if killed := d.said("killing 'slow'"); killed != 1-strings.Count(adopted, "slow") {
				r.lost++
				t.Errorf("the log tells %d times that slow was killed; adopted are %q", killed, adopted)
			}
			d.end()
			r.leaked += len(d.marked())
		})
	}
}

// wrongCopies returns the programs of which not exactly one process is the
// leader of its session and known to the daemon, or none between two lives.
// Those that change at the moment are only looked at for more than two.
func (d *daemon) wrongCopies() []string {
	d.t.Helper()
	first := d.infos()
	leaders := make(map[string][]int)
	for pid, p := range d.marked() {
		if p.session == pid && p.program != "" {
			leaders[p.program] = append(leaders[p.program], pid)
		}
	}
	now := make(map[string]int)
	for _, i := range d.infos() {
		now[i.Name] = i.PID
	}
	var wrong []string
	for _, i := range first {
		pids := leaders[i.Name]
		between := i.StateName == "EXITED" && len(pids) == 0
		right := between || len(pids) == 1 && pids[0] == i.PID
		if changing := now[i.Name] != i.PID; changing {
			right = len(pids) <= 2
		}
		if !right {
			wrong = append(wrong, fmt.Sprintf("%s: told %s with pid %d, running %v", i.Name, i.StateName, i.PID, pids))
		}
	}
	return wrong
}

// untilOnce waits until each program runs once, in several looks on end.
func (d *daemon) untilOnce() {
	d.t.Helper()
	var wrong []string
	defer func() {
		if d.t.Failed() {
			d.t.Logf("wrong at last: %q", wrong)
		}
	}()
	clean := 0
	d.until("each program to run once", func() bool {
		if wrong = d.wrongCopies(); len(wrong) > 0 {
			clean = 0
			return false
		}
		clean++
		return clean == 5
	})
}

// TestStateFileOfNoise starts daemons on a state file that is cut or overwritten.
func TestStateFileOfNoise(t *testing.T) {
	t.Parallel()
	rnd := random(t)
	r := account(t, "state file cut or filled with noise", "5 programs")
	d := start(t, spec{config: "[program:a]\ncommand=sleep 1000\nstartsecs=0\nnumprocs=5\nprocess_name=a%(process_num)d\n"})
	for range scale(6, 60) {
		d.kill()
		r.inputs++
		damage(t, rnd, d.path("supervisord.pid.state"))
		d.launch()
		d.awaitAnswer()
		d.untilAll("RUNNING")
		if wrong := d.doubles(); len(wrong) > 0 && !strings.Contains(d.read("supervisord.log"), "are damaged") {
			t.Errorf("%v run twice, and the log does not say that the state file is damaged", wrong)
		}
		// What a file of noise does not tell is the user's to end.
		d.killStrangers()
	}
	d.end()
}

// damage does something to a file.
func damage(t *testing.T, rnd *rand.Rand, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	switch rnd.IntN(4) {
	case 0:
		text = text[:rnd.IntN(len(text)+1)]
	case 1:
		for range 1 + len(text)/50 {
			text[rnd.IntN(len(text))] ^= byte(1 << rnd.IntN(8))
		}
	case 2:
		for i := range text {
			text[i] = byte(rnd.IntN(256))
		}
	case 3:
		text = append(text, make([]byte, 1<<20)...)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// doubles returns the programs of which more than one process runs.
func (d *daemon) doubles() []string {
	count := make(map[string]int)
	for pid, p := range d.marked() {
		if p.session == pid {
			count[p.program]++
		}
	}
	var names []string
	for name, n := range count {
		if n > 1 {
			names = append(names, name)
		}
	}
	return names
}

// killStrangers kills the programs' processes that are not the daemon's.
func (d *daemon) killStrangers() {
	for pid, p := range d.marked() {
		if p.parent != d.pid() && p.session == pid {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended
		}
	}
}

// TestPidfile: a stale pidfile or socket never stops a start, a live daemon
// always does.
func TestPidfile(t *testing.T) {
	t.Parallel()
	r := account(t, "stale and live pidfiles and sockets", "1 program")
	d := start(t, spec{config: "[program:a]\ncommand=sleep 1000\nstartsecs=0\n"})
	for _, stale := range []string{"", "garbage", "0", "-1", "1", fmt.Sprint(os.Getpid()), "999999999999", fmt.Sprint(d.pid())} {
		d.kill()
		d.write("supervisord.pid", stale)
		r.inputs++
		d.launch()
		d.awaitAnswer()
	}
	d.untilOnce() // though killed at once
	// The socket's file, the pidfile and the state file are deleted one after
	// the other: any one of them is enough to tell.
	first := d.cmd
	for _, gone := range [][]string{nil, {"sock"}, {"sock", "supervisord.pid"}, {"sock", "supervisord.pid.state"}} {
		aside(t, d, gone)
		d.launch()
		r.faults++
		second := d.cmd
		d.until("the second daemon to give up", func() bool { return !d.alive() })
		if code := second.ProcessState.ExitCode(); code != 2 {
			t.Errorf("without %q, a second daemon ended with status %d, want 2", gone, code)
		}
		back(t, d, gone)
	}
	d.cmd, d.exited = first, make(chan struct{})
	if err := syscall.Kill(first.Process.Pid, 0); err != nil {
		t.Errorf("the first daemon: %v, want that it lives", err)
	}
	go func(exited chan struct{}) { // ends with the first daemon
		for syscall.Kill(first.Process.Pid, 0) == nil {
			<-time.After(10 * time.Millisecond)
		}
		close(exited)
	}(d.exited)
	d.awaitAnswer()
	d.untilOnce()
}

// TestReusedPidIsLeftAlone gives the pid of a program that died with its daemon
// to another process, which must outlive the next start. It runs alone, since
// it sets back the numbers that all new processes get.
func TestReusedPidIsLeftAlone(t *testing.T) {
	const next = "/proc/sys/kernel/ns_last_pid"
	r := account(t, "pid given to a stranger", "1 program")
	d := start(t, spec{config: "[program:a]\ncommand=sleep 1000\nstartsecs=0\n"})
	d.untilAll("RUNNING")
	pid := d.infos()[0].PID
	d.kill()
	_ = syscall.Kill(pid, syscall.SIGKILL) // it lives
	d.until("the program to end", func() bool { return syscall.Kill(pid, 0) != nil })
	var stranger *exec.Cmd
	for range 500 { // others fork, too
		if err := os.WriteFile(next, []byte(strconv.Itoa(pid-1)), 0); err != nil {
			t.Skipf("cannot choose a pid (root's right): %v", err)
		}
		cmd := exec.Command("sleep", "1000")
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if stranger = cmd; cmd.Process.Pid == pid {
			break
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	defer func() {
		_ = stranger.Process.Kill()
		_ = stranger.Wait()
	}()
	if stranger.Process.Pid != pid {
		t.Skipf("no process got pid %d: the machine is too busy", pid)
	}
	r.faults++
	d.launch()
	d.awaitAnswer()
	d.untilOnce()
	if syscall.Kill(pid, 0) != nil || strings.Contains(d.read("supervisord.log"), "stopping 'a'") {
		r.lost++
		t.Errorf("process %d, a stranger, was taken for the program", pid)
	}
	d.end()
}

// aside renames files.
func aside(t *testing.T, d *daemon, names []string) { rename(t, d, names, "", ".aside") }

// back brings them back.
func back(t *testing.T, d *daemon, names []string) { rename(t, d, names, ".aside", "") }

func rename(t *testing.T, d *daemon, names []string, from, to string) {
	t.Helper()
	for _, name := range names {
		if err := os.Rename(d.path(name+from), d.path(name+to)); err != nil {
			t.Error(err)
		}
	}
}
