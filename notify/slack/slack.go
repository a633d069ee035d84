// Package slack delivers alerts to a Slack channel, through an incoming
// webhook or as a bot.
//
// It decides what a message looks like and which of Slack's errors are for
// good. It never retries and never paces: put a notify.Pacer around it.
package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"

	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/notify/internal/chat"
	"github.com/vigilance-go/vigilance/notify/internal/httppost"
)

// DefaultBaseURL is where Slack's API is.
const DefaultBaseURL = "https://slack.com/api/"

// What Slack takes (docs.slack.dev, "Rate limits" and "Section block").
const (
	perSecond  = 1 // a channel
	maxSection = 3000
)

// Config says where messages go: to WebhookURL, or with Token to Channel.
type Config struct {
	// WebhookURL is an incoming webhook's, which leads to one channel.
	WebhookURL notify.Secret
	// Token is a bot's (xoxb-...), with the scope chat:write.
	Token notify.Secret
	// Channel is the ID or name of the bot's channel, for messages that do not
	// have one in Message.To.
	Channel string
	// BaseURL is for a proxy or a test of the bot's API; DefaultBaseURL when
	// empty.
	BaseURL string

	// Mentions are IDs of users (U...) and of groups (S...), or channel, here
	// and everyone; who is mentioned, except by good news.
	Mentions []string

	// CAFile holds the certificates, in PEM, that the server's is checked
	// with, in place of the system's.
	CAFile string
	// Client makes the requests when not nil.
	Client *http.Client
	// Trace, when not nil, hears the conversation, secrets hidden.
	Trace io.Writer
}

// Slack is a notify.Notifier for one webhook or one bot.
type Slack struct {
	c    Config
	who  string
	http *httppost.Client
}

// New checks the configuration and returns a Notifier. It does not connect.
// Its errors name the option that is wrong, and hold no secret.
func New(c Config) (*Slack, error) {
	s := &Slack{c: c}
	err := s.check()
	if err == nil {
		s.who, err = mentions(c.Mentions)
	}
	if err == nil {
		s.http, err = httppost.New(httppost.Options{
			Service: "Slack", CAFile: c.CAFile, Client: c.Client, Trace: c.Trace,
			Secrets: []string{string(c.WebhookURL), string(c.Token)},
		})
	}
	if err != nil {
		return nil, fmt.Errorf("check Slack options: %w", err)
	}
	return s, nil
}

func (s *Slack) check() error {
	if s.c.BaseURL == "" {
		s.c.BaseURL = DefaultBaseURL
	}
	switch {
	case s.c.WebhookURL == "" && s.c.Token == "":
		return errors.New("neither a webhook URL nor a bot's token, want one of them")
	case s.c.WebhookURL != "" && s.c.Token != "":
		return errors.New("a webhook URL and a bot's token, want one of them")
	case s.c.WebhookURL != "":
		if s.c.Channel != "" {
			return fmt.Errorf("channel %q with a webhook, which leads to a channel of its own, want none", s.c.Channel)
		}
		return httppost.CheckURL("webhook URL", string(s.c.WebhookURL))
	case strings.ContainsAny(string(s.c.Token), " \t\r\n"):
		return errors.New("white space in the token, want none")
	}
	return httppost.CheckURL("base URL", s.c.BaseURL)
}

var memberID = regexp.MustCompile(`^[UWS][A-Z0-9]{2,}$`)

// mentions writes mentions as mrkdwn.
func mentions(who []string) (string, error) {
	var out []string
	for _, w := range who {
		switch {
		case w == "channel" || w == "here" || w == "everyone":
			out = append(out, "<!"+w+">")
		case !memberID.MatchString(w):
			return "", fmt.Errorf("mention %q, want the ID of a user (U...) or a group (S...), or channel, here or everyone", w)
		case w[0] == 'S':
			out = append(out, "<!subteam^"+w+">")
		default:
			out = append(out, "<@"+w+">")
		}
	}
	text := strings.Join(out, " ")
	if len(text) > maxSection/2 {
		return "", fmt.Errorf("mentions of %d bytes, want at most %d", len(text), maxSection/2)
	}
	return text, nil
}

