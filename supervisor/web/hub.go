package web

import (
	"context"
	"encoding/json"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vigilance-go/vigilance/supervisor"
)

const (
	// sampleEvery is the time between two samples of CPU and memory.
	sampleEvery = 2 * time.Second
	// firstSample is the time to the first whose CPU means something.
	firstSample = 700 * time.Millisecond
	// settleTime gathers the events of a burst into one look at the states.
	settleTime = 60 * time.Millisecond
	// lingerTime is how long the charts are kept up when nobody looks any
	// more, so that loading the page again does not empty them.
	lingerTime = 15 * time.Second
	// feedRoom is how many events may wait for the hub.
	feedRoom = 1024
	// clientRoom is how many messages may wait for one browser. One that is
	// slower gets the whole picture again instead.
	clientRoom = 64
)

// hub watches the daemon while somebody looks at the page, and tells all
// browsers what has changed. It costs nothing while nobody does.
type hub struct {
	daemon  *supervisor.Daemon
	sampler *sampler

	mu       sync.Mutex // not held while anything is sent to a browser
	clients  map[*client]struct{}
	watching bool
	rows     map[string]row // by namespec
	order    []string
	down     bool // the daemon answers no more questions
	pending  []change
	charts   map[string]*history
	recent   []happening
	joined   chan struct{} // wakes the watcher that lingers
}

// client is one browser that listens.
type client struct {
	out    chan message
	behind atomic.Bool   // messages were lost; it needs the whole picture
	lost   atomic.Uint64 // events among them
}

// message is one server-sent event.
type message struct {
	event string
	data  []byte // JSON, without line feeds
}

func newHub(d *supervisor.Daemon) *hub {
	return &hub{daemon: d, sampler: newSampler(), clients: make(map[*client]struct{}), joined: make(chan struct{}, 1)}
}

// join makes a browser a listener. It first gets the whole picture. The error
// is that of a daemon that has stopped.
func (h *hub) join(ctx context.Context) (*client, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.watching {
		if err := h.begin(ctx); err != nil {
			return nil, err
		}
	}
	c := &client{out: make(chan message, clientRoom)}
	c.behind.Store(true)
	h.clients[c] = struct{}{}
	select {
	case h.joined <- struct{}{}:
	default:
	}
	return c, nil
}

// leave ends what join began.
func (h *hub) leave(c *client) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.clients, c)
}

// begin starts to watch. The lock is held.
func (h *hub) begin(ctx context.Context) error {
	feed, recent, err := h.daemon.Watch(ctx, feedRoom)
	if err != nil {
		return err
	}
	h.watching = true
	h.recent = nil
	for _, o := range recent {
		h.recent = append(h.recent, tell(o))
	}
	h.charts = make(map[string]*history)
	h.rows, h.order, h.pending = nil, nil, nil
	// The first browser is not shown an empty page.
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	infos, err := h.daemon.AllProcessInfo(ctx)
	h.down = err != nil
	h.take(infos)
	h.pending = h.lookForPending(ctx)
	go h.watch(feed) //nolint:gosec // it serves all browsers: it ends with the daemon, or a while after the last of them
	return nil
}

// watch tells the browsers what happens, until nobody has looked for a while.
func (h *hub) watch(feed *supervisor.Feed) {
	defer feed.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	h.sample(time.Now()) // CPU is what is used between two samples
	sample := time.NewTimer(firstSample)
	defer sample.Stop()
	settle := time.NewTimer(settleTime)
	linger := time.NewTimer(lingerTime)
	var dropped uint64
	for {
		select {
		case <-h.daemon.Done():
			h.end()
			return
		case o := <-feed.News:
			h.event(tell(o), feed.Dropped()-dropped)
			dropped = feed.Dropped()
			settle.Reset(settleTime)
		case <-settle.C:
			h.refresh(ctx)
		case now := <-sample.C:
			sample.Reset(sampleEvery)
			h.refresh(ctx)
			h.sample(now)
		case <-h.joined:
			linger.Reset(lingerTime)
		case <-linger.C:
			if h.endUnlessWatched() {
				return
			}
			linger.Reset(lingerTime)
		}
	}
}

// end says that the watcher is gone, and sends the browsers away.
func (h *hub) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.watching = false
}

// endUnlessWatched ends the watch when no browser is left.
func (h *hub) endUnlessWatched() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.clients) > 0 {
		return false
	}
	h.watching = false
	return true
}

