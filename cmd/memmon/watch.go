package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/vigilance-go/vigilance/cmd/internal/alert"
	"github.com/vigilance-go/vigilance/cmd/internal/check"
	"github.com/vigilance-go/vigilance/cmd/internal/memory"
	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/supervisor/ctl/client"
)

// memmon watches processes. Its fields belong to the pass that is under way, of
// which there is one at most.
type memmon struct {
	options
	station *check.Station
	meter   *memory.Meter
	known   map[string]*record // by group:name
	saved   *check.Saved       // known, over a restart
	changed bool               // known is not as it was saved
	// patterns are the keys of programs that are no names.
	patterns []string
	// restarting bounds how many restarts are under way.
	restarting chan struct{}
}

// maxRestarts is how many processes are restarted at the same time.
const maxRestarts = 8

// run is memmon, from its options to its end.
func run(ctx context.Context, o options, stderr *alert.Stderr, stdout io.Writer, serve ...listener.Option) error {
	m := &memmon{options: o, known: map[string]*record{}, restarting: make(chan struct{}, maxRestarts)}
	for key := range o.programs {
		if strings.ContainsAny(key, "*?[") {
			m.patterns = append(m.patterns, key)
		}
	}
	slices.Sort(m.patterns)
	var err error
	if m.meter, err = memory.NewMeter(o.measure, o.cumulative); err != nil {
		return fmt.Errorf("read options: --measure %w", err)
	}
	if o.Check {
		return o.CheckMail(ctx, stdout)
	}
	if o.Test {
		if len(o.Targets)+len(o.Others) == 0 {
			return errors.New("send a test mail: no recipient, want -m ADDRESS")
		}
		subject, body := m.restarted("test:test", 209715200)
		return o.SendTest(ctx, notify.Message{Subject: subject, Body: body}, stdout)
	}
	if o.Env.ServerURL == "" {
		return o.NotAListener(stderr, section)
	}
	if m.station, err = check.NewStation(ctx, o.Options, stderr); err != nil {
		return err
	}
	m.saved = o.Saved("processes", m.station.Log)
	m.saved.Load(&m.known)
	m.known = recall(m.known, m.now())
	return m.station.Serve(ctx, m.handle, serve...)
}

// handle begins a pass at each tick, unless one is under way.
func (m *memmon) handle(_ context.Context, ev listener.Event) {
	if strings.HasPrefix(string(ev.Header.EventName), "TICK") {
		m.station.Beside.Go("pass", func() { m.pass(m.station.Beside.Watch) })
	}
}

// pass measures every process once.
func (m *memmon) pass(ctx context.Context) {
	m.station.Stderr.Text(m.announcement())
	infos, err := check.Infos(ctx, m.station.Daemon)
	if err != nil {
		if ctx.Err() == nil {
			m.station.Log.Error("cannot learn of the processes, so none is measured", "err", err)
		}
		return
	}
	infos = slices.DeleteFunc(infos, func(p client.ProcessInfo) bool { return p.PID == 0 })
	pids := make([]int, len(infos))
	for i, p := range infos {
		pids[i] = p.PID
	}
	sizes, err := m.meter.Read(pids)
	if err != nil {
		m.station.Log.Error("cannot measure the processes", "err", err)
		return
	}
	var lines strings.Builder
	var due []excess
	present := make(map[string]bool, len(infos))
	for i, p := range infos {
		name := p.Group + ":" + p.Name
		present[name] = true
		if sizes[i] == memory.Unknown {
			continue // it has ended meanwhile
		}
		if e, ok := m.look(&lines, name, p, sizes[i]); ok {
			due = append(due, e)
		}
	}
	maps.DeleteFunc(m.known, func(name string, _ *record) bool { return !present[name] })
	m.station.Stderr.Text(lines.String())
	for _, e := range due {
		m.restart(e)
	}
	if m.changed {
		m.saved.Save(m.known)
	}
	m.changed = false
}

// announcement is what superlance writes before each pass.
func (m *memmon) announcement() string {
	var lines []string
	for _, what := range []struct {
		name   string
		limits map[string]int64
	}{{"programs", m.programs}, {"groups", m.groups}} {
		if len(what.limits) == 0 {
			continue
		}
		var pairs []string
		for _, name := range slices.Sorted(maps.Keys(what.limits)) {
			pairs = append(pairs, fmt.Sprintf("%s=%d", name, what.limits[name]))
		}
		lines = append(lines, "Checking "+what.name+" "+strings.Join(pairs, ", "))
	}
	if m.hasAny {
		lines = append(lines, fmt.Sprintf("Checking any=%d", m.any))
	}
	return strings.Join(lines, "\n") + "\n"
}

// excess is a process that is to be restarted.
type excess struct {
	client.ProcessInfo
	name   string // group:name
	size   int64
	record *record
}

