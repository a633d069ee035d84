package alert

import (
	"context"
	"errors"
	"log/slog"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/kolo/xmlrpc"

	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/notify"
)

// Facts finds out what an event does not say: how a process ended, how long it
// had been up, and its last words. It asks the daemon, and never long: an alert
// without them is better than none.
type Facts struct {
	tail  *LogTail // nil where the daemon cannot be asked
	lines int      // of output
	mask  *notify.Mask
	log   *slog.Logger

	mu sync.Mutex
	// starts has when processes began to run, by pid, as events told.
	starts map[int]time.Time
	// silent is until when the daemon is not asked, because it did not answer.
	silent time.Time
}

const (
	factsTimeout = 2 * time.Second
	// askAgain is how long a daemon that did not answer is left alone.
	askAgain = 30 * time.Second
	// maxStarts bounds what is remembered.
	maxStarts = 10_000
)

// NewFacts returns Facts with up to lines lines of a program's output, masked.
func NewFacts(env listener.Environment, lines int, mask *notify.Mask, log *slog.Logger) *Facts {
	f := &Facts{lines: lines, mask: mask, log: log, starts: make(map[int]time.Time)}
	var err error
	if f.tail, err = NewLogTail(env); err != nil {
		f.tail = nil
		log.Warn("messages will not say how programs ended, nor hold their output", "err", err)
	}
	return f
}

// Saw remembers what an event tells for later ones.
func (f *Facts) Saw(p listener.ProcessState, now time.Time) {
	if p.EventType != listener.ProcessStateRunning || p.PID == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.starts) >= maxStarts {
		clear(f.starts) // uptimes are a courtesy
	}
	f.starts[p.PID] = now
}

// Add adds what is known to a message.
func (f *Facts) Add(ctx context.Context, m *notify.Message) {
	ctx, cancel := context.WithTimeout(ctx, factsTimeout)
	defer cancel()
	f.mu.Lock()
	start, known := f.starts[m.PID]
	delete(f.starts, m.PID)
	ask := f.tail != nil && !m.Time.Before(f.silent)
	f.mu.Unlock()
	if known && m.PID != 0 {
		m.Uptime = m.Time.Sub(start)
	}
	if !ask || m.Recovery {
		return
	}
	if err := f.ask(ctx, m); err != nil {
		f.log.Warn("cannot ask the daemon about a process; the message is sent without", "process", m.Process, "err", err)
		var fault xmlrpc.FaultError
		if errors.As(err, &fault) {
			return // it answers
		}
		f.mu.Lock()
		f.silent = m.Time.Add(askAgain)
		f.mu.Unlock()
	}
}

func (f *Facts) ask(ctx context.Context, m *notify.Message) error {
	history, err := f.tail.MainLog(ctx, mainLogTail)
	if err != nil {
		return err
	}
	end := endOf(history, m.Process, m.PID)
	m.Reason = end.how
	if end.uptime > 0 {
		m.Uptime = end.uptime
	}
	switch listener.EventType(m.Event) { //nolint:exhaustive // the others have no such reason
	case listener.ProcessStateFatal, listener.ProcessStateBackoff:
		reason, err := f.tail.SpawnError(ctx, m.Group, m.Process)
		if err != nil {
			return err
		}
		if reason != "" && (end.how == "" || !strings.HasPrefix(reason, "Exited too quickly")) {
			m.Reason = reason
		}
	case listener.ProcessStateExited:
	default:
		m.Reason = ""
	}
	m.Reason = f.mask.Text(m.Reason)
	return f.output(ctx, m)
}

func (f *Facts) output(ctx context.Context, m *notify.Message) error {
	if f.lines == 0 {
		return nil
	}
	stderr, err := f.tail.Stderr(ctx, m.Group, m.Process, f.lines)
	if err != nil {
		return err
	}
	text := stderr
	if text == "" {
		if text, err = f.tail.Stdout(ctx, m.Group, m.Process, f.lines); err != nil {
			return err
		}
	}
	m.Log = f.mask.Text(text)
	return nil
}

// mainLogTail is how much of the daemon's log is looked at, in bytes.
const mainLogTail = 32 << 10

// end is how a process ended.
type end struct {
	how    string // "exit status 3", or "terminated by SIGSEGV (core dumped)"
	uptime time.Duration
}

// The lines of the daemon's log that tell of a process's life.
var (
	spawnedLine = regexp.MustCompile(`(?m)^(\S+ \S+) \S+ spawned: '([^'\n]*)' with pid (\d+)\s*$`)
	exitedLine  = regexp.MustCompile(`(?m)^(\S+ \S+) \S+ exited: (.*?) \((.*); (?:not )?expected\)\s*$`)
)

// endOf finds the end of the process with a pid in the daemon's log, or the
// last end under that name where the pid is 0.
func endOf(log, name string, pid int) end {
	var started time.Time
	if pid != 0 {
		for _, m := range spawnedLine.FindAllStringSubmatchIndex(log, -1) {
			if log[m[4]:m[5]] == name && log[m[6]:m[7]] == strconv.Itoa(pid) {
				started = stamp(log[m[2]:m[3]])
				log = log[m[1]:]
				break
			}
		}
	}
	var found end
	for _, m := range exitedLine.FindAllStringSubmatch(log, -1) {
		if m[2] != name {
			continue
		}
		found.how = m[3]
		if !started.IsZero() {
			found.uptime = max(0, stamp(m[1]).Sub(started))
			break // the first end after its start
		}
	}
	return found
}

// stamp reads the time of a line; the zero time where it is none.
func stamp(text string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04:05,000", text, time.Local)
	if err != nil {
		return time.Time{}
	}
	return t
}
