package wechat_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/vigilance-go/vigilance/internal/chattest"
	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/notify/wechat"
)

func robot(t *testing.T, base string, client *http.Client, trace io.Writer) notify.Notifier {
	t.Helper()
	return with(t, wechat.Config{BaseURL: base, Client: client, Trace: trace})
}

func with(t *testing.T, c wechat.Config) *wechat.WeChat {
	t.Helper()
	c.Key = chattest.WeComKey
	return chattest.Build(t, wechat.New, c)
}

// Every code that is known, in the bodies that WeCom sends.
func TestReplies(t *testing.T) {
	reply := func(body string) chattest.Reply { return chattest.Reply{Body: body} }
	rows := []chattest.Row{
		{Name: "ok", Reply: reply(`{"errcode":0,"errmsg":"ok"}`), Want: "accepted"},
		{Name: "rate", Reply: reply(`{"errcode":45009,"errmsg":"api freq out of limit, hint: [1]"}`), Want: "retry after 1m0s", Says: "freq out of limit"},
		{Name: "no robot", Reply: reply(`{"errcode":93000,"errmsg":"invalid webhook url, hint: [1]"}`), Want: "permanent", Says: "invalid webhook url"},
		{Name: "too long", Reply: reply(`{"errcode":40058,"errmsg":"markdown.content exceed max length 4096"}`), Want: "permanent", Requests: 2},
		{Name: "bad type", Reply: reply(`{"errcode":40008,"errmsg":"invalid message type"}`), Want: "permanent"},
		{Name: "busy", Reply: reply(`{"errcode":-1,"errmsg":"system busy"}`), Want: "retry 3 times", Says: "busy"},
		{Name: "unknown code", Reply: reply(`{"errcode":987654,"errmsg":"news"}`), Want: "retry 5 times", Says: "987654"},
		{Name: "no code", Reply: reply(`{"errmsg":"ok"}`), Want: "retry 5 times"},
		{Name: "the key in a reply", Reply: reply(`{"errcode":93000,"errmsg":"no ` + chattest.WeComKey + `"}`), Want: "permanent"},
	}
	chattest.CheckRows(t, chattest.NewWeCom, robot, append(rows, chattest.CommonRows()...), chattest.WeComKey)
}

func TestConnections(t *testing.T) {
	chattest.CheckConnections(t, chattest.NewWeCom, robot, chattest.WeComKey)
}

type message struct {
	Type           string
	Content        string
	Mentions       []string
	MobileMentions []string
}

// decode reads a message as WeCom does.
func decode(t *testing.T, body []byte) message {
	t.Helper()
	type content struct {
		Content string   `json:"content"`
		List    []string `json:"mentioned_list"`
		Mobile  []string `json:"mentioned_mobile_list"`
	}
	var m struct {
		Type     string   `json:"msgtype"`
		Text     *content `json:"text"`
		Markdown *content `json:"markdown"`
	}
	if err := json.Unmarshal(body, &m); err != nil {
		t.Fatalf("Unmarshal(%s) = %v, want nil", body, err)
	}
	c := m.Text
	if m.Type == "markdown" {
		c = m.Markdown
	}
	return message{m.Type, c.Content, c.List, c.Mobile}
}

