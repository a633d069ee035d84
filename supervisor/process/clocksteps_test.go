package process

import (
	"math/rand/v2"
	"testing"
	"time"
)

// stepping is a process under a clock that is set forward and back, with the
// loop around it: deadlines are told by the system clock, and waited for by
// the time that really passes.
type stepping struct {
	c      *Config
	s      Status
	passed time.Duration // since the test began
	set    time.Duration // how far the clock is off
	due    time.Duration // when Timer is delivered
	armed  time.Time     // the deadline that due was computed from
	killed bool          // SIGKILL was sent
}

func (p *stepping) wall() time.Time { return at(p.passed + p.set) }

// step delivers an event and arms the timer as the loop does.
func (p *stepping) step(e Event) {
	var effects []Effect
	p.s, effects = Step(p.c, p.s, e, p.wall(), Env{})
	for _, effect := range effects {
		switch effect := effect.(type) {
		case Spawn:
			p.step(Spawned{PID: 100})
		case Kill:
			p.killed = p.killed || effect.Number == sigKill
			p.step(KillDone{Kill: effect})
		case Notify, Log:
		}
	}
	switch _, fired := e.(Timer); {
	case p.s.Deadline.IsZero():
		p.due = -1
	case fired || !p.s.Deadline.Equal(p.armed):
		p.armed, p.due = p.s.Deadline, p.passed+max(0, p.s.Deadline.Sub(p.wall()))
	}
}

// TestClockStepsDelayNothingForLong sets the clock by up to two days, forward
// and back, again and again while a process waits for something. What is due
// comes after twice the wait at the latest, and a second for each further step
// back.
func TestClockStepsDelayNothingForLong(t *testing.T) {
	t.Parallel()
	c := Config{
		Name: "cat", AutoRestart: RestartAlways, StartSecs: 5 * time.Second, StartRetries: 1000,
		StopSignal: 15, StopWaitSecs: 10 * time.Second, ExitCodes: []int{0},
	}
	waits := map[string]struct {
		begin []Event
		over  func(p *stepping) bool
		wait  time.Duration
	}{
		"startsecs":    {[]Event{Start{}}, func(p *stepping) bool { return p.s.State == Running }, c.StartSecs},
		"backoff":      {[]Event{Start{}, Ended{WaitStatus: 1 << 8}}, func(p *stepping) bool { return p.s.State == Starting }, time.Second},
		"stopwaitsecs": {[]Event{Start{}, Stop{}}, func(p *stepping) bool { return p.killed }, c.StopWaitSecs},
	}
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 1))
	for round := range 20_000 {
		for name, w := range waits {
			p := stepping{c: &c, due: -1}
			for _, e := range w.begin {
				p.step(e)
			}
			steps := rnd.IntN(4)
			limit := time.Duration(1+steps) * (w.wait + time.Second)
			for !w.over(&p) && p.passed <= limit {
				pause := time.Duration(rnd.Int64N(int64(w.wait)))
				if steps > 0 && (p.due < 0 || p.passed+pause < p.due) {
					steps--
					p.passed += pause
					p.set += time.Duration(rnd.Int64N(int64(96*time.Hour))) - 48*time.Hour
					continue
				}
				if p.due < 0 {
					break
				}
				p.passed = max(p.passed, p.due)
				p.step(Timer{})
			}
			if !w.over(&p) || p.passed > limit {
				t.Fatalf("seed %d, round %d, %s: not over after %v of real time (%v, deadline in %v), want %v at most",
					seed, round, name, p.passed, p.s.State, p.s.Deadline.Sub(p.wall()), limit)
			}
		}
	}
}
