package chaos

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What each round sets going while the clock is set: a start whose startsecs
// must pass, a stop whose stopwaitsecs must, and two delays of BACKOFF, of one
// second and of two.
const (
	clockStart   = 2 * time.Second
	clockStop    = 2 * time.Second
	clockBackoff = 3 * time.Second
)

// slack is how much later than due something may be done: less than any of
// these waits once more, or longer on a machine that has too much else to do.
func (c *clockTest) slack() time.Duration { return time.Second + 4*c.slowest }

// clockConfig is the programs of the test.
const clockConfig = "[program:quiet]\ncommand=sleep 1000\nstartsecs=0\nnumprocs=3\nprocess_name=q%(process_num)d\n" +
	"[program:slow]\ncommand=sleep 1000\nautostart=false\nstartsecs=2\n" +
	"[program:deaf]\ncommand=sh -c \"trap '' TERM; >%(here)s/deaf.$$; while :; do sleep 0.1; done\"\nstartsecs=0\nstopwaitsecs=2\nkillasgroup=true\n" +
	"[program:fails]\ncommand=false\nautostart=false\nstartsecs=1\nstartretries=2\n" +
	"[program:dies]\ncommand=sh %(here)s/dies.sh\nautorestart=true\nstartsecs=0\n" +
	"[program:writes]\ncommand=sh -c \"while :; do echo $(seq 100); sleep 0.05; done\"\nstartsecs=0\n" +
	"stdout_logfile=%(here)s/writes.log\nstdout_logfile_maxbytes=8KB\nstdout_logfile_backups=2\n" +
	"[eventlistener:ticks]\ncommand=sh %(here)s/ticks.sh\nevents=TICK_5\nstartsecs=0\n"

// clockFiles are scripts that write down when something happened, in seconds
// of the time that really passes.
var clockFiles = map[string]string{
	"dies.sh": "read up rest </proc/uptime; echo start $up >>${0%/*}/lives\nsleep 1.2\n" +
		"read up rest </proc/uptime; echo end $up >>${0%/*}/lives\n",
	"ticks.sh": "while :; do echo READY; read -r head || exit; body=$(dd bs=1 count=${head##*len:} 2>/dev/null)\n" +
		"read up rest </proc/uptime; echo $up ${body#when:} >>${0%/*}/ticks; printf 'RESULT 2\\nOK'; done\n",
}

// TestClockSteps sets the daemon's wall clock forward and back, by seconds and
// by days, while everything that it may wait for is under way, and kills it
// under the false time.
func TestClockSteps(t *testing.T) {
	t.Parallel()
	for _, orphans := range []string{"adopt", "stop"}[:scale(1, 2)] {
		t.Run(orphans, func(t *testing.T) {
			t.Parallel()
			c := &clockTest{t: t, clock: newClock(t)}
			c.r = account(t, "clock set forward and back by days, orphans="+orphans, "9 programs: startsecs, stopwaitsecs, BACKOFF, crashes, ticks, rotation")
			c.d = start(t, spec{options: "orphans=" + orphans, config: clockConfig, files: clockFiles, clock: c.clock})
			c.began = uptime(t)
			c.d.until("all to run", c.allRun)
			c.quiet = c.pids()
			const day = 24 * time.Hour
			c.round(step{700, -day})
			c.round(step{400, 2 * day}, step{800, -day}, step{1200, 2 * time.Second}, step{1600, -2 * day}, step{1700, day + time.Hour})
			rnd := random(t)
			for end := time.Now().Add(span(0, 10)); time.Now().Before(end); {
				c.round(randomSteps(rnd)...)
			}
			c.killed(-2*day, orphans)
			c.refused(2 * day)
			c.checkLives()
			c.checkTicks()
			c.checkLog()
			c.ended(-day)
			c.r.leaked += len(c.d.marked())
			c.r.note = fmt.Sprintf("late by at most: startsecs %v, stopwaitsecs %v, BACKOFF %v, restart %v; %d ticks, answers within %v",
				c.late[0].Round(time.Millisecond), c.late[1].Round(time.Millisecond), c.late[2].Round(time.Millisecond), c.gap.Round(time.Millisecond), c.ticks, c.slowest.Round(time.Millisecond))
		})
	}
}