// Limits implements notify.Limited.
func (s *Slack) Limits() notify.Limits {
	return notify.Limits{PerSecond: perSecond, MaxChars: maxSection}
}

// Format keeps fmt from printing what is inside.
func (s *Slack) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "Slack") }

// Check implements notify.Checker. It asks whether a bot's token is good.
func (s *Slack) Check(ctx context.Context) error {
	if s.c.Token == "" {
		return s.http.Reach(ctx, string(s.c.WebhookURL))
	}
	_, err := s.call(ctx, "auth.test", struct{}{})
	return err
}

// Notify implements notify.Notifier.
func (s *Slack) Notify(ctx context.Context, m notify.Message) error {
	t := chat.Compose(m)
	ctx, cancel := context.WithTimeout(ctx, notify.DefaultTimeout)
	defer cancel()
	return httppost.SendFitting(maxSection, func(limit int) (int, error) {
		msg, size := s.write(t, limit)
		if s.c.Token != "" {
			return size, s.postMessage(ctx, m.To, msg)
		}
		return size, s.postWebhook(ctx, msg)
	})
}

// message is what a webhook and chat.postMessage take. A link in a log is not
// looked up.
type message struct {
	Channel     string       `json:"channel,omitempty"`
	Text        string       `json:"text"`
	Attachments []attachment `json:"attachments"`
	UnfurlLinks bool         `json:"unfurl_links"`
	UnfurlMedia bool         `json:"unfurl_media"`
}

// attachment gives blocks a coloured edge.
type attachment struct {
	Color  string  `json:"color"`
	Blocks []block `json:"blocks"`
}

// block is a section, which has a text, or a context, which has elements.
type block struct {
	Type     string   `json:"type"`
	Text     *mrkdwn  `json:"text,omitempty"`
	Elements []mrkdwn `json:"elements,omitempty"`
}

// mrkdwn is a text object.
type mrkdwn struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Verbatim bool   `json:"verbatim"`
}

// verbatim returns a text object in which a log that has @here in it calls
// nobody.
func verbatim(text string) mrkdwn { return mrkdwn{Type: "mrkdwn", Text: text, Verbatim: true} }

// escaper does what mrkdwn asks for (docs.slack.dev, "Escaping text").
var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// write returns a message. Its text is what notifications show as well, and
// each section has at most limit characters; size is that of the longest.
func (s *Slack) write(t chat.Text, limit int) (m message, size int) {
	m.Text = "*" + strings.ReplaceAll(escaper.Replace(t.Title), "*", "∗") + "*"
	if s.who != "" && t.Tone != chat.Good {
		m.Text = s.who + " " + m.Text
	}
	var a attachment
	switch t.Tone {
	case chat.Bad:
		a.Color = "#d00000"
	case chat.Good:
		a.Color = "#2eb886"
	case chat.Plain:
		a.Color = "#808080"
	}
	section := func(part chat.Text, render func(body, log string) string) {
		out := verbatim(part.Fit(limit, chat.Chars, render))
		size = max(size, chat.Chars(out.Text))
		a.Blocks = append(a.Blocks, block{Type: "section", Text: &out})
	}
	if t.Body != "" {
		section(chat.Text{Body: t.Body, Lang: t.Lang}, func(body, _ string) string {
			return chat.Map(body, escaper.Replace, func(link string) string { return "<" + escaper.Replace(link) + ">" })
		})
	}
	if t.Log != "" {
		section(chat.Text{Log: t.Log, Lang: t.Lang}, func(_, log string) string { return chat.Fence(escaper.Replace(log)) })
	}
	if facts := t.FactLine(); facts != "" {
		a.Blocks = append(a.Blocks, block{Type: "context", Elements: []mrkdwn{verbatim(escaper.Replace(facts))}})
	}
	m.Attachments = []attachment{a}
	return m, size
}

