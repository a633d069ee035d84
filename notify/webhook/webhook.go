// Package webhook delivers alerts to any service that takes an HTTP request,
// by a template of the request's body; for some services the template is
// ready.
//
// It decides nothing about what a body means: that is the template's. A reply
// is success when its status is 2xx and it holds what the service is known,
// or was said, to answer. It never retries and never paces: put a notify.Pacer
// around it.
package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"time"
	"unicode/utf8"

	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/notify/internal/chat"
	"github.com/vigilance-go/vigilance/notify/internal/httppost"
)

// Bounds in bytes, where a service has none or larger ones.
const (
	defaultMax = 1 << 20  // of a request's body
	bodyMax    = 64 << 10 // of Data.Body
	logMax     = 16 << 10 // of Data.Log
)

// Config says where messages go and what they look like.
type Config struct {
	// Preset names a ready template (Presets), or is empty; then URL and
	// Template must be there. With a preset each field below that is not empty
	// replaces the preset's.
	Preset string
	// URL is where to send.
	URL notify.Secret
	// Method is POST when empty.
	Method string
	// Template is a text/template of the body, executed with a Data. Its
	// function json writes a value as JSON, quotes and all.
	Template string
	// ContentType is application/json when empty. A body of that type must be
	// JSON.
	ContentType string
	// Header adds to the request.
	Header map[string]notify.Secret
	// Params are what a preset or a template needs besides, such as chat_id.
	Params map[string]notify.Secret
	// Mentions are who is mentioned, in the service's way, except by good news.
	Mentions []string
	// Expect is a regular expression that the reply's body must match, where
	// the service reports errors with status 200.
	Expect string
	// Limits are what the service takes. MaxBytes is for the whole body, and
	// MaxChars for Data.Text.
	Limits notify.Limits

	// CAFile holds the certificates, in PEM, that the server's is checked
	// with, in place of the system's.
	CAFile string
	// Client makes the requests when not nil.
	Client *http.Client
	// Trace, when not nil, hears the conversation, secrets hidden.
	Trace io.Writer
}

// Data is what a template is executed with: the message, and its parts as a
// chat service shows them. All texts are UTF-8 without control characters.
type Data struct {
	// Message has a Body of at most 64 KiB and a Log of at most 16 KiB, which
	// say where they are cut. A message that the service finds too large is
	// repeated with less of both.
	notify.Message
	// Title is the subject, at most 300 bytes long.
	Title string
	// Text is the body, the log and the facts, as far as they fit.
	Text string
	// Facts are what the text of the message does not say: host, time, labels.
	Facts []Fact
	// Tone is bad, good or plain.
	Tone string
	// Mentions are to be mentioned by this message.
	Mentions []string
	// Param holds the configuration's Params.
	Param map[string]string
}

// Fact is a name and a value.
type Fact = chat.Fact

// Webhook is a notify.Notifier for one address.
type Webhook struct {
	c      Config
	preset preset
	url    string
	header http.Header
	params map[string]string
	tmpl   *template.Template
	expect *regexp.Regexp
	http   *httppost.Client
}

// New checks the configuration, tries the template, and returns a Notifier. It
// does not connect. Its errors name the option that is wrong, and hold no
// secret.
func New(c Config) (*Webhook, error) {
	w := &Webhook{c: c, header: make(http.Header), params: make(map[string]string)}
	secrets := []string{string(c.URL)}
	for name, value := range c.Params {
		w.params[name] = string(value)
		if !isPublic(name) {
			secrets = append(secrets, string(value))
		}
	}
	for name, value := range c.Header {
		w.header.Set(name, string(value))
		secrets = append(secrets, string(value))
	}
	err := w.readPreset()
	if err == nil {
		err = w.readTemplate()
	}
	if err == nil {
		w.http, err = httppost.New(httppost.Options{
			Service: w.service(), CAFile: c.CAFile, Client: c.Client, Trace: c.Trace, Secrets: secrets,
		})
	}
	if err == nil {
		_, err = w.body(sample(), w.c.Limits.MaxBytes)
	}
	if err != nil {
		return nil, fmt.Errorf("check webhook options: %w", err)
	}
	return w, nil
}

// readPreset takes what is not set from the preset.
func (w *Webhook) readPreset() error {
	if w.c.Preset != "" {
		var ok bool
		if w.preset, ok = presetOf(w.c.Preset); !ok {
			return fmt.Errorf("preset %q, want one of %q", w.c.Preset, Presets())
		}
	}
	for _, name := range w.preset.params {
		if w.params[name] == "" {
			return fmt.Errorf("no parameter %q, which preset %q needs", name, w.c.Preset)
		}
	}
	if w.c.Template == "" {
		w.c.Template = w.preset.template
	}
	w.url = string(w.c.URL)
	if w.url == "" && w.preset.url != nil {
		w.url = w.preset.url(w.params)
	}
	if w.c.Limits == (notify.Limits{}) {
		w.c.Limits = w.preset.limits
	}
	if w.c.Limits.MaxBytes <= 0 {
		w.c.Limits.MaxBytes = defaultMax
	}
	for _, who := range w.c.Mentions {
		if who == "" || strings.ContainsAny(who, " \t\r\n<>@") {
			return fmt.Errorf("mention %q, want an ID", who)
		}
	}
	return httppost.CheckURL("URL", w.url)
}

