package feishu

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/vigilance-go/vigilance/internal/chattest"
	"github.com/vigilance-go/vigilance/notify"
)

func maker(t *testing.T, base string, client *http.Client, trace io.Writer) notify.Notifier {
	t.Helper()
	return with(t, Config{BaseURL: base, Client: client, Trace: trace})
}

func with(t *testing.T, c Config) notify.Notifier {
	t.Helper()
	c.ID, c.Secret = chattest.FeishuID, chattest.FeishuSecret
	return chattest.Build(t, New, c)
}

func TestSignIsFeishus(t *testing.T) {
	const want = "G7XpBpG8NgG02fJOAhX6FRAObIljmFoxVReo8I62pEk="
	if got := sign("1700000000", "SECtest"); got != want {
		t.Errorf("sign = %s, want %s", got, want)
	}
}

// Every code that is known, in the bodies that Feishu sends.
func TestReplies(t *testing.T) {
	reply := func(body string) chattest.Reply { return chattest.Reply{Body: body} }
	rows := []chattest.Row{
		{Name: "ok", Reply: reply(`{"code":0,"msg":"success","data":{}}`), Want: "accepted"},
		{Name: "rate", Reply: reply(`{"code":11232,"msg":"frequency limited","data":{}}`), Want: "retry after 1m0s", Says: "frequency limited"},
		{Name: "sign", Reply: reply(`{"code":19021,"msg":"sign match fail or timestamp is not within one hour from current time"}`), Want: "permanent", Says: "sign match fail"},
		{Name: "address", Reply: reply(`{"code":19022,"msg":"Ip Not Allowed"}`), Want: "permanent", Says: "Ip Not Allowed"},
		{Name: "keyword", Reply: reply(`{"code":19024,"msg":"Key Words Not Found"}`), Want: "permanent", Says: "Key Words Not Found"},
		{Name: "bad request", Reply: chattest.Reply{Status: 400, Body: `{"code":9499,"msg":"Bad Request","data":{}}`}, Want: "permanent", Says: "9499"},
		{Name: "rate with a status", Reply: chattest.Reply{Status: 400, Body: `{"code":11232,"msg":"x"}`}, Want: "retry after 1m0s"},
		{Name: "unknown code", Reply: reply(`{"code":987654,"msg":"news"}`), Want: "retry 5 times", Says: "987654"},
		{Name: "no code", Reply: reply(`{"msg":"success"}`), Want: "retry 5 times"},
		{Name: "too large", Reply: chattest.Reply{Status: 413}, Want: "permanent", Requests: 2},
	}
	chattest.CheckRows(t, chattest.NewFeishu, maker, append(rows, chattest.CommonRows()...), chattest.FeishuID, chattest.FeishuSecret)
}

func TestConnections(t *testing.T) {
	chattest.CheckConnections(t, chattest.NewFeishu, maker, chattest.FeishuID, chattest.FeishuSecret)
}

func text(t *testing.T, body []byte) string {
	t.Helper()
	var m message
	if err := json.Unmarshal(body, &m); err != nil {
		t.Fatalf("Unmarshal(%s) = %v, want nil", body, err)
	}
	return m.Content.Text
}

func TestMessages(t *testing.T) {
	s := chattest.NewFeishu()
	n := with(t, Config{Client: s.Client(), Mentions: []string{"ou_1", All}})
	m := chattest.Message()
	if err := n.Notify(t.Context(), m); err != nil {
		t.Fatalf("Notify = %v, want nil", err)
	}
	want := "cat crashed\nProcess cat in group pets exited unexpectedly (pid 42) from state RUNNING\n\n" +
		"Traceback ＜most recent>\nOSError: & more\n\nhost: web1 · time: 2026-11-22 08:00:00 +00:00 · env: prod\n" +
		`<at user_id="ou_1"></at><at user_id="all"></at>`
	if got := text(t, s.Requests()[0].Body); got != want {
		t.Errorf("text = %q\nwant %q", got, want)
	}
	m.Event = "PROCESS_STATE_RUNNING"
	if err := n.Notify(t.Context(), m); err != nil {
		t.Fatalf("Notify = %v, want nil", err)
	}
	if got := text(t, s.Requests()[1].Body); strings.Contains(got, "<at") {
		t.Errorf("text of good news = %q, want no mention", got)
	}
	m.Body = strings.Repeat("中", 20_000)
	if err := n.Notify(t.Context(), m); err != nil {
		t.Fatalf("Notify = %v, want nil", err)
	}
	if got := s.Requests()[2].Body; len(got) > 20_000 || len(got) < 19_990 || !bytes.Contains(got, []byte("truncated: ")) {
		t.Errorf("long message has %d bytes, want nearly 20000 and a mark", len(got))
	}
}

func TestNewNamesWhatIsWrong(t *testing.T) {
	chattest.CheckOptions(t, New, []chattest.Options[Config]{
		{Config: Config{ID: "abc"}},
		{Config: Config{ID: "https://open.larksuite.com/open-apis/bot/v2/hook/abc"}},
		{Config: Config{}, Want: "no ID"},
		{Config: Config{ID: "https://open.feishu.cn/other/hidden"}, Want: "without its ID"},
		{Config: Config{ID: "https://%zz/hidden"}, Want: "not a URL"},
		{Config: Config{ID: "abc", Secret: "hidden\n"}, Want: "white space"},
		{Config: Config{ID: "abc", Mentions: []string{`x"y`}}, Want: `mention "x\"y"`},
		{Config: Config{ID: "abc", BaseURL: "x"}, Want: "base URL is not a URL"},
		{Config: Config{ID: "abc", Mentions: strings.Split(strings.Repeat("ou_1,", 500)+"x", ",")}, Want: "mentions of"},
	})
	f, err := New(Config{ID: "https://open.larksuite.com/open-apis/bot/v2/hook/abc"})
	if err != nil || f.group.Base() != LarkBaseURL || f.group.Credential() != "abc" {
		t.Errorf("New(webhook URL) = %q, %q, %v; want %q, abc, nil", f.group.Base(), f.group.Credential(), err, LarkBaseURL)
	}
	if l := f.Limits(); l != (notify.Limits{PerSecond: 5, PerMinute: 100, MaxBytes: 20_000}) {
		t.Errorf("Limits() = %+v, want 5 a second, 100 a minute, 20000 bytes", l)
	}
}
