package notify

import (
	"fmt"
	"strings"
	"time"
)

// Quiet are the hours of each day in which nothing is sent, in local time. The
// zero Quiet has none.
type Quiet struct {
	// From and To are times since midnight. Where To is not after From, the
	// hours go on past midnight.
	From, To time.Duration
}

// ParseQuiet reads hours like 22:00-07:00. The error quotes the text.
func ParseQuiet(text string) (Quiet, error) {
	from, to, ok := strings.Cut(text, "-")
	var q Quiet
	var err error
	if ok {
		if q.From, err = clock(from); err == nil {
			q.To, err = clock(to)
		}
	}
	if !ok || err != nil || q.From == q.To {
		return Quiet{}, fmt.Errorf("read quiet hours %q, want them like 22:00-07:00", text)
	}
	return q, nil
}

func clock(text string) (time.Duration, error) {
	t, err := time.Parse("15:04", strings.TrimSpace(text))
	if err != nil {
		return 0, err
	}
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute, nil
}

// End tells whether now is in quiet hours, and when those end, in now's time
// zone.
func (q Quiet) End(now time.Time) (end time.Time, quiet bool) {
	if q.From == q.To {
		return time.Time{}, false
	}
	since := time.Duration(now.Hour())*time.Hour + time.Duration(now.Minute())*time.Minute +
		time.Duration(now.Second())*time.Second + time.Duration(now.Nanosecond())
	day := 0
	switch {
	case q.From < q.To:
		quiet = since >= q.From && since < q.To
	case since >= q.From:
		quiet, day = true, 1
	default:
		quiet = since < q.To
	}
	if !quiet {
		return time.Time{}, false
	}
	// By the clock, so that a day with another length ends when people expect.
	hour, minute := int(q.To/time.Hour), int(q.To%time.Hour/time.Minute)
	return time.Date(now.Year(), now.Month(), now.Day()+day, hour, minute, 0, 0, now.Location()), true
}
