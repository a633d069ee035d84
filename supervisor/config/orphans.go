package config

import "fmt"

// Orphans says what becomes of processes that a supervisord which was killed
// has left running, when the next one starts. (Not an option of the
// reference.)
type Orphans int

// The choices of orphans=.
const (
	OrphansStop  Orphans = 0 // each is stopped before its program is started
	OrphansAdopt Orphans = 1 // those whose program is unchanged are taken over
)

// String returns the choice's name in orphans=.
func (o Orphans) String() string {
	if o == OrphansAdopt {
		return "adopt"
	}
	return "stop"
}

// ParseOrphans reads the value of orphans=.
func ParseOrphans(text string) (Orphans, error) {
	for _, o := range []Orphans{OrphansStop, OrphansAdopt} {
		if text == o.String() {
			return o, nil
		}
	}
	return 0, fmt.Errorf("invalid value for orphans: %s, want stop or adopt", PyRepr(text))
}
