package supervisor

import (
	"container/heap"
	"time"
)

// deadline is a moment at which the loop must do something. It lives inside
// what it belongs to; the loop's heap points at it.
type deadline struct {
	at    time.Time // zero: not set
	index int       // in the heap, plus one; 0 when it is in none
	fire  func(now time.Time)
}

// deadlines is the loop's one heap of what is due when.
type deadlines struct{ heap deadlineHeap }

// set moves dl to at, or takes it out when at is zero.
func (q *deadlines) set(dl *deadline, at time.Time) {
	dl.at = at
	switch {
	case at.IsZero() && dl.index != 0:
		heap.Remove(&q.heap, dl.index-1)
	case at.IsZero():
	case dl.index != 0:
		heap.Fix(&q.heap, dl.index-1)
	default:
		heap.Push(&q.heap, dl)
	}
}

// next returns the earliest moment, and false when nothing is due ever.
func (q *deadlines) next() (time.Time, bool) {
	if len(q.heap) == 0 {
		return time.Time{}, false
	}
	return q.heap[0].at, true
}

// fireDue takes out and fires what is due at now. What fires may set
// deadlines again; those that are due at once wait for the next call, so that
// the loop turns in between.
func (q *deadlines) fireDue(now time.Time) {
	var due []*deadline
	for len(q.heap) > 0 && !q.heap[0].at.After(now) {
		due = append(due, heap.Pop(&q.heap).(*deadline))
	}
	for _, dl := range due {
		if dl.index != 0 || dl.at.IsZero() {
			continue // set anew, or taken back, by one that fired before it
		}
		dl.at = time.Time{}
		dl.fire(now)
	}
}

// deadlineHeap implements heap.Interface by time.
type deadlineHeap []*deadline

func (h deadlineHeap) Len() int           { return len(h) }
func (h deadlineHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }

func (h deadlineHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i+1, j+1
}

func (h *deadlineHeap) Push(x any) {
	dl := x.(*deadline)
	*h = append(*h, dl)
	dl.index = len(*h)
}

func (h *deadlineHeap) Pop() any {
	old := *h
	dl := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	dl.index = 0
	return dl
}
