// Package supervisor is the daemon's core: one loop that owns every process,
// group, listener pool and timer, and carries out what the process machine
// decides.
//
// It decides what is started, stopped and announced, in which order and when.
// It never reads a configuration file, serves a request, writes a log file or
// waits for a child itself: packages config, rpc, childlog, mainlog and osproc
// do that at the edges and talk to the loop by messages.
package supervisor

import (
	"context"
	"fmt"
	"sort"
	"sync"
	"syscall"
	"time"

	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/supervisor/childlog"
	"github.com/vigilance-go/vigilance/supervisor/config"
	"github.com/vigilance-go/vigilance/supervisor/leftovers"
	"github.com/vigilance-go/vigilance/supervisor/mainlog"
	"github.com/vigilance-go/vigilance/supervisor/osproc"
)

// Mood is the state of the daemon as a whole, with the numbers that XML-RPC
// clients see.
type Mood int

// The moods (Supervisor manual, "XML-RPC API", getState).
const (
	MoodFatal      Mood = 2
	MoodRunning    Mood = 1
	MoodRestarting Mood = 0
	MoodShutdown   Mood = -1
)

// String returns the mood's name as getState reports it.
func (m Mood) String() string {
	switch m {
	case MoodFatal:
		return "FATAL"
	case MoodRunning:
		return "RUNNING"
	case MoodRestarting:
		return "RESTARTING"
	case MoodShutdown:
		return "SHUTDOWN"
	}
	return fmt.Sprintf("Mood(%d)", int(m))
}

// Outcome says why Run returned without an error.
type Outcome int

// The outcomes.
const (
	// OutcomeShutdown: every process has been stopped; the daemon may exit.
	OutcomeShutdown Outcome = 1
	// OutcomeRestart: the same, but the caller is to read the configuration
	// again and run a new Daemon.
	OutcomeRestart Outcome = 2
)

// Options is what a Daemon needs from its surroundings.
type Options struct {
	// Config is the configuration to run. It must not change afterwards.
	Config *config.Config
	// Log is the daemon's own log.
	Log *mainlog.Logger
	// ServerURL becomes the children's SUPERVISOR_SERVER_URL where a program
	// sets none of its own; empty when there is no HTTP server.
	ServerURL string
	// Reload reads the configuration again. Its error leaves everything as
	// it is.
	Reload func() (*config.Config, error)
	// Manager hears how the loop fares; nil when nobody waits to hear it.
	Manager Manager
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Journal remembers what the daemon starts; nil for nothing.
	Journal *leftovers.Journal
	// Leftovers are what an earlier daemon has left running. The Daemon closes
	// them when Run returns.
	Leftovers []leftovers.Found
	// Rest is called once, on a goroutine of its own, when what starts by itself
	// has been started; nil for nothing. What a start took can be given back.
	Rest func()
}

// Daemon is a supervisord at work. Everything in it belongs to the goroutine
// that executes Run; other goroutines send messages.
type Daemon struct {
	opts Options
	log  *mainlog.Logger
	now  func() time.Time
	// began is when it was made, from where its steady clock counts.
	began time.Time

	inbox   chan message     // requests, signals, output, results
	exits   chan osproc.Exit // from the reaper
	spawns  chan *run        // to the spawner
	done    chan struct{}    // closed when Run returns
	waiting []*run           // spawns that the spawner has not taken yet

	groups map[string]*group
	order  []*group // in the order of their addition, as status lists them

	// wanted is the newest configuration that was read; order is what runs.
	wanted []*config.Group

	byPID map[int]*run
	// strangers holds exits of pids that may belong to a spawn whose result
	// has not arrived yet.
	strangers []osproc.Exit
	// readers are the goroutines that read the outputs of children.
	readers   sync.WaitGroup
	inFlight  int // spawns between their request and their result
	autostart []*proc

	orphans orphans
	syslog  *childlog.Syslog
	timers  deadlines
	bus     bus
	feeds   feeds
	ticks   ticks

	snapshots snapshots // of those who ask; not the loop's

	mood       Mood
	stopping   bool
	stopGroups []*group // what is left to stop, the next at the end
	report     deadline // the next "waiting for ... to die"
	reports    reports  // to the service manager
}

// message is something that happened outside the loop.
type message interface {
	// apply carries the message out on the loop's goroutine.
	apply(d *Daemon)
}

// inboxLen is the number of messages that may wait before their senders do:
// enough to keep readers busy, few enough that a storm of output is held back
// in the children's pipes.
const inboxLen = 256

// syslogPatience is how long a daemon that ends waits for syslog to take its
// children's last lines.
const syslogPatience = time.Second

