package webhook_test

import (
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/vigilance-go/vigilance/internal/chattest"
	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/notify/webhook"
)

func build(t *testing.T, c webhook.Config) *webhook.Webhook {
	t.Helper()
	return chattest.Build(t, webhook.New, c)
}

// preset returns what makes a notifier for a preset.
func preset(name, path string, params map[string]notify.Secret) chattest.Maker {
	return func(t *testing.T, base string, client *http.Client, trace io.Writer) notify.Notifier {
		t.Helper()
		return build(t, webhook.Config{Preset: name, URL: notify.Secret(base + path), Params: params, Client: client, Trace: trace})
	}
}

// The replies of each preset's service, and what all have in common.
func TestReplies(t *testing.T) {
	reply := func(status int, body string) chattest.Reply { return chattest.Reply{Status: status, Body: body} }
	telegram := func(code, more string) chattest.Reply {
		return chattest.Reply{Status: 400, Body: `{"ok":false,"error_code":` + code + `,"description":"x"` + more + `}`}
	}
	for _, tt := range []struct {
		name    string
		service func() *chattest.Service
		make    chattest.Maker
		secret  string
		// plain tells that a reply need not say more than its status.
		plain bool
		rows  []chattest.Row
	}{
		{
			"teams", chattest.NewTeams, preset("teams", chattest.TeamsPath, nil), chattest.TeamsPath, true,
			[]chattest.Row{
				{Name: "accepted", Reply: reply(202, ""), Want: "accepted"},
				{Name: "old webhook", Reply: reply(200, "1"), Want: "accepted"},
				{Name: "rate in words", Reply: reply(200, "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429 with ContextId x"), Want: "retry after 1m0s"},
				{Name: "error in words", Reply: reply(200, "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 403 with ContextId x"), Want: "retry 5 times"},
				{Name: "too large", Reply: reply(413, ""), Want: "permanent", Requests: 2},
			},
		},
		{
			"discord", chattest.NewDiscord, preset("discord", chattest.DiscordPath, nil), chattest.DiscordPath, false,
			[]chattest.Row{
				{Name: "accepted", Reply: reply(204, ""), Want: "accepted"},
				{Name: "accepted, with the message", Reply: reply(200, `{"id":"1"}`), Want: "accepted"},
				{Name: "rate", Reply: reply(429, `{"message":"You are being rate limited.","retry_after":64.57,"global":false}`), Want: "retry after 1m4.57s"},
				{Name: "no webhook", Reply: reply(404, `{"message":"Unknown Webhook","code":10015}`), Want: "permanent", Says: "Unknown Webhook"},
			},
		},
		{
			"telegram", chattest.NewTelegram,
			preset("telegram", "/bot"+chattest.TelegramToken+"/sendMessage", map[string]notify.Secret{"token": chattest.TelegramToken, "chat_id": chattest.TelegramChat}),
			chattest.TelegramToken, false,
			[]chattest.Row{
				{Name: "accepted", Reply: reply(200, `{"ok":true,"result":{"message_id":1}}`), Want: "accepted"},
				{Name: "rate", Reply: telegram("429", `,"parameters":{"retry_after":35}`), Want: "retry after 35s"},
				{Name: "rate with status 200", Reply: reply(200, `{"ok":false,"error_code":429,"parameters":{"retry_after":35}}`), Want: "retry after 35s"},
				{Name: "rate without a time", Reply: telegram("429", ""), Want: "retry after 1m0s"},
				{Name: "no chat", Reply: telegram("400", ""), Want: "permanent"},
				{Name: "token", Reply: telegram("401", ""), Want: "permanent"},
				{Name: "busy", Reply: telegram("502", ""), Want: "retry"},
				{Name: "too long", Reply: reply(400, `{"ok":false,"error_code":400,"description":"Bad Request: message is too long"}`), Want: "permanent", Requests: 2},
			},
		},
		{
			"ntfy", chattest.NewNtfy, preset("ntfy", "/", map[string]notify.Secret{"topic": chattest.NtfyTopic}), "", false,
			[]chattest.Row{
				{Name: "accepted", Reply: reply(200, `{"id":"hwQ2YpKdmg"}`), Want: "accepted"},
				{Name: "rate", Reply: reply(429, `{"code":42901,"http":429,"error":"limit reached"}`), Want: "retry after 1m0s"},
				{Name: "too large", Reply: reply(413, ""), Want: "permanent", Requests: 2},
			},
		},
		{
			"pagerduty", chattest.NewPagerDuty,
			preset("pagerduty", "/v2/enqueue", map[string]notify.Secret{"routing_key": chattest.PagerDutyKey}), chattest.PagerDutyKey, false,
			[]chattest.Row{
				{Name: "accepted", Reply: reply(202, `{"status":"success","message":"Event processed","dedup_key":"x"}`), Want: "accepted"},
				{Name: "invalid", Reply: reply(400, `{"status":"invalid event","errors":["routing_key"]}`), Want: "permanent", Says: "routing_key"},
				{Name: "rate", Reply: reply(429, ""), Want: "retry after 1m0s"},
			},
		},
		{
			"template", chattest.NewTeams,
			func(t *testing.T, base string, client *http.Client, trace io.Writer) notify.Notifier {
				t.Helper()
				return build(t, webhook.Config{
					URL: notify.Secret(base + chattest.TeamsPath), Template: teamsTemplate, Client: client, Expect: `^accepted$|^$`,
					Header: map[string]notify.Secret{"X-Key": "hush-hush"}, Trace: trace,
				})
			}, "hush-hush", true,
			[]chattest.Row{
				{Name: "accepted", Reply: reply(200, "accepted"), Want: "accepted"},
				{Name: "not what was expected", Reply: reply(200, "queued for hush-hush"), Want: "retry 5 times", Says: "want a match"},
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rows := tt.rows
			for _, row := range chattest.CommonRows() {
				if tt.plain && row.Want == "retry 5 times" {
					continue
				}
				rows = append(rows, row)
			}
			secrets := []string{}
			if tt.secret != "" {
				secrets = append(secrets, tt.secret)
			}
			chattest.CheckRows(t, tt.service, tt.make, rows, secrets...)
			chattest.CheckConnections(t, tt.service, tt.make, secrets...)
		})
	}
}

