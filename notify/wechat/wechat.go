// Package wechat delivers alerts to a group of WeChat Work (WeCom), through a
// robot of that group.
//
// It decides what a message looks like, and knows which of WeCom's codes are
// for good; WeCom answers with status 200 always. It never retries and never
// paces: put a notify.Pacer around it.
package wechat

import (
	"context"
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
	"github.com/vigilance-go/vigilance/notify/internal/robot"
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
	c     Config
	group *robot.Robot
}

// New checks the configuration and returns a Notifier. It does not connect.
// Its errors name the option that is wrong, and hold no secret.
func New(c Config) (*WeChat, error) {
	g, err := robot.New(robot.Service{
		Name: "WeCom", Credential: "key", BaseURL: DefaultBaseURL,
		InURL:   func(u *url.URL) string { return u.Query().Get("key") },
		WantURL: "/cgi-bin/webhook/send?key=KEY",
		Code:    "errcode", Message: "errmsg", Meaning: meaning,
	}, robot.Options{Credential: c.Key, BaseURL: c.BaseURL, CAFile: c.CAFile, Client: c.Client, Trace: c.Trace})
	w := &WeChat{group: g, c: c}
	if err == nil {
		err = w.readStyle()
	}
	if err != nil {
		return nil, fmt.Errorf("check WeCom options: %w", err)
	}
	return w, nil
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

// Format keeps fmt from printing what is inside.
func (w *WeChat) Format(f fmt.State, verb rune) { w.group.Format(f, verb) }

// Check implements notify.Checker.
func (w *WeChat) Check(ctx context.Context) error { return w.group.Check(ctx) }

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
	r, err := w.group.Post(ctx, "/cgi-bin/webhook/send?"+url.Values{"key": {w.group.Credential()}}.Encode(), msg)
	if err != nil {
		return err
	}
	return w.group.Judge(r)
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
