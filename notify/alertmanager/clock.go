package alertmanager

import "time"

// leastStep is how far a clock must have jumped to have been set. Less is how
// uneven two clocks are.
const leastStep = time.Second

// now returns what the system's clock tells. What is kept is by that clock, as
// Alertmanager wants it: where it was set back since the last call, all of it
// is set back as far, so that its order stays, and nothing of it lies in the
// future. Where it was set forward, the order stays by itself. k.mu is held.
func (k *Keeper) now() time.Time {
	steady := time.Now()
	system := steady.Round(0) // without the steady clock's reading
	if k.clock != nil {
		system = k.clock()
	}
	jump := system.Sub(k.seen.system) - steady.Sub(k.seen.steady)
	switch {
	case k.seen.steady.IsZero():
	case jump.Abs() < leastStep:
		return system
	case jump < 0:
		k.state.setBy(jump)
	}
	k.seen.steady, k.seen.system = steady, system
	return system
}

// setBy moves all times.
func (s *state) setBy(d time.Duration) {
	for key, a := range s.Alerts {
		a.StartsAt = a.StartsAt.Add(d)
		if !a.EndsAt.IsZero() {
			a.EndsAt, a.Until = a.EndsAt.Add(d), a.Until.Add(d)
		}
		s.Alerts[key] = a
	}
	for key, t := range s.Well {
		s.Well[key] = t.Add(d)
	}
}

// endAt takes what lies in the future, because the clock was set back since it
// was saved, for what happens now.
func (s *state) endAt(now time.Time) {
	for key, a := range s.Alerts {
		a.StartsAt, a.EndsAt = earlier(a.StartsAt, now), earlier(a.EndsAt, now)
		a.Until = earlier(a.Until, now.Add(Resolved))
		s.Alerts[key] = a
	}
	for key, t := range s.Well {
		s.Well[key] = earlier(t, now)
	}
}