func TestMessages(t *testing.T) {
	good := chattest.Message()
	good.Event, good.Log, good.Labels = "PROCESS_STATE_RUNNING", "", nil
	const facts = "host: web1 · time: 2026-11-22 08:00:00 +00:00"
	for _, tt := range []struct {
		name string
		c    wechat.Config
		m    notify.Message
		want message
	}{
		{
			"Markdown", wechat.Config{Mentions: []string{"zhang", "li"}}, chattest.Message(),
			message{"markdown", "**<font color=\"warning\">cat crashed</font>**\n" +
				"Process cat in group pets exited unexpectedly (pid 42) from state RUNNING\n\n" +
				"> Traceback ＜most recent>\n> OSError: & more\n\n<font color=\"comment\">" + facts + " · env: prod</font>\n\n<@zhang><@li>", nil, nil},
		},
		{
			"text", wechat.Config{Mentions: []string{"zhang", "@all"}, MobileMentions: []string{"13800000000"}}, chattest.Message(),
			message{"text", "cat crashed\nProcess cat in group pets exited unexpectedly (pid 42) from state RUNNING\n\n" +
				"Traceback <most recent>\nOSError: & more\n\n" + facts + " · env: prod", []string{"zhang", "@all"}, []string{"13800000000"}},
		},
		{
			"good news mention nobody", wechat.Config{Mentions: []string{"zhang"}}, good,
			message{"markdown", "**<font color=\"info\">cat crashed</font>**\n" +
				"Process cat in group pets exited unexpectedly (pid 42) from state RUNNING\n\n<font color=\"comment\">" + facts + "</font>", nil, nil},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := chattest.NewWeCom()
			tt.c.Client = s.Client()
			if err := with(t, tt.c).Notify(t.Context(), tt.m); err != nil {
				t.Fatalf("Notify = %v, want nil", err)
			}
			got := decode(t, s.Requests()[0].Body)
			if got.Type != tt.want.Type || got.Content != tt.want.Content || strings.Join(got.Mentions, " ") != strings.Join(tt.want.Mentions, " ") ||
				strings.Join(got.MobileMentions, " ") != strings.Join(tt.want.MobileMentions, " ") {
				t.Errorf("message = %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

// Both kinds of message use what they may, and not a byte more, whatever the
// characters are.
func TestLongMessagesAreCut(t *testing.T) {
	for _, tt := range []struct {
		style wechat.Style
		limit int
	}{{wechat.Markdown, 4096}, {wechat.Text, 2048}} {
		for _, text := range []string{strings.Repeat("x", 9000), strings.Repeat("中", 3000), strings.Repeat("😀", 3000)} {
			s := chattest.NewWeCom()
			w := with(t, wechat.Config{Style: tt.style, Client: s.Client()})
			m := chattest.Message()
			m.Body = text
			if err := w.Notify(t.Context(), m); err != nil {
				t.Fatalf("Notify = %v, want nil", err)
			}
			got := decode(t, s.Requests()[0].Body).Content
			if len(got) > tt.limit || len(got) < tt.limit-10 || !strings.Contains(got, "truncated: ") || strings.Contains(got, "\uFFFD") {
				t.Errorf("%s of %.9s...: content of %d bytes: %q; want nearly %d, a mark, whole characters", tt.style, text, len(got), got, tt.limit)
			}
			if l := w.Limits(); l != (notify.Limits{PerMinute: 20, MaxBytes: tt.limit}) {
				t.Errorf("Limits() = %+v, want 20 a minute, %d bytes", l, tt.limit)
			}
		}
	}
}

func TestNewNamesWhatIsWrong(t *testing.T) {
	chattest.CheckOptions(t, wechat.New, []chattest.Options[wechat.Config]{
		{Config: wechat.Config{Key: "abc"}},
		{Config: wechat.Config{Key: "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=abc"}},
		{Config: wechat.Config{}, Want: "no key"},
		{Config: wechat.Config{Key: "https://qyapi.weixin.qq.com/cgi-bin/webhook/send"}, Want: "without its key"},
		{Config: wechat.Config{Key: "https://%zz/?key=hidden"}, Want: "not a URL"},
		{Config: wechat.Config{Key: "hidden "}, Want: "white space"},
		{Config: wechat.Config{Key: "abc", Style: "html"}, Want: `style "html"`},
		{Config: wechat.Config{Key: "abc", Style: wechat.Markdown, Mentions: []string{"@all"}}, Want: `needs "text"`},
		{Config: wechat.Config{Key: "abc", Style: wechat.Markdown, MobileMentions: []string{"138"}}, Want: `needs "text"`},
		{Config: wechat.Config{Key: "abc", Mentions: []string{"a>b"}}, Want: `mention "a>b"`},
		{Config: wechat.Config{Key: "abc", Mentions: strings.Split(strings.Repeat("zhang,", 200)+"li", ",")}, Want: "mentions of"},
		{Config: wechat.Config{Key: "abc", BaseURL: "ftp://x"}, Want: "base URL is not a URL"},
	})
}
