package alert

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/notify"
)

// watcher turns events into messages.
type watcher struct {
	options
	tool     Tool
	identity Identity
	facts    *Facts
	channels *Channels
	log      *slog.Logger
}

// handle answers an event: with OK once its message is kept.
func (w *watcher) handle(ctx context.Context, ev listener.Event) error {
	p, ok := ev.Body.(listener.ProcessState)
	if !ok {
		return nil
	}
	now := time.Now()
	w.facts.Saw(p, now)
	if !w.selection.Has(p.GroupName, p.ProcessName) {
		return nil
	}
	m := w.message(ev.Header, p, now)
	var loop *notify.Message
	if w.loop != nil {
		loop = w.loop.see(m)
	}
	wanted := w.Events.Has(p)
	m.Recovery = !wanted && w.Policy.Recovered > 0 && w.recovers(p.EventType)
	if !wanted && !m.Recovery && loop == nil {
		return nil
	}
	w.facts.Add(ctx, &m)
	if loop != nil {
		loop.Reason, loop.Log, loop.Uptime = loopReason(loop.Reason, m.Reason), m.Log, m.Uptime
		if err := w.put(*loop); err != nil {
			return err
		}
	}
	if !wanted && !m.Recovery {
		return nil
	}
	return w.put(m)
}

// put keeps a message. Its words are for those who look into the spool: they
// are found anew when it is sent.
func (w *watcher) put(m notify.Message) error {
	written := w.Composer.Compose([]notify.Message{m})
	m.Subject, m.Body = written.Subject, written.Body
	return w.channels.Put(m)
}

func (w *watcher) recovers(t listener.EventType) bool {
	if w.tool.Recoveries == nil {
		return t == listener.ProcessStateRunning
	}
	return slices.Contains(w.tool.Recoveries, t)
}

func (w *watcher) message(h listener.Header, p listener.ProcessState, now time.Time) notify.Message {
	return notify.Message{
		ID:        w.identity.MessageID(h.Server, h.Pool, h.Serial, p.EventType, p.GroupName, p.ProcessName, p.PID),
		Time:      now,
		Host:      w.host,
		Event:     string(p.EventType),
		Group:     p.GroupName,
		Process:   p.ProcessName,
		PID:       p.PID,
		FromState: p.FromState,
		Expected:  p.Expected,
		Labels:    w.Labels,
	}
}

// CrashLoopEvent is what a CrashLoop makes of many crashes.
const CrashLoopEvent = "PROCESS_CRASH_LOOP"

// CrashLoop finds programs that crash again and again.
type CrashLoop struct {
	// Crashes are how many within Span make a loop.
	Crashes int
	Span    time.Duration

	seen map[string][]time.Time
}

// see looks at an event and returns another one where it makes a loop.
func (l *CrashLoop) see(m notify.Message) *notify.Message {
	crash := m.Event == string(listener.ProcessStateExited) && !m.Expected || m.Event == string(listener.ProcessStateBackoff)
	if !crash || l.Crashes == 0 {
		return nil
	}
	if l.seen == nil {
		l.seen = make(map[string][]time.Time)
	}
	key := m.Occurrence().Namespec()
	times := slices.DeleteFunc(append(l.seen[key], m.Time), func(t time.Time) bool { return m.Time.Sub(t) > l.Span })
	times = times[max(0, len(times)-l.Crashes):]
	l.seen[key] = times
	if len(times) < l.Crashes {
		return nil
	}
	m.ID += "-loop"
	m.Event = CrashLoopEvent
	m.Reason = strconv.Itoa(l.Crashes) + " times within " + show(l.Span)
	return &m
}

func loopReason(loop, reason string) string {
	if reason == "" {
		return loop
	}
	return loop + ", the last time: " + reason
}
