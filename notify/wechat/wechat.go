// Package wechat delivers alerts to a group of WeChat Work (WeCom), through a
// robot of that group.
//
// It decides what a message looks like, and knows which of WeCom's codes are
// for good; WeCom answers with status 200 always. It never retries and never
// paces: put a notify.Pacer around it.
package wechat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/notify/internal/chat"
	"github.com/vigilance-go/vigilance/notify/internal/httppost"
)

// DefaultBaseURL is where WeCom's robots are.
const DefaultBaseURL = "https://qyapi.weixin.qq.com"

// All mentions everybody, in a text message.
const All = "@all"

// What WeCom takes (group robots' documentation).
const (
	maxMarkdown = 4096 // bytes of content
	maxText     = 2048 // bytes of content
	perMinute   = 20
	busyTries   = 3
)

// Style is how messages are written.
type Style string

// The styles.
const (
	// Markdown shows colours, and can mention user IDs only.
	Markdown Style = "markdown"
	// Text can mention everybody, and mobile numbers.
	Text Style = "text"
)

// Config says which robot sends, and how.
type Config struct {
	// Key is the robot's key, or the whole webhook URL with it.
	Key notify.Secret
	// BaseURL is for a proxy or a test; DefaultBaseURL when empty.
	BaseURL string
	// Style is Markdown when empty, or Text where a mention needs that.
	Style Style

	// Mentions are user IDs or All, MobileMentions are mobile numbers or All;
	// who is mentioned, except by good news.
	Mentions       []string
	MobileMentions []string

	// CAFile holds the certificates, in PEM, that the server's is checked
	// with, in place of the system's.
	CAFile string
	// Client makes the requests when not nil.
	Client *http.Client
	// Trace, when not nil, hears the conversation, secrets hidden.
	Trace io.Writer
}

// WeChat is a notify.Notifier for one robot.
type WeChat struct {
	c    Config
	base string
	http *httppost.Client
}

// New checks the configuration and returns a Notifier. It does not connect.
// Its errors name the option that is wrong, and hold no secret.
func New(c Config) (*WeChat, error) {
	w := &WeChat{c: c, base: c.BaseURL}
	err := w.readKey()
	if err == nil {
		err = w.readStyle()
	}
	if err == nil {
		w.http, err = httppost.New(httppost.Options{
			Service: "WeCom", CAFile: c.CAFile, Client: c.Client, Trace: c.Trace, Secrets: []string{string(w.c.Key)},
		})
	}
	if err != nil {
		return nil, fmt.Errorf("check WeCom options: %w", err)
	}
	return w, nil
}

// readKey takes a webhook URL apart.
func (w *WeChat) readKey() error {
	if strings.Contains(string(w.c.Key), "://") {
		u, err := url.Parse(string(w.c.Key))
		if err != nil || u.Host == "" {
			return errors.New("webhook URL is not a URL, want https://host/path")
		}
		if w.base == "" {
			w.base = u.Scheme + "://" + u.Host
		}
		w.c.Key = notify.Secret(u.Query().Get("key"))
		if w.c.Key == "" {
			return errors.New("webhook URL without a key, want /cgi-bin/webhook/send?key=KEY at its end")
		}
	}
	if w.base == "" {
		w.base = DefaultBaseURL
	}
	if w.c.Key == "" {
		return errors.New("no key, want the robot's key or its webhook URL")
	}
	if strings.ContainsAny(string(w.c.Key), " \t\r\n") {
		return errors.New("white space in the key, want none")
	}
	return httppost.CheckURL("base URL", w.base)
}

func (w *WeChat) readStyle() error {
	for _, who := range slices.Concat(w.c.Mentions, w.c.MobileMentions) {
		if who == "" || who != All && strings.ContainsAny(who, " \t\r\n<>@") {
			return fmt.Errorf("mention %q, want a user ID, a mobile number or %q", who, All)
		}
	}
	needsText := len(w.c.MobileMentions) > 0 || slices.Contains(w.c.Mentions, All)
	switch w.c.Style {
	case "":
		w.c.Style = Markdown
		if needsText {
			w.c.Style = Text
		}
	case Markdown:
		if needsText {
			return fmt.Errorf("style %q with a mention of %q or of mobile numbers, which needs %q", Markdown, All, Text)
		}
	case Text:
	default:
		return fmt.Errorf("style %q, want %q or %q", w.c.Style, Markdown, Text)
	}
	if n := len(w.mentions()); n > maxText/2 {
		return fmt.Errorf("mentions of %d bytes, want at most %d", n, maxText/2)
	}
	return nil
}

