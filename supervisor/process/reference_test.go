package process

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"
)

// refOp is one line of a script for testdata/reference.py.
type refOp struct {
	Op       string     `json:"op"`
	T        int64      `json:"t,omitempty"` // ms
	PID      int        `json:"pid,omitempty"`
	Reason   *string    `json:"reason,omitempty"`
	Status   uint32     `json:"status"`
	Number   int        `json:"number,omitempty"`
	Kill     killResult `json:"kill,omitempty"`
	InFlight bool       `json:"in_flight"`
	Config   *refConfig `json:"config,omitempty"`
}

type refConfig struct {
	Name         string  `json:"name"`
	AutoStart    bool    `json:"autostart"`
	AutoRestart  Restart `json:"autorestart"`
	StartSecs    int     `json:"startsecs"`
	StartRetries int     `json:"startretries"`
	ExitCodes    []int   `json:"exitcodes"`
	StopSignal   int     `json:"stopsignal"`
	StopWaitSecs int     `json:"stopwaitsecs"`
	StopAsGroup  bool    `json:"stopasgroup"`
	KillAsGroup  bool    `json:"killasgroup"`
	Priority     int     `json:"priority"`
}

// observed is what both sides are compared by.
type observed struct {
	Wanted             bool     `json:"wanted"` // a spawn is in flight
	Out                []string `json:"out"`
	State              State    `json:"state"`
	PID                int      `json:"pid"`
	Tries              int      `json:"tries"`
	ExitStatus         int      `json:"exitstatus"`
	SpawnErr           string   `json:"spawnerr"`
	Killing            bool     `json:"killing"`
	AdministrativeStop bool     `json:"administrative_stop"`
	SystemStop         bool     `json:"system_stop"`
	LastStart          int64    `json:"laststart"`
	LastStop           int64    `json:"laststop"`
}

// script collects what the reference has to do, and what must be seen then.
type script struct {
	ops  []refOp
	want []observed
	out  []string // since the last check
	name string
	in   []string // the events, for reports
	ends []int    // len(in) at each check
}

func (sc *script) add(op refOp) { sc.ops = append(sc.ops, op) }

func (sc *script) begin(c Config) {
	codes := c.ExitCodes
	if codes == nil {
		codes = []int{}
	}
	sc.add(refOp{Op: "new", Config: &refConfig{
		Name: c.Name, AutoStart: c.AutoStart, AutoRestart: c.AutoRestart,
		StartSecs: int(c.StartSecs / time.Second), StartRetries: c.StartRetries,
		ExitCodes: codes, StopSignal: c.StopSignal, StopWaitSecs: int(c.StopWaitSecs / time.Second),
		StopAsGroup: c.StopAsGroup, KillAsGroup: c.KillAsGroup,
	}})
}

// record adds what the reference has to do for one event. It polls where the
// machine acts at once. What arrives while a spawn is in flight, a state that
// the reference does not have, it gets right after the spawn.
func (sc *script) record(before, after Status, ev Event, at time.Duration, result killResult, effects []string) {
	sc.in = append(sc.in, describeEvent(at, ev, result))
	t := millis(at)
	switch ev := ev.(type) {
	case AutoStart:
		if before.State == Stopped && before.LastStart.IsZero() {
			sc.add(refOp{Op: "poll", T: t})
		}
	case Start:
		sc.add(refOp{Op: "start", T: t})
	case Spawned:
		sc.add(refOp{Op: "answer", T: t, PID: ev.PID})
		sc.recordPending(before.Pending, t, true)
	case SpawnFailed:
		sc.add(refOp{Op: "answer", T: t, Reason: &ev.Reason})
		sc.recordPending(before.Pending, t, false)
	case Ended:
		sc.add(refOp{Op: "ended", T: t, Status: ev.WaitStatus})
		if !sc.paced(after) {
			sc.add(refOp{Op: "poll", T: t})
		}
	case Timer:
		switch {
		case before.SpawnInFlight() || before.LastStart.IsZero():
		case len(effects) == 0 && sc.paced(after):
			sc.add(refOp{Op: "adjust", T: t})
		default:
			sc.add(refOp{Op: "poll", T: t, Kill: result})
		}
	case Stop:
		sc.addUnlessInFlight(before, refOp{Op: "stop", T: t, Kill: result})
	case StopAll:
		sc.addUnlessInFlight(before, refOp{Op: "stopall", T: t, Kill: result})
	case Signal:
		sc.addUnlessInFlight(before, refOp{Op: "signal", T: t, Number: ev.Number, Kill: result})
	case Report:
		sc.addUnlessInFlight(before, refOp{Op: "report", T: t})
	case KillDone: // the answer is part of the event that caused it
	}
	for _, e := range effects {
		if e != "spawn" {
			sc.out = append(sc.out, e)
		}
	}
	sc.check(after)
}