// step is a clock's step, so many milliseconds after a round's begin.
type step struct {
	after int
	by    time.Duration
}

// randomSteps returns one to five steps for a round.
func randomSteps(rnd *rand.Rand) []step {
	sizes := []time.Duration{time.Second, 2 * time.Second, 10 * time.Second, time.Hour, 24 * time.Hour, 48 * time.Hour}
	var steps []step
	after := 0
	for range 1 + rnd.IntN(5) {
		after += rnd.IntN(1000)
		by := sizes[rnd.IntN(len(sizes))]
		if rnd.IntN(2) == 0 {
			by = -by
		}
		steps = append(steps, step{after, by})
	}
	return steps
}

// clockTest is one daemon under a clock that is set.
type clockTest struct {
	t       *testing.T
	d       *daemon
	r       *row
	clock   *wallClock
	began   float64          // when the machine had been up for so many seconds
	quiet   map[string]int   // pids that must stay
	away    time.Duration    // the most that the clock was ever off
	late    [3]time.Duration // what startsecs, stopwaitsecs and BACKOFF took too much
	gap     time.Duration    // the longest from an end to the next start
	ticks   int
	slowest time.Duration // the longest answer
}

// pids returns the pids of the programs that live on.
func (c *clockTest) pids() map[string]int {
	c.t.Helper()
	pids := make(map[string]int)
	for _, i := range c.d.infos() {
		if i.Group == "quiet" {
			pids[i.Name] = i.PID
		}
	}
	return pids
}

// lost counts and tells what is not as it should be.
func (c *clockTest) lost(format string, args ...any) {
	c.t.Helper()
	c.r.lost++
	c.t.Errorf("with the clock off by %ds: %s", c.clock.ahead, fmt.Sprintf(format, args...))
}

// round tries something up to three times: a busy machine may be late once, but
// a wait that goes by the wrong clock is late each time.
func (c *clockTest) round(steps ...step) {
	c.t.Helper()
	for range 2 {
		if c.tryRound(steps) == "" {
			return
		}
	}
	if late := c.tryRound(steps); late != "" {
		c.lost("%s", late)
	}
}

// tryRound sets everything going, sets the clock meanwhile, and looks whether
// what is due is done in the time that really passes. It tells what was late.
func (c *clockTest) tryRound(steps []step) (late string) {
	c.t.Helper()
	d := c.d
	d.until("the trap", c.deaf)
	waits := []struct {
		method, name, state string
		least, took         time.Duration
		asked               time.Time
	}{
		{method: "startProcess", name: "slow", state: "RUNNING", least: clockStart},
		{method: "stopProcess", name: "deaf", state: "STOPPED", least: clockStop},
		{method: "startProcess", name: "fails", state: "FATAL", least: clockBackoff},
	}
	begin := time.Now()
	for i := range waits {
		waits[i].asked = time.Now()
		c.request(waits[i].method, waits[i].name)
	}
	rotated := c.rotation()
	for open := len(waits); open > 0 || len(steps) > 0; {
		if time.Since(begin) > patience {
			c.t.Fatalf("round of the clock at %ds: waited %v in vain; the end of the log:\n%s", c.clock.ahead, patience, last(d.read("supervisord.log"), 4000))
		}
		for len(steps) > 0 && time.Since(begin) >= time.Duration(steps[0].after)*time.Millisecond {
			c.step(steps[0].by)
			steps = steps[1:]
		}
		states := c.look()
		for i := range waits {
			if w := &waits[i]; w.took == 0 && states[w.name] == w.state {
				w.took = time.Since(w.asked)
				open--
			}
		}
		<-time.After(20 * time.Millisecond)
	}
	for i, w := range waits {
		by := w.took - w.least
		c.late[i] = max(c.late[i], by)
		said := fmt.Sprintf("%s was %s after %v, want %v", w.name, w.state, w.took, w.least)
		if by < 0 {
			c.lost("%s", said)
		} else if by > c.slack() {
			late = said
		}
	}
	d.until("the log to be rotated", func() bool { return c.rotation() != rotated })
	c.request("stopProcess", "slow")
	c.request("startProcess", "deaf")
	d.until("the program to be stopped", func() bool { return c.look()["slow"] == "STOPPED" })
	lines := strings.SplitAfter(d.read("supervisord.log"), "\n")
	if line := lines[len(lines)-2]; !c.near(logTime(line)) { // the last has no end yet, or is none
		c.lost("the log's last line is %q, want one of %v", line, c.clock.now())
	}
	return late
}

