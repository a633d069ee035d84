package dingtalk

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/internal/chattest"
	"github.com/vigilance-go/vigilance/notify"
)

func maker(t *testing.T, base string, client *http.Client, trace io.Writer) notify.Notifier {
	t.Helper()
	return with(t, Config{BaseURL: base, Client: client, Trace: trace})
}

func with(t *testing.T, c Config) notify.Notifier {
	t.Helper()
	c.Token, c.Secret = chattest.DingTalkToken, chattest.DingTalkSecret
	return chattest.Build(t, New, c)
}

func TestSignIsDingTalks(t *testing.T) {
	const want = "aZLLrriXgn05YbwaGR7knYsLeJADjr9NwLaNNKpxh4g%3D"
	if got := url.QueryEscape(sign("1700000000000", "SECtest")); got != want {
		t.Errorf("sign = %s, want %s", got, want)
	}
}

// Every code that is known, in the bodies that DingTalk sends.
func TestReplies(t *testing.T) {
	reply := func(body string) chattest.Reply { return chattest.Reply{Body: body} }
	rows := []chattest.Row{
		{Name: "ok", Reply: reply(`{"errcode":0,"errmsg":"ok"}`), Want: "accepted"},
		{Name: "keywords", Reply: reply(`{"errcode":310000,"errmsg":"keywords not in content"}`), Want: "permanent", Says: "keywords not in content"},
		{Name: "sign", Reply: reply(`{"errcode":310000,"errmsg":"sign not match"}`), Want: "permanent", Says: "sign not match"},
		{Name: "timestamp", Reply: reply(`{"errcode":310000,"errmsg":"invalid timestamp"}`), Want: "permanent", Says: "invalid timestamp"},
		{Name: "whitelist", Reply: reply(`{"errcode":310000,"errmsg":"ip 10.0.0.1 not in whitelist"}`), Want: "permanent", Says: "not in whitelist"},
		{Name: "too fast", Reply: reply(`{"errcode":130101,"errmsg":"send too fast, exceed 20 times per minute"}`), Want: "retry after 10m0s", Says: "too fast"},
		{Name: "too fast, other code", Reply: reply(`{"errcode":410100,"errmsg":"send too fast"}`), Want: "retry after 10m0s"},
		{Name: "anti-flood", Reply: reply(`{"status":1111,"wait":5,"punish":"deny"}`), Want: "retry after 5s"},
		{Name: "anti-flood with a code", Reply: reply(`{"errcode":0,"errmsg":"ok","status":1111,"wait":5,"punish":"deny"}`), Want: "retry after 5s"},
		{Name: "anti-flood without a time", Reply: reply(`{"status":1111,"punish":"deny"}`), Want: "retry after 1m0s"},
		{Name: "busy", Reply: reply(`{"errcode":-1,"errmsg":"system busy"}`), Want: "retry", Says: "busy"},
		{Name: "too long", Reply: reply(`{"errcode":460101,"errmsg":"message too long"}`), Want: "permanent", Requests: 2},
		{Name: "no robot", Reply: reply(`{"errcode":300005,"errmsg":"token is not exist"}`), Want: "permanent", Says: "no robot with this token"},
		{Name: "quota", Reply: reply(`{"errcode":90030,"errmsg":"quota exceeded"}`), Want: "permanent", Says: "quota is used up"},
		{Name: "unknown code", Reply: reply(`{"errcode":987654,"errmsg":"news"}`), Want: "retry 5 times", Says: "987654"},
		{Name: "no code", Reply: reply(`{"errmsg":"ok"}`), Want: "retry 5 times"},
		{Name: "code of another type", Reply: reply(`{"errcode":"0","errmsg":"ok"}`), Want: "retry 5 times"},
		{Name: "code with another status", Reply: chattest.Reply{Status: 400, Body: `{"errcode":130101,"errmsg":"x"}`}, Want: "retry after 10m0s"},
		{Name: "the token in a reply", Reply: reply(`{"errcode":300005,"errmsg":"token ` + chattest.DingTalkToken + ` is not exist"}`), Want: "permanent"},
	}
	for _, code := range []string{"40035", "43002", "43004", "400013", "400101", "400102", "400105", "400106"} {
		rows = append(rows, chattest.Row{Name: code, Reply: reply(`{"errcode":` + code + `,"errmsg":"bad"}`), Want: "permanent", Says: code})
	}
	chattest.CheckRows(t, chattest.NewDingTalk, maker, append(rows, chattest.CommonRows()...), chattest.DingTalkToken, chattest.DingTalkSecret)
}

func TestConnections(t *testing.T) {
	chattest.CheckConnections(t, chattest.NewDingTalk, maker, chattest.DingTalkToken, chattest.DingTalkSecret, "sign=")
}

