package notify

import (
	"slices"
	"strings"
	"text/template"
	"time"
)

// Digest is what a message says about one or more events, in the order in
// which they happened. It is what templates see.
type Digest struct {
	// Host is where it happened.
	Host string
	// Labels are those of the last event.
	Labels map[string]string
	// Count is how many events there are without the recoveries; First and Last
	// are when they happened.
	Count       int
	First, Last time.Time
	// Programs are the processes they are about, in the order of their first
	// event.
	Programs []Program
	// Events are all of them, recoveries included.
	Events []Occurrence
	// Log is the end of the output of the process that the last event with
	// such an output is about.
	Log string
}

// Program is what has happened to one process.
type Program struct {
	// Name is its namespec: group:process, or the process alone.
	Name           string
	Group, Process string
	// Count is how many events there are without the recovery. Event, PID,
	// Reason and Uptime are those of the last one.
	Count       int
	First, Last time.Time
	Event       string
	PID         int
	FromState   string
	Expected    bool
	Reason      string
	Uptime      time.Duration
	// Recovered is since when it is well again; zero where it is not.
	Recovered time.Time
	Events    []Occurrence
}

// NewDigest returns the digest of events, of which there must be one, oldest
// first.
func NewDigest(events []Message) Digest {
	last := events[len(events)-1]
	d := Digest{Host: last.Host, Labels: last.Labels}
	at := make(map[string]int)
	for _, m := range events {
		o := m.Occurrence()
		d.Events = append(d.Events, o)
		i, ok := at[o.Namespec()]
		if !ok {
			i = len(d.Programs)
			at[o.Namespec()] = i
			d.Programs = append(d.Programs, Program{Name: o.Namespec(), Group: o.Group, Process: o.Process})
		}
		d.Programs[i].add(o)
		if m.Log != "" {
			d.Log = m.Log
		}
		if o.Recovery {
			continue
		}
		if d.Count == 0 {
			d.First = o.Time
		}
		d.Count++
		d.Last = o.Time
	}
	return d
}

func (p *Program) add(o Occurrence) {
	p.Events = append(p.Events, o)
	if o.Recovery {
		p.Recovered = o.Time
		if p.Count == 0 {
			p.Event, p.PID = o.Event, o.PID
		}
		return
	}
	if p.Count == 0 {
		p.First = o.Time
	}
	p.Count++
	p.Recovered = time.Time{}
	p.Last, p.Event, p.PID, p.FromState = o.Time, o.Event, o.PID, o.FromState
	p.Expected, p.Reason, p.Uptime = o.Expected, o.Reason, o.Uptime
}

// Composer writes messages about events. The zero Composer writes English.
type Composer struct {
	Lang Lang
	// Title and Body are templates for the subject and the body, which see a
	// Digest; nil stands for the built-in ones. One that fails gives way to the
	// built-in one, followed by why.
	Title, Body *template.Template
	// Prefix is put before the subject.
	Prefix string
	// Full adds the labels and the log to the body, for services that show
	// nothing but subject and body.
	Full bool
	// MaxBytes is how long a body gets, in bytes, before it says how many more
	// there are; 0 stands for 8 KiB.
	MaxBytes int
}

const defaultMaxBody = 8 << 10

// Compose writes the message for events, of which there must be one, oldest
// first. Its facts are those of the last event that is no recovery.
func (c Composer) Compose(events []Message) Message {
	d := NewDigest(events)
	m := events[len(events)-1]
	for _, e := range slices.Backward(events) {
		if !e.Recovery {
			m = e
			break
		}
	}
	if len(d.Programs) > 1 {
		m.Group, m.Process, m.PID, m.FromState, m.Reason, m.Uptime = "", "", 0, "", "", 0
	}
	m.Log, m.Lang = d.Log, c.Lang
	m.Recovery = !slices.ContainsFunc(d.Programs, func(p Program) bool { return p.Recovered.IsZero() })
	if m.Recovery {
		m.Event = events[len(events)-1].Event
	}
	words := wordsOf(c.Lang)
	var complaint string
	m.Subject = c.Prefix + render(c.Title, d, &complaint, func() string { return words.subject(d) })
	m.Body = render(c.Body, d, &complaint, func() string { return words.body(d, c.maxBytes()) })
	if c.Full {
		m.Body += words.rest(m)
	}
	if complaint != "" {
		m.Body += "\n\n" + complaint
	}
	return m
}

func (c Composer) maxBytes() int {
	if c.MaxBytes <= 0 {
		return defaultMaxBody
	}
	return c.MaxBytes
}

func render(t *template.Template, d Digest, complaint *string, builtin func() string) string {
	if t == nil {
		return builtin()
	}
	var b strings.Builder
	if err := t.Execute(&b, d); err != nil {
		*complaint = err.Error()
		return builtin()
	}
	return b.String()
}

// ParseTemplate reads a template for a Composer and tries it. Beside Go's own
// functions it knows what, which says what happened to a program or in an
// event, time, which shows a time, and join. The error says what is wrong.
func ParseTemplate(name, text string, lang Lang) (*template.Template, error) {
	words := wordsOf(lang)
	t, err := template.New(name).Funcs(template.FuncMap{
		"what": func(v any) string {
			switch v := v.(type) {
			case Program:
				return words.what(v.Event, v.Expected)
			case Occurrence:
				return words.what(v.Event, v.Expected)
			default:
				return ""
			}
		},
		"time": func(t time.Time) string { return t.Format(time.DateTime) },
		"join": strings.Join,
	}).Parse(text)
	if err != nil {
		return nil, err
	}
	sample := Message{ID: "1", Time: time.Unix(0, 0), Process: "p", Group: "g", PID: 1}
	if err := t.Execute(&strings.Builder{}, NewDigest([]Message{sample})); err != nil {
		return nil, err
	}
	return t, nil
}
