package process

import (
	"math/bits"
	"strconv"
)

// sigKill has the same number on every system.
const sigKill = 9

// SignalName returns the name of a signal as Python's signal module has it on
// this system, such as "SIGTERM", and "signal 33" for one without a name.
func SignalName(n int) string {
	if n > 0 && n < len(signalNames) && signalNames[n] != "" {
		return signalNames[n]
	}
	return "signal " + strconv.Itoa(n)
}

// Add puts a signal into the set. A number that no system uses is left out.
func (set *SignalSet) Add(n int) {
	if n >= 0 && n < 128 {
		set[n/64] |= 1 << (n % 64)
	}
}

// takeFirst removes the lowest signal from the set and returns it; ok is false
// when the set is empty.
func (set *SignalSet) takeFirst() (n int, ok bool) {
	for i, word := range set {
		if word != 0 {
			set[i] &= word - 1
			return i*64 + bits.TrailingZeros64(word), true
		}
	}
	return 0, false
}
