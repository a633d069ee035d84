package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/vigilance-go/vigilance/cmd/internal/alert"
	"github.com/vigilance-go/vigilance/cmd/internal/check"
	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/notify"
)

// httpok watches URLs. Its fields belong to the check that is under way, of
// which there is one at most.
type httpok struct {
	options
	station *check.Station
	watched []*watched
	saved   *check.Saved
	// limitTold tells that the mail about reached limits was sent.
	limitTold bool
}

// watched is a URL and how it has been.
type watched struct {
	*probe
	past
}

// past is how a URL has been: what must survive a restart of httpok.
type past struct {
	Failures int       `json:"failures,omitempty"` // in a row, since something was done about them
	Since    time.Time `json:"since,omitzero"`     // when the first of them was, or of those before
	Acted    bool      `json:"acted,omitempty"`    // something was done since it was well
	// Group and Process are what its mails are about; Group is empty for the URL.
	Group   string `json:"group,omitempty"`
	Process string `json:"process,omitempty"`
}

// memory is what of a httpok must survive its restart.
type memory struct {
	URLs      map[string]past `json:"urls"`
	LimitTold bool            `json:"limit_told,omitempty"`
}

// recall takes up what the httpok before knew, which may have been killed.
func (h *httpok) recall() {
	var m memory
	h.saved.Load(&m)
	h.limitTold = m.LimitTold
	for _, w := range h.watched {
		w.past = m.URLs[w.url]
	}
}

// remember writes down what the next httpok must know.
func (h *httpok) remember() {
	m := memory{URLs: map[string]past{}, LimitTold: h.limitTold}
	for _, w := range h.watched {
		if w.past != (past{}) {
			m.URLs[w.url] = w.past
		}
	}
	h.saved.Save(m)
}

// finding is a URL whose answer was not good.
type finding struct {
	*watched
	answer answer
	fault  string // badStatus or badBody
}

// run is httpok, from its options to its end.
func run(ctx context.Context, o options, stderr *alert.Stderr, stdout io.Writer, serve ...listener.Option) error {
	if !o.Test && !o.Check && o.Env.ServerURL == "" {
		return o.NotAListener(stderr, section)
	}
	h := &httpok{options: o}
	for _, text := range o.urls {
		t, err := parseTarget(text, o.request.socket)
		if err != nil {
			return err
		}
		p, err := newProbe(t, o.request, o.want.looksAtBody(), stderr.Logger())
		if err != nil {
			return err
		}
		h.watched = append(h.watched, &watched{probe: p})
	}
	switch {
	case o.Check:
		return o.CheckMail(ctx, stdout)
	case o.Test:
		return h.test(ctx, stdout)
	}
	var err error
	if h.station, err = check.NewStation(ctx, o.Options, stderr); err != nil {
		return err
	}
	h.station.Echo = true
	h.saved = o.Saved("checks", h.station.Log)
	h.recall()
	return h.station.Serve(ctx, h.handle, serve...)
}

// handle begins a check at each tick, unless one is under way.
func (h *httpok) handle(_ context.Context, ev listener.Event) {
	if !strings.HasPrefix(string(ev.Header.EventName), "TICK") {
		return
	}
	h.station.Beside.Go("check", func() { h.check(h.station.Beside.Watch, h.station.Beside.Act) })
}

// check asks all URLs and acts on what is wrong with them. watch ends the
// asking, and act what is done about it.
func (h *httpok) check(watch, act context.Context) {
	if !h.eager {
		infos, err := check.Infos(watch, h.station.Daemon)
		if watch.Err() != nil {
			return
		}
		if err != nil {
			h.station.Log.Error("cannot tell whether a process runs, so nothing is checked", "err", err)
			return
		}
		if !h.anyRuns(infos) {
			return
		}
	}
	answers := h.ask(watch)
	if watch.Err() != nil {
		return // what was cut short says nothing of the URL
	}
	var bad []finding
	for i, w := range h.watched {
		fault := h.want.judge(answers[i])
		if fault == "" {
			h.well(w, answers[i])
			continue
		}
		if w.Failures == 0 && !w.Acted {
			w.Since = time.Now()
		}
		w.Failures++
		if w.Failures >= h.failures {
			bad = append(bad, finding{w, answers[i], fault})
			continue
		}
		h.station.Log.Warn("a check has failed, which is not yet acted on", "url", w.url, "fault", fault,
			"answer", answers[i].text, "failures", w.Failures, "wanted", h.failures)
	}
	h.remember() // before what may take long
	if len(bad) > 0 {
		h.act(act, bad)
		h.remember()
	}
}

// ask asks all URLs at the same time.
func (h *httpok) ask(ctx context.Context) []answer {
	answers := make([]answer, len(h.watched))
	var all sync.WaitGroup
	for i, w := range h.watched {
		all.Add(1)
		go func() { // ends with the probe, which has a timeout
			defer all.Done()
			answers[i] = w.ask(ctx)
		}()
	}
	all.Wait()
	return answers
}

// well notes a good answer, and tells it after bad ones that were acted on.
func (h *httpok) well(w *watched, a answer) {
	was := w.past
	w.past = past{}
	if !was.Acted {
		return
	}
	h.limitTold = false
	if !h.recovery {
		return
	}
	body := fmt.Sprintf("%s\n%s has recovered; it had failed since %s", a.text, w.url, was.Since.Format("2006-01-02 15:04:05 MST"))
	h.station.Stderr.Text(body + "\n")
	h.station.Post(notify.Message{
		Subject: h.Subject(w.url + ": recovered"), Body: body,
		Event: failedEvent, Group: was.Group, Process: was.Process, Recovery: true,
	})
}

// test asks all URLs once, prints what it found, and sends a test mail.
func (h *httpok) test(ctx context.Context, stdout io.Writer) error {
	failed := 0
	for i, a := range h.ask(ctx) {
		verdict := "ok"
		if fault := h.want.judge(a); fault != "" {
			verdict = fault
			failed++
		}
		_, _ = fmt.Fprintf(stdout, "== %s: %s\n%s\n", h.watched[i].url, verdict, a.text) // the exit status tells as well
	}
	var errs []error
	if failed > 0 {
		errs = append(errs, fmt.Errorf("check: %d of %d URLs are not as they should be", failed, len(h.watched)))
	}
	if len(h.Targets)+len(h.Others) > 0 {
		first := h.watched[0].url
		errs = append(errs, h.SendTest(ctx, notify.Message{
			Subject: h.Subject(first + ": " + badStatus),
			Body: "status contacting " + first + ": 503 Service Unavailable\n" +
				"Restarting selected processes " + check.ReprList(h.programs) + "\ntest is in RUNNING state, restarting\ntest restarted",
		}, stdout))
	}
	return errors.Join(errs...)
}