// limit returns how long a message's content may be, in bytes.
func (w *WeChat) limit() int {
	if w.c.Style == Text {
		return maxText
	}
	return maxMarkdown
}

// Limits implements notify.Limited.
func (w *WeChat) Limits() notify.Limits {
	return notify.Limits{PerMinute: perMinute, MaxBytes: w.limit()}
}

// Format keeps fmt from printing what is inside.
func (w *WeChat) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "WeCom") }

// Check implements notify.Checker.
func (w *WeChat) Check(ctx context.Context) error { return w.http.Reach(ctx, w.base) }

type message struct {
	Type     string   `json:"msgtype"`
	Text     *content `json:"text,omitempty"`
	Markdown *content `json:"markdown,omitempty"`
}

type content struct {
	Content        string   `json:"content"`
	Mentions       []string `json:"mentioned_list,omitempty"`
	MobileMentions []string `json:"mentioned_mobile_list,omitempty"`
}

// Notify implements notify.Notifier.
func (w *WeChat) Notify(ctx context.Context, m notify.Message) error {
	t := chat.Compose(m)
	return httppost.SendFitting(w.limit(), func(limit int) (int, error) {
		var msg message
		var size int
		if w.c.Style == Text {
			c := &content{Content: w.text(t, limit)}
			if t.Tone != chat.Good {
				c.Mentions, c.MobileMentions = w.c.Mentions, w.c.MobileMentions
			}
			msg, size = message{Type: "text", Text: c}, len(c.Content)
		} else {
			c := &content{Content: w.markdown(t, limit)}
			msg, size = message{Type: "markdown", Markdown: c}, len(c.Content)
		}
		return size, w.post(ctx, msg)
	})
}

func (w *WeChat) text(t chat.Text, limit int) string {
	return t.Fit(limit, chat.Bytes, func(body, log string) string {
		return chat.Join("\n\n", chat.Join("\n", t.Title, body), log, t.FactLine())
	})
}

// markdown writes the little that WeCom understands. It knows no way to
// escape, so that what looks like a tag is made harmless.
func (w *WeChat) markdown(t chat.Text, limit int) string {
	colour := "comment"
	switch t.Tone {
	case chat.Bad:
		colour = "warning"
	case chat.Good:
		colour = "info"
	case chat.Plain:
	}
	title := fmt.Sprintf("**<font color=%q>%s</font>**", colour, chat.NoTags(t.Title))
	facts := t.FactLine()
	if facts != "" {
		facts = `<font color="comment">` + chat.NoTags(facts) + "</font>"
	}
	who := ""
	if t.Tone != chat.Good {
		who = w.mentions()
	}
	return t.Fit(limit, chat.Bytes, func(body, log string) string {
		if log != "" {
			log = "> " + strings.ReplaceAll(chat.NoTags(log), "\n", "\n> ")
		}
		return chat.Join("\n\n", chat.Join("\n", title, chat.NoTags(body)), log, facts, who)
	})
}

// mentions is what mentions people in Markdown.
func (w *WeChat) mentions() string {
	var b strings.Builder
	for _, who := range w.c.Mentions {
		b.WriteString("<@" + who + ">")
	}
	return b.String()
}

func (w *WeChat) post(ctx context.Context, msg message) error {
	address := strings.TrimSuffix(w.base, "/") + "/cgi-bin/webhook/send?" + url.Values{"key": {string(w.c.Key)}}.Encode()
	r, err := w.http.SendJSON(ctx, address, msg)
	if err != nil {
		return err
	}
	var reply struct {
		Code    *int64 `json:"errcode"`
		Message string `json:"errmsg"`
	}
	if err := json.Unmarshal(r.Body, &reply); err != nil {
		reply.Code = nil
	}
	return w.http.Judge(r, reply.Code, reply.Message, meaning)
}

// meaning returns what one of WeCom's codes asks for.
func meaning(code int64) httppost.Code {
	switch code {
	case -1:
		return httppost.Code{Action: httppost.Busy, Tries: busyTries}
	case 45009:
		return httppost.Code{Action: httppost.Rate, Wait: time.Minute}
	case 40058:
		return httppost.Code{Action: httppost.TooLarge}
	case 93000:
		return httppost.Code{Action: httppost.Permanent, Hint: "there is no robot with this key, or the text is too long for it"}
	case 40008:
		return httppost.Code{Action: httppost.Permanent}
	}
	return httppost.Code{}
}
