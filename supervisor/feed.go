package supervisor

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/vigilance-go/vigilance/listener"
)

// feedMemory is how many occurrences somebody learns of who begins to watch.
const feedMemory = 100

// Occurrence is an event as somebody sees it who watches the daemon: the page
// in a browser, for example.
type Occurrence struct {
	// Serial counts the occurrences of this daemon from 1. It has nothing to
	// do with the serials that event listeners see.
	Serial uint64
	When   time.Time
	// Body is what happened. Communications come without their data.
	Body listener.Body
}

// feeds are those who watch what happens, and what they have in common. They
// belong to the loop.
type feeds struct {
	serial uint64
	recent []Occurrence
	all    []*Feed
}

// Feed is what one watcher receives. It never holds the daemon up: what does
// not fit into its buffer is lost to it, and counted.
type Feed struct {
	// News delivers what happens. It is never closed: see Daemon.Done.
	News    <-chan Occurrence
	d       *Daemon
	news    chan Occurrence
	dropped atomic.Uint64
}

// Watch subscribes to everything that is announced from now on, other than
// output and ticks, with room for that many occurrences. It also returns the
// newest of those that have been, the oldest first. The error is ctx's or
// ErrStopped.
func (d *Daemon) Watch(ctx context.Context, room int) (*Feed, []Occurrence, error) {
	f := &Feed{d: d, news: make(chan Occurrence, room)}
	f.News = f.news
	var recent []Occurrence
	err := d.inLoop(ctx, func() {
		d.feeds.all = append(d.feeds.all, f)
		recent = slices.Clone(d.feeds.recent)
	})
	if err != nil {
		f.Close() // it may have been added after ctx had ended
		return nil, nil, err
	}
	return f, recent, nil
}

// Close ends the subscription.
func (f *Feed) Close() { f.d.send(feedClosed{f}) }

// Dropped is the number of occurrences that did not fit into the buffer.
func (f *Feed) Dropped() uint64 { return f.dropped.Load() }

// feedClosed is the message that somebody has stopped watching.
type feedClosed struct{ feed *Feed }

func (m feedClosed) apply(d *Daemon) {
	d.feeds.all = slices.DeleteFunc(d.feeds.all, func(f *Feed) bool { return f == m.feed })
}

// Done is closed when Run has returned.
func (d *Daemon) Done() <-chan struct{} { return d.done }

// tell hands an event to those who watch.
func (s *feeds) tell(now time.Time, body listener.Body) {
	switch b := body.(type) {
	case listener.Tick, listener.ProcessLog:
		return
	case listener.ProcessCommunication:
		b.Data = nil
		body = b
	case listener.RemoteCommunication:
		b.Data = ""
		body = b
	}
	s.serial++
	o := Occurrence{Serial: s.serial, When: now, Body: body}
	if len(s.recent) == feedMemory {
		s.recent = slices.Delete(s.recent, 0, 1)
	}
	s.recent = append(s.recent, o)
	for _, f := range s.all {
		select {
		case f.news <- o:
		default:
			f.dropped.Add(1)
		}
	}
}
