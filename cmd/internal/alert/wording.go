package alert

import (
	"maps"
	"slices"
	"strings"

	"github.com/vigilance-go/vigilance/notify"
)

// Plain tells that nothing is asked for that superlance's tools do not do.
func (o EngineOptions) Plain() bool { return !o.Asked && !o.OwnWords() && len(o.Labels) == 0 }

// OwnWords tells that messages are not to be in superlance's words.
func (o EngineOptions) OwnWords() bool {
	return o.Composer.Title != nil || o.Composer.Body != nil || o.Composer.Lang == notify.Chinese
}

// wording writes the message for one event as the tool has written it, and for
// several, or where own words are asked for, as all tools do. A message without
// a body is not in the tool's words.
func (o EngineOptions) wording(c notify.Composer) func(events []notify.Message) notify.Message {
	return func(events []notify.Message) notify.Message {
		if m := events[0]; len(events) == 1 && m.Body != "" && !o.OwnWords() {
			m.Body += LabelLines(m.Labels)
			return m
		}
		return c.Compose(events)
	}
}

// LabelLines are the labels as they stand at the end of a mail.
func LabelLines(labels map[string]string) string {
	var b strings.Builder
	for i, name := range slices.Sorted(maps.Keys(labels)) {
		if i == 0 {
			b.WriteString("\n")
		}
		b.WriteString("\n" + name + ": " + labels[name])
	}
	return b.String()
}