func (w *Webhook) readTemplate() (err error) {
	if w.c.Template == "" {
		return fmt.Errorf("neither a template nor a preset, want a template or one of %q", Presets())
	}
	functions := template.FuncMap{"json": encode, "markdown": markdown, "join": join, "rfc3339": rfc3339, "head": head}
	w.tmpl, err = template.New("body").Option("missingkey=zero").Funcs(functions).Parse(w.c.Template)
	if err != nil {
		return fmt.Errorf("read template: %w", err)
	}
	if w.expect, err = regexp.Compile(w.c.Expect); err != nil {
		return fmt.Errorf("read what the reply must match: %w", err)
	}
	return nil
}

// The functions of a template.
func encode(v any) (string, error) {
	b, err := httppost.Encode(v)
	return string(b), err
}

// markdown escapes what means something in Markdown, and keeps line ends.
func markdown(s string) string {
	return strings.ReplaceAll(chat.EscapeMarkdown(s, "\\`*_#[]<>~|"), "\n", "\n\n")
}

func join(sep string, parts []string) string { return strings.Join(parts, sep) }

func rfc3339(t time.Time) string { return t.Format(time.RFC3339) }

// head returns at most the first n bytes of a text.
func head(n int, s string) string { return chat.Head(s, max(n, utf8.UTFMax)) }

func (w *Webhook) service() string {
	if w.c.Preset != "" {
		return w.c.Preset
	}
	return "the webhook"
}

// sample is a message that a template must be able to write.
func sample() notify.Message {
	return notify.Message{
		ID: "1", Time: time.Unix(1, 0), Host: "host", Subject: `a "subject" <&>`, Body: "line\nline \\ \"quoted\"",
		Event: "PROCESS_STATE_EXITED", Group: "group", Process: "process", PID: 1, FromState: "RUNNING", Log: "log\n",
		Labels: map[string]string{"label": "value"},
	}
}

// Limits implements notify.Limited.
func (w *Webhook) Limits() notify.Limits { return w.c.Limits }

// Format keeps fmt from printing what is inside.
func (w *Webhook) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, w.service()) }

// Check implements notify.Checker.
func (w *Webhook) Check(ctx context.Context) error { return w.http.Reach(ctx, w.url) }

// Notify implements notify.Notifier.
func (w *Webhook) Notify(ctx context.Context, m notify.Message) error {
	return httppost.SendFitting(w.c.Limits.MaxBytes, func(limit int) (int, error) {
		body, err := w.body(m, limit)
		if err != nil {
			return 0, &notify.PermanentError{Err: fmt.Errorf("write message to %s: %w", w.service(), err)}
		}
		return len(body), w.post(ctx, body)
	})
}

// body executes the template so that the result has at most limit bytes and
// Data.Text at most its characters.
func (w *Webhook) body(m notify.Message, limit int) ([]byte, error) {
	m = chat.CleanMessage(m)
	t := chat.Compose(m)
	m.Body = chat.CutEnd(m.Body, min(bodyMax, limit/2), m.Lang)
	m.Log = chat.CutStart(m.Log, min(logMax, limit/4), m.Lang)
	data := Data{Message: m, Title: t.Title, Facts: t.Facts, Tone: tone(t.Tone), Param: w.params}
	if t.Tone != chat.Good {
		data.Mentions = w.c.Mentions
	}
	text := func(body, log string) string {
		return chat.Join("\n\n", body, log, t.FactLine())
	}
	if n := w.c.Limits.MaxChars; n > 0 {
		// What fits into n characters goes into the template.
		room := n - chat.Chars(t.Title) - w.preset.extra
		for _, who := range data.Mentions {
			room -= len("<@> ") + chat.Chars(who)
		}
		t.Body, t.Log = t.Fit(max(room, 1), chat.Chars, text), ""
		t.Facts = nil
	}
	var failed error
	execute := func(text string) string {
		data.Text = text
		var b bytes.Buffer
		if err := w.tmpl.Execute(&b, data); err != nil && failed == nil {
			failed = err
		}
		return b.String()
	}
	body := execute(t.Fit(limit, func(s string) int { return len(execute(s)) }, text))
	switch {
	case failed != nil:
		return nil, fmt.Errorf("execute template: %w", failed)
	case w.isJSON() && !json.Valid([]byte(body)):
		return nil, errors.New("the template's result is not JSON, want values written as {{json .Title}}")
	}
	return []byte(body), nil
}

func (w *Webhook) isJSON() bool {
	return w.c.ContentType == "" || strings.HasPrefix(w.c.ContentType, "application/json")
}

func tone(t chat.Tone) string {
	switch t {
	case chat.Bad:
		return "bad"
	case chat.Good:
		return "good"
	case chat.Plain:
	}
	return "plain"
}

func (w *Webhook) post(ctx context.Context, body []byte) error {
	r, err := w.http.Do(ctx, httppost.Request{
		URL: w.url, Method: w.c.Method, ContentType: w.c.ContentType, Header: w.header, Body: body,
	})
	if err != nil {
		return err
	}
	if w.preset.judge != nil {
		if err := w.preset.judge(w.http, r); err != nil {
			return err
		}
	}
	if err := w.http.StatusError(r); err != nil {
		return err
	}
	if !w.expect.Match(r.Body) {
		return w.http.Unclear(r, fmt.Sprintf("a match of %q", w.c.Expect))
	}
	return nil
}

// Presets returns the names of the presets.
func Presets() []string { return slices.Sorted(maps.Keys(presets())) }

// isPublic tells whether a parameter is no secret.
func isPublic(name string) bool {
	return name == "chat_id" || name == "topic" || name == "severity"
}

// telegramURL returns the address of a bot's method.
func telegramURL(params map[string]string) string {
	return "https://api.telegram.org/bot" + url.PathEscape(params["token"]) + "/sendMessage"
}
