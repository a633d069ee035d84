package alertmanager

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Alert is an alert as Alertmanager's API takes it (openapi.yaml,
// postableAlert).
type Alert struct {
	// Labels are what the alert is: two with the same labels are the same one.
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations,omitempty"`
	// StartsAt is when it began; EndsAt, when it ended or will be taken for
	// ended, and the zero time for Alertmanager's resolve_timeout from now.
	StartsAt     time.Time `json:"startsAt,omitzero"`
	EndsAt       time.Time `json:"endsAt,omitzero"`
	GeneratorURL string    `json:"generatorURL,omitempty"`
}

var validName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

// CheckLabels returns an error for names that Alertmanager refuses, and for
// values that are not UTF-8. The names of annotations follow the same rules.
func CheckLabels(labels map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		if !validName.MatchString(name) {
			return fmt.Errorf("label name %q, want letters, digits and _, and no digit first", name)
		}
		if !utf8.ValidString(labels[name]) {
			return fmt.Errorf("value %q of label %q, want UTF-8", labels[name], name)
		}
	}
	return nil
}

// Check tells why Alertmanager would refuse an alert.
func (a Alert) Check() error {
	if err := errors.Join(CheckLabels(a.Labels), CheckLabels(a.Annotations)); err != nil {
		return err
	}
	there := false
	for _, value := range a.Labels {
		there = there || value != ""
	}
	switch {
	case !there:
		return errors.New("no label with a value, want at least alertname")
	case !a.EndsAt.IsZero() && a.EndsAt.Before(a.StartsAt):
		return fmt.Errorf("end %v is before start %v", a.EndsAt, a.StartsAt)
	}
	return nil
}

// clean takes out what is empty, which Alertmanager ignores, and what is not
// UTF-8.
func (a *Alert) clean() {
	for _, m := range []map[string]string{a.Labels, a.Annotations} {
		for name, value := range m {
			if value == "" {
				delete(m, name)
				continue
			}
			m[name] = strings.ToValidUTF8(value, "\uFFFD")
		}
	}
}

// key returns what identifies an alert.
func (a Alert) key() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(a.Labels)) {
		fmt.Fprintf(&b, "%q=%q,", name, a.Labels[name])
	}
	return b.String()
}

// labelName makes a valid name of any: what is not allowed becomes _.
func labelName(name string) string {
	out := []byte(name)
	for i, c := range out {
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			out[i] = '_'
		}
	}
	if len(out) == 0 || out[0] >= '0' && out[0] <= '9' {
		out = append([]byte{'_'}, out...)
	}
	return string(out)
}
