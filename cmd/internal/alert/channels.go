package alert

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/notify/silence"
	"github.com/vigilance-go/vigilance/notify/spool"
)

// StopTimeout is how long a tool goes on sending after the daemon has asked it
// to stop; the daemon kills it after stopwaitsecs, 10 s by default.
const StopTimeout = 5 * time.Second

// Destination is where alerts go.
type Destination struct {
	// Name tells it from the tool's others, and is the name of its folder in
	// the spool. Empty stands for the folder of the listener's group itself,
	// which is for tools with one destination only.
	Name     string
	Notifier notify.Notifier
	// Targets are what each message is queued for; none stands for one
	// without a name.
	Targets []string
	// Full tells that it shows nothing but subject and body.
	Full bool
	// Begin, when not nil, is called before the first message is sent. It may
	// keep its state in the folder dir, which is empty for none, and start what
	// ends with ctx.
	Begin func(ctx context.Context, dir string, log *slog.Logger)
}

// Channels are the ways to a tool's destinations. Each has a spool, a pace and
// retries of its own, so that one that fails does not hold up the others.
type Channels struct {
	all     []*channel
	log     *slog.Logger
	cancel  context.CancelFunc
	running sync.WaitGroup
}

type channel struct {
	Destination
	dir        string // in the spool; empty for none
	queue      notify.Backlog
	composer   notify.Composer
	dispatcher notify.Dispatcher
	left       int
}

// OpenChannels opens the spools of destinations, for a listener group, in dir
// or, when that is empty, in the default place.
func OpenChannels(destinations []Destination, dir, group string, o EngineOptions, log *slog.Logger) *Channels {
	c := &Channels{log: log}
	policy := o.Policy
	if o.SilenceFile != "" {
		policy.Silence = silence.NewFile(o.SilenceFile, log).Silenced
	}
	for _, d := range destinations {
		ch := &channel{Destination: d}
		log := log
		if d.Name != "" {
			log = log.With("destination", d.Name)
		}
		store := ch.open(dir, group, log)
		limits := notify.LimitsOf(d.Notifier)
		notifier := d.Notifier
		if limits.PerSecond > 0 || limits.PerMinute > 0 {
			pacer := notify.NewPacer(notifier, limits)
			if ch.dir != "" && d.Name != "" {
				// Another tool may send to the same robot.
				pacer.Share(spool.NewPace(filepath.Dir(filepath.Dir(ch.dir)), d.Name, log))
			}
			notifier = pacer
		}
		ch.composer = o.Composer
		ch.composer.MaxBytes, ch.composer.Full = room(limits), d.Full
		ch.dispatcher = notify.Dispatcher{
			Queue: ch.queue, Notifier: notifier, Policy: policy, Compose: ch.composer.Compose,
			Store: store, Log: log, StopTimeout: StopTimeout,
		}
		if d.Begin != nil {
			ch.dispatcher.Begin = func(ctx context.Context) { d.Begin(ctx, ch.dir, log) }
		}
		c.all = append(c.all, ch)
	}
	return c
}

// room is how long a body may be, in bytes, beside a title and facts.
func room(l notify.Limits) int {
	most := l.MaxBytes
	if l.MaxChars > 0 && (most == 0 || l.MaxChars < most) {
		most = l.MaxChars
	}
	return most * 2 / 3
}

// Compose replaces how messages are written. wording gets the Composer of each
// channel.
func (c *Channels) Compose(wording func(notify.Composer) func(events []notify.Message) notify.Message) {
	for _, ch := range c.all {
		ch.dispatcher.Compose = wording(ch.composer)
	}
}

// open opens the queue of a channel, and what keeps the state beside it.
func (ch *channel) open(dir, group string, log *slog.Logger) notify.Store {
	group, err := spoolDir(dir, group)
	if err == nil {
		dir = filepath.Join(group, ch.Name)
		var s *spool.Spool
		if s, err = spool.Open(dir, spool.Options{Log: log}); err == nil {
			ch.dir = dir
			return ch.reserve(s, log)
		}
	}
	log.Warn("there is no spool, so messages are kept in memory, and those not yet delivered are lost when this process ends; name a folder with --spool",
		"dir", dir, "err", err)
	ch.queue = notify.NewMemory(0)
	return nil
}

// reserve prepares for a full disk.
func (ch *channel) reserve(s *spool.Spool, log *slog.Logger) notify.Store {
	reserve, err := s.Reserve()
	if err == nil {
		ch.queue = notify.NewReserves(s, reserve, log,
			"cannot keep messages on disk; until that works they are kept in the spool's reserve, as far as it goes")
	} else {
		ch.queue = s
		log.Warn("there is no reserve for a full disk; events go back to supervisord then", "err", err)
	}
	store, err := s.Store()
	if err != nil {
		log.Warn("when messages were sent is forgotten at the end of this process", "err", err)
		return nil
	}
	return store
}

// Put keeps a message for every destination. When it returns nil, that is
// done; else it may be repeated.
func (c *Channels) Put(m notify.Message) error {
	var errs []error
	for _, ch := range c.all {
		if err := ch.queue.Put(m, ch.Targets...); err != nil {
			errs = append(errs, fmt.Errorf("keep the message: %w", err))
		}
	}
	return errors.Join(errs...)
}

// Start begins to deliver. Stop ends it.
func (c *Channels) Start(ctx context.Context) {
	ctx, c.cancel = context.WithCancel(context.WithoutCancel(ctx))
	for _, ch := range c.all {
		c.running.Go(func() { ch.left = ch.dispatcher.Run(ctx) }) // Stop ends it
	}
}

// Stop delivers what it can within StopTimeout, and tells the log what is left.
func (c *Channels) Stop() {
	c.cancel()
	c.running.Wait()
	for _, ch := range c.all {
		switch {
		case ch.left == 0:
		case ch.dir != "":
			c.log.Info("events wait in the spool for the next start", "destination", ch.Name, "events", ch.left)
		default:
			c.log.Error("events are lost: they could not be delivered, and there is no spool", "destination", ch.Name, "events", ch.left)
		}
	}
}
