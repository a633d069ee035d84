package alertmanager_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vigilance-go/vigilance/internal/chattest"
	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/notify/alertmanager"
)

// keep runs a Keeper until the test's end.
func keep(t *testing.T, am *alertmanager.Alertmanager, o alertmanager.KeeperOptions) (*alertmanager.Keeper, func()) {
	t.Helper()
	k := alertmanager.NewKeeper(am, o)
	return k, run(t, k)
}

// run runs a Keeper until stop is called, or the test ends.
func run(t *testing.T, k *alertmanager.Keeper) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { // cancel ends it
		k.Run(ctx)
		close(ended)
	}()
	stop = func() {
		cancel()
		<-ended
	}
	t.Cleanup(stop)
	return stop
}

func send(t *testing.T, n notify.Notifier, m notify.Message) {
	t.Helper()
	if err := n.Notify(t.Context(), m); err != nil {
		t.Fatalf("Notify(%s of %s) = %v, want nil", m.Event, m.Process, err)
	}
}

// lines tells what was posted: when, what, and until when it fires.
func lines(posts []post) []string {
	var out []string
	for _, p := range posts {
		out = append(out, fmt.Sprintf("%v %s %s ends in %v", p.At.Round(time.Second), p.Name, p.Who, p.Ends.Round(time.Second)))
	}
	return out
}

func TestKeeperKeepsAlertsFiringUntilTheyAreResolved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, am := newCluster(t, 2, alertmanager.Config{})
		log, logged := quiet()
		k, _ := keep(t, am, alertmanager.KeeperOptions{Log: log})
		send(t, k, event("FATAL", "cat"))
		<-time.After(150 * time.Second)
		send(t, k, event("RUNNING", "cat"))
		<-time.After(20 * time.Minute)
		for host, in := range all {
			got := lines(in.taken())
			want := []string{
				"0s ProcessFatal cat ends in 4m0s", "1m0s ProcessFatal cat ends in 4m0s", "2m0s ProcessFatal cat ends in 4m0s",
				"2m30s ProcessFatal cat ends in 0s", "3m0s ProcessFatal cat ends in -30s", "4m0s ProcessFatal cat ends in -1m30s",
				"5m0s ProcessFatal cat ends in -2m30s", "6m0s ProcessFatal cat ends in -3m30s", "7m0s ProcessFatal cat ends in -4m30s",
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s got %q\nwant %q", host, got, want)
			}
		}
		if logged() != "" || len(k.Firing()) != 0 {
			t.Errorf("logged %q, firing %v; want nothing", logged(), k.Firing())
		}
	})
}

func TestKeeperResolvesOnlyWhatIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, am := newCluster(t, 1, alertmanager.Config{})
		k, _ := keep(t, am, alertmanager.KeeperOptions{})
		firing := func() string {
			var out []string
			for _, a := range k.Firing() {
				out = append(out, a.Labels["alertname"]+" "+a.Labels["group"]+":"+a.Labels["process"])
			}
			slices.Sort(out)
			return strings.Join(out, ", ")
		}
		step := func(m notify.Message, want string) {
			t.Helper()
			send(t, k, m)
			<-time.After(time.Second)
			if got := firing(); got != want {
				t.Errorf("after %s of %s:%s firing %q, want %q", m.Event, m.Group, m.Process, got, want)
			}
		}
		early := event("EXITED", "cat")
		earlyRunning := event("RUNNING", "dog")
		<-time.After(time.Second)
		step(event("EXITED", "dog"), "ProcessExited g:dog")
		step(event("FATAL", "dog"), "ProcessExited g:dog, ProcessFatal g:dog")
		step(event("FATAL", "cat"), "ProcessExited g:dog, ProcessFatal g:cat, ProcessFatal g:dog")
		// What happened before what fires does not resolve it.
		step(earlyRunning, "ProcessExited g:dog, ProcessFatal g:cat, ProcessFatal g:dog")
		step(event("RUNNING", "dog"), "ProcessFatal g:cat")
		step(event("RUNNING", "dog"), "ProcessFatal g:cat")
		step(event("RUNNING", "cat"), "")
		// What comes late does not fire, and is told as what is over.
		step(early, "")
		step(event("FATAL", "cat"), "ProcessFatal g:cat")
		other := event("FATAL", "cat")
		other.Group = "h"
		step(other, "ProcessFatal g:cat, ProcessFatal h:cat")
		removed := event("", "")
		removed.Event = "PROCESS_GROUP_REMOVED"
		step(removed, "ProcessFatal h:cat")
		step(event("STOPPED", "cat"), "ProcessFatal h:cat")
	})
}

