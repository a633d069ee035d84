package process

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// epoch is time 0s of every test.
var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// rig plays the part of the loop around one process: it gives events to Step,
// answers Kill at once, and writes down what came back. Beside that it writes
// the script that makes the reference do the same.
type rig struct {
	c       Config
	s       Status
	env     Env
	at      time.Duration // after epoch
	effects []string      // of the last do, as in the transcripts
	raw     []Effect      // the same
	broken  string        // what a step did against the rules of effects
	script  script
}

func newRig(c Config) *rig {
	r := &rig{c: c}
	r.script.begin(c)
	return r
}

// killResult is how the signals of one do go.
type killResult string

const (
	killOK    killResult = "ok"
	killGone  killResult = "gone"
	killError killResult = "error"
)

// do delivers an event at a time after epoch.
func (r *rig) do(at time.Duration, ev Event, result killResult) {
	before := r.s
	r.at = at
	r.effects, r.raw = nil, nil
	r.step(ev, result)
	r.script.record(before, r.s, ev, at, result, r.effects)
}

// shutDown sets Env.ShuttingDown from now on.
func (r *rig) shutDown(at time.Duration) {
	r.env.ShuttingDown = true
	r.effects, r.raw = nil, nil
	r.script.add(refOp{Op: "shuttingdown", T: millis(at)})
}

func (r *rig) step(ev Event, result killResult) {
	s, effects := Step(&r.c, r.s, ev, epoch.Add(r.at), r.env)
	r.s = s
	r.raw = append(r.raw, effects...)
	for i, e := range effects {
		r.effects = append(r.effects, describeEffect(e))
		if _, ok := e.(Kill); ok && i != len(effects)-1 {
			r.broken = "a kill that is not the last effect"
		}
	}
	if len(effects) == 0 {
		return
	}
	if k, ok := effects[len(effects)-1].(Kill); ok {
		done := KillDone{Kill: k}
		switch result {
		case killGone:
			done.Gone = true
		case killError:
			done.Err = "[Errno 1] Operation not permitted"
		case killOK:
		}
		r.step(done, result)
	}
}

func describeEffect(e Effect) string {
	switch e := e.(type) {
	case Spawn:
		return "spawn"
	case Kill:
		pid := e.PID
		if e.Group {
			pid = -pid
		}
		return fmt.Sprintf("kill %d %s", pid, SignalName(e.Number))
	case Notify:
		return describeNotify(e)
	case Log:
		return map[Level]string{Debug: "debug ", Info: "info ", Warn: "warn ", Critical: "critical "}[e.Level] + e.Text
	}
	return fmt.Sprintf("%#v", e)
}

func describeNotify(n Notify) string {
	text := fmt.Sprintf("notify %s from %s", n.To, n.From)
	switch n.To {
	case Starting, Backoff:
		text += fmt.Sprintf(" tries:%d", n.Tries)
	case Exited:
		expected := 0
		if n.Expected {
			expected = 1
		}
		text += fmt.Sprintf(" expected:%d pid:%d", expected, n.PID)
	case Running, Stopping, Stopped:
		text += fmt.Sprintf(" pid:%d", n.PID)
	case Fatal, Unknown:
	}
	return text
}

// describeStatus prints what is not zero, times relative to epoch.
func describeStatus(s Status) string {
	words := []string{s.State.String()}
	add := func(set bool, format string, args ...any) {
		if set {
			words = append(words, fmt.Sprintf(format, args...))
		}
	}
	moment := func(name string, t time.Time) { add(!t.IsZero(), "%s:%s", name, t.Sub(epoch)) }
	add(s.PID != 0, "pid:%d", s.PID)
	moment("deadline", s.Deadline)
	moment("laststart", s.LastStart)
	moment("laststop", s.LastStop)
	moment("laststopreport", s.LastStopReport)
	add(s.Tries != 0, "tries:%d", s.Tries)
	add(s.ExitStatus != 0, "exitstatus:%d", s.ExitStatus)
	add(s.SpawnErr != "", "spawnerr:%q", s.SpawnErr)
	add(s.Killing, "killing")
	add(s.AdministrativeStop, "administrative_stop")
	add(s.SystemStop, "system_stop")
	add(s.QuickExits != 0, "quickexits:%d", s.QuickExits)
	add(s.Pending.Stop, "pending:stop")
	add(s.Pending.StopAll, "pending:stopall")
	for set := s.Pending.Signals; ; {
		n, ok := set.takeFirst()
		if !ok {
			break
		}
		words = append(words, "pending:"+SignalName(n))
	}
	return strings.Join(words, " ")
}

// exit and bySig make wait statuses.
func exit(code int) Ended { return Ended{WaitStatus: uint32(code) << 8} }
func bySig(sig int) Ended { return Ended{WaitStatus: uint32(sig)} }

func millis(d time.Duration) int64 { return epoch.Add(d).UnixMilli() }

// signalNumber is the reverse of SignalName.
func signalNumber(name string) (int, error) {
	for n := range 128 {
		if SignalName(n) == name {
			return n, nil
		}
	}
	return strconv.Atoi(name)
}