const teamsTemplate = `{"type":"message","attachments":[{"contentType":"application/vnd.microsoft.card.adaptive",
"content":{"type":"AdaptiveCard","body":[{"type":"TextBlock","text":{{json .Subject}}}]}}]}`

func TestPresetsWriteWhatTheirServicesTake(t *testing.T) {
	const text = `Process cat in group pets exited unexpectedly (pid 42) from state RUNNING\n\nTraceback <most recent>\nOSError: & more\n\n` +
		`host: web1 · time: 2026-11-22 08:00:00 +00:00 · env: prod`
	for _, tt := range []struct {
		c    webhook.Config
		want string
	}{
		{
			webhook.Config{Preset: "teams", URL: "https://x.test/y"},
			`{"type":"message","attachments":[{"contentType":"application/vnd.microsoft.card.adaptive","content":{` +
				`"$schema":"http://adaptivecards.io/schemas/adaptive-card.json","type":"AdaptiveCard","version":"1.4","msteams":{"width":"Full"},"body":[` +
				`{"type":"TextBlock","text":"cat crashed","weight":"Bolder","size":"Medium","wrap":true,"color":"Attention"},` +
				`{"type":"TextBlock","text":"Process cat in group pets exited unexpectedly (pid 42) from state RUNNING\n\n\n\nTraceback \\<most recent\\>\n\nOSError: & more\n\n\n\n` +
				`host: web1 · time: 2026-11-22 08:00:00 +00:00 · env: prod","wrap":true}]}}]}`,
		},
		{
			webhook.Config{Preset: "discord", URL: "https://x.test/y", Mentions: []string{"8035"}},
			`{"content":"<@8035> **cat crashed**\n` + text + `","allowed_mentions":{"parse":[],"users":["8035"]}}`,
		},
		{
			webhook.Config{Preset: "telegram", Params: map[string]notify.Secret{"token": "1:A", "chat_id": "-100"}},
			`{"chat_id":"-100","text":"cat crashed\n\n` + text + `","link_preview_options":{"is_disabled":true}}`,
		},
		{
			webhook.Config{Preset: "ntfy", Params: map[string]notify.Secret{"topic": "alerts"}},
			`{"topic":"alerts","title":"cat crashed","message":"` + text + `","priority":4,"tags":["rotating_light"]}`,
		},
		{
			webhook.Config{Preset: "pagerduty", Params: map[string]notify.Secret{"routing_key": "k"}},
			`{"routing_key":"k","event_action":"trigger","dedup_key":"web1/pets:cat","payload":{"summary":"cat crashed","source":"web1",` +
				`"severity":"error","timestamp":"2026-11-22T08:00:00Z","group":"pets","component":"cat","class":"PROCESS_STATE_EXITED",` +
				`"custom_details":{"text":"` + text + `","labels":{"env":"prod"}}}}`,
		},
	} {
		t.Run(tt.c.Preset, func(t *testing.T) {
			var sent string
			tt.c.Client = &http.Client{Transport: transport(func(r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				sent = string(body)
			})}
			w := build(t, tt.c)
			_ = w.Notify(t.Context(), chattest.Message())
			var got, want any
			if err := json.Unmarshal([]byte(sent), &got); err != nil {
				t.Fatalf("body = %s: %v", sent, err)
			}
			if err := json.Unmarshal([]byte(tt.want), &want); err != nil {
				t.Fatalf("want = %s: %v", tt.want, err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("body = %s\nwant %s", sent, tt.want)
			}
			if l := w.Limits(); l.PerMinute == 0 && l.PerSecond == 0 || l.MaxBytes == 0 && l.MaxChars == 0 {
				t.Errorf("Limits() = %+v, want a rate and a size", l)
			}
		})
	}
}

// transport answers every request with 204.
type transport func(*http.Request)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) {
	f(r)
	return &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody, Request: r}, nil
}