// event passes an event on.
func (h *hub) event(e happening, dropped uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.recent) >= 100 {
		h.recent = append(h.recent[:0:0], h.recent[1:]...)
	}
	h.recent = append(h.recent, e)
	for c := range h.clients {
		c.lost.Add(dropped)
	}
	h.broadcast("event", e)
}

// refresh looks at all processes and passes on what has changed.
func (h *hub) refresh(ctx context.Context) {
	infos, err := h.daemon.AllProcessInfo(ctx)
	pending := h.lookForPending(ctx)
	h.mu.Lock()
	defer h.mu.Unlock()
	if down := err != nil; down != h.down {
		h.down = down
		h.broadcast("mood", h.mood())
	}
	if err != nil {
		return
	}
	before, order := h.rows, h.order
	h.take(infos)
	var delta struct {
		Set   []row    `json:"set,omitempty"`
		Gone  []string `json:"gone,omitempty"`
		Order []string `json:"order,omitempty"` // all names, when new ones came
	}
	for _, name := range h.order {
		was, known := before[name]
		if r := h.rows[name]; !known || was != r {
			delta.Set = append(delta.Set, r)
		}
		if !known {
			delta.Order = h.order
		}
	}
	for _, name := range order {
		if _, stays := h.rows[name]; !stays {
			delta.Gone = append(delta.Gone, name)
			delete(h.charts, name)
		}
	}
	if delta.Set != nil || delta.Gone != nil {
		h.broadcast("rows", delta)
	}
	if !sameChanges(pending, h.pending) {
		h.pending = pending
		h.broadcast("pending", pendingMessage(pending))
	}
}

// take makes infos the present state. The lock is held.
func (h *hub) take(infos []supervisor.ProcessInfo) {
	h.rows = make(map[string]row, len(infos))
	h.order = make([]string, 0, len(infos))
	for i := range infos {
		r := newRow(&infos[i]).live()
		h.rows[r.Name] = r
		h.order = append(h.order, r.Name)
	}
}

// sample measures the processes and passes the figures on.
func (h *hub) sample(now time.Time) {
	h.mu.Lock()
	pids := make([]int, 0, len(h.rows))
	for _, r := range h.rows {
		if r.PID != 0 {
			pids = append(pids, r.PID)
		}
	}
	h.mu.Unlock()
	found := h.sampler.sample(pids, now)
	if found == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	figures := make(map[string][2]float64, len(found))
	for name, r := range h.rows {
		u, ok := found[r.PID]
		if !ok {
			delete(h.charts, name)
			continue
		}
		u.CPU = float64(int(u.CPU*10+0.5)) / 10
		if h.charts[name] == nil {
			h.charts[name] = &history{}
		}
		h.charts[name].add(r.PID, u)
		figures[name] = [2]float64{u.CPU, float64(u.RSS)}
	}
	h.broadcast("samples", figures)
}

// mood is what the page says about the daemon as a whole.
func (h *hub) mood() string {
	if h.down {
		return "SHUTDOWN"
	}
	return "RUNNING"
}

// broadcast sends a message to all browsers. The lock is held.
func (h *hub) broadcast(event string, v any) {
	if len(h.clients) == 0 {
		return
	}
	m := message{event, encode(v)}
	for c := range h.clients {
		select {
		case c.out <- m:
		default:
			if event == "event" {
				c.lost.Add(1)
			}
			c.behind.Store(true)
		}
	}
}

// picture is everything that a page needs to begin with.
type picture struct {
	Token   string              `json:"token"`
	Mood    string              `json:"mood"`
	Now     int64               `json:"now"` // Unix milliseconds
	Rows    []row               `json:"rows"`
	Charts  map[string]*history `json:"charts"`
	Recent  []happening         `json:"recent"`
	Pending []change            `json:"pending"`
	Lost    uint64              `json:"lost"` // events that did not reach this browser
}

// picture returns the present state for one browser.
func (h *hub) picture(c *client, token string) message {
	h.mu.Lock()
	defer h.mu.Unlock()
	c.behind.Store(false)
	for { // what waits is older than the picture
		select {
		case <-c.out:
			continue
		default:
		}
		break
	}
	p := picture{
		Token: token, Mood: h.mood(), Now: time.Now().UnixMilli(), Rows: make([]row, 0, len(h.order)),
		Charts: h.charts, Recent: h.recent, Pending: pendingMessage(h.pending), Lost: c.lost.Load(),
	}
	for _, name := range h.order {
		p.Rows = append(p.Rows, h.rows[name])
	}
	return message{"picture", encode(p)}
}

// encode returns v as JSON, which has no line feed.
func encode(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		return []byte("null") // none of the types here can fail
	}
	return data
}
