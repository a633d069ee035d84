package process

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

var seed = flag.Uint64("seed", 0, "seed of the made-up lives; 0 for a new one")

// newRand returns a generator and prints the -seed that makes it again.
func newRand(t *testing.T) *rand.Rand {
	n := *seed
	if n == 0 {
		n = uint64(time.Now().UnixNano())
	}
	t.Logf("-seed=%d", n)
	return rand.New(rand.NewPCG(n, 0))
}

func randomConfig(rng *rand.Rand) Config {
	secs := func(choices ...int) time.Duration {
		return time.Duration(choices[rng.IntN(len(choices))]) * time.Second
	}
	yes := func() bool { return rng.IntN(2) == 0 }
	return Config{
		Name: "cat", AutoStart: yes(), AutoRestart: Restart(rng.IntN(3)),
		StartSecs: secs(0, 1, 1, 2, 10), StartRetries: rng.IntN(4),
		ExitCodes:  [][]int{nil, {0}, {0, 2}}[rng.IntN(3)],
		StopSignal: []int{15, 2, 3, 9}[rng.IntN(4)], StopWaitSecs: secs(0, 1, 10),
		StopAsGroup: yes(), KillAsGroup: yes(),
	}
}

// player makes up events for a rig.
type player struct {
	rng *rand.Rand
	r   *rig
	at  time.Duration
	pid int
}

// advance moves the clock: mostly on, often to a deadline, sometimes back.
func (p *player) advance() {
	ms := func(n int) time.Duration { return time.Duration(p.rng.IntN(n)) * time.Millisecond }
	switch p.rng.IntN(20) {
	case 0:
		p.at -= ms(30_000)
	case 1:
		p.at += ms(30_000)
	case 2, 3, 4:
		p.at += ms(1500)
	case 5, 6, 7, 8, 9, 10:
		if d := p.r.s.Deadline; !d.IsZero() {
			p.at = d.Sub(epoch) + ms(3)
		}
	default:
		p.at += ms(20)
	}
}

// next returns an event that a proper loop could deliver now, and how signals
// go in it.
func (p *player) next() (Event, killResult) {
	if p.r.s.SpawnInFlight() {
		return p.nextInFlight(), killOK
	}
	result := killOK
	if n := p.rng.IntN(50); n < 3 {
		result = killGone
	} else if n == 3 {
		result = killError
	}
	alive := p.r.s.PID != 0
	for {
		switch p.rng.IntN(12) {
		case 0:
			return AutoStart{}, killOK
		case 1:
			if !p.r.env.ShuttingDown && p.r.s.State != Unknown {
				return Start{}, killOK
			}
		case 2, 3, 4:
			if alive {
				return p.end(), killOK
			}
			if !p.r.env.ShuttingDown && p.rng.IntN(2) == 0 {
				return Start{}, killOK
			}
		case 5, 6, 7, 8:
			return Timer{}, result
		case 9:
			if p.rng.IntN(2) == 0 {
				return Stop{}, result
			}
			return StopAll{}, result
		case 10:
			return Report{}, killOK
		case 11:
			return Signal{Number: 1 + p.rng.IntN(64)}, result
		}
	}
}

func (p *player) nextInFlight() Event {
	switch p.rng.IntN(10) {
	case 0:
		return Stop{}
	case 1:
		return StopAll{}
	case 2:
		return Signal{Number: 1 + p.rng.IntN(64)}
	case 3:
		return []Event{Timer{}, Report{}, AutoStart{}}[p.rng.IntN(3)]
	case 4, 5:
		return SpawnFailed{Reason: "can't find command '/bin/nothing'"}
	}
	p.pid++
	return Spawned{PID: 100 + p.pid}
}

func (p *player) end() Event {
	switch p.rng.IntN(4) {
	case 0:
		return bySig(1 + p.rng.IntN(64))
	case 1:
		return Ended{WaitStatus: uint32(1+p.rng.IntN(64)) | 0x80}
	}
	return exit(p.rng.IntN(4))
}

// stray returns an event that nobody should deliver now.
func (p *player) stray() Event {
	return []Event{
		Spawned{PID: 7}, SpawnFailed{Reason: "stray"}, exit(0), bySig(64), Timer{}, AutoStart{}, Start{},
		Ended{WaitStatus: p.rng.Uint32()}, Signal{Number: p.rng.IntN(200) - 20},
		KillDone{Gone: true}, KillDone{Kill: Kill{PID: 99999}, Err: "stray"},
		KillDone{Kill: Kill{PID: p.r.s.PID, ToStop: true}, Err: "late"},
	}[p.rng.IntN(12)]
}

// TestStepAgreesWithReferenceOnRandomEvents plays made-up lives and has the
// reference live them too.
func TestStepAgreesWithReferenceOnRandomEvents(t *testing.T) {
	rng := newRand(t)
	steps := 0
	var scripts []script
	for i := range 400 {
		p := &player{rng: rng, r: newRig(randomConfig(rng))}
		down := 60 + rng.IntN(100)
		for n := range 100 {
			if n == down {
				p.r.shutDown(p.at)
			}
			p.advance()
			ev, result := p.next()
			p.r.do(p.at, ev, result)
			steps++
			if p.r.s.State == Unknown {
				break // the reference dies when such a process ends
			}
		}
		p.r.script.name = fmt.Sprintf("life %d", i)
		scripts = append(scripts, p.r.script)
	}
	t.Logf("%d steps", steps)
	if steps < 10_000 {
		t.Errorf("played %d steps, want at least 10000", steps)
	}
	compare(t, scripts)
}