// step sets the clock.
func (c *clockTest) step(by time.Duration) {
	c.t.Helper()
	if err := c.clock.step(by); err != nil {
		c.t.Fatal(err)
	}
	c.r.faults++
	c.away = max(c.away, (time.Duration(c.clock.ahead) * time.Second).Abs())
}

// request asks for something and does not wait until it is done.
func (c *clockTest) request(method, name string) {
	c.t.Helper()
	begin := time.Now()
	answer, err := c.d.post([]byte("<methodCall><methodName>supervisor." + method + "</methodName><params><param><value><string>" + name +
		"</string></value></param><param><value><boolean>0</boolean></value></param></params></methodCall>"))
	c.slowest = max(c.slowest, time.Since(begin))
	if err != nil || !strings.Contains(answer, "<boolean>1</boolean>") {
		c.lost("%s(%q) = %q, %v", method, name, answer, err)
	}
}

// look returns the state of each program, and checks all that is told of it.
func (c *clockTest) look() map[string]string {
	c.t.Helper()
	begin := time.Now()
	infos := c.d.infos()
	c.slowest = max(c.slowest, time.Since(begin))
	states := make(map[string]string)
	for _, i := range infos {
		states[i.Name] = i.StateName
		if !c.near(time.Unix(int64(i.Now), 0)) {
			c.lost("%s: now = %v, want %v", i.Name, time.Unix(int64(i.Now), 0), c.clock.now())
		}
		for _, at := range []int{i.Start, i.Stop} {
			if at != 0 && time.Since(time.Unix(int64(at), 0)).Abs() > 2*c.away+patience {
				c.lost("%s: start = %d, stop = %d: the clock never came near that", i.Name, i.Start, i.Stop)
			}
		}
		if i.StateName == "RUNNING" && (!strings.Contains(i.Description, ", uptime ") || strings.Contains(i.Description, "-")) {
			c.lost("%s: description %q, want an uptime", i.Name, i.Description)
		}
		if pid := c.quiet[i.Name]; pid != 0 && (i.PID != pid || i.StateName != "RUNNING" || syscall.Kill(pid, 0) != nil) {
			c.lost("%s had pid %d and is %s with pid %d", i.Name, pid, i.StateName, i.PID)
		}
	}
	return states
}

// allRun tells whether each program runs that is to start by itself; the one
// that dies may be between two lives.
func (c *clockTest) allRun() bool {
	c.t.Helper()
	for name, state := range c.look() {
		if state != "RUNNING" && name != "slow" && name != "fails" && name != "dies" {
			return false
		}
	}
	return true
}

// deaf tells whether the program that ignores SIGTERM has come to do so.
func (c *clockTest) deaf() bool {
	c.t.Helper()
	info, err := c.d.rpc.ProcessInfo(c.t.Context(), "deaf")
	_, statErr := os.Stat(c.d.path(fmt.Sprintf("deaf.%d", info.PID)))
	return err == nil && info.StateName == "RUNNING" && statErr == nil
}

// near tells whether a time is what the clock shows, more or less.
func (c *clockTest) near(at time.Time) bool { return c.clock.now().Sub(at).Abs() < patience/2 }

// rotation tells one generation of the log that is rotated from another.
func (c *clockTest) rotation() uint64 {
	info, err := os.Stat(c.d.path("writes.log.1"))
	if err != nil {
		return 0
	}
	stat, _ := info.Sys().(*syscall.Stat_t)
	return stat.Ino
}

// killed kills the daemon, sets the clock while it is dead, and starts it again.
func (c *clockTest) killed(by time.Duration, orphans string) {
	c.t.Helper()
	c.d.kill()
	c.r.faults++
	was := c.quiet
	c.quiet = nil
	c.clock.ahead += int64(by / time.Second)
	c.d.launch()
	c.d.awaitAnswer()
	c.d.until("each program to run once", func() bool {
		return c.allRun() && len(c.d.doubles()) == 0
	})
	c.quiet = c.pids()
	if fmt.Sprint(was) == fmt.Sprint(c.quiet) != (orphans == "adopt") {
		c.lost("orphans=%s: the pids were %v and are %v", orphans, was, c.quiet)
	}
	c.look()
}