// New makes a daemon that has its groups but has started nothing. An error
// is one of the configuration's: a log folder or a FastCGI socket that cannot
// be used.
func New(o Options) (*Daemon, error) {
	d := &Daemon{
		opts:   o,
		log:    o.Log,
		now:    o.Now,
		inbox:  make(chan message, inboxLen),
		exits:  make(chan osproc.Exit, inboxLen),
		spawns: make(chan *run),
		done:   make(chan struct{}),
		groups: make(map[string]*group),
		byPID:  make(map[int]*run),
		mood:   MoodRunning,
	}
	if d.now == nil {
		d.now = time.Now
	}
	d.began = d.now()
	d.syslog = childlog.NewSyslog(childlog.SyslogOptions{Report: d.log.Log})
	d.bus.init(d)
	d.ticks.init(d)
	d.report.fire = func(time.Time) { d.shutdownReport() }
	d.wanted = o.Config.Groups
	for _, gc := range d.wanted {
		if d.groups[gc.Name] != nil {
			continue // as with the reference, the first of a name counts
		}
		g, err := d.makeGroup(gc)
		if err != nil {
			return nil, err
		}
		d.addGroup(g)
	}
	return d, nil
}

// Run starts what is to be started and supervises it until a shutdown or a
// restart has stopped everything. When ctx ends, the daemon shuts down as on
// SIGTERM.
func (d *Daemon) Run(ctx context.Context) (Outcome, error) {
	spawner := osproc.NewSpawner()
	var edges sync.WaitGroup
	edges.Go(func() { d.serveSpawns(spawner) })             // ends when d.done is closed
	edges.Go(func() { spawner.Reap(d.done, d.reportExit) }) // likewise
	defer func() {
		close(d.done)
		// A reaper that outlived Run would take the children of the daemon
		// that follows in the same process.
		edges.Wait()
		spawner.Close()
		d.awaitReaders()
		d.syslog.Close(syslogPatience)
	}()

	d.notify(listener.SupervisorStateChange{EventType: listener.SupervisorRunning})
	d.ticks.start(d.now())
	d.reports.begin(d)
	d.awaitRest()
	d.orphans.receive(d)
	defer d.orphans.letGo()
	cancelled := ctx.Done()
	wake := time.NewTimer(time.Hour)
	defer wake.Stop()
	for {
		d.startNext()
		d.bus.dispatch()
		d.reports.tell(d.mood)
		if d.stopNext() {
			return d.outcome(), nil
		}
		d.setWake(wake)
		spawns, next := d.nextSpawn()
		select {
		case m := <-d.inbox:
			m.apply(d)
		case e := <-d.exits:
			d.childEnded(e)
		case spawns <- next:
			d.waiting = d.waiting[1:]
		case <-wake.C:
			d.timers.fireDue(d.now())
		case <-cancelled:
			cancelled = nil
			d.signalled(syscall.SIGTERM)
		}
	}
}

// awaitReaders gives the readers of the last outputs the time to write them
// out. One that is stuck in a log is left behind.
func (d *Daemon) awaitReaders() {
	gone := make(chan struct{})
	go func() { // ends with the last reader
		d.readers.Wait()
		close(gone)
	}()
	select {
	case <-gone:
	case <-time.After(flushPatience + drainTime):
	}
}

// outcome translates the mood in which everything was stopped.
func (d *Daemon) outcome() Outcome {
	if d.mood == MoodRestarting {
		return OutcomeRestart
	}
	return OutcomeShutdown
}

// setWake arms wake for the earliest deadline.
func (d *Daemon) setWake(wake *time.Timer) {
	at, ok := d.timers.next()
	if !ok {
		wake.Stop()
		return
	}
	wake.Reset(max(0, at.Sub(d.now())))
}

// nextSpawn returns the spawner's channel and the run to send, or a nil
// channel when there is none.
func (d *Daemon) nextSpawn() (chan<- *run, *run) {
	if len(d.waiting) == 0 {
		return nil, nil
	}
	return d.spawns, d.waiting[0]
}

// send hands a message to the loop, and reports false when Run has returned.
func (d *Daemon) send(m message) bool {
	select {
	case d.inbox <- m:
		return true
	case <-d.done:
		return false
	}
}

// sortedGroups returns the groups by ascending priority; equal ones keep the
// order of their addition.
func (d *Daemon) sortedGroups() []*group {
	s := append([]*group(nil), d.order...)
	sort.SliceStable(s, func(i, j int) bool { return s[i].cfg.Priority < s[j].cfg.Priority })
	return s
}

// reportExit is the reaper's way into the loop.
func (d *Daemon) reportExit(e osproc.Exit) {
	select {
	case d.exits <- e:
	case <-d.done:
	}
}
