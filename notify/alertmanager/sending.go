package alertmanager

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/vigilance-go/vigilance/notify"
)

// sending is what a Keeper knows about one instance. Keeper.mu guards it, but
// for the channels.
type sending struct {
	// turn holds a value while alerts are on their way to the instance, so that
	// old ones do not overtake new ones.
	turn     chan struct{}
	woken    chan struct{} // holds at most one value
	due      time.Time     // when to send everything next
	failures int           // in a row
	// refused are the alerts that the instance will not take, by key, with
	// their beginning: another one is another try.
	refused map[string]time.Time
}

func newSending() *sending {
	return &sending{turn: make(chan struct{}, 1), woken: make(chan struct{}, 1), refused: make(map[string]time.Time)}
}

func (s *sending) wake() {
	select {
	case s.woken <- struct{}{}:
	default:
	}
}

// changed is called before Notify sends what has changed: the rest can wait.
func (s *sending) changed(now time.Time) {
	if s.due.Before(now) && s.failures == 0 {
		s.due = now.Add(Repeat)
	}
	s.wake()
}

// failed postpones the next attempt: 1 s, doubled each time, at most 30 s.
func (s *sending) failed(now time.Time) {
	s.due = now.Add(min(minPause<<min(s.failures, 10), maxPause))
	s.failures++
	s.wake()
}

// posted notes what came of alerts that Notify has sent to an instance. One
// that is in trouble already is left to Run, which has more to tell it.
func (k *Keeper) posted(i int, err error) {
	var bad *badRequestError
	if err == nil || errors.As(err, &bad) {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if in := k.instances[i]; in.failures == 0 {
		in.failed(time.Now())
		k.o.Log.Warn("an Alertmanager does not take alerts; trying again until it does", "err", err)
	}
}

// Run sends what is kept to every instance until ctx is done. An instance that
// hangs does not delay the others. There must be one Run at a time.
func (k *Keeper) Run(ctx context.Context) {
	var all sync.WaitGroup
	for i := range k.instances {
		all.Go(func() { // ctx ends it
			for k.wait(ctx, i) {
				k.send(ctx, i)
			}
		})
	}
	all.Wait()
}

// wait returns true when it is time to send, and false when ctx is done.
func (k *Keeper) wait(ctx context.Context, i int) bool {
	in := k.instances[i]
	for {
		k.mu.Lock()
		k.prune(k.now())
		some, left := len(k.state.Alerts) > 0, time.Until(in.due)
		k.mu.Unlock()
		var expired <-chan time.Time
		stop := func() bool { return true }
		if some {
			timer := time.NewTimer(left)
			expired, stop = timer.C, timer.Stop
		}
		select {
		case <-ctx.Done():
			stop()
			return false
		case <-expired:
			return true
		case <-in.woken:
			stop()
		}
	}
}

// send sends everything to one instance, and plans the next time.
func (k *Keeper) send(ctx context.Context, i int) {
	k.mu.Lock()
	k.prune(k.now())
	in := k.instances[i]
	maps.DeleteFunc(in.refused, func(key string, start time.Time) bool {
		a, ok := k.state.Alerts[key]
		return !ok || !a.StartsAt.Equal(start)
	})
	var keys []string
	for key := range k.state.Alerts {
		if _, refused := in.refused[key]; !refused {
			keys = append(keys, key)
		}
	}
	k.mu.Unlock()

	var err error
	for some := range slices.Chunk(keys, batch) {
		if err = k.sendSome(ctx, i, some); err != nil {
			break
		}
	}
	if ctx.Err() != nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if err != nil {
		if in.failures == 0 {
			k.o.Log.Warn("an Alertmanager does not take alerts; trying again until it does", "err", err)
		}
		in.failed(time.Now())
		return
	}
	if in.failures > 0 {
		k.o.Log.Info("an Alertmanager takes alerts again", "instance", k.am.instances[i].name, "after_failures", in.failures)
	}
	in.failures, in.due = 0, time.Now().Add(Repeat)
}

// sendSome sends some alerts to one instance. Where it refuses them, it has
// taken the good ones among them: each is sent once more on its own, to find
// the others, which are not sent to it again.
func (k *Keeper) sendSome(ctx context.Context, i int, keys []string) error {
	attempt, cancel := context.WithTimeout(ctx, notify.DefaultTimeout)
	err := k.post(attempt, i, keys)
	cancel()
	var bad *badRequestError
	if !errors.As(err, &bad) {
		return err
	}
	if len(keys) > 1 {
		for _, key := range keys {
			if err := k.sendSome(ctx, i, []string{key}); err != nil {
				return err
			}
		}
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	a := k.state.Alerts[keys[0]]
	k.instances[i].refused[keys[0]] = a.StartsAt
	k.o.Log.Error("an alert is refused for good", "alertname", a.Labels["alertname"], "process", a.Labels["process"], "err", err)
	return nil
}

// post sends alerts, as they are when it is their turn, to one instance.
func (k *Keeper) post(ctx context.Context, i int, keys []string) error {
	in := k.instances[i]
	select {
	case in.turn <- struct{}{}:
		defer func() { <-in.turn }()
	case <-ctx.Done():
		return named(k.am.instances[i].name, errors.New("no end in time of the request before"))
	}
	var alerts []Alert
	k.mu.Lock()
	for _, key := range keys {
		a, ok := k.state.Alerts[key]
		if !ok {
			continue
		}
		if a.EndsAt.IsZero() {
			a.EndsAt = k.now().Add(Valid)
		}
		alerts = append(alerts, a.Alert)
	}
	k.mu.Unlock()
	if len(alerts) == 0 {
		return nil
	}
	return k.am.post(ctx, i, alerts)
}