// What runs again resolves what its crash has triggered.
func TestPagerDutyResolves(t *testing.T) {
	s := chattest.NewPagerDuty()
	w := build(t, webhook.Config{Preset: "pagerduty", Params: map[string]notify.Secret{"routing_key": chattest.PagerDutyKey}, Client: s.Client()})
	m := chattest.Message()
	m.Event = "PROCESS_STATE_RUNNING"
	if err := w.Notify(t.Context(), m); err != nil {
		t.Fatalf("Notify = %v, want nil", err)
	}
	body := s.Messages()[0]
	if !strings.Contains(body, `"event_action":"resolve","dedup_key":"web1/pets:cat"`) {
		t.Errorf("body = %s, want it to resolve web1/pets:cat", body)
	}
}

func TestTemplatesSeeTheWholeMessage(t *testing.T) {
	var got *http.Request
	var sent string
	w := build(t, webhook.Config{
		URL: "https://x.test/y", Method: http.MethodPut, ContentType: "text/plain", Params: map[string]notify.Secret{"k": "v"},
		Header:   map[string]notify.Secret{"Authorization": "Bearer t"},
		Template: `{{.Event}} {{.Group}}:{{.Process}} {{.PID}} {{.FromState}} {{.Tone}} {{.Param.k}} {{.Labels.env}} {{range .Facts}}{{.Name}}={{.Value}};{{end}}`,
		Client: &http.Client{Transport: transport(func(r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			got, sent = r, string(body)
		})},
	})
	if err := w.Notify(t.Context(), chattest.Message()); err != nil {
		t.Fatalf("Notify = %v, want nil", err)
	}
	want := "PROCESS_STATE_EXITED pets:cat 42 RUNNING bad v prod host=web1;time=2026-11-22 08:00:00 +00:00;env=prod;"
	if sent != want || got.Method != http.MethodPut || got.Header.Get("Content-Type") != "text/plain" || got.Header.Get("Authorization") != "Bearer t" {
		t.Errorf("sent %s %q %v; want PUT %q", got.Method, sent, got.Header, want)
	}
}