// TestStepKeepsInvariants plays made-up lives with stray events among them and
// checks what must always hold.
func TestStepKeepsInvariants(t *testing.T) {
	rng := newRand(t)
	seen := map[State]int{}
	for range 300 {
		p := &player{rng: rng, r: newRig(randomConfig(rng))}
		for n := range 100 {
			if n > 50 && rng.IntN(50) == 0 {
				p.r.shutDown(p.at)
			}
			p.advance()
			ev, result := p.next()
			if rng.IntN(10) == 0 {
				ev = p.stray()
			}
			before := p.r.s
			p.r.do(p.at, ev, result)
			seen[p.r.s.State]++
			if broken := violation(before, p.r); broken != "" {
				t.Fatalf("%s\nafter\n\t%s\nfrom %s\nto   %s\neffects %q\nconfig %+v", broken,
					join(p.r.script.in), describeStatus(before), describeStatus(p.r.s), p.r.effects, p.r.c)
			}
		}
	}
	t.Logf("states seen: %v", seen)
	for _, st := range allStates {
		if seen[st] == 0 {
			t.Errorf("the made-up lives never reached %v", st)
		}
	}
}

var allStates = []State{Stopped, Starting, Running, Backoff, Stopping, Exited, Fatal, Unknown}

// overJSON hands a status over as another daemon would get it.
func overJSON(s Status) (handed Status) {
	text, err := json.Marshal(s)
	if err == nil {
		err = json.Unmarshal(text, &handed)
	}
	if err != nil {
		panic(err)
	}
	return handed
}

// violation names the first rule that the last step of a rig broke.
func violation(before Status, r *rig) string {
	s := r.s
	for _, rule := range []struct {
		broken bool
		name   string
	}{
		{s.PID != 0 && slices.Contains([]State{Stopped, Backoff, Exited, Fatal}, s.State), "a process that does not run has a PID"},
		{s.PID == 0 && (s.State == Running || s.State == Stopping), "a process that runs has no PID"},
		{s.SpawnInFlight() && !s.Deadline.IsZero(), "a deadline while the spawn is in flight"},
		{!s.SpawnInFlight() && s.State == Starting && s.Deadline.IsZero(), "STARTING without a way out"},
		{s.State == Stopping && s.Deadline.IsZero(), "STOPPING without a deadline"},
		{s.State == Backoff && s.Deadline.IsZero() && !r.env.ShuttingDown, "BACKOFF without a deadline"},
		{!s.Deadline.IsZero() && slices.Contains([]State{Stopped, Running, Fatal, Unknown}, s.State), "a deadline that nothing waits for"},
		{s.Killing != (s.State == Stopping), "Killing is not STOPPING"},
		{s.Pending != Pending{} && !s.SpawnInFlight(), "something is pending although no spawn is in flight"},
		{s.State == Backoff && s.Tries > r.c.StartRetries, "BACKOFF after too many tries"},
		{!before.SpawnInFlight() && before.State != Starting && s.State == Starting && r.env.ShuttingDown, "started while shutting down"},
		{s != overJSON(s), "a status that JSON changes"},
		{tooFar(s, r), "a deadline further away than its whole wait"},
	} {
		if rule.broken {
			return rule.name
		}
	}
	return effectViolation(before, r)
}

// tooFar tells whether a deadline that this step has set is further away than
// what it waits for lasts.
func tooFar(s Status, r *rig) bool {
	var wait time.Duration
	switch s.State {
	case Starting:
		wait = r.c.StartSecs
	case Stopping:
		wait = max(r.c.StopWaitSecs, time.Second)
	case Backoff:
		wait = time.Duration(s.Tries) * time.Second
	case Exited:
		wait = time.Second
	case Stopped, Running, Fatal, Unknown:
	}
	return entered(r, s.State) && s.Deadline.After(epoch.Add(r.at+wait))
}

// entered tells whether the last step announced a state.
func entered(r *rig, st State) bool {
	return slices.ContainsFunc(r.raw, func(e Effect) bool {
		n, ok := e.(Notify)
		return ok && n.To == st
	})
}

// effectViolation checks the effects: they must be ones that the status before
// and after allow, and the announcements must be a way from one to the other.
func effectViolation(before Status, r *rig) string {
	at, spawns := before.State, 0
	for i, e := range r.raw {
		switch e := e.(type) {
		case Spawn:
			spawns++
			if before.SpawnInFlight() || !r.s.SpawnInFlight() {
				return "a spawn beside another, or one that nobody waits for"
			}
		case Kill:
			if e.PID == 0 || e.PID != r.s.PID {
				return "a kill without the PID"
			}
			if !at.InSignallableStates() {
				return "a kill in " + at.String()
			}
			if e.ToStop && at != Stopping {
				return "a kill to stop outside STOPPING"
			}
		case Notify:
			if e.From != at || e.To == at {
				return fmt.Sprintf("effect %d does not follow from %v", i, at)
			}
			at = e.To
		case Log:
		}
	}
	switch {
	case r.broken != "":
		return r.broken
	case at != r.s.State:
		return "the state changed without an announcement"
	case spawns > 1:
		return "two spawns"
	case spawns == 0 && r.s.SpawnInFlight() && !before.SpawnInFlight():
		return "STARTING without a spawn"
	}
	return ""
}