// refused sets the clock and starts a second daemon, which must see that the
// first one lives by each of its traces alone.
func (c *clockTest) refused(by time.Duration) {
	c.t.Helper()
	written := c.clock.now() // the kernel's clock would have stamped the file so
	if err := os.Chtimes(c.d.path("supervisord.pid"), written, written); err != nil {
		c.t.Fatal(err)
	}
	c.step(by)
	for _, gone := range [][]string{{"sock", "supervisord.pid"}, {"sock", "supervisord.pid.state"}} {
		aside(c.t, c.d, gone)
		other := wallClock{ahead: c.clock.ahead}
		cmd := exec.Command(supervisord(), "-n", "-c", c.d.path("supervisord.conf"))
		if err := other.start(cmd); err != nil {
			c.t.Fatal(err)
		}
		ended := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait() // the status tells
		ended.Stop()
		if code := cmd.ProcessState.ExitCode(); code != 2 {
			c.lost("without %q, a second daemon ended with status %d, want 2", gone, code)
		}
		back(c.t, c.d, gone)
	}
}

// ended sets the clock while the daemon stops everything, for which one program
// takes its whole stopwaitsecs.
func (c *clockTest) ended(by time.Duration) {
	c.t.Helper()
	c.d.until("the trap", c.deaf)
	asked := time.Now()
	c.d.signal(syscall.SIGTERM)
	c.d.untilLog("received SIGTERM", 1)
	c.step(by)
	c.d.end() // a second SIGTERM changes nothing
	if took := time.Since(asked); took < clockStop || took > clockStop+patience/2 {
		c.lost("the daemon ended after %v, want %v", took, clockStop)
	}
}

// checkLives looks whether the program that ends was started again at once.
func (c *clockTest) checkLives() {
	c.t.Helper()
	var ended float64
	lives := 0
	for line := range strings.Lines(c.d.read("lives")) {
		what, at, _ := strings.Cut(strings.TrimSpace(line), " ")
		up, err := strconv.ParseFloat(at, 64)
		switch {
		case err != nil:
			c.t.Fatalf("parse %q: %v", line, err)
		case what == "end":
			ended = up
		case ended != 0:
			lives++
			c.gap = max(c.gap, seconds(up-ended))
		}
	}
	if c.gap > patience/2 || lives < 3 {
		c.lost("%d restarts, the latest after %v", lives, c.gap)
	}
}

// checkTicks looks whether the ticks came all the time, and never in a burst.
func (c *clockTest) checkTicks() {
	c.t.Helper()
	const period = 5 // seconds
	lines := strings.Fields(c.d.read("ticks"))
	var ups []float64
	for pair := range slices.Chunk(lines, 2) {
		up, err := strconv.ParseFloat(pair[0], 64)
		when, whenErr := strconv.Atoi(pair[len(pair)-1])
		if err != nil || whenErr != nil || when%period != 0 {
			c.t.Fatalf("the listener wrote %q", pair)
		}
		ups = append(ups, up)
	}
	c.ticks = len(ups)
	passed := uptime(c.t) - c.began
	if least, most := max(1, int(passed/period)/2), int(passed/period)+1+c.r.faults; c.ticks < least || c.ticks > most {
		c.lost("%d TICK_5 in %.0f s, want %d to %d: %v", c.ticks, passed, least, most, ups)
	}
	for i := range ups[:max(0, len(ups)-1)] {
		if gap := seconds(ups[i+1] - ups[i]); gap > patience/2 {
			c.lost("%v between two TICK_5", gap)
		}
	}
}

// checkLog looks whether the clock's steps show in the daemon's own log.
func (c *clockTest) checkLog() {
	c.t.Helper()
	var before time.Time
	jumps := 0
	for line := range strings.Lines(c.d.read("supervisord.log")) {
		at := logTime(line)
		if !before.IsZero() && at.Sub(before).Abs() > time.Hour/2 {
			jumps++
		}
		before = at
	}
	if jumps < 3 {
		c.lost("the log's stamps jump %d times: the clock was not set", jumps)
	}
}
