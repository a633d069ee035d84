package batchmail

import (
	"encoding/json"
	"log/slog"
	"slices"
	"time"

	"github.com/vigilance-go/vigilance/cmd/internal/alert"
	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/notify/silence"
)

// gate holds pending events back for as long as the options beyond superlance's
// say. What it holds back is in a later mail. The zero gate is open. It is used
// by one goroutine.
type gate struct {
	policy notify.Policy
	file   alert.StateFile
	past   past
	log    *slog.Logger
}

// past is what a gate must remember over a restart.
type past struct {
	Sends  []time.Time          `json:"sends,omitempty"`  // the mails of the last minute
	Mailed map[string]time.Time `json:"mailed,omitempty"` // when a mail was last about a process
}

// newGate returns a gate for the listener of a group. It takes up what the one
// before knew.
func newGate(o alert.EngineOptions, dir, group string, log *slog.Logger) *gate {
	g := &gate{policy: o.Policy, log: log}
	if o.SilenceFile != "" {
		g.policy.Silence = silence.NewFile(o.SilenceFile, log).Silenced
	}
	if g.policy.Flood == 0 && g.policy.PerMinute == 0 {
		return g // nothing to remember
	}
	g.file = alert.NewStateFile(dir, group, "mailed.json")
	data, err := g.file.Load()
	if err == nil && len(data) > 0 {
		err = json.Unmarshal(data, &g.past)
	}
	if err != nil {
		log.Warn("cannot read when mails were sent; beginning anew", "err", err)
	}
	return g
}

// open tells whether a mail may be sent at all.
func (g *gate) open(now time.Time) bool {
	if _, quiet := g.policy.Quiet.End(now); quiet {
		return false
	}
	g.past.Sends = slices.DeleteFunc(g.past.Sends, func(t time.Time) bool { return !within(t, time.Minute, now) })
	return g.policy.PerMinute == 0 || len(g.past.Sends) < g.policy.PerMinute
}

// within tells whether a time was less than a span ago. One that is to come is
// of a clock that was set back since.
func within(t time.Time, span time.Duration, now time.Time) bool {
	return !t.After(now) && now.Sub(t) < span
}

// passage is what a gate says of an event.
type passage int

// The passages.
const (
	pass passage = iota
	wait
	drop // for good
)

// see tells whether an event may be mailed now.
func (g *gate) see(m notify.Message, now time.Time) passage {
	if g.policy.Silence != nil {
		if s := g.policy.Silence(m.Group, m.Process, now); s.Until.After(now) {
			if s.Drop {
				return drop
			}
			return wait
		}
	}
	if within(g.past.Mailed[m.Occurrence().Namespec()], g.policy.Flood, now) {
		return wait
	}
	return pass
}

// mailed notes a mail about events.
func (g *gate) mailed(events []notify.Message, now time.Time) {
	if g.policy.Flood == 0 && g.policy.PerMinute == 0 {
		return
	}
	g.past.Sends = append(g.past.Sends, now)
	if g.past.Mailed == nil {
		g.past.Mailed = make(map[string]time.Time)
	}
	for name, t := range g.past.Mailed {
		if !within(t, g.policy.Flood, now) {
			delete(g.past.Mailed, name)
		}
	}
	for _, m := range events {
		g.past.Mailed[m.Occurrence().Namespec()] = now
	}
	data, err := json.Marshal(g.past)
	if err == nil {
		err = g.file.Save(data)
	}
	if err != nil {
		g.log.Warn("cannot save when mails were sent; after a restart more may be sent than allowed", "err", err)
	}
}
