package chattest

import (
	"errors"
	"fmt"

	"github.com/vigilance-go/vigilance/notify"
)

// Outcome says in words what an error of a notify.Notifier asks for.
func Outcome(err error) string {
	var permanent *notify.PermanentError
	var temporary *notify.TemporaryError
	switch {
	case err == nil:
		return "accepted"
	case errors.As(err, &permanent):
		return "permanent"
	case !errors.As(err, &temporary):
		return "retry, untyped"
	case temporary.MessageOnly:
		return "retry this message"
	case temporary.RetryAfter > 0:
		return "retry after " + temporary.RetryAfter.String()
	case temporary.GiveUpAfter > 0:
		return fmt.Sprintf("retry %d times", temporary.GiveUpAfter)
	}
	return "retry"
}

// Row is a reply, and what it must mean.
type Row struct {
	Name  string
	Reply Reply
	Want  string // as of Outcome
	// Says is a part of the error's text.
	Says string
	// Requests is how many are made; 1 when 0.
	Requests int
}

// CommonRows returns what any service's HTTP server may answer.
func CommonRows() []Row {
	retryAfter := map[string]string{"Retry-After": "7"}
	return []Row{
		{Name: "busy", Reply: Reply{Status: 503}, Want: "retry", Says: "status 503"},
		{Name: "busy for a time", Reply: Reply{Status: 503, Header: retryAfter}, Want: "retry after 7s"},
		{Name: "bad gateway", Reply: Reply{Status: 502, Body: "<html>"}, Want: "retry"},
		{Name: "too many", Reply: Reply{Status: 429, Header: retryAfter}, Want: "retry after 7s"},
		{Name: "too many, no time", Reply: Reply{Status: 429}, Want: "retry after 1m0s"},
		{Name: "too many, absurd time", Reply: Reply{Status: 429, Header: map[string]string{"Retry-After": "99999999999999999999"}}, Want: "retry after 1h0m0s"},
		{Name: "too many, bad time", Reply: Reply{Status: 429, Header: map[string]string{"Retry-After": "soon"}}, Want: "retry after 1m0s"},
		{Name: "not allowed", Reply: Reply{Status: 403}, Want: "permanent", Says: "status 403"},
		{Name: "gone", Reply: Reply{Status: 410}, Want: "permanent"},
		{Name: "redirect", Reply: Reply{Status: 302, Header: map[string]string{"Location": "http://elsewhere.invalid/"}}, Want: "permanent", Says: "another address"},
		{Name: "kept redirect", Reply: Reply{Status: 308, Header: map[string]string{"Location": "http://elsewhere.invalid/"}}, Want: "permanent", Says: "another address"},
		{Name: "empty", Reply: Reply{Status: 200}, Want: "retry 5 times", Says: "want"},
		{Name: "HTML", Reply: Reply{Status: 200, Body: "<html>Log in to the proxy</html>"}, Want: "retry 5 times", Says: "Log in"},
		{Name: "empty JSON", Reply: Reply{Status: 200, Body: "{}"}, Want: "retry 5 times"},
		{Name: "cut JSON", Reply: Reply{Status: 200, Body: `{"errcode":0`}, Want: "retry 5 times"},
	}
}
