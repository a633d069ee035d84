// Package dingtalk delivers alerts to a DingTalk group, through a custom robot
// of that group.
//
// It decides what a message looks like, signs it, and knows which of
// DingTalk's codes are for good; DingTalk answers with status 200 always. It
// never retries and never paces: a robot that sends more than its limit is
// silenced for ten minutes, so put a notify.Pacer around it.
package dingtalk

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/notify/internal/chat"
	"github.com/vigilance-go/vigilance/notify/internal/httppost"
	"github.com/vigilance-go/vigilance/notify/internal/robot"
)

// DefaultBaseURL is where DingTalk's robots are.
const DefaultBaseURL = "https://oapi.dingtalk.com"

// What DingTalk takes (custom robots' documentation).
const (
	maxBytes  = 20_000 // of a request's body
	perMinute = 20
	block     = 10 * time.Minute
)

// Config says which robot sends, and how.
type Config struct {
	// Token is the robot's access_token, or the whole webhook URL with it.
	Token notify.Secret
	// Secret signs the requests of a robot with that setting (SEC...).
	Secret notify.Secret
	// BaseURL is for a proxy or a test; DefaultBaseURL when empty.
	BaseURL string
	// PlainText sends text in place of Markdown.
	PlainText bool

	// AtMobiles, AtUserIDs and AtAll are who is mentioned, except by good news.
	AtMobiles []string
	AtUserIDs []string
	AtAll     bool

	// CAFile holds the certificates, in PEM, that the server's is checked
	// with, in place of the system's.
	CAFile string
	// Client makes the requests when not nil.
	Client *http.Client
	// Trace, when not nil, hears the conversation, secrets hidden.
	Trace io.Writer
}

// DingTalk is a notify.Notifier for one robot.
type DingTalk struct {
	c     Config
	group *robot.Robot
}

// New checks the configuration and returns a Notifier. It does not connect.
// Its errors name the option that is wrong, and hold no secret.
func New(c Config) (*DingTalk, error) {
	g, err := robot.New(robot.Service{
		Name: "DingTalk", Credential: "access_token", BaseURL: DefaultBaseURL,
		InURL:   func(u *url.URL) string { return u.Query().Get("access_token") },
		WantURL: "/robot/send?access_token=TOKEN",
		Code:    "errcode", Message: "errmsg", Meaning: meaning,
	}, robot.Options{
		Credential: c.Token, Secret: c.Secret, BaseURL: c.BaseURL, CAFile: c.CAFile, Client: c.Client, Trace: c.Trace,
	})
	for _, at := range slices.Concat(c.AtMobiles, c.AtUserIDs) {
		if err == nil && (at == "" || strings.ContainsAny(at, " \t\r\n@")) {
			err = fmt.Errorf("mention %q, want a mobile number or a user ID", at)
		}
	}
	if err == nil && len(mentions(c)) > maxBytes/10 {
		err = fmt.Errorf("mentions of %d bytes, want at most %d", len(mentions(c)), maxBytes/10)
	}
	if err != nil {
		return nil, fmt.Errorf("check DingTalk options: %w", err)
	}
	return &DingTalk{group: g, c: c}, nil
}

// Limits implements notify.Limited.
func (d *DingTalk) Limits() notify.Limits {
	return notify.Limits{PerMinute: perMinute, MaxBytes: maxBytes}
}

// Format keeps fmt from printing what is inside.
func (d *DingTalk) Format(f fmt.State, verb rune) { d.group.Format(f, verb) }

// Check implements notify.Checker.
func (d *DingTalk) Check(ctx context.Context) error { return d.group.Check(ctx) }

// Notify implements notify.Notifier.
func (d *DingTalk) Notify(ctx context.Context, m notify.Message) error {
	t := chat.Compose(m)
	return httppost.SendFitting(maxBytes, func(limit int) (int, error) {
		msg := d.message(t, limit)
		return robot.Size(msg), d.post(ctx, msg)
	})
}

type message struct {
	Type     string    `json:"msgtype"`
	Text     *text     `json:"text,omitempty"`
	Markdown *markdown `json:"markdown,omitempty"`
	At       *at       `json:"at,omitempty"`
}

