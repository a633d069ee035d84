package httppost

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/vigilance-go/vigilance/notify"
)

// Guesses is how often a message is sent whose refusal is not understood.
const Guesses = 5

// Times to wait where a service gives none.
const (
	// RateWait follows a refusal for sending too much.
	RateWait = time.Minute
	// longestWait bounds what a service may ask for.
	longestWait = time.Hour
)

// TooLargeError is a message that the service finds too long.
type TooLargeError struct{ Err error }

func (e *TooLargeError) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e *TooLargeError) Unwrap() error { return e.Err }

// SendFitting sends a message that may be at most limit long; where the
// service finds it too large nevertheless, it is sent once more at half its
// size. send returns the size of what it has sent; it is told the limit.
func SendFitting(limit int, send func(limit int) (size int, err error)) error {
	size, err := send(limit)
	var large *TooLargeError
	if !errors.As(err, &large) {
		return err
	}
	if _, err = send(size / 2); errors.As(err, &large) {
		return &notify.PermanentError{Err: large.Err}
	}
	return err
}

// StatusError returns what the status of a reply means, and nil for 2xx, which
// is for the caller to judge. 408, 425 and 5xx are temporary, 429 is to be
// repeated when the reply says, 413 is a *TooLargeError; all others are
// refusals for good, redirects among them: a POST that is led elsewhere
// becomes another request, and a secret is told to another server.
func (c *Client) StatusError(r *Reply) error {
	text := c.Hide(string(r.Body))
	err := fmt.Errorf("send to %s: status %d %s, reply %q", c.service, r.Status, http.StatusText(r.Status), text)
	switch {
	case r.Status >= 200 && r.Status < 300:
		return nil
	case r.Status == http.StatusTooManyRequests:
		return RateError(err, r.RetryAfter())
	case r.Status == http.StatusRequestEntityTooLarge:
		return &TooLargeError{Err: err}
	case r.Status == http.StatusRequestTimeout, r.Status == http.StatusTooEarly, r.Status >= 500:
		return &notify.TemporaryError{Err: err, RetryAfter: r.RetryAfter()}
	case r.Status >= 300 && r.Status < 400:
		err = fmt.Errorf("send to %s: status %d leads to another address, want the final one", c.service, r.Status)
	}
	return &notify.PermanentError{Err: err}
}

// RateError is a refusal for sending too much, which d, if known, will end.
func RateError(err error, d time.Duration) error {
	if d <= 0 {
		d = RateWait
	}
	return &notify.TemporaryError{Err: err, RetryAfter: min(d, longestWait)}
}

// RetryAfter returns how long a reply asks to wait, in seconds or by a date
// (RFC 9110, 10.2.3), at most an hour; 0 where it does not ask.
func (r *Reply) RetryAfter() time.Duration {
	value := r.Header.Get("Retry-After")
	if seconds, err := strconv.ParseFloat(value, 64); err == nil {
		return Seconds(seconds)
	}
	if date, err := http.ParseTime(value); err == nil {
		return min(max(time.Until(date), 0), longestWait)
	}
	return 0
}

// Seconds returns a number of seconds that a service asks to wait, at most an
// hour, and 0 for what is no such number.
func Seconds(s float64) time.Duration {
	switch {
	case !(s > 0):
		return 0
	case s > longestWait.Seconds():
		return longestWait
	}
	return time.Duration(s*1000+0.5) * time.Millisecond
}

// Unclear is a reply that nobody foresaw: it may be a success, but must not be
// taken for one.
func (c *Client) Unclear(r *Reply, want string) error {
	return &notify.TemporaryError{
		Err:         fmt.Errorf("send to %s: status %d, reply %q, want %s", c.service, r.Status, c.Hide(string(r.Body)), want),
		GiveUpAfter: Guesses,
	}
}

// Action is what a code in a reply asks for.
type Action int

// The actions. The zero Action is an unknown code.
const (
	Unknown   Action = 0
	Busy      Action = 1 // the service will recover
	Rate      Action = 2 // too much was sent
	Permanent Action = 3
	TooLarge  Action = 4
)

// Code is the meaning of a code in a reply.
type Code struct {
	Action Action
	// Wait is for Rate, how long to send nothing.
	Wait time.Duration
	// Tries bounds the attempts for Busy; 0 for no limit.
	Tries int
	// Hint tells the operator what to do.
	Hint string
}

// CodeError returns the error for a code that is not success. message is what
// the service says beside it.
func (c *Client) CodeError(code int64, message string, meaning Code) error {
	return meaning.error(fmt.Errorf("send to %s: code %d, %q", c.service, code, c.Hide(message)))
}

// NameError is CodeError for a service whose errors have names.
func (c *Client) NameError(status int, name string, meaning Code) error {
	return meaning.error(fmt.Errorf("send to %s: status %d, error %q", c.service, status, c.Hide(name)))
}

// error returns err with the type that tells what to do.
func (meaning Code) error(err error) error {
	if meaning.Hint != "" {
		err = fmt.Errorf("%w: %s", err, meaning.Hint)
	}
	switch meaning.Action {
	case Busy:
		return &notify.TemporaryError{Err: err, GiveUpAfter: meaning.Tries}
	case Rate:
		return RateError(err, meaning.Wait)
	case Permanent:
		return &notify.PermanentError{Err: err}
	case TooLarge:
		return &TooLargeError{Err: err}
	case Unknown:
	}
	return &notify.TemporaryError{Err: fmt.Errorf("%w (unknown)", err), GiveUpAfter: Guesses}
}

// Judge returns what a reply with a code in its JSON means. code is nil where
// the reply has none, which is no success, and message is the text beside it.
// A code that meaning knows says more than the status.
func (c *Client) Judge(r *Reply, code *int64, message string, meaning func(int64) Code) error {
	if code != nil && *code != 0 {
		if m := meaning(*code); m.Action != Unknown {
			return c.CodeError(*code, message, m)
		}
	}
	if err := c.StatusError(r); err != nil {
		return err
	}
	switch {
	case code == nil:
		return c.Unclear(r, "JSON with a code")
	case *code != 0:
		return c.CodeError(*code, message, Code{})
	}
	return nil
}

// JSON is the content type of what Encode returns.
const JSON = "application/json;charset=utf-8"

// SendJSON posts v and returns the reply, whatever its status.
func (c *Client) SendJSON(ctx context.Context, address string, v any) (*Reply, error) {
	body, err := Encode(v)
	if err != nil {
		return nil, &notify.PermanentError{Err: fmt.Errorf("write message to %s: %w", c.service, err)}
	}
	return c.Do(ctx, Request{URL: address, Body: body, ContentType: JSON})
}
