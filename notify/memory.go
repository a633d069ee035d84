package notify

import (
	"errors"
	"strconv"
	"sync"
)

// DefaultMemory is how many messages a Memory holds when it is not told.
const DefaultMemory = 10_000

// Memory is a Queue that lives and dies with the process. The zero Memory is
// not usable; make one with NewMemory.
type Memory struct {
	limit   int
	changed chan struct{}

	mu    sync.Mutex
	next  int
	order []string
	items map[string]*memoryItem
	// known and recent remember the last IDs, so that a repeated Put is one
	// even after the delivery.
	known  map[string]bool
	recent []string
	dead   []Entry
}

type memoryItem struct {
	entry   Entry
	claimed bool
}

// NewMemory returns an empty queue for at most limit messages; 0 stands for
// DefaultMemory.
func NewMemory(limit int) *Memory {
	if limit <= 0 {
		limit = DefaultMemory
	}
	return &Memory{
		limit:   limit,
		changed: make(chan struct{}, 1),
		items:   make(map[string]*memoryItem),
		known:   make(map[string]bool),
	}
}

// Put implements Queue.
func (q *Memory) Put(m Message, to ...string) error {
	if m.ID == "" {
		return errors.New("put message into memory: it has no ID")
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.known[m.ID] {
		return nil
	}
	if len(q.items) >= q.limit {
		return ErrFull
	}
	q.remember(m.ID)
	q.next++
	name := strconv.Itoa(q.next)
	q.items[name] = &memoryItem{entry: NewEntry(m, to...)}
	q.order = append(q.order, name)
	select {
	case q.changed <- struct{}{}:
	default:
	}
	return nil
}

// remember keeps the last 2*limit IDs.
func (q *Memory) remember(id string) {
	q.known[id] = true
	q.recent = append(q.recent, id)
	if len(q.recent) > 2*q.limit {
		delete(q.known, q.recent[0])
		q.recent = q.recent[1:]
	}
}

// Waiting implements Queue.
func (q *Memory) Waiting() ([]string, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return append([]string(nil), q.order...), nil
}

// Changed implements Queue.
func (q *Memory) Changed() <-chan struct{} { return q.changed }

// Dead returns what was set aside: the last messages with a refused target.
func (q *Memory) Dead() []Entry {
	q.mu.Lock()
	defer q.mu.Unlock()
	return append([]Entry(nil), q.dead...)
}

// Claim implements Queue.
func (q *Memory) Claim(name string) (Claim, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	item := q.items[name]
	if item == nil || item.claimed {
		return nil, ErrNotWaiting
	}
	item.claimed = true
	return &memoryClaim{q: q, name: name, item: item}, nil
}

type memoryClaim struct {
	q    *Memory
	name string
	item *memoryItem
}

func (c *memoryClaim) Entry() Entry { return c.item.entry.Clone() }

func (c *memoryClaim) Delivered(to string) error {
	c.item.entry.Settle(to, Delivered, "")
	return nil
}

func (c *memoryClaim) Refused(to, reason string) error {
	c.item.entry.Settle(to, Refused, reason)
	return nil
}

func (c *memoryClaim) Release() error {
	c.q.mu.Lock()
	defer c.q.mu.Unlock()
	c.item.claimed = false
	if c.item.entry.Count(Pending) > 0 {
		return nil
	}
	delete(c.q.items, c.name)
	for i, name := range c.q.order {
		if name == c.name {
			c.q.order = append(c.q.order[:i:i], c.q.order[i+1:]...)
			break
		}
	}
	if c.item.entry.Count(Refused) > 0 {
		c.q.dead = append(c.q.dead, c.item.entry)
		if len(c.q.dead) > c.q.limit {
			c.q.dead = c.q.dead[1:]
		}
	}
	return nil
}
