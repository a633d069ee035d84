package notify

import "time"

// SetClock sets what the system's clock tells, before Run.
func (d *Dispatcher) SetClock(tell func() time.Time) { d.clock = tell }

// SetClock sets what the system's clock tells, before Notify.
func (p *Pacer) SetClock(tell func() time.Time) { p.clock = tell }
