package check

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Limit says how often a process may be restarted. The zero Limit is none.
type Limit struct {
	Restarts int
	Span     time.Duration
}

// ParseLimit reads a limit such as "3/1h". Empty is none. The error quotes what
// is wrong.
func ParseLimit(text string) (Limit, error) {
	if text == "" {
		return Limit{}, nil
	}
	number, span, _ := strings.Cut(text, "/")
	n, err := strconv.Atoi(number)
	d, spanErr := ParseDuration(span)
	if err != nil || spanErr != nil || n < 1 || d <= 0 {
		return Limit{}, fmt.Errorf("%q, want a number and a span such as 3/1h", text)
	}
	return Limit{Restarts: n, Span: d}, nil
}

// ParseDuration reads a span of time: a number of seconds, or one with a unit
// such as 90s, 5m, 1h30m or 2d.
func ParseDuration(text string) (time.Duration, error) {
	if n, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(n) * time.Second, nil
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 15); err == nil {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q, want a span of time such as 90, 5m, 1h or 2d", text)
	}
	return d, nil
}

// String is how the limit stands in a mail.
func (l Limit) String() string {
	if l.Restarts == 1 {
		return "once within " + short(l.Span)
	}
	return strconv.Itoa(l.Restarts) + " times within " + short(l.Span)
}

// short writes 1h0m0s as 1h.
func short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// history remembers when processes were restarted, as far as a Limit asks, also
// over a restart of the tool.
type history struct {
	limit Limit
	saved *Saved
	mu    sync.Mutex
	times map[string][]time.Time
}

// load reads what the process before has noted.
func (h *history) load() {
	if h.limit != (Limit{}) {
		h.saved.Load(&h.times)
	}
}

// take notes a restart and reports whether the limit allows it.
func (h *history) take(name string, now time.Time) bool {
	if h.limit == (Limit{}) {
		return true
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.times == nil {
		h.times = map[string][]time.Time{}
	}
	for key, times := range h.times {
		h.times[key] = slices.DeleteFunc(times, func(t time.Time) bool { return now.Sub(t) >= h.limit.Span || t.After(now) })
		if len(h.times[key]) == 0 && key != name {
			delete(h.times, key)
		}
	}
	if len(h.times[name]) >= h.limit.Restarts {
		return false
	}
	h.times[name] = append(h.times[name], now)
	h.saved.Save(h.times)
	return true
}
