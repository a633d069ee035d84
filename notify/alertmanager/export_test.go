package alertmanager

import "time"

// SetClock sets what the system's clock tells, before anything else is called.
func (k *Keeper) SetClock(tell func() time.Time) { k.clock = tell }
