// Package feishu delivers alerts to a group of Feishu or Lark, through a
// custom robot of that group.
//
// It decides what a message looks like, signs it, and knows which of Feishu's
// codes are for good. It never retries and never paces: put a notify.Pacer
// around it.
package feishu

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
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
	c    Config
	base string
	http *httppost.Client
}

// New checks the configuration and returns a Notifier. It does not connect.
// Its errors name the option that is wrong, and hold no secret.
func New(c Config) (*Feishu, error) {
	f := &Feishu{c: c, base: c.BaseURL}
	if err := f.readID(); err != nil {
		return nil, fmt.Errorf("check Feishu options: %w", err)
	}
	for _, who := range c.Mentions {
		if who == "" || strings.ContainsAny(who, " \t\r\n<>\"&") {
			return nil, fmt.Errorf("check Feishu options: mention %q, want an open or user ID, or %q", who, All)
		}
	}
	if n := len(f.mentions()); n > maxBytes/10 {
		return nil, fmt.Errorf("check Feishu options: mentions of %d bytes, want at most %d", n, maxBytes/10)
	}
	var err error
	f.http, err = httppost.New(httppost.Options{
		Service: "Feishu", CAFile: c.CAFile, Client: c.Client, Trace: c.Trace,
		Secrets: []string{string(f.c.ID), string(c.Secret)},
	})
	if err != nil {
		return nil, fmt.Errorf("check Feishu options: %w", err)
	}
	return f, nil
}

// readID takes a webhook URL apart.
func (f *Feishu) readID() error {
	if strings.Contains(string(f.c.ID), "://") {
		u, err := url.Parse(string(f.c.ID))
		if err != nil || u.Host == "" {
			return errors.New("webhook URL is not a URL, want https://host/path")
		}
		if !strings.HasPrefix(u.Path, hookPath) || u.Path == hookPath {
			return fmt.Errorf("webhook URL with another path, want ...%sID", hookPath)
		}
		if f.base == "" {
			f.base = u.Scheme + "://" + u.Host
		}
		f.c.ID = notify.Secret(path.Base(u.Path))
	}
	if f.base == "" {
		f.base = DefaultBaseURL
	}
	if f.c.ID == "" {
		return errors.New("no ID, want the end of the robot's webhook URL, or all of it")
	}
	if strings.ContainsAny(string(f.c.ID+f.c.Secret), " \t\r\n") {
		return errors.New("white space in the ID or the secret, want none")
	}
	return httppost.CheckURL("base URL", f.base)
}

// Limits implements notify.Limited.
func (f *Feishu) Limits() notify.Limits {
	return notify.Limits{PerSecond: perSecond, PerMinute: perMinute, MaxBytes: maxBytes}
}

// Format keeps fmt from printing what is inside.
func (f *Feishu) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "Feishu") }

// Check implements notify.Checker.
func (f *Feishu) Check(ctx context.Context) error { return f.http.Reach(ctx, f.base) }

type message struct {
	Timestamp string  `json:"timestamp,omitempty"`
	Sign      string  `json:"sign,omitempty"`
	Type      string  `json:"msg_type"`
	Content   content `json:"content"`
}

type content struct {
	Text string `json:"text"`
}

// Notify implements notify.Notifier.
func (f *Feishu) Notify(ctx context.Context, m notify.Message) error {
	t := chat.Compose(m)
	return httppost.SendFitting(maxBytes, func(limit int) (int, error) {
		msg := f.message(t, limit)
		return size(msg), f.post(ctx, msg)
	})
}

// message writes a message, in at most limit bytes of JSON.
func (f *Feishu) message(t chat.Text, limit int) message {
	msg := message{Type: "text"}
	if f.c.Secret != "" {
		msg.Timestamp = strconv.FormatInt(time.Now().Unix(), 10)
		msg.Sign = sign(msg.Timestamp, string(f.c.Secret))
	}
	who := ""
	if t.Tone != chat.Good {
		who = f.mentions()
	}
	measure := func(text string) int {
		msg.Content.Text = text
		return size(msg)
	}
	msg.Content.Text = t.Fit(limit, measure, func(body, log string) string {
		// There is no way to escape what looks like a tag.
		text := chat.Join("\n\n", chat.Join("\n", t.Title, body), log, t.FactLine())
		return chat.Join("\n", chat.NoTags(text), who)
	})
	return msg
}

// size returns the length of a message's JSON, in bytes.
func size(m message) int {
	b, err := httppost.Encode(m)
	if err != nil {
		return 0 // it has nothing that cannot be encoded
	}
	return len(b)
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
func sign(seconds, secret string) string {
	mac := hmac.New(sha256.New, []byte(seconds+"\n"+secret))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func (f *Feishu) post(ctx context.Context, msg message) error {
	r, err := f.http.SendJSON(ctx, strings.TrimSuffix(f.base, "/")+hookPath+url.PathEscape(string(f.c.ID)), msg)
	if err != nil {
		return err
	}
	var reply struct {
		Code    *int64 `json:"code"`
		Message string `json:"msg"`
	}
	if err := json.Unmarshal(r.Body, &reply); err != nil {
		reply.Code = nil
	}
	return f.http.Judge(r, reply.Code, reply.Message, meaning)
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