func (sc *script) addUnlessInFlight(before Status, op refOp) {
	if !before.SpawnInFlight() {
		sc.add(op)
	}
}

func (sc *script) recordPending(p Pending, t int64, spawned bool) {
	if !p.stop() {
		sc.add(refOp{Op: "poll", T: t})
	}
	for spawned {
		n, ok := p.Signals.takeFirst()
		if !ok {
			break
		}
		sc.add(refOp{Op: "signal", T: t, Number: n})
	}
	switch {
	case p.Stop:
		sc.add(refOp{Op: "stop", T: t})
	case p.StopAll:
		sc.add(refOp{Op: "stopall", T: t})
	}
}

// paced tells whether something waits for its turn, which in the reference is
// the next poll: a restart after quick exits, or another SIGKILL with
// stopwaitsecs=0.
func (sc *script) paced(s Status) bool {
	return !s.Deadline.IsZero() &&
		(s.State == Exited || s.State == Stopping && sc.ops[0].Config.StopWaitSecs == 0)
}

func (sc *script) check(s Status) {
	sc.add(refOp{Op: "check", InFlight: s.SpawnInFlight()})
	sc.ends = append(sc.ends, len(sc.in))
	if s.SpawnInFlight() {
		sc.want = append(sc.want, observed{Wanted: true})
		return
	}
	milli := func(t time.Time) int64 {
		if t.IsZero() {
			return 0
		}
		return t.UnixMilli()
	}
	sc.want = append(sc.want, observed{
		Out: sc.out, State: s.State, PID: s.PID, Tries: s.Tries, ExitStatus: s.ExitStatus,
		SpawnErr: s.SpawnErr, Killing: s.Killing, AdministrativeStop: s.AdministrativeStop,
		SystemStop: s.SystemStop, LastStart: milli(s.LastStart), LastStop: milli(s.LastStop),
	})
	sc.out = nil
}

// compare runs scripts through the reference, all in one Python process.
func compare(t *testing.T, scripts []script) {
	t.Helper()
	var in bytes.Buffer
	enc := json.NewEncoder(&in)
	for _, sc := range scripts {
		for _, op := range sc.ops {
			if err := enc.Encode(op); err != nil {
				t.Fatal(err)
			}
		}
	}
	cmd := exec.Command(python(t), "testdata/reference.py")
	cmd.Stdin = &in
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("reference.py: %v\n%s", err, stderr.String())
	}
	lines := bufio.NewScanner(bytes.NewReader(out))
	differ := 0
	for _, sc := range scripts {
		if differ == 3 {
			t.Fatal("there may be more")
		}
		for i, want := range sc.want {
			var ref observed
			if !lines.Scan() {
				t.Fatalf("%s: reference.py answered too few checks\n%s", sc.name, stderr.String())
			}
			if err := json.Unmarshal(lines.Bytes(), &ref); err != nil {
				t.Fatalf("%s: read answer %q: %v", sc.name, lines.Bytes(), err)
			}
			if !sameObserved(want, ref) {
				t.Errorf("%s differs from the reference after\n\t%s\nvigilance %+v\nreference %+v\nconfig %+v",
					sc.name, join(sc.in[:sc.ends[i]]), want, ref, *sc.ops[0].Config)
				differ++
				skipAnswers(lines, len(sc.want)-i-1)
				break
			}
		}
	}
}

func skipAnswers(lines *bufio.Scanner, n int) {
	for range n {
		lines.Scan()
	}
}

func sameObserved(a, b observed) bool {
	outs := slices.Equal(a.Out, b.Out)
	a.Out, b.Out = nil, nil
	if a.State == Unknown {
		b.Killing = a.Killing // the reference leaves it as it was; nobody looks
	}
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return outs && errX == nil && errY == nil && bytes.Equal(x, y)
}

// python returns the interpreter that has Debian's package "supervisor".
func python(t *testing.T) string {
	t.Helper()
	const interpreter = "/usr/bin/python3"
	out, err := exec.Command(interpreter, "-c", "import supervisor.process").CombinedOutput()
	if err == nil {
		return interpreter
	}
	if os.Getenv("VIGILANCE_REQUIRE_PEERS") == "1" {
		t.Fatalf("%s cannot import supervisor.process (Debian package supervisor): %v\n%s", interpreter, err, out)
	}
	t.Skipf("%s cannot import supervisor.process: install the Debian package supervisor (%v)", interpreter, err)
	return ""
}