func (s *Slack) postWebhook(ctx context.Context, m message) error {
	r, err := s.http.SendJSON(ctx, string(s.c.WebhookURL), m)
	if err != nil {
		return err
	}
	said := strings.TrimSpace(string(r.Body))
	if said == "ok" && r.Status == http.StatusOK {
		return nil
	}
	if reply := read(r); !reply.OK && reply.Error != "" {
		said = reply.Error
	}
	if meaning(said).Action == httppost.Unknown {
		said = "" // a text that is no name of an error
	}
	return s.judge(r, said, "", `"ok"`)
}

func (s *Slack) postMessage(ctx context.Context, channel string, m message) error {
	if m.Channel = channel; channel == "" {
		m.Channel = s.c.Channel
	}
	if m.Channel == "" {
		return &notify.PermanentError{Err: errors.New("send to Slack: no channel for the bot, want its ID or name")}
	}
	r, err := s.call(ctx, "chat.postMessage", m)
	if err == nil && read(r).Timestamp == "" {
		return s.http.Unclear(r, "the message's timestamp")
	}
	return err
}

// call calls a method of the bot's API. The error is nil only for a reply that
// says that all is well.
func (s *Slack) call(ctx context.Context, method string, arguments any) (*httppost.Reply, error) {
	body, err := httppost.Encode(arguments)
	if err != nil {
		return nil, &notify.PermanentError{Err: fmt.Errorf("write message to Slack: %w", err)}
	}
	r, err := s.http.Do(ctx, httppost.Request{
		URL: strings.TrimSuffix(s.c.BaseURL, "/") + "/" + method, Body: body, ContentType: httppost.JSON,
		Header: http.Header{"Authorization": {"Bearer " + string(s.c.Token)}},
	})
	if err != nil {
		return nil, err
	}
	reply := read(r)
	if reply.OK && r.Status == http.StatusOK {
		return r, nil
	}
	return r, s.judge(r, reply.Error, reply.Needed, `JSON with "ok"`)
}

// reply is what Slack's API answers.
type reply struct {
	OK        bool   `json:"ok"`
	Error     string `json:"error"`
	Needed    string `json:"needed"` // the scope that the token lacks
	Timestamp string `json:"ts"`
}

func read(r *httppost.Reply) (v reply) {
	if err := json.Unmarshal(r.Body, &v); err != nil {
		return reply{} // which is no success
	}
	return v
}

// judge returns what a reply that is no success means. name is that of the
// error, if the reply has one. A status says more than a name that asks for
// nothing else: it comes with the time to wait.
func (s *Slack) judge(r *httppost.Reply, name, needed, want string) error {
	m := meaning(name)
	if needed != "" {
		m.Hint = "needed: " + needed
	}
	if m.Action == httppost.TooLarge {
		return s.http.NameError(r.Status, name, m)
	}
	if err := s.http.StatusError(r); err != nil {
		return err
	}
	if name == "" {
		return s.http.Unclear(r, want)
	}
	return s.http.NameError(r.Status, name, m)
}

// meaning returns what one of Slack's errors asks for (docs.slack.dev,
// "chat.postMessage" and "Incoming webhooks").
func meaning(name string) httppost.Code {
	switch name {
	case "ratelimited", "rate_limited", "message_limit_exceeded":
		return httppost.Code{Action: httppost.Rate}
	case "rollup_error", "internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org":
		return httppost.Code{Action: httppost.Busy}
	case "msg_too_long", "msg_blocks_too_long":
		return httppost.Code{Action: httppost.TooLarge}
	case "invalid_payload", "action_prohibited", "channel_not_found", "channel_is_archived", "is_archived",
		"not_in_channel", "no_service", "no_service_id", "no_team", "team_disabled", "invalid_token", "no_text",
		"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "no_permission",
		"missing_scope", "access_denied", "restricted_action", "user_not_found", "invalid_blocks",
		"invalid_attachments", "invalid_arguments", "not_allowed_token_type", "org_login_required",
		"ekm_access_denied", "posting_to_general_channel_denied", "too_many_attachments", "messages_tab_disabled":
		return httppost.Code{Action: httppost.Permanent}
	}
	return httppost.Code{}
}
