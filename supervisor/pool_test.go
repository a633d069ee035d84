package supervisor

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/supervisor/config"
	"github.com/vigilance-go/vigilance/supervisor/mainlog"
	"github.com/vigilance-go/vigilance/supervisor/process"
)

func TestListenerHearsOfACrash(t *testing.T) {
	heard := filepath.Join(t.TempDir(), "heard")
	r := start(t, listening("ears", "note:"+heard, "PROCESS_STATE_EXITED"),
		alone(program("web", "sh -c 'exit 3'", quick, func(p *config.Program) { p.AutoRestart = config.RestartNever })))
	r.untilState("web", process.Exited)
	r.until("the listener heard", func() bool { return r.read(heard) != "" })
	want := "PROCESS_STATE_EXITED processname:web groupname:web from_state:RUNNING expected:0 pid:"
	if got := r.read(heard); !strings.HasPrefix(got, want) {
		t.Errorf("the listener heard %q, want %q...", got, want)
	}
}

func TestListenerHearsEveryDeathOfMany(t *testing.T) {
	const n = 200
	heard := filepath.Join(t.TempDir(), "heard")
	groups := []*config.Group{listening("ears", "slow:"+heard, "PROCESS_STATE_EXITED")}
	for i := range n {
		groups = append(groups, alone(program(fmt.Sprintf("p%03d", i), "sleep 1000", quick,
			func(p *config.Program) { p.AutoRestart = config.RestartNever })))
	}
	r := start(t, groups...)
	var pids []int
	for i := range n {
		pids = append(pids, r.untilState(fmt.Sprintf("p%03d", i), process.Running).PID)
	}
	for _, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	r.until("every death was heard", func() bool { return strings.Count(r.read(heard), "\n") == n })
}

func TestListenerGetsOutputEvents(t *testing.T) {
	heard := filepath.Join(t.TempDir(), "heard")
	talk := program("talk", `sh -c "sleep 0.1; echo plain; echo '<!--XSUPERVISOR:BEGIN-->hello<!--XSUPERVISOR:END-->'; sleep 100"`, quick)
	talk.Stdout = config.Log{EventsEnabled: true, CaptureMaxBytes: 1 << 20}
	r := start(t, listening("ears", "note:"+heard, "PROCESS_LOG", "PROCESS_COMMUNICATION"), alone(talk))
	r.until("both were heard", func() bool {
		got := r.read(heard)
		return strings.Contains(got, "PROCESS_LOG_STDOUT processname:talk groupname:talk pid:") &&
			strings.Contains(got, "channel:stdout|plain|") &&
			strings.Contains(got, "PROCESS_COMMUNICATION_STDOUT processname:talk groupname:talk pid:") &&
			strings.Contains(got, "|hello\n")
	})
	r.untilLog("DEBG 'talk' stdout emitted a comm event")
}

func TestListenerThatDiesGivesItsEventBack(t *testing.T) {
	heard := filepath.Join(t.TempDir(), "heard")
	// It takes an event and dies with it, once.
	once := filepath.Join(t.TempDir(), "once")
	g := listening("ears", "note:"+heard, "PROCESS_STATE_STOPPED")
	g.Programs[0].Command = fmt.Sprintf(`sh -c "if [ ! -e %s ]; then touch %s; echo READY; read header; exit 1; fi; exec %s"`, once, once, os.Args[0])
	r := start(t, g, alone(program("web", "sleep 100", quick)))
	r.untilState("web", process.Running)
	r.untilLog("DEBG ears: ACKNOWLEDGED -> READY")
	if err := r.StopProcess(t.Context(), "web", true); err != nil {
		t.Fatal(err)
	}
	r.until("the event came again", func() bool { return strings.Contains(r.read(heard), "processname:web") })
	r.untilLog("DEBG rebuffering event 0 for pool ears")
}

func TestListenerInUnknownStateIsRestarted(t *testing.T) {
	heard := filepath.Join(t.TempDir(), "heard")
	once := filepath.Join(t.TempDir(), "once")
	g := listening("ears", "note:"+heard, "PROCESS_STATE_STOPPED")
	g.Programs[0].Command = fmt.Sprintf(`sh -c "if [ ! -e %s ]; then touch %s; echo garbage; exec sleep 100; fi; exec %s"`, once, once, os.Args[0])
	r := start(t, g, alone(program("web", "sleep 100", quick)))
	r.untilLog("WARN ears: has entered the UNKNOWN state and will no longer receive events, " +
		"this usually indicates the process violated the eventlistener protocol")
	if err := r.StopProcess(t.Context(), "web", true); err != nil {
		t.Fatal(err)
	}
	r.until("its successor heard of it", func() bool { return strings.Contains(r.read(heard), "processname:web") })
}

