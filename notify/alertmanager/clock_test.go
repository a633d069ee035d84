package alertmanager_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/notify/alertmanager"
)

// However the clock is set, in a Keeper's life or between two, what fires goes
// on and can be resolved, new alerts fire, and none is told to last for long.
func TestKeeperWhileTheClockIsSet(t *testing.T) {
	const day = 24 * time.Hour
	for _, step := range []time.Duration{0, -day, day, -time.Minute} {
		for _, restart := range []bool{false, true} {
			name := step.String()
			if restart {
				name += " between two"
			}
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { stepClock(t, step, restart) })
			})
		}
	}
}

// A message that has waited while the clock was set back is no alert of the
// future, which Alertmanager would refuse.
func TestNotifyFromTheFuture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, am := newCluster(t, 1, alertmanager.Config{})
		for _, name := range []string{"FATAL", "RUNNING"} {
			m := event(name, "cat")
			m.Time = m.Time.Add(24 * time.Hour)
			send(t, am, m)
		}
		for _, p := range all["am1:9093"].taken() {
			if p.StartsAt.After(time.Now()) || p.EndsAt.After(time.Now()) {
				t.Errorf("post = from %v to %v, want nothing after %v", p.StartsAt, p.EndsAt, time.Now())
			}
		}
	})
}

// stepClock sets the clock while cat fires, and dog and ewe are well.
func stepClock(t *testing.T, step time.Duration, restart bool) {
	all, am := newCluster(t, 1, alertmanager.Config{})
	in := all["am1:9093"]
	var ahead time.Duration
	clock := func() time.Time { // called by one goroutine at a time
		in.mu.Lock()
		defer in.mu.Unlock()
		return time.Now().Add(ahead)
	}
	set := func(d time.Duration) {
		in.mu.Lock()
		defer in.mu.Unlock()
		ahead = d
	}
	var saved []byte
	o := alertmanager.KeeperOptions{Save: func(state []byte) error {
		saved = state
		return nil
	}}
	k := alertmanager.NewKeeper(am, o)
	k.SetClock(clock)
	stop := run(t, k)
	say := func(event notify.Message) {
		event.Time = clock()
		<-time.After(time.Millisecond) // it was noticed before
		send(t, k, event)
	}
	says := func(want string) {
		t.Helper()
		var got []string
		for _, a := range k.Firing() {
			got = append(got, a.Labels["process"])
		}
		if slices.Sort(got); strings.Join(got, " ") != want {
			t.Errorf("firing = %q, want %q", got, want)
		}
	}

	for _, p := range []string{"cat", "dog", "ewe"} {
		say(event("FATAL", p))
	}
	<-time.After(time.Second)
	say(event("RUNNING", "dog"))
	say(event("RUNNING", "ewe"))
	late := event("FATAL", "cow") // it is not delivered before the step
	<-time.After(20 * time.Second)
	set(step)
	if restart {
		stop()
		k = alertmanager.NewKeeper(am, o)
		k.SetClock(clock)
		if err := k.Restore(saved); err != nil {
			t.Fatalf("Restore(%s) = %v, want nil", saved, err)
		}
		run(t, k)
	}
	from := time.Since(in.start)
	<-time.After(time.Second)
	for _, p := range []string{"dog", "pig"} {
		say(event("FATAL", p))
	}
	send(t, k, late)
	says("cat cow dog pig")
	for _, p := range []string{"cat", "cow", "dog"} {
		say(event("RUNNING", p))
	}
	says("pig")
	resolved := time.Since(in.start)
	<-time.After(3 * alertmanager.Resolved)
	for _, p := range in.taken() {
		now := in.start.Add(p.At + step)
		switch {
		case p.At < from:
		case p.StartsAt.After(now) || p.EndsAt.After(now.Add(alertmanager.Valid)):
			t.Errorf("post at %v of %s = from %v to %v, want it to begin by %v and to fire for %v at most", p.At, p.Who, p.StartsAt, p.EndsAt, now, alertmanager.Valid)
		case p.Who != "pig" && p.At > resolved && (p.EndsAt.After(now) || p.At > resolved+alertmanager.Resolved):
			t.Errorf("post at %v of %s = until %v, want it over since %v, and forgotten %v later", p.At, p.Who, p.EndsAt, resolved, alertmanager.Resolved)
		}
	}
}