func TestNewNamesWhatIsWrong(t *testing.T) {
	chattest.CheckOptions(t, webhook.New, []chattest.Options[webhook.Config]{
		{Config: webhook.Config{URL: "https://x/y", Template: `{"a":{{json .Title}}}`}},
		{Config: webhook.Config{URL: "https://x/y", Template: `plain {{.Title}}`, ContentType: "text/plain"}},
		{Config: webhook.Config{}, Want: "no URL"},
		{Config: webhook.Config{URL: "https://x/y"}, Want: "neither a template nor a preset"},
		{Config: webhook.Config{URL: "x/hidden", Template: "{}"}, Want: "URL is not a URL"},
		{Config: webhook.Config{URL: "https://x/y", Template: "{{"}, Want: "read template"},
		{Config: webhook.Config{URL: "https://x/y", Template: "{{.Nothing}}"}, Want: "Nothing"},
		{Config: webhook.Config{URL: "https://x/y", Template: `{"a":"{{.Title}}"}`}, Want: "not JSON"},
		{Config: webhook.Config{URL: "https://x/y", Template: "{}", Expect: "("}, Want: "reply must match"},
		{Config: webhook.Config{Preset: "icq"}, Want: `preset "icq", want one of ["discord" "ntfy" "pagerduty" "teams" "telegram"]`},
		{Config: webhook.Config{Preset: "telegram"}, Want: `no parameter "token"`},
		{Config: webhook.Config{Preset: "teams"}, Want: "no URL"},
		{Config: webhook.Config{Preset: "discord", URL: "https://x/y", Mentions: []string{"<@1>"}}, Want: "mention"},
	})
}

// A template that shows the whole body and log is bounded as well, and gets
// less of both where the service finds it too large.
func TestBodyAndLogAreBounded(t *testing.T) {
	s := chattest.NewTeams()
	s.Answer(chattest.Reply{Body: "ok"}, chattest.Reply{Status: http.StatusRequestEntityTooLarge}, chattest.Reply{Body: "ok"})
	n, err := webhook.New(webhook.Config{URL: "https://x.test/", Client: s.Client(), Template: `{"body":{{json .Body}},"log":{{json .Log}}}`})
	if err != nil {
		t.Fatal(err)
	}
	m := notify.Message{ID: "1", Subject: "s", Body: strings.Repeat("b", 1<<20), Log: strings.Repeat("l", 1<<20) + "end"}
	for range 2 {
		if err := n.Notify(t.Context(), m); err != nil {
			t.Fatalf("Notify = %v, want nil", err)
		}
	}
	for i, want := range []struct{ body, log int }{{64 << 10, 16 << 10}, {64 << 10, 16 << 10}, {40 << 10, 16 << 10}} {
		var got struct{ Body, Log string }
		if err := json.Unmarshal(s.Requests()[i].Body, &got); err != nil {
			t.Fatal(err)
		}
		const mark = 60 // what says that it was cut
		if len(got.Body) > want.body+mark || len(got.Log) > want.log+mark || !strings.HasSuffix(got.Log, "end") || !strings.Contains(got.Body, "truncated") {
			t.Errorf("request %d has a body of %d bytes and a log of %d, want at most about %d and %d, the log's end",
				i, len(got.Body), len(got.Log), want.body, want.log)
		}
	}
}
