package notify

import "context"

// Limits say how much a service takes, so that what is sent can be merged,
// cut and paced before the service refuses it. A zero field is no limit.
type Limits struct {
	// PerSecond and PerMinute are how many messages the service takes in any
	// second and in any minute.
	PerSecond, PerMinute int
	// MaxBytes is how long a message's text may be, in bytes of UTF-8, and
	// MaxChars in characters; what leaves the basic plane, as most emoji do,
	// counts as two. An integration truncates what is longer.
	MaxBytes, MaxChars int
}

// Limited is a Notifier that knows what its service takes.
type Limited interface {
	Notifier
	Limits() Limits
}

// LimitsOf returns the limits of a notifier's service, or none where it does
// not know them.
func LimitsOf(n Notifier) Limits {
	if l, ok := n.(Limited); ok {
		return l.Limits()
	}
	return Limits{}
}

// Checker is a Notifier that can find out whether its service is within reach
// without sending a message.
type Checker interface {
	// Check returns nil when the service answers. As far as the service has a
	// way to ask, it also checks that it knows the secrets. No error holds one.
	Check(ctx context.Context) error
}
