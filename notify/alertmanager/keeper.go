package alertmanager

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/vigilance-go/vigilance/notify"
)

// How a Keeper keeps alerts alive.
const (
	// Repeat is how often an alert is sent again.
	Repeat = time.Minute
	// Valid is how long an alert fires without being sent again: three lost
	// repetitions do no harm.
	Valid = 4 * time.Minute
	// Resolved is for how long a resolved alert is sent again, for instances
	// that did not hear of it.
	Resolved = 5 * time.Minute
	// remembered is how long it is known that a process was well, so that a
	// message that comes late does not fire.
	remembered = 24 * time.Hour
	// batch is how many alerts go into one request.
	batch = 100
	// The pauses after failures in a row.
	minPause = time.Second
	maxPause = 30 * time.Second
)

// KeeperOptions are a Keeper's.
type KeeperOptions struct {
	// Save, when not nil, is called with the state whenever it has changed,
	// before anything is sent; never twice at a time.
	Save func(state []byte) error
	// Log hears of failures; nil stands for slog.Default().
	Log *slog.Logger
}

// Keeper is a notify.Notifier that remembers which alerts fire: it sends them
// to every instance again and again until they are resolved. Run must be
// running for that.
//
// Messages may come in any order: one that is older than the event that
// resolved its process fires nothing that is over.
type Keeper struct {
	am *Alertmanager
	o  KeeperOptions

	saving    sync.Mutex // held while the state is saved; taken before mu
	mu        sync.Mutex
	state     state
	instances []*sending                         // in the order of am's
	clock     func() time.Time                   // the system's; nil for the real one
	seen      struct{ steady, system time.Time } // by now
}

// state is what survives a restart. Its times are the system's clock's, and none
// of them but Until lies in the future.
type state struct {
	Alerts map[string]kept `json:"alerts"`
	// Well is when a process was last known to be well.
	Well map[string]time.Time `json:"well"`
}

// kept is an alert with what is known about it. It fires if its EndsAt is
// zero.
type kept struct {
	Alert
	// Until is when a resolved alert need not be sent any more.
	Until time.Time `json:"until,omitzero"`
}

// NewKeeper returns a Keeper without alerts.
func NewKeeper(am *Alertmanager, o KeeperOptions) *Keeper {
	k := &Keeper{am: am, o: o, state: state{Alerts: map[string]kept{}, Well: map[string]time.Time{}}}
	if k.o.Log == nil {
		k.o.Log = slog.Default()
	}
	for range am.instances {
		k.instances = append(k.instances, newSending())
	}
	return k
}

// State returns what Restore takes, as JSON.
func (k *Keeper) State() ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return json.Marshal(k.state)
}

// Restore sets a state that was saved. Alerts that are no longer valid, as
// those of another version might be, are left out. What lies in the future,
// because the clock was set back, counts as happening now.
func (k *Keeper) Restore(saved []byte) error {
	var s state
	if err := json.Unmarshal(saved, &s); err != nil {
		return fmt.Errorf("read the state of alerts: %w", err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	s.endAt(k.now())
	for _, alert := range s.Alerts {
		if err := alert.Check(); err != nil {
			k.o.Log.Warn("leave out an alert of the saved state", "err", err)
			continue
		}
		k.state.Alerts[alert.key()] = alert
	}
	maps.Copy(k.state.Well, s.Well)
	for _, in := range k.instances {
		in.wake()
	}
	return nil
}

// Firing returns the alerts that fire, oldest first.
func (k *Keeper) Firing() []Alert {
	k.mu.Lock()
	defer k.mu.Unlock()
	var out []Alert
	for _, alert := range k.state.Alerts {
		if alert.EndsAt.IsZero() {
			out = append(out, alert.Alert)
		}
	}
	slices.SortFunc(out, func(a, b Alert) int { return a.StartsAt.Compare(b.StartsAt) })
	return out
}

// Format keeps fmt from printing what is inside.
func (k *Keeper) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "Alertmanager") }

// Check implements notify.Checker.
func (k *Keeper) Check(ctx context.Context) error { return k.am.Check(ctx) }