// A repetition does not begin an alert anew, and the latest text describes it.
func TestKeeperUpdatesAnAlert(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, am := newCluster(t, 1, alertmanager.Config{})
		k, _ := keep(t, am, alertmanager.KeeperOptions{})
		first := event("EXITED", "cat")
		first.Subject = "first"
		<-time.After(time.Minute)
		second := event("EXITED", "cat")
		second.Subject = "second"
		send(t, k, second)
		send(t, k, first) // it was delayed
		if f := k.Firing(); len(f) != 1 || !f[0].StartsAt.Equal(first.Time) || f[0].Annotations["summary"] != "second" {
			t.Errorf("firing = %+v, want one since %v, described by the second message", f, first.Time)
		}
	})
}

// An instance that was down hears of everything as soon as it is back, and the
// others are not disturbed.
func TestKeeperGoesOnWithAnInstanceThatIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, am := newCluster(t, 2, alertmanager.Config{})
		log, logged := quiet()
		k, _ := keep(t, am, alertmanager.KeeperOptions{Log: log})
		down := true
		tries := 0
		all["am2:9093"].answer = func(int) (int, string) {
			if down {
				tries++
				return lost, ""
			}
			return ok, ""
		}
		send(t, k, event("FATAL", "cat"))
		send(t, k, event("FATAL", "dog"))
		<-time.After(100 * time.Second)
		send(t, k, event("RUNNING", "dog"))
		<-time.After(time.Second)
		all["am2:9093"].mu.Lock()
		down = false
		all["am2:9093"].mu.Unlock()
		<-time.After(31 * time.Second)
		got := lines(all["am2:9093"].taken())
		slices.Sort(got)
		if len(got) != 2 || !strings.Contains(got[0], "cat ends in 4m0s") || !strings.Contains(got[1], "dog ends in -") {
			t.Errorf("what was down got %q, want cat firing and dog resolved within 30 s", got)
		}
		if tries < 7 || tries > 12 {
			t.Errorf("tries while it was down = %d, want about 8", tries)
		}
		if n := len(all["am1:9093"].taken()); n > 10 {
			t.Errorf("posts to the other = %d, want at most 10", n)
		}
		if n := strings.Count(logged(), "does not take alerts"); n != 1 || strings.Count(logged(), "takes alerts again") != 1 {
			t.Errorf("log = %s, want one warning and one end of it", logged())
		}
	})
}

func TestKeeperSaysWhenNoInstanceTakesAnAlert(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, am := newCluster(t, 1, alertmanager.Config{})
		k, _ := keep(t, am, alertmanager.KeeperOptions{})
		status := lost
		all["am1:9093"].answer = func(int) (int, string) { return status, "" }
		if err := k.Notify(t.Context(), event("FATAL", "cat")); chattest.Outcome(err) != "retry" || len(k.Firing()) != 1 {
			t.Errorf("Notify = %v with %d firing, want retry, 1", err, len(k.Firing()))
		}
		status = 400
		if err := k.Notify(t.Context(), event("FATAL", "dog")); chattest.Outcome(err) != "permanent" || len(k.Firing()) != 1 {
			t.Errorf("Notify of what is refused = %v with %d firing, want permanent, 1", err, len(k.Firing()))
		}
	})
}

