package alertmanager

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/notify/internal/httppost"
)

// Post sends alerts to every instance at once. It returns nil when one of
// them has taken them, and else the error with the best prospect. Alerts that
// no Alertmanager would take are refused before anything is sent.
func (a *Alertmanager) Post(ctx context.Context, alerts ...Alert) error {
	for _, alert := range alerts {
		if err := alert.Check(); err != nil {
			return &notify.PermanentError{Err: fmt.Errorf("check alert: %w", err)}
		}
	}
	return a.toAll(ctx, func(ctx context.Context, i int) error { return a.post(ctx, i, alerts) })
}

// grace is how long the other instances have when one has taken an alert.
const grace = time.Second

// toAll posts to every instance at once. When one has taken it, that is
// success: the others have a moment more, and then go on without anyone
// waiting, at most for notify.DefaultTimeout. Else the error is the best.
func (a *Alertmanager) toAll(ctx context.Context, post func(ctx context.Context, i int) error) error {
	posts, cancel := context.WithTimeout(context.WithoutCancel(ctx), notify.DefaultTimeout)
	detach := context.AfterFunc(ctx, cancel)
	defer detach()
	results := make(chan error, len(a.instances))
	var all sync.WaitGroup
	for i := range a.instances {
		all.Go(func() { results <- post(posts, i) }) // posts ends it
	}
	go func() { // and this
		all.Wait()
		cancel()
	}()
	var errs []error
	var enough <-chan time.Time
	for len(errs) < len(a.instances) {
		select {
		case err := <-results:
			errs = append(errs, err)
			if err == nil && enough == nil {
				detach() // the caller may cancel ctx as soon as this returns
				timer := time.NewTimer(grace)
				defer timer.Stop()
				enough = timer.C
			}
		case <-enough:
			return nil
		}
	}
	return best(errs)
}

// best returns nil if one of the errors is, and else a temporary one rather
// than a permanent one.
func best(errs []error) error {
	var first error
	for _, err := range errs {
		var permanent *notify.PermanentError
		if err == nil {
			return nil
		}
		if first == nil || !errors.As(err, &permanent) && errors.As(first, &permanent) {
			first = err
		}
	}
	return first
}

// post sends alerts to one instance.
func (a *Alertmanager) post(ctx context.Context, i int, alerts []Alert) error {
	body, err := httppost.Encode(alerts)
	if err != nil {
		return &notify.PermanentError{Err: fmt.Errorf("write alerts: %w", err)}
	}
	r, err := a.http.Do(ctx, httppost.Request{URL: a.instances[i].url + "/api/v2/alerts", Body: body, Header: a.header})
	if err == nil {
		err = a.http.StatusError(r)
	}
	var large *httppost.TooLargeError
	switch {
	case err == nil && len(strings.TrimSpace(string(r.Body))) > 0:
		// Something else answers there, such as a login page.
		err = a.http.Unclear(r, "an empty one")
	case errors.As(err, &large):
		err = &notify.PermanentError{Err: large.Err}
	case err != nil && r != nil && r.Status == http.StatusBadRequest:
		err = &notify.PermanentError{Err: &badRequestError{err}}
	}
	if err != nil {
		return named(a.instances[i].name, err)
	}
	return nil
}

// badRequestError is a refusal of the alerts themselves.
type badRequestError struct{ error }

// Unwrap returns the reason.
func (e *badRequestError) Unwrap() error { return e.error }

// named puts an instance's name before an error's text, and keeps its type.
func named(name string, err error) error {
	var temporary *notify.TemporaryError
	var permanent *notify.PermanentError
	switch {
	case errors.As(err, &permanent):
		return &notify.PermanentError{Err: fmt.Errorf("%s: %w", name, permanent.Err)}
	case errors.As(err, &temporary):
		t := *temporary
		t.Err = fmt.Errorf("%s: %w", name, t.Err)
		return &t
	}
	return fmt.Errorf("%s: %w", name, err)
}