func TestExplicitBufferDropsTheOldest(t *testing.T) {
	g := listening("ears", "", "REMOTE_COMMUNICATION")
	g.Pool.BufferSize = 2
	g.Programs[0].AutoStart = false
	r := start(t, g)
	for i := range 4 {
		if err := r.SendRemoteCommEvent(t.Context(), "n", fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	r.untilLog("ERRO pool ears event buffer overflowed, discarding event 0")
	r.untilLog("ERRO pool ears event buffer overflowed, discarding event 1")
	if strings.Contains(r.readLog(), "discarding event 2") {
		t.Errorf("more was dropped than had to be:\n%s", r.readLog())
	}
}

// storm writes n lines of 100 bytes, each to be an event or a part of one.
func storm(n int) *config.Program {
	p := program("storm", fmt.Sprintf(`sh -c "yes %s | head -n %d"`, strings.Repeat("x", 99), n), quick, manual)
	p.Stdout = config.Log{EventsEnabled: true}
	return p
}

func TestStormOfOutputIsHeldBackAndNotLost(t *testing.T) {
	const n = 1_000_000 // 100 MB: more than a pool may hold
	heard := filepath.Join(t.TempDir(), "heard")
	r := startLogging(t, mainlog.Info, listening("ears", "count:"+heard, "PROCESS_LOG"), alone(storm(n)))
	r.until("the listener listens", func() bool { _, err := os.Stat(heard); return err == nil })
	if err := r.StartProcess(t.Context(), "storm", false); err != nil {
		t.Fatal(err)
	}
	r.until("all of it was heard", func() bool {
		fi, err := os.Stat(heard)
		return err == nil && fi.Size() == n*100
	})
	if strings.Contains(r.readLog(), "overflowed") {
		t.Errorf("events were dropped although the listener kept on")
	}
}

func TestStuckListenerDoesNotFreezeAProgram(t *testing.T) {
	r := startLogging(t, mainlog.Info, listening("ears", "stuck:"+filepath.Join(t.TempDir(), "heard"), "PROCESS_LOG"), alone(storm(1_000_000)))
	if err := r.StartProcess(t.Context(), "storm", false); err != nil {
		t.Fatal(err)
	}
	r.untilState("storm", process.Exited)
	r.untilLog("ERRO pool ears event buffer overflowed, discarding event ")
	// Its stop must not wait for the handler.
	if err := r.SignalProcess(t.Context(), "ears", "KILL"); err != nil {
		t.Fatal(err)
	}
}

func TestListenerHearsWhyAChildWasNotBorn(t *testing.T) {
	heard := filepath.Join(t.TempDir(), "heard")
	lost := program("lost", "sleep 100", quick, manual, func(p *config.Program) { p.Directory = "/no/such/folder" })
	lost.Stderr = config.Log{EventsEnabled: true}
	r := start(t, listening("ears", "note:"+heard, "PROCESS_LOG"), alone(lost))
	if err := r.StartProcess(t.Context(), "lost", false); err == nil {
		t.Fatal("started a program in a folder that does not exist")
	}
	// Without a child there is no pid.
	const want = "PROCESS_LOG_STDERR processname:lost groupname:lost pid:0 channel:stderr|supervisor: couldn't chdir to /no/such/folder"
	r.until("the listener heard", func() bool { return strings.Contains(r.read(heard), want) })
}

func TestEnvelopeAllocatesNothingForWhatFitsIntoAPipe(t *testing.T) {
	cfg := &config.Config{}
	cfg.Supervisord.Identifier = "supervisor"
	p := &pool{d: &Daemon{opts: Options{Config: cfg}}, group: &group{cfg: &config.Group{Name: "ears"}}}
	for _, size := range []int{100, 60 << 10} {
		q := queued{ev: &event{kind: listener.ProcessLogStdout, payload: bytes.Repeat([]byte("x"), size)}}
		if n := testing.AllocsPerRun(100, func() { _ = p.envelope(q) }); n != 0 {
			t.Errorf("envelope of %d bytes: %v allocations, want 0", size, n)
		}
	}
	if q := (queued{ev: &event{payload: make([]byte, 1<<20)}}); len(p.envelope(q)) < 1<<20 || cap(p.wire) > wireSize {
		t.Errorf("the pool keeps %d bytes after an envelope of 1 MiB, want at most %d", cap(p.wire), wireSize)
	}
}

func TestBacklogBringsLargerEventsAndLosesNothing(t *testing.T) {
	heard := filepath.Join(t.TempDir(), "heard")
	const n = 100_000
	// A write for each line, of characters that must not be cut.
	p := program("talk", fmt.Sprintf(`sh -c "i=0; while [ $i -lt %d ]; do echo %s; i=$((i+1)); done"`, n, strings.Repeat("日", 33)), quick, manual)
	p.Stdout = config.Log{EventsEnabled: true}
	p.AutoRestart = config.RestartNever
	r := startLogging(t, mainlog.Info, listening("ears", "note:"+heard, "PROCESS_LOG"), alone(p))
	if err := r.StartProcess(t.Context(), "talk", false); err != nil {
		t.Fatal(err)
	}
	r.untilState("talk", process.Exited)
	line := strings.Repeat("日", 33) + "|"
	r.until("all lines were heard", func() bool { return strings.Count(r.read(heard), line) == n })
	text := r.read(heard)
	if strings.Contains(text, "Undecodable") {
		t.Error("a character was cut")
	}
	if events := strings.Count(text, "\n"); events > n/4 {
		t.Errorf("%d lines came in %d events, want far fewer", n, events)
	}
}
