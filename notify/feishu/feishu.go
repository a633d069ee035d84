// Package feishu delivers alerts to a group of Feishu or Lark, through a
// custom robot of that group.
//
// It decides what a message looks like, signs it, and knows which of Feishu's
// codes are for good. It never retries and never paces: put a notify.Pacer
// around it.
package feishu

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/notify/internal/chat"
	"github.com/vigilance-go/vigilance/notify/internal/httppost"
	"github.com/vigilance-go/vigilance/notify/internal/robot"
)

// DefaultBaseURL is where Feishu's robots are, and LarkBaseURL those of Lark.
const (
	DefaultBaseURL = "https://open.feishu.cn"
	LarkBaseURL    = "https://open.larksuite.com"
)

// hookPath leads to a robot; its ID follows.
const hookPath = "/open-apis/bot/v2/hook/"

// All mentions everybody.
const All = "all"

// What Feishu takes (custom robots' documentation).
const (
	maxBytes  = 20_000 // of a request's body
	perSecond = 5
	perMinute = 100
)

// Config says which robot sends, and how.
type Config struct {
	// ID is the end of the robot's webhook URL, or the whole of it.
	ID notify.Secret
	// Secret signs the messages of a robot with that setting.
	Secret notify.Secret
	// BaseURL is for Lark, a proxy or a test; DefaultBaseURL when empty.
	BaseURL string

	// Mentions are open or user IDs, or All; who is mentioned, except by good
	// news.
	Mentions []string

	// CAFile holds the certificates, in PEM, that the server's is checked
	// with, in place of the system's.
	CAFile string
	// Client makes the requests when not nil.
	Client *http.Client
	// Trace, when not nil, hears the conversation, secrets hidden.
	Trace io.Writer
}

// Feishu is a notify.Notifier for one robot.
type Feishu struct {
	c     Config
	group *robot.Robot
}

// New checks the configuration and returns a Notifier. It does not connect.
// Its errors name the option that is wrong, and hold no secret.
func New(c Config) (*Feishu, error) {
	g, err := robot.New(robot.Service{
		Name: "Feishu", Credential: "ID", BaseURL: DefaultBaseURL, InURL: idInURL, WantURL: hookPath + "ID",
		Code: "code", Message: "msg", Meaning: meaning,
	}, robot.Options{
		Credential: c.ID, Secret: c.Secret, BaseURL: c.BaseURL, CAFile: c.CAFile, Client: c.Client, Trace: c.Trace,
	})
	f := &Feishu{group: g, c: c}
	for _, who := range c.Mentions {
		if err == nil && (who == "" || strings.ContainsAny(who, " \t\r\n<>\"&")) {
			err = fmt.Errorf("mention %q, want an open or user ID, or %q", who, All)
		}
	}
	if n := len(f.mentions()); err == nil && n > maxBytes/10 {
		err = fmt.Errorf("mentions of %d bytes, want at most %d", n, maxBytes/10)
	}
	if err != nil {
		return nil, fmt.Errorf("check Feishu options: %w", err)
	}
	return f, nil
}

// idInURL returns the ID at the end of a webhook URL.
func idInURL(u *url.URL) string {
	if !strings.HasPrefix(u.Path, hookPath) || u.Path == hookPath {
		return ""
	}
	return path.Base(u.Path)
}

// Limits implements notify.Limited.
func (f *Feishu) Limits() notify.Limits {
	return notify.Limits{PerSecond: perSecond, PerMinute: perMinute, MaxBytes: maxBytes}
}

type message struct {
	Timestamp string  `json:"timestamp,omitempty"`
	Sign      string  `json:"sign,omitempty"`
	Type      string  `json:"msg_type"`
	Content   content `json:"content"`
}

type content struct {
	Text string `json:"text"`
}

// Format keeps fmt from printing what is inside.
func (f *Feishu) Format(s fmt.State, verb rune) { f.group.Format(s, verb) }

// Check implements notify.Checker.
func (f *Feishu) Check(ctx context.Context) error { return f.group.Check(ctx) }

// Notify implements notify.Notifier.
func (f *Feishu) Notify(ctx context.Context, m notify.Message) error {
	t := chat.Compose(m)
	return httppost.SendFitting(maxBytes, func(limit int) (int, error) {
		msg := f.message(t, limit)
		return robot.Size(msg), f.post(ctx, msg)
	})
}

// message writes a message, in at most limit bytes of JSON.
func (f *Feishu) message(t chat.Text, limit int) message {
	msg := message{Type: "text"}
	if secret := f.group.Secret(); secret != "" {
		msg.Timestamp = strconv.FormatInt(time.Now().Unix(), 10)
		msg.Sign = sign(msg.Timestamp, secret)
	}
	who := ""
	if t.Tone != chat.Good {
		who = f.mentions()
	}
	measure := func(text string) int {
		msg.Content.Text = text
		return robot.Size(msg)
	}
	msg.Content.Text = t.Fit(limit, measure, func(body, log string) string {
		// There is no way to escape what looks like a tag.
		text := chat.Join("\n\n", chat.Join("\n", t.Title, body), log, t.FactLine())
		return chat.Join("\n", chat.NoTags(text), who)
	})
	return msg
}

func (f *Feishu) mentions() string {
	var b strings.Builder
	for _, who := range f.c.Mentions {
		fmt.Fprintf(&b, `<at user_id="%s"></at>`, who)
	}
	return b.String()
}

// sign returns a message's sign for a time in Unix seconds. The secret is a
// part of the key, and what is signed is empty.
func sign(seconds, secret string) string { return robot.Sign(seconds+"\n"+secret, "") }

func (f *Feishu) post(ctx context.Context, msg message) error {
	r, err := f.group.Post(ctx, hookPath+url.PathEscape(f.group.Credential()), msg)
	if err != nil {
		return err
	}
	return f.group.Judge(r)
}

// meaning returns what one of Feishu's codes asks for.
func meaning(code int64) httppost.Code {
	switch code {
	case 11232:
		return httppost.Code{Action: httppost.Rate}
	case 19021:
		return httppost.Code{Action: httppost.Permanent, Hint: "the sign is wrong, or this machine's clock"}
	case 19022:
		return httppost.Code{Action: httppost.Permanent, Hint: "this machine's address is not in the robot's list"}
	case 19024:
		return httppost.Code{Action: httppost.Permanent, Hint: "the message has none of the robot's keywords"}
	case 9499:
		return httppost.Code{Action: httppost.Permanent}
	}
	return httppost.Code{}
}
