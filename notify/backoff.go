package notify

import (
	"math/rand/v2"
	"time"
)

// The pauses between attempts.
const (
	minPause = time.Second
	maxPause = 30 * time.Second
)

// pause returns how long to wait after failures attempts in a row have
// failed: 1 s, doubled each time, with up to a quarter on top so that many
// clients of a server do not come back together; never more than 30 s.
func pause(failures int, random func() float64) time.Duration {
	const longest = maxPause * 4 / 5 // and a quarter makes maxPause
	d := minPause
	for i := 1; i < failures && d < longest; i++ {
		d *= 2
	}
	d = min(d, longest)
	return d + time.Duration(random()*float64(d)/4)
}

func randomOr(random func() float64) func() float64 {
	if random == nil {
		return rand.Float64
	}
	return random
}
