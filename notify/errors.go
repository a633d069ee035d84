package notify

import "time"

// PermanentError is a delivery that will never succeed: the service
// understood the request and refused it for good. Find it with errors.As.
type PermanentError struct{ Err error }

func (e *PermanentError) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e *PermanentError) Unwrap() error { return e.Err }

// TemporaryError is a delivery that may succeed later, with what is known
// about when. An error of any other type is as temporary as a TemporaryError
// without particulars. Find it with errors.As.
type TemporaryError struct {
	Err error
	// RetryAfter is how long the service asked to be left alone; 0 where it
	// did not say.
	RetryAfter time.Duration
	// MessageOnly tells that the service works and refused only this message
	// or this recipient for now: others need not wait for it.
	MessageOnly bool
	// GiveUpAfter is how many attempts may end like this, where it is not known
	// whether repeating helps; 0 for no limit. Then it is a permanent failure.
	GiveUpAfter int
}

func (e *TemporaryError) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e *TemporaryError) Unwrap() error { return e.Err }
