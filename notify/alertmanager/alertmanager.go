// Package alertmanager delivers alerts to Prometheus Alertmanager, alone or as
// a cluster.
//
// It decides which alert a message is, and sends it to every instance; it
// never groups, silences or paces: that is what Alertmanager is for. An
// [Alertmanager] remembers nothing: what it fires ends by itself after
// Alertmanager's resolve_timeout. A [Keeper] over it keeps alerts firing until
// they are resolved.
package alertmanager

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/notify/internal/chat"
	"github.com/vigilance-go/vigilance/notify/internal/httppost"
)

// maxDescription bounds the annotation that holds a message's body, in bytes.
const maxDescription = 16 << 10

// Config says where alerts go.
type Config struct {
	// URLs are those of all instances of the cluster, such as
	// http://alertmanager:9093, with a prefix if there is one.
	URLs []string
	// User and Password, or else BearerToken, log in.
	User        string
	Password    notify.Secret
	BearerToken notify.Secret

	// AlertName is that of all alerts; when empty, alerts are named after their
	// events, such as ProcessFatal.
	AlertName string
	// Labels are added to all alerts. They are part of what an alert is, so
	// that none of them may change from one message to the next.
	Labels map[string]string
	// Annotations are added to all alerts.
	Annotations map[string]string
	// GeneratorURL is where a person finds more.
	GeneratorURL string
	// ResolveOn names the events that resolve the alerts of their process; nil
	// stands for ResolvingEvents.
	ResolveOn []string

	// CAFile holds the certificates, in PEM, that the server's is checked
	// with, in place of the system's.
	CAFile string
	// Client makes the requests when not nil.
	Client *http.Client
	// Trace, when not nil, hears the conversation, secrets hidden.
	Trace io.Writer
}

// groupRemoved resolves the alerts of a whole group.
const groupRemoved = "PROCESS_GROUP_REMOVED"

// ResolvingEvents returns the events that resolve alerts when nothing else is
// said: the program runs, an operator has stopped it, or its group is gone.
func ResolvingEvents() []string {
	return []string{"PROCESS_STATE_RUNNING", "PROCESS_STATE_STOPPED", groupRemoved}
}

// firingEvents are those whose alerts are resolved without knowing whether
// they fire.
func firingEvents() []string {
	return []string{"PROCESS_STATE_FATAL", "PROCESS_STATE_EXITED", "PROCESS_STATE_BACKOFF", "PROCESS_STATE_UNKNOWN"}
}

// Alertmanager is a notify.Notifier for one Alertmanager or a cluster.
type Alertmanager struct {
	c         Config
	instances []instance
	http      *httppost.Client
	header    http.Header
}

type instance struct{ name, url string }

// New checks the configuration and returns a Notifier. It does not connect.
// Its errors name the option that is wrong, and hold no secret.
func New(c Config) (*Alertmanager, error) {
	a := &Alertmanager{c: c, header: make(http.Header)}
	err := a.check()
	if err == nil {
		a.http, err = httppost.New(httppost.Options{
			Service: "Alertmanager", CAFile: c.CAFile, Client: c.Client, Trace: c.Trace,
			Secrets: []string{string(c.Password), string(c.BearerToken)},
		})
	}
	if err != nil {
		return nil, fmt.Errorf("check Alertmanager options: %w", err)
	}
	if a.c.ResolveOn == nil {
		a.c.ResolveOn = ResolvingEvents()
	}
	switch {
	case c.User != "":
		r := http.Request{Header: a.header}
		r.SetBasicAuth(c.User, string(c.Password))
	case c.BearerToken != "":
		a.header.Set("Authorization", "Bearer "+string(c.BearerToken))
	}
	return a, nil
}

func (a *Alertmanager) check() error {
	if len(a.c.URLs) == 0 {
		return errors.New("no URL, want that of every instance")
	}
	for _, address := range a.c.URLs {
		if err := httppost.CheckURL("URL", address); err != nil {
			return err
		}
		u, err := url.Parse(address)
		switch {
		case err != nil:
			return errors.New("URL is not a URL, want http://host:9093")
		case u.User != nil:
			return fmt.Errorf("URL of %s with a user, want user and password on their own", u.Host)
		case u.RawQuery != "" || strings.Contains(u.Path, "/api/"):
			return fmt.Errorf("URL of %s with more than a prefix, want http://host:9093", u.Host)
		}
		in := instance{name: u.Host, url: strings.TrimSuffix(address, "/")}
		if slices.Contains(a.instances, in) {
			return fmt.Errorf("URL of %s twice, want every instance once", u.Host)
		}
		a.instances = append(a.instances, in)
	}
	switch {
	case a.c.Password != "" && a.c.User == "":
		return errors.New("a password without a user, want both")
	case a.c.User != "" && a.c.BearerToken != "":
		return errors.New("a user and a bearer token, want one of them")
	}
	if a.c.GeneratorURL != "" {
		if err := httppost.CheckURL("generator URL", a.c.GeneratorURL); err != nil {
			return err
		}
	}
	for name := range a.c.Labels {
		if reserved(name) {
			return fmt.Errorf("label %q is set from the message, want another name", name)
		}
	}
	return errors.Join(CheckLabels(a.c.Labels), CheckLabels(a.c.Annotations))
}