// Notify implements notify.Notifier. It returns nil when one instance has
// taken what the message changes; Run goes on with the others.
func (k *Keeper) Notify(ctx context.Context, m notify.Message) error {
	changed, err := k.change(dated(m))
	if err != nil {
		return &notify.PermanentError{Err: fmt.Errorf("check alert: %w", err)}
	}
	if len(changed) == 0 {
		return nil
	}
	err = k.am.toAll(ctx, func(ctx context.Context, i int) error {
		err := k.post(ctx, i, changed)
		k.posted(i, err)
		return err
	})
	var bad *badRequestError
	if errors.As(err, &bad) {
		k.drop(changed) // no instance will ever take it
	}
	return err
}

// change notes what a message says, saves it, and returns the keys of the
// alerts that are to be sent now.
func (k *Keeper) change(m notify.Message) ([]string, error) {
	k.saving.Lock()
	defer k.saving.Unlock()
	changed, saved, err := k.note(m)
	if err != nil {
		return nil, err
	}
	if k.o.Save != nil {
		if err := k.o.Save(saved); err != nil {
			k.o.Log.Error("cannot save which alerts fire; after a restart they will end by themselves", "err", err)
		}
	}
	return changed, nil
}

// note is change without saving.
func (k *Keeper) note(m notify.Message) (changed []string, saved []byte, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	k.prune(now)
	m.Time = earlier(m.Time.Round(0), now) // the clock may have been set back since
	if k.am.resolves(m) {
		changed = k.resolve(m, now)
	} else {
		alert := k.am.alert(m, m.Event)
		if err := alert.Check(); err != nil {
			return nil, nil, err
		}
		changed = k.fire(alert, now)
	}
	for _, in := range k.instances {
		in.changed(time.Now())
	}
	saved, err = json.Marshal(k.state)
	return changed, saved, err
}

// fire notes an alert of the present or the past.
func (k *Keeper) fire(alert Alert, now time.Time) []string {
	key := alert.key()
	was, known := k.state.Alerts[key]
	well := later(k.state.Well[processKey(alert.Labels)], k.state.Well[groupKey(alert.Labels)])
	switch {
	case alert.StartsAt.After(well):
		if known && was.EndsAt.IsZero() {
			// It goes on, and the latest message describes it.
			if was.StartsAt.After(alert.StartsAt) {
				alert.Annotations = was.Annotations
			}
			alert.StartsAt = earlier(was.StartsAt, alert.StartsAt)
		}
		k.state.Alerts[key] = kept{Alert: alert}
	case known:
		return nil // what is known is newer
	default:
		// It was over before we heard of it.
		alert.EndsAt = well
		k.state.Alerts[key] = kept{Alert: alert, Until: now.Add(Resolved)}
	}
	return []string{key}
}

// resolve ends the alerts of a process, or of a group, that began before.
func (k *Keeper) resolve(m notify.Message, now time.Time) (changed []string) {
	of := k.am.alert(m, m.Event).Labels
	key, keyOf := processKey(of), processKey
	if m.Event == groupRemoved {
		key, keyOf = groupKey(of), groupKey
	}
	k.state.Well[key] = later(k.state.Well[key], m.Time)
	for name, alert := range k.state.Alerts {
		if keyOf(alert.Labels) == key && alert.EndsAt.IsZero() && !alert.StartsAt.After(m.Time) {
			alert.EndsAt, alert.Until = m.Time, now.Add(Resolved)
			k.state.Alerts[name] = alert
			changed = append(changed, name)
		}
	}
	return changed
}

func processKey(labels map[string]string) string {
	return fmt.Sprintf("%q %q %q", labels["instance"], labels["group"], labels["process"])
}

func groupKey(labels map[string]string) string {
	return fmt.Sprintf("%q %q", labels["instance"], labels["group"])
}

// prune forgets what is over.
func (k *Keeper) prune(now time.Time) {
	maps.DeleteFunc(k.state.Alerts, func(_ string, a kept) bool { return !a.EndsAt.IsZero() && now.After(a.Until) })
	maps.DeleteFunc(k.state.Well, func(_ string, t time.Time) bool { return now.Sub(t) > remembered })
}

// drop forgets alerts that are refused for good.
func (k *Keeper) drop(keys []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, key := range keys {
		delete(k.state.Alerts, key)
	}
}
