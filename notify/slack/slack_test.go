package slack_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/vigilance-go/vigilance/internal/chattest"
	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/notify/slack"
)

func build(t *testing.T, c slack.Config) *slack.Slack {
	t.Helper()
	return chattest.Build(t, slack.New, c)
}

func hook(t *testing.T, base string, client *http.Client, trace io.Writer) notify.Notifier {
	t.Helper()
	return build(t, slack.Config{WebhookURL: notify.Secret(base + chattest.SlackPath), Client: client, Trace: trace})
}

func bot(t *testing.T, base string, client *http.Client, trace io.Writer) notify.Notifier {
	t.Helper()
	return build(t, slack.Config{Token: chattest.SlackToken, Channel: chattest.SlackChannel, BaseURL: base, Client: client, Trace: trace})
}

// Every error that is known, as Slack's webhooks send it.
func TestRepliesToAWebhook(t *testing.T) {
	reply := func(status int, body string) chattest.Reply { return chattest.Reply{Status: status, Body: body} }
	rows := []chattest.Row{
		{Name: "ok", Reply: reply(200, "ok"), Want: "accepted"},
		{Name: "invalid_payload", Reply: reply(400, "invalid_payload"), Want: "permanent", Says: "invalid_payload"},
		{Name: "action_prohibited", Reply: reply(403, "action_prohibited"), Want: "permanent", Says: "action_prohibited"},
		{Name: "channel_not_found", Reply: reply(404, "channel_not_found"), Want: "permanent", Says: "channel_not_found"},
		{Name: "channel_is_archived", Reply: reply(410, "channel_is_archived"), Want: "permanent", Says: "channel_is_archived"},
		{Name: "rollup_error", Reply: reply(500, "rollup_error"), Want: "retry", Says: "rollup_error"},
		{Name: "rate", Reply: chattest.Reply{Status: 429, Header: map[string]string{"Retry-After": "30"}, Body: "rate_limited"}, Want: "retry after 30s"},
		{Name: "rate without a time", Reply: reply(429, ""), Want: "retry after 1m0s"},
		{Name: "rate as JSON", Reply: reply(200, `{"ok":false,"error":"ratelimited"}`), Want: "retry after 1m0s", Says: "ratelimited"},
		{Name: "error as JSON", Reply: reply(200, `{"ok":false,"error":"invalid_auth"}`), Want: "permanent", Says: "invalid_auth"},
		{Name: "200 with an error", Reply: reply(200, "no_service"), Want: "permanent", Says: "no_service"},
		{Name: "200 with something else", Reply: reply(200, "welcome"), Want: "retry 5 times", Says: "welcome"},
		{Name: "too long", Reply: reply(400, "msg_too_long"), Want: "permanent", Requests: 2},
		{Name: "the secret in a reply", Reply: reply(404, "Cannot POST "+chattest.SlackPath), Want: "permanent"},
	}
	chattest.CheckRows(t, chattest.NewSlack, hook, append(rows, chattest.CommonRows()...), chattest.SlackPath)
}

// Every error that is known, as Slack's API sends it.
func TestRepliesToABot(t *testing.T) {
	refuse := func(name string) chattest.Reply { return chattest.Reply{Body: `{"ok":false,"error":"` + name + `"}`} }
	rows := []chattest.Row{
		{Name: "ok", Reply: chattest.Reply{Body: `{"ok":true,"channel":"C1","ts":"1.2"}`}, Want: "accepted"},
		{Name: "rate", Reply: chattest.Reply{Status: 429, Header: map[string]string{"Retry-After": "30"}, Body: `{"ok":false,"error":"ratelimited"}`}, Want: "retry after 30s"},
		{Name: "rate without a status", Reply: refuse("ratelimited"), Want: "retry after 1m0s", Says: "ratelimited"},
		{Name: "busy", Reply: refuse("internal_error"), Want: "retry"},
		{Name: "token", Reply: refuse("invalid_auth"), Want: "permanent", Says: "invalid_auth"},
		{Name: "channel", Reply: refuse("channel_not_found"), Want: "permanent", Says: "channel_not_found"},
		{Name: "scope", Reply: chattest.Reply{Body: `{"ok":false,"error":"missing_scope","needed":"chat:write","provided":"x"}`}, Want: "permanent", Says: "chat:write"},
		{Name: "too long", Reply: refuse("msg_too_long"), Want: "permanent", Requests: 2},
		{Name: "unknown", Reply: refuse("news_to_us"), Want: "retry 5 times", Says: "news_to_us"},
		{Name: "not ok, without an error", Reply: chattest.Reply{Body: `{"ok":false}`}, Want: "retry 5 times"},
	}
	chattest.CheckRows(t, chattest.NewSlackBot, bot, append(rows, chattest.CommonRows()...), chattest.SlackToken)
}

func TestConnections(t *testing.T) {
	t.Run("webhook", func(t *testing.T) {
		chattest.CheckConnections(t, chattest.NewSlack, hook, chattest.SlackPath)
	})
	t.Run("bot", func(t *testing.T) {
		chattest.CheckConnections(t, chattest.NewSlackBot, bot, chattest.SlackToken)
	})
}

// A token that is not good is found without sending a message.
func TestCheckAsksForTheToken(t *testing.T) {
	s := chattest.NewSlackBot()
	s.Answer(chattest.Reply{Body: `{"ok":false,"error":"token_revoked"}`})
	n := build(t, slack.Config{Token: chattest.SlackToken, BaseURL: s.Start(t)})
	if err := n.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "token_revoked") {
		t.Errorf("Check = %v, want token_revoked", err)
	}
	if r := s.Requests(); len(r) != 1 || r[0].Path != "/auth.test" {
		t.Errorf("requests = %+v, want one to /auth.test", r)
	}
}

