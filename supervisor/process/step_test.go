package process

import (
	"encoding/json"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestStateNamesAndSets(t *testing.T) {
	for _, tt := range []struct {
		state                         State
		name                          string
		stopped, running, signallable bool
	}{
		{Stopped, "STOPPED", true, false, false},
		{Starting, "STARTING", false, true, true},
		{Running, "RUNNING", false, true, true},
		{Backoff, "BACKOFF", false, true, false},
		{Stopping, "STOPPING", false, false, true},
		{Exited, "EXITED", true, false, false},
		{Fatal, "FATAL", true, false, false},
		{Unknown, "UNKNOWN", true, false, false},
		{State(7), "State(7)", false, false, false},
	} {
		if got := tt.state.String(); got != tt.name {
			t.Errorf("State(%d).String() = %q, want %q", int(tt.state), got, tt.name)
		}
		if got := tt.state.InStoppedStates(); got != tt.stopped {
			t.Errorf("%v.InStoppedStates() = %t, want %t", tt.state, got, tt.stopped)
		}
		if got := tt.state.InRunningStates(); got != tt.running {
			t.Errorf("%v.InRunningStates() = %t, want %t", tt.state, got, tt.running)
		}
		if got := tt.state.InSignallableStates(); got != tt.signallable {
			t.Errorf("%v.InSignallableStates() = %t, want %t", tt.state, got, tt.signallable)
		}
	}
}

// TestStatusKeepsItsJSON pins the form in which a status is handed to another,
// perhaps newer, daemon.
func TestStatusKeepsItsJSON(t *testing.T) {
	full := Status{
		State: Stopping, PID: 100, LastStart: epoch, LastStop: epoch.Add(-time.Nanosecond),
		Deadline: epoch.Add(time.Second), Tries: 2, ExitStatus: -1, SpawnErr: "Bad exit code -1",
		Killing: true, AdministrativeStop: true, SystemStop: true,
		LastStopReport: epoch.Add(time.Millisecond), QuickExits: 3, Pending: Pending{Stop: true, StopAll: true},
	}
	full.Pending.Signals.Add(0)
	full.Pending.Signals.Add(127)
	for _, tt := range []struct {
		status Status
		text   string
	}{
		{Status{}, `{"state":0}`},
		{full, `{"state":40,"pid":100,"laststart":"2026-01-02T03:04:05Z","laststop":"2026-01-02T03:04:04.999999999Z",` +
			`"deadline":"2026-01-02T03:04:06Z","tries":2,"exitstatus":-1,"spawnerr":"Bad exit code -1","killing":true,` +
			`"administrative_stop":true,"system_stop":true,"laststopreport":"2026-01-02T03:04:05.001Z","quickexits":3,` +
			`"pending":{"stop":true,"stop_all":true,"signals":[1,9223372036854775808]}}`},
	} {
		text, err := json.Marshal(tt.status)
		if err != nil || string(text) != tt.text {
			t.Errorf("Marshal(%+v) = %s, %v; want %s", tt.status, text, err, tt.text)
		}
		var got Status
		if err := json.Unmarshal([]byte(tt.text), &got); err != nil || got != tt.status {
			t.Errorf("Unmarshal(%s) = %+v, %v; want %+v", tt.text, got, err, tt.status)
		}
	}
}

// TestStepStoresWallClock gives Step a time with a zone and a monotonic reading,
// neither of which a status may keep.
func TestStepStoresWallClock(t *testing.T) {
	c := defaults()
	now := time.Now().In(time.FixedZone("far", 3600))
	s, _ := Step(&c, Status{}, Start{}, now, Env{})
	if want := now.Round(0).UTC(); s.LastStart != want {
		t.Errorf("Step(Start at %#v).LastStart = %#v, want %#v", now, s.LastStart, want)
	}
	if handed := overJSON(s); handed != s {
		t.Errorf("over JSON, %+v became %+v", s, handed)
	}
}

// TestStepIgnoresLateKillDone answers a kill after the process that it was for
// has ended: an error is logged, and the next run is none of its business.
func TestStepIgnoresLateKillDone(t *testing.T) {
	c := defaults()
	next := lived(t, &c, Start{}, Spawned{PID: 100}, Stop{}, exit(0), Start{}, Spawned{PID: 101})
	next.Pending.Stop = true // were it carried out, it would show
	for _, done := range []KillDone{
		{Kill: Kill{PID: 100, ToStop: true}},
		{Kill: Kill{PID: 100, ToStop: true}, Gone: true},
		{Kill: Kill{PID: 100, ToStop: true}, Err: "[Errno 1] Operation not permitted"},
	} {
		s, effects := Step(&c, next, done, epoch, Env{})
		for _, e := range effects {
			if _, ok := e.(Log); !ok {
				t.Errorf("Step(%+v) has the effect %v, want only log lines", done, describeEffect(e))
			}
		}
		if s != next {
			t.Errorf("Step(%+v) = %s, want no change from %s", done, describeStatus(s), describeStatus(next))
		}
	}
}

// TestStepForgetsPendingWithTheProcess stops between two things that were asked
// for while the spawn was in flight: neither an end nor a lost process may
// leave the second to the next run.
func TestStepForgetsPendingWithTheProcess(t *testing.T) {
	c := defaults()
	between := lived(t, &c, Start{}, Signal{Number: 1}, Stop{}, Spawned{PID: 100})
	if want := (Pending{Stop: true}); between.Pending != want {
		t.Fatalf("after the first signal, Pending = %+v, want %+v", between.Pending, want)
	}
	for _, ev := range []Event{exit(0), KillDone{Kill: Kill{PID: 100, Number: 1}, Err: "[Errno 1] Operation not permitted"}} {
		if s, _ := Step(&c, between, ev, epoch, Env{}); s.Pending != (Pending{}) {
			t.Errorf("Step(%+v).Pending = %+v, want none", ev, s.Pending)
		}
	}
}

// TestDescribeEndAgreesWithReference has the reference name every signal and
// every wait status.
func TestDescribeEndAgreesWithReference(t *testing.T) {
	const program = `
from supervisor.options import decode_wait_status, signame
for n in range(0, 128): print(signame(n))
for n in range(0, 0x10000): print("%d %s" % decode_wait_status(n))
`
	out, err := exec.Command(python(t), "-c", program).Output()
	if err != nil {
		t.Fatalf("run %q: %v", program, err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if want := 128 + 0x10000; len(lines) != want {
		t.Fatalf("the reference wrote %d lines, want %d", len(lines), want)
	}
	for n, want := range lines[:128] {
		if got := SignalName(n); got != want {
			t.Errorf("SignalName(%d) = %q, want %q", n, got, want)
		}
	}
	wrong := 0
	for n, want := range lines[128:] {
		code, text := decodeWaitStatus(uint32(n))
		if got := strconv.Itoa(code) + " " + text; got != want && wrong < 10 {
			t.Errorf("decodeWaitStatus(%#x) = %q, want %q", n, got, want)
			wrong++
		}
	}
}

func TestSignalNameOutOfRange(t *testing.T) {
	for _, n := range []int{-1, 0, 65, 128, 1 << 20} {
		if got, want := SignalName(n), "signal "+strconv.Itoa(n); got != want {
			t.Errorf("SignalName(%d) = %q, want %q", n, got, want)
		}
	}
}

// TestSignalSetKeepsEachSignalOnce adds numbers, some of them none.
func TestSignalSetKeepsEachSignalOnce(t *testing.T) {
	var set SignalSet
	for _, n := range []int{127, 64, 15, 1, 15, 63, 0, -1, 128} {
		set.Add(n)
	}
	for _, want := range []int{0, 1, 15, 63, 64, 127} {
		if got, ok := set.takeFirst(); got != want || !ok {
			t.Errorf("takeFirst() = %d, %t; want %d, true", got, ok, want)
		}
	}
	if got, ok := set.takeFirst(); ok {
		t.Errorf("takeFirst() of the empty set = %d, true; want false", got)
	}
}

// TestStepAllocatesNothingForNothing covers the events that come often and
// change nothing.
func TestStepAllocatesNothingForNothing(t *testing.T) {
	c := defaults()
	stopping := lived(t, &c, Start{}, Spawned{PID: 100}, Stop{}, Report{})
	running := lived(t, &c, Start{}, Spawned{PID: 100})
	for _, tt := range []struct {
		name   string
		status Status
		event  Event
	}{
		{"early timer", running, Timer{}},
		{"throttled report", stopping, Report{}},
		{"stop all again", stopping, StopAll{}},
		{"signal sent", stopping, KillDone{Kill: Kill{PID: 100}}},
	} {
		allocs := testing.AllocsPerRun(100, func() {
			if s, effects := Step(&c, tt.status, tt.event, epoch, Env{}); s != tt.status || effects != nil {
				t.Fatalf("%s: Step(%+v) = %+v, %v; want no change", tt.name, tt.status, s, effects)
			}
		})
		if allocs != 0 {
			t.Errorf("%s: Step allocates %v times, want 0", tt.name, allocs)
		}
	}
}

// TestStepAllocatesOnlyEffects allows one allocation for the list, one for each
// effect in it, and one for each log text and the numbers in it.
func TestStepAllocatesOnlyEffects(t *testing.T) {
	c := defaults()
	starting := lived(t, &c, Start{}, Spawned{PID: 1000})
	for _, tt := range []struct {
		name   string
		status Status
		event  Event
		at     time.Duration
		want   float64
	}{
		{"start", Status{}, Start{}, 0, 2},                           // list, Notify; Spawn is empty
		{"spawned", lived(t, &c, Start{}), Spawned{PID: 1000}, 0, 4}, // list, Log, text, PID
		{"stayed up", starting, Timer{}, time.Second, 4},             // list, Notify, Log, text
		{"stop", starting, Stop{}, time.Second, 6},                   // list, Log, text, PID, Notify, Kill
		{"crash", starting, exit(1), 2 * time.Second, 8},             // list, 3 Notifys, Log, text, 2 words
	} {
		got := testing.AllocsPerRun(100, func() { Step(&c, tt.status, tt.event, epoch.Add(tt.at), Env{}) })
		if got > tt.want {
			t.Errorf("%s: Step allocates %v times, want at most %v", tt.name, got, tt.want)
		}
	}
}

// lived returns the status after some events at time 0.
func lived(t testing.TB, c *Config, events ...Event) Status {
	t.Helper()
	var s Status
	for _, ev := range events {
		s, _ = Step(c, s, ev, epoch, Env{})
	}
	return s
}

// BenchmarkStepRestart is a whole crash: exit, restart, spawn, RUNNING.
func BenchmarkStepRestart(b *testing.B) {
	c := defaults()
	s := lived(b, &c, Start{}, Spawned{PID: 1000})
	now := epoch
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(2 * time.Second)
		for _, ev := range [...]Event{Timer{}, Ended{WaitStatus: 1 << 8}, Spawned{PID: 1000}} {
			s, _ = Step(&c, s, ev, now, Env{})
		}
	}
	if s.State != Starting {
		b.Fatalf("ended in %v, want STARTING", s.State)
	}
}

// BenchmarkStepTimerEarly is an event that changes nothing.
func BenchmarkStepTimerEarly(b *testing.B) {
	c := defaults()
	s := lived(b, &c, Start{}, Spawned{PID: 1000})
	b.ReportAllocs()
	for b.Loop() {
		s, _ = Step(&c, s, Timer{}, epoch, Env{})
	}
}