type text struct {
	Content string `json:"content"`
}

type markdown struct {
	Title string `json:"title"`
	Text  string `json:"text"`
}

type at struct {
	Mobiles []string `json:"atMobiles,omitempty"`
	UserIDs []string `json:"atUserIds,omitempty"`
	All     bool     `json:"isAtAll"`
}

// message writes a message, in at most limit bytes of JSON.
func (d *DingTalk) message(t chat.Text, limit int) message {
	var who *at
	said := ""
	if t.Tone != chat.Good && (d.c.AtAll || len(d.c.AtMobiles)+len(d.c.AtUserIDs) > 0) {
		who = &at{Mobiles: d.c.AtMobiles, UserIDs: d.c.AtUserIDs, All: d.c.AtAll}
		said = mentions(d.c)
	}
	with := func(content string) message {
		if d.c.PlainText {
			return message{Type: "text", Text: &text{Content: content}, At: who}
		}
		return message{Type: "markdown", Markdown: &markdown{Title: t.Title, Text: content}, At: who}
	}
	size := func(content string) int { return robot.Size(with(content)) }
	return with(t.Fit(limit, size, func(body, log string) string {
		if d.c.PlainText {
			return chat.Join("\n\n", chat.Join("\n", t.Title, body), log, t.FactLine(), said)
		}
		return render(t, body, log, said)
	}))
}

// special are the characters that mean something in DingTalk's Markdown.
const special = "\\`*_#[]<>!"

func render(t chat.Text, body, log, said string) string {
	if log != "" {
		log = chat.Fence(log)
	}
	facts := t.FactLine()
	if facts != "" {
		facts = "> " + chat.EscapeMarkdown(facts, special)
	}
	// A line ends only where two spaces stand before its end.
	body = strings.ReplaceAll(chat.EscapeMarkdown(body, special), "\n", "  \n")
	return chat.Join("\n\n", "#### "+chat.EscapeMarkdown(t.Title, special), body, log, facts, said)
}

// mentions is what must stand in the text as well, or the mention does
// nothing.
func mentions(c Config) string {
	var b strings.Builder
	for _, who := range slices.Concat(c.AtMobiles, c.AtUserIDs) {
		b.WriteString("@" + who + " ")
	}
	return strings.TrimSuffix(b.String(), " ")
}

// sign returns the value of the parameter sign for a time in Unix
// milliseconds.
func sign(ms, secret string) string { return robot.Sign(secret, ms+"\n"+secret) }

func (d *DingTalk) post(ctx context.Context, msg message) error {
	query := url.Values{"access_token": {d.group.Credential()}}
	if secret := d.group.Secret(); secret != "" {
		ms := strconv.FormatInt(time.Now().UnixMilli(), 10)
		query.Set("timestamp", ms)
		query.Set("sign", sign(ms, secret))
	}
	r, err := d.group.Post(ctx, "/robot/send?"+query.Encode(), msg)
	if err != nil {
		return err
	}
	var flood struct {
		Status int64   `json:"status"`
		Wait   float64 `json:"wait"`
		Punish string  `json:"punish"`
	}
	if err := json.Unmarshal(r.Body, &flood); err == nil && (flood.Status == 1111 || flood.Punish != "") {
		return d.group.TooFast(r, flood.Status, flood.Wait)
	}
	return d.group.Judge(r)
}

// meaning returns what one of DingTalk's codes asks for.
func meaning(code int64) httppost.Code {
	switch code {
	case -1:
		return httppost.Code{Action: httppost.Busy}
	case 130101, 410100:
		return httppost.Code{Action: httppost.Rate, Wait: block}
	case 460101:
		return httppost.Code{Action: httppost.TooLarge}
	case 310000:
		return httppost.Code{Action: httppost.Permanent, Hint: "the robot's security settings refuse the message"}
	case 300005:
		return httppost.Code{Action: httppost.Permanent, Hint: "there is no robot with this token"}
	case 90030:
		return httppost.Code{Action: httppost.Permanent, Hint: "the webhook's quota is used up"}
	case 40035, 43002, 43004, 400013, 400101, 400102, 400105, 400106:
		return httppost.Code{Action: httppost.Permanent}
	}
	return httppost.Code{}
}