// A batch with a bad alert is not sent for ever: the bad one is found and left
// out, the good ones go on.
func TestKeeperLeavesOutABadAlert(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, am := newCluster(t, 2, alertmanager.Config{})
		log, logged := quiet()
		k, _ := keep(t, am, alertmanager.KeeperOptions{Log: log})
		bad := `{"alerts":{"x":{"labels":{"alertname":"BadOne","process":"p"},"startsAt":"1999-12-31T00:00:00Z"},` +
			`"y":{"labels":{"not-valid":"x"}}}}`
		if err := k.Restore([]byte(bad)); err != nil {
			t.Fatalf("Restore = %v, want nil", err)
		}
		for i := range 120 {
			send(t, k, event("FATAL", fmt.Sprint(i)))
		}
		for _, in := range all {
			in.mu.Lock()
			in.posts = nil
			in.mu.Unlock()
		}
		<-time.After(10*time.Minute + time.Second)
		for host, in := range all {
			n := map[string]int{}
			for _, p := range in.taken() {
				n[p.Who]++
			}
			if len(n) != 120 || n["0"] < 9 || n["119"] < 9 || n["119"] > 12 {
				t.Errorf("%s took %d alerts, one of them %d times; want 120, about 10 times", host, len(n), n["119"])
			}
		}
		if n := strings.Count(logged(), "an alert is refused for good"); n != 2 || !strings.Contains(logged(), "not-valid") {
			t.Errorf("log = %s, want the bad alert once for each instance, and the one that is not valid", logged())
		}
	})
}

// The state is saved before anything is sent, and goes on where it was.
func TestKeeperGoesOnAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, am := newCluster(t, 1, alertmanager.Config{})
		var saved []byte
		o := alertmanager.KeeperOptions{Save: func(state []byte) error {
			saved = state
			return nil
		}}
		in := all["am1:9093"]
		in.answer = func(int) (int, string) {
			if saved == nil {
				t.Error("an alert was sent before it was saved")
			}
			return ok, ""
		}
		k, stop := keep(t, am, o)
		send(t, k, event("FATAL", "cat"))
		send(t, k, event("FATAL", "dog"))
		send(t, k, event("RUNNING", "dog"))
		late := event("EXITED", "dog")
		stop()
		<-time.After(30 * time.Second)

		next := alertmanager.NewKeeper(am, o)
		if err := next.Restore(saved); err != nil {
			t.Fatalf("Restore(%s) = %v, want nil", saved, err)
		}
		run(t, next)
		<-time.After(time.Second)
		got := lines(in.taken())
		got = got[len(got)-2:]
		slices.Sort(got)
		want := []string{"30s ProcessFatal cat ends in 4m0s", "30s ProcessFatal dog ends in -30s"}
		if !slices.Equal(got, want) {
			t.Errorf("after the restart got %q, want %q", got, want)
		}
		late.Time = late.Time.Add(-time.Second)
		send(t, next, late)
		if f := next.Firing(); len(f) != 1 || f[0].Labels["process"] != "cat" {
			t.Errorf("firing = %+v, want cat only", f)
		}
		if err := next.Restore([]byte("{")); err == nil || !strings.Contains(err.Error(), "read the state") {
			t.Errorf("Restore of half a file = %v, want an error", err)
		}
	})
}

func TestKeeperWorksWithoutSaving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, am := newCluster(t, 1, alertmanager.Config{})
		log, logged := quiet()
		k, _ := keep(t, am, alertmanager.KeeperOptions{Log: log, Save: func([]byte) error { return errors.New("no space left") }})
		send(t, k, event("FATAL", "cat"))
		if len(all["am1:9093"].taken()) != 1 || !strings.Contains(logged(), "no space left") {
			t.Errorf("posts = %d, log = %s; want 1 and the reason", len(all["am1:9093"].taken()), logged())
		}
	})
}

// The newest state arrives last, even where an older one is on its way.
func TestKeeperKeepsTheOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, am := newCluster(t, 1, alertmanager.Config{})
		in := all["am1:9093"]
		k, _ := keep(t, am, alertmanager.KeeperOptions{})
		send(t, k, event("FATAL", "cat"))
		in.delay.Store(int64(5 * time.Second)) // for the repetition
		<-time.After(61 * time.Second)
		send(t, k, event("RUNNING", "cat"))
		<-time.After(10 * time.Second)
		got := in.taken()
		if last := got[len(got)-1]; last.Ends > 0 {
			t.Errorf("posts = %q, want the resolved one last", lines(got))
		}
	})
}
