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
	"net/url"
	"regexp"
	"strings"

	slackgo "github.com/slack-go/slack"

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
	bot  *slackgo.Client // nil for a webhook
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
	if c.Token != "" {
		// The library's own client has no timeout.
		s.bot = slackgo.New(string(c.Token), slackgo.OptionHTTPClient(s.http.HTTP()),
			slackgo.OptionAPIURL(strings.TrimSuffix(s.c.BaseURL, "/")+"/"))
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
	if s.bot == nil {
		return s.http.Reach(ctx, string(s.c.WebhookURL))
	}
	ctx, cancel := context.WithTimeout(ctx, notify.DefaultTimeout)
	defer cancel()
	if _, err := s.bot.AuthTestContext(ctx); err != nil {
		return s.explain(ctx, err)
	}
	return nil
}

// Notify implements notify.Notifier.
func (s *Slack) Notify(ctx context.Context, m notify.Message) error {
	t := chat.Compose(m)
	ctx, cancel := context.WithTimeout(ctx, notify.DefaultTimeout)
	defer cancel()
	return httppost.SendFitting(maxSection, func(limit int) (int, error) {
		text, attachment, size := s.write(t, limit)
		if s.bot != nil {
			return size, s.postMessage(ctx, m.To, text, attachment)
		}
		return size, s.postWebhook(ctx, text, attachment)
	})
}

// escaper does what mrkdwn asks for (docs.slack.dev, "Escaping text").
var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// write returns a message's text, which notifications show as well, and the
// rest. Each section has at most limit characters; size is that of the longest.
func (s *Slack) write(t chat.Text, limit int) (text string, a slackgo.Attachment, size int) {
	text = "*" + strings.ReplaceAll(escaper.Replace(t.Title), "*", "∗") + "*"
	if s.who != "" && t.Tone != chat.Good {
		text = s.who + " " + text
	}
	switch t.Tone {
	case chat.Bad:
		a.Color = "#d00000"
	case chat.Good:
		a.Color = "#2eb886"
	case chat.Plain:
		a.Color = "#808080"
	}
	section := func(part chat.Text, render func(body, log string) string) {
		out := part.Fit(limit, chat.Chars, render)
		size = max(size, chat.Chars(out))
		// Verbatim: a log that has @here in it calls nobody.
		object := slackgo.NewTextBlockObject(slackgo.MarkdownType, out, false, true)
		a.Blocks.BlockSet = append(a.Blocks.BlockSet, slackgo.NewSectionBlock(object, nil, nil))
	}
	if t.Body != "" {
		section(chat.Text{Body: t.Body}, func(body, _ string) string {
			return chat.Map(body, escaper.Replace, func(link string) string { return "<" + escaper.Replace(link) + ">" })
		})
	}
	if t.Log != "" {
		section(chat.Text{Log: t.Log}, func(_, log string) string { return chat.Fence(escaper.Replace(log)) })
	}
	if facts := t.FactLine(); facts != "" {
		object := slackgo.NewTextBlockObject(slackgo.MarkdownType, escaper.Replace(facts), false, true)
		a.Blocks.BlockSet = append(a.Blocks.BlockSet, slackgo.NewContextBlock("", object))
	}
	return text, a, size
}

// postWebhook does not use the library's function, which takes any reply with
// status 200 for success.
func (s *Slack) postWebhook(ctx context.Context, text string, a slackgo.Attachment) error {
	unfurl := false
	r, err := s.http.SendJSON(ctx, string(s.c.WebhookURL), &slackgo.WebhookMessage{
		Text: text, Attachments: []slackgo.Attachment{a}, UnfurlLinks: &unfurl, UnfurlMedia: &unfurl,
	})
	if err != nil {
		return err
	}
	said := strings.TrimSpace(string(r.Body))
	if m := meaning(said); m.Action == httppost.TooLarge {
		return s.http.NameError(r.Status, said, m)
	}
	if err := s.http.StatusError(r); err != nil {
		return err
	}
	if said == "ok" {
		return nil
	}
	var reply struct {
		OK    bool   `json:"ok"`
		Error string `json:"error"`
	}
	if err := json.Unmarshal(r.Body, &reply); err == nil && !reply.OK && reply.Error != "" {
		said = reply.Error
	}
	if m := meaning(said); m.Action != httppost.Unknown {
		return s.http.NameError(r.Status, said, m)
	}
	return s.http.Unclear(r, `"ok"`)
}

func (s *Slack) postMessage(ctx context.Context, channel, text string, a slackgo.Attachment) error {
	if channel == "" {
		channel = s.c.Channel
	}
	if channel == "" {
		return &notify.PermanentError{Err: errors.New("send to Slack: no channel for the bot, want its ID or name")}
	}
	_, timestamp, err := s.bot.PostMessageContext(ctx, channel,
		slackgo.MsgOptionText(text, false), slackgo.MsgOptionAttachments(a),
		slackgo.MsgOptionDisableLinkUnfurl(), slackgo.MsgOptionDisableMediaUnfurl())
	switch {
	case err != nil:
		return s.explain(ctx, err)
	case timestamp == "":
		// The library takes {"ok":false} without an error for success.
		return &notify.TemporaryError{
			Err:         errors.New("send to Slack: the reply has no message's timestamp"),
			GiveUpAfter: httppost.Guesses,
		}
	}
	return nil
}

// explain gives an error of the library the type that tells what to do.
func (s *Slack) explain(ctx context.Context, err error) error {
	var (
		lost   *url.Error
		rate   *slackgo.RateLimitedError
		status slackgo.StatusCodeError
		named  slackgo.SlackErrorResponse
		syntax *json.SyntaxError
		kind   *json.UnmarshalTypeError
	)
	switch {
	case errors.As(err, &lost): // no reply, or one that is no HTTP
	case errors.As(err, &rate):
		return httppost.RateError(errors.New("send to Slack: sent too much"), rate.RetryAfter)
	case errors.As(err, &status):
		return s.http.StatusError(&httppost.Reply{Status: status.Code})
	case errors.As(err, &named):
		name := named.Err
		if named.Needed != "" {
			name += ", needed: " + named.Needed
		}
		return s.http.NameError(http.StatusOK, name, meaning(named.Err))
	case errors.As(err, &syntax), errors.As(err, &kind), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return &notify.TemporaryError{
			Err:         fmt.Errorf("send to Slack: read reply: %s, want JSON", s.http.Hide(err.Error())),
			GiveUpAfter: httppost.Guesses,
		}
	}
	return s.http.Explain(ctx, err)
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