// reserved tells whether a label is set from the message.
func reserved(name string) bool {
	return name == "alertname" || name == "instance" || name == "group" || name == "process"
}

// Format keeps fmt from printing what is inside.
func (a *Alertmanager) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "Alertmanager") }

// Check implements notify.Checker: every instance must tell its status.
func (a *Alertmanager) Check(ctx context.Context) error {
	var all []error
	for _, in := range a.instances {
		if err := a.checkOne(ctx, in); err != nil {
			all = append(all, named(in.name, err))
		}
	}
	return errors.Join(all...)
}

func (a *Alertmanager) checkOne(ctx context.Context, in instance) error {
	r, err := a.http.Do(ctx, httppost.Request{URL: in.url + "/api/v2/status", Method: http.MethodGet, Header: a.header})
	if err != nil {
		return err
	}
	if err := a.http.StatusError(r); err != nil {
		return err
	}
	var status struct {
		Version struct {
			Version string `json:"version"`
		} `json:"versionInfo"`
	}
	if err := json.Unmarshal(r.Body, &status); err != nil || status.Version.Version == "" {
		return a.http.Unclear(r, "Alertmanager's status")
	}
	return nil
}

// Notify implements notify.Notifier. A message with one of the resolving
// events resolves all alerts that its process may have; any other fires one.
func (a *Alertmanager) Notify(ctx context.Context, m notify.Message) error {
	m = dated(m)
	m.Time = earlier(m.Time, time.Now()) // or Alertmanager refuses it, once the clock was set back
	alerts := []Alert{a.alert(m, m.Event)}
	if a.resolves(m) {
		alerts = nil
		for _, event := range firingEvents() {
			alert := a.alert(m, event)
			alert.EndsAt = m.Time
			alerts = append(alerts, alert)
			if a.c.AlertName != "" {
				break // they are all the same
			}
		}
	}
	return a.Post(ctx, alerts...)
}

// dated gives a message a time.
func dated(m notify.Message) notify.Message {
	if m.Time.IsZero() {
		m.Time = time.Now()
	}
	return m
}

func (a *Alertmanager) resolves(m notify.Message) bool {
	return slices.Contains(a.c.ResolveOn, m.Event)
}

// alert returns the firing alert that a message with an event stands for.
func (a *Alertmanager) alert(m notify.Message, event string) Alert {
	labels := make(map[string]string)
	for name, value := range m.Labels {
		labels[labelName(name)] = value
	}
	maps.Copy(labels, a.c.Labels)
	labels["alertname"] = a.c.AlertName
	if a.c.AlertName == "" {
		labels["alertname"] = alertName(event)
	}
	labels["instance"] = m.Host
	labels["group"], labels["process"] = m.Group, m.Process

	t := chat.Compose(m)
	annotations := map[string]string{
		"summary": t.Title,
		"description": t.Fit(maxDescription, chat.Bytes, func(body, log string) string {
			return chat.Join("\n\n", body, log)
		}),
		"event":      m.Event,
		"from_state": m.FromState,
	}
	if m.PID > 0 {
		annotations["pid"] = fmt.Sprint(m.PID)
	}
	maps.Copy(annotations, a.c.Annotations)
	alert := Alert{Labels: labels, Annotations: annotations, StartsAt: m.Time, GeneratorURL: a.c.GeneratorURL}
	alert.clean()
	return alert
}

// alertName makes a name of an event's: PROCESS_STATE_FATAL is ProcessFatal.
func alertName(event string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(strings.ReplaceAll(event, "_STATE_", "_"), "_") {
		if word != "" {
			b.WriteString(strings.ToUpper(word[:1]) + strings.ToLower(word[1:]))
		}
	}
	if b.Len() == 0 {
		return "SupervisorAlert"
	}
	return b.String()
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