// look compares a process with its limits, one after the other until it is
// above one, and tells whether it is to be restarted. It writes superlance's
// line for each limit.
func (m *memmon) look(lines *strings.Builder, name string, p client.ProcessInfo, size int64) (excess, bool) {
	r := m.known[name]
	if r == nil || r.PID != p.PID || r.Start != p.Start {
		r = &record{PID: p.PID, Start: p.Start}
		m.known[name] = r
	}
	was := *r
	defer func() { m.changed = m.changed || r.differs(was) }()
	lowest, over := int64(math.MaxInt64), false
	for limit := range m.limitsOf(name, p) {
		fmt.Fprintf(lines, "%s of %s is %d\n", m.label(), name, size)
		lowest = min(lowest, limit)
		if over = size > limit; over {
			break
		}
	}
	m.grow(r, name, size)
	if !over {
		r.Over, r.Told = 0, false
		m.nearLimit(r, name, size, lowest)
		return excess{}, false
	}
	r.Over = min(r.Over+1, m.samples)
	switch {
	case m.station.Beside.Busy(name):
		return excess{}, false
	case r.Over < m.samples:
		m.station.Log.Info("a process uses too much memory, which is not yet acted on",
			"process", name, "size", size, "times", r.Over, "wanted", m.samples)
		return excess{}, false
	case p.PID == os.Getpid() || m.Own(p.Group):
		if !r.Told {
			m.station.Log.Warn("this listener uses more memory than its limit; it does not restart itself", "process", name, "size", size)
		}
		r.Told = true
		return excess{}, false
	}
	return excess{p, name, size, r}, true
}

// limitsOf yields the limits of a process: that of its name, of group:name, of
// the patterns that it matches, of its group and of all.
func (m *memmon) limitsOf(name string, p client.ProcessInfo) func(func(int64) bool) {
	return func(yield func(int64) bool) {
		for _, key := range []string{p.Name, name} {
			if limit, ok := m.programs[key]; ok && !yield(limit) {
				return
			}
		}
		for _, pattern := range m.patterns {
			if (alert.Selection{Programs: []string{pattern}}).Has(p.Group, p.Name) && !yield(m.programs[pattern]) {
				return
			}
		}
		if limit, ok := m.groups[p.Group]; ok && !yield(limit) {
			return
		}
		if m.hasAny {
			yield(m.any)
		}
	}
}

// label is how the measure stands in texts.
func (m *memmon) label() string {
	if m.measure == memory.Cgroup {
		return "Cgroup memory"
	}
	return strings.ToUpper(string(m.measure))
}

// nearLimit warns of a process that comes near its limit.
func (m *memmon) nearLimit(r *record, name string, size, limit int64) {
	if m.warn == 0 || limit == math.MaxInt64 {
		return
	}
	threshold := limit / 100 * int64(m.warn)
	switch {
	case size <= threshold:
		r.Warned = false
	case !r.Warned:
		r.Warned = true
		m.tell(name, nearEvent, fmt.Sprintf("%d of %d bytes %s", size, limit, m.label()), fmt.Sprintf("process %s is near its limit", name),
			fmt.Sprintf("%s uses %d bytes %s, more than %d%% of its limit of %d bytes. It is restarted above the limit.",
				name, size, m.label(), m.warn, limit))
	}
}

// grow warns of a process that grows fast.
func (m *memmon) grow(r *record, name string, size int64) {
	if m.growth == 0 {
		return
	}
	from, age, ok := r.Growth.add(m.now(), size)
	if !ok || r.Growth.Told {
		return
	}
	perHour := int64(float64(size-from) / age.Hours())
	if perHour <= m.growth {
		return
	}
	r.Growth.Told = true
	m.tell(name, growthEvent, fmt.Sprintf("%d bytes %s an hour", perHour, m.label()), fmt.Sprintf("process %s is growing", name),
		fmt.Sprintf("%s has grown from %d to %d bytes %s within %d minutes: %d bytes an hour, more than %d.",
			name, from, size, m.label(), int(age.Minutes()), perHour, m.growth))
}

// What mails are about, for those that are merged.
const (
	limitEvent  = "MEMORY_LIMIT"
	nearEvent   = "MEMORY_NEAR_LIMIT"
	growthEvent = "MEMORY_GROWTH"
)

// tell mails, and writes the same to standard error.
func (m *memmon) tell(namespec, event, reason, subject, body string) {
	m.station.Stderr.Text(body + "\n")
	m.station.Post(m.notice(namespec, event, reason, subject, body))
}

// notice writes a mail in memmon's own words.
func (m *memmon) notice(namespec, event, reason, subject, body string) notify.Message {
	group, process, _ := strings.Cut(namespec, ":")
	return notify.Message{Subject: m.Subject(subject), Body: body, Event: event, Group: group, Process: process, Reason: reason}
}