// What DingTalk finds too long is sent once more at half its size.
func TestTooLongIsCutOnce(t *testing.T) {
	s := chattest.NewDingTalk()
	s.Answer(chattest.Reply{Body: `{"errcode":460101,"errmsg":"message too long"}`})
	m := chattest.Message()
	m.Body = strings.Repeat("a line of text\n", 2000)
	if err := maker(t, s.Start(t), nil, nil).Notify(t.Context(), m); err != nil {
		t.Errorf("Notify = %v, want nil", err)
	}
	r := s.Requests()
	if len(r) != 2 || len(r[0].Body) > 20_000 || len(r[0].Body) < 19_900 || len(r[1].Body) > 10_000 || !strings.Contains(string(r[1].Body), "truncated") {
		t.Errorf("requests = %d of %d and %d bytes, want two of at most 20000 and 10000 bytes, the second with a mark",
			len(r), len(r[0].Body), len(r[len(r)-1].Body))
	}
}

func TestMessages(t *testing.T) {
	good := chattest.Message()
	good.Event, good.Log, good.Labels = "PROCESS_STATE_RUNNING", "", nil
	underscores := chattest.Message()
	underscores.Subject, underscores.Body, underscores.Log, underscores.Labels = "web_01 *crashed*", "see https://x.test/a_b.\nsecond", "", nil
	for _, tt := range []struct {
		name string
		c    Config
		m    notify.Message
		want string
	}{
		{
			"Markdown", Config{AtMobiles: []string{"13800000000"}, AtUserIDs: []string{"u1"}}, chattest.Message(),
			`{"msgtype":"markdown","markdown":{"title":"cat crashed","text":"#### cat crashed\n\n` +
				`Process cat in group pets exited unexpectedly (pid 42) from state RUNNING\n\n` +
				"```" + `\nTraceback <most recent>\nOSError: & more\n` + "```" + `\n\n> host: web1 · time: 2026-11-22 08:00:00 +00:00 · env: prod\n\n` +
				`@13800000000 @u1"},"at":{"atMobiles":["13800000000"],"atUserIds":["u1"],"isAtAll":false}}`,
		},
		{
			"text", Config{PlainText: true, AtAll: true}, chattest.Message(),
			`{"msgtype":"text","text":{"content":"cat crashed\nProcess cat in group pets exited unexpectedly (pid 42) from state RUNNING\n\n` +
				`Traceback <most recent>\nOSError: & more\n\nhost: web1 · time: 2026-11-22 08:00:00 +00:00 · env: prod"},"at":{"isAtAll":true}}`,
		},
		{
			"good news mention nobody", Config{AtAll: true}, good,
			`{"msgtype":"markdown","markdown":{"title":"cat crashed","text":"#### cat crashed\n\n` +
				`Process cat in group pets exited unexpectedly (pid 42) from state RUNNING\n\n> host: web1 · time: 2026-11-22 08:00:00 +00:00"}}`,
		},
		{
			"escapes", Config{}, underscores,
			`{"msgtype":"markdown","markdown":{"title":"web_01 *crashed*","text":"#### web\\_01 \\*crashed\\*\n\nsee https://x.test/a_b.  \nsecond\n\n` +
				`> host: web1 · time: 2026-11-22 08:00:00 +00:00"}}`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := chattest.NewDingTalk()
			tt.c.Client = s.Client()
			if err := with(t, tt.c).Notify(t.Context(), tt.m); err != nil {
				t.Fatalf("Notify = %v, want nil", err)
			}
			r := s.Requests()[0]
			if string(r.Body) != tt.want || r.ContentType != "application/json;charset=utf-8" {
				t.Errorf("body = %s\ncontent type %q; want\n%s\n%q", r.Body, r.ContentType, tt.want, "application/json;charset=utf-8")
			}
		})
	}
}

func TestNewNamesWhatIsWrong(t *testing.T) {
	chattest.CheckOptions(t, New, []chattest.Options[Config]{
		{Config: Config{Token: "abc"}},
		{Config: Config{Token: "https://oapi.dingtalk.com/robot/send?access_token=abc"}},
		{Config: Config{}, Want: "no access_token"},
		{Config: Config{Token: "https://oapi.dingtalk.com/robot/send"}, Want: "without its access_token"},
		{Config: Config{Token: "https://%zz/?access_token=hidden"}, Want: "not a URL"},
		{Config: Config{Token: "abc\n"}, Want: "white space"},
		{Config: Config{Token: "abc", BaseURL: "oapi.dingtalk.com"}, Want: "base URL is not a URL"},
		{Config: Config{Token: "abc", AtMobiles: []string{"@138"}}, Want: `mention "@138"`},
		{Config: Config{Token: "abc", CAFile: "/nowhere"}, Want: "read CA file"},
		{Config: Config{Token: "abc", AtMobiles: strings.Split(strings.Repeat("13800000000,", 500)+"1", ",")}, Want: "mentions of"},
	})
	d, err := New(Config{Token: "https://proxy.test:8443/robot/send?access_token=abc"})
	if err != nil || d.group.Base() != "https://proxy.test:8443" || d.group.Credential() != "abc" {
		t.Errorf("New(webhook URL) = %q, %q, %v; want https://proxy.test:8443, abc, nil", d.group.Base(), d.group.Credential(), err)
	}
	if l := d.Limits(); l != (notify.Limits{PerMinute: 20, MaxBytes: 20_000}) {
		t.Errorf("Limits() = %+v, want 20 a minute, 20000 bytes", l)
	}
	if wait := 10 * time.Minute; meaning(130101).Wait != wait {
		t.Errorf("wait = %v, want %v", meaning(130101).Wait, wait)
	}
}