const attachments = `[{"color":"#d00000","blocks":[` +
	`{"type":"section","text":{"type":"mrkdwn","text":"Process cat in group pets exited unexpectedly (pid 42) from state RUNNING","verbatim":true}},` +
	`{"type":"section","text":{"type":"mrkdwn","text":"` + "```" + `\nTraceback &lt;most recent&gt;\nOSError: &amp; more\n` + "```" + `","verbatim":true}},` +
	`{"type":"context","elements":[{"type":"mrkdwn","text":"host: web1 · time: 2026-11-22 08:00:00 +00:00 · env: prod","verbatim":true}]}]}]`

func TestMessagesToAWebhook(t *testing.T) {
	s := chattest.NewSlack()
	n := build(t, slack.Config{
		WebhookURL: "https://hooks.slack.com" + chattest.SlackPath, Client: s.Client(),
		Mentions: []string{"U012AB3CD", "S0614TZR7", "channel"},
	})
	m := chattest.Message()
	m.Subject = "cat <crashed> & burned"
	if err := n.Notify(t.Context(), m); err != nil {
		t.Fatalf("Notify = %v, want nil", err)
	}
	want := `{"text":"<@U012AB3CD> <!subteam^S0614TZR7> <!channel> *cat &lt;crashed&gt; &amp; burned*","attachments":` + attachments +
		`,"unfurl_links":false,"unfurl_media":false}`
	if got := s.Requests()[0]; string(got.Body) != want || got.ContentType != "application/json;charset=utf-8" {
		t.Errorf("body = %s\nwant %s", got.Body, want)
	}
}

func TestMessagesOfABot(t *testing.T) {
	s := chattest.NewSlackBot()
	n := build(t, slack.Config{Token: chattest.SlackToken, BaseURL: "https://slack.test/api", Client: s.Client()})
	m := chattest.Message()
	if err := n.Notify(t.Context(), m); chattest.Outcome(err) != "permanent" || !strings.Contains(err.Error(), "no channel") {
		t.Errorf("Notify without a channel = %v, want permanent, no channel", err)
	}
	m.To = "C999"
	s.Answer(chattest.Reply{Body: `{"ok":true,"channel":"C999","ts":"1.2"}`})
	if err := n.Notify(t.Context(), m); err != nil {
		t.Fatalf("Notify = %v, want nil", err)
	}
	r := s.Requests()[0]
	want := `{"channel":"C999","text":"*cat crashed*","attachments":` + attachments + `,"unfurl_links":false,"unfurl_media":false}`
	if r.Path != "/api/chat.postMessage" || r.Auth != "Bearer "+chattest.SlackToken || string(r.Body) != want {
		t.Errorf("request = %s, %s, %s\nwant /api/chat.postMessage with the token, %s", r.Path, r.Auth, r.Body, want)
	}
}

func TestLinksAndLongTexts(t *testing.T) {
	s := chattest.NewSlack()
	n := build(t, slack.Config{WebhookURL: "https://hooks.slack.com" + chattest.SlackPath, Client: s.Client()})
	m := notify.Message{
		ID: "1", Subject: "s", Event: "PROCESS_STATE_RUNNING", Body: "see https://x.test/?a=1&b=2, not <this>" + strings.Repeat("\n&", 3000),
		Log: strings.Repeat("<", 3000) + "end",
	}
	if err := n.Notify(t.Context(), m); err != nil {
		t.Fatalf("Notify = %v, want nil", err)
	}
	body := string(s.Requests()[0].Body)
	for _, want := range []string{
		`see <https://x.test/?a=1&amp;b=2>, not &lt;this&gt;\n&amp;`, `… (truncated: `, `end\n` + "```", `#2eb886`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("body = %s, want %q in it", body, want)
		}
	}
}

func TestNewNamesWhatIsWrong(t *testing.T) {
	chattest.CheckOptions(t, slack.New, []chattest.Options[slack.Config]{
		{Config: slack.Config{WebhookURL: "https://hooks.slack.com/services/x"}},
		{Config: slack.Config{Token: "xoxb-1"}},
		{Config: slack.Config{}, Want: "neither"},
		{Config: slack.Config{WebhookURL: "https://x/y", Token: "hidden"}, Want: "want one of them"},
		{Config: slack.Config{WebhookURL: "hooks.slack.com/hidden"}, Want: "not a URL"},
		{Config: slack.Config{WebhookURL: "https://%zz/hidden"}, Want: "not a URL"},
		{Config: slack.Config{WebhookURL: "https://x/y", Channel: "#ops"}, Want: "channel"},
		{Config: slack.Config{Token: "hidden\n"}, Want: "white space"},
		{Config: slack.Config{Token: "x", Mentions: []string{"@bob"}}, Want: `mention "@bob"`},
		{Config: slack.Config{Token: "x", Mentions: []string{"U1>"}}, Want: "mention"},
		{Config: slack.Config{Token: "x", BaseURL: "x"}, Want: "base URL"},
	})
	n := build(t, slack.Config{Token: "x"})
	if l := n.Limits(); l != (notify.Limits{PerSecond: 1, MaxChars: 3000}) {
		t.Errorf("Limits() = %+v, want 1 a second, 3000 characters", l)
	}
}
