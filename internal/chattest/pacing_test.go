package chattest_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vigilance-go/vigilance/internal/chattest"
	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/notify/dingtalk"
	"github.com/vigilance-go/vigilance/notify/feishu"
	"github.com/vigilance-go/vigilance/notify/slack"
	"github.com/vigilance-go/vigilance/notify/webhook"
	"github.com/vigilance-go/vigilance/notify/wechat"
)

// service is a fake service with the notifier for it.
type service struct {
	name string
	fake *chattest.Service
	n    notify.Notifier
}

// services returns all of them, without a network.
func services(t *testing.T) []service {
	t.Helper()
	var all []service
	add := func(name string, fake *chattest.Service, n notify.Notifier, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("New for %s = %v, want nil", name, err)
		}
		all = append(all, service{name, fake, n})
	}
	fake := chattest.NewDingTalk()
	dt, err := dingtalk.New(dingtalk.Config{Token: chattest.DingTalkToken, Secret: chattest.DingTalkSecret, AtMobiles: []string{"13800000000"}, Client: fake.Client()})
	add("DingTalk", fake, dt, err)
	fake = chattest.NewDingTalk()
	dt, err = dingtalk.New(dingtalk.Config{Token: chattest.DingTalkToken, Secret: chattest.DingTalkSecret, PlainText: true, AtUserIDs: []string{"u1"}, Client: fake.Client()})
	add("DingTalk, text", fake, dt, err)
	fake = chattest.NewWeCom()
	wc, err := wechat.New(wechat.Config{Key: chattest.WeComKey, Mentions: []string{"u1"}, Client: fake.Client()})
	add("WeCom", fake, wc, err)
	fake = chattest.NewWeCom()
	wc, err = wechat.New(wechat.Config{Key: chattest.WeComKey, MobileMentions: []string{"@all", "13800000000"}, Client: fake.Client()})
	add("WeCom, text", fake, wc, err)
	fake = chattest.NewFeishu()
	fs, err := feishu.New(feishu.Config{ID: chattest.FeishuID, Secret: chattest.FeishuSecret, Mentions: []string{"ou_1", "all"}, Client: fake.Client()})
	add("Feishu", fake, fs, err)
	fake = chattest.NewSlack()
	sl, err := slack.New(slack.Config{WebhookURL: "https://hooks.slack.com" + chattest.SlackPath, Mentions: []string{"U012", "channel"}, Client: fake.Client()})
	add("Slack", fake, sl, err)
	fake = chattest.NewSlackBot()
	sl, err = slack.New(slack.Config{Token: chattest.SlackToken, Channel: chattest.SlackChannel, BaseURL: "https://slack.test", Client: fake.Client()})
	add("Slack bot", fake, sl, err)
	for _, c := range []webhook.Config{
		{Preset: "teams", URL: "https://teams.test" + chattest.TeamsPath},
		{Preset: "discord", URL: "https://discord.test" + chattest.DiscordPath, Mentions: []string{"80351110224678912"}},
		{Preset: "telegram", Params: map[string]notify.Secret{"token": chattest.TelegramToken, "chat_id": chattest.TelegramChat}},
		{Preset: "ntfy", Params: map[string]notify.Secret{"topic": chattest.NtfyTopic}},
		{Preset: "pagerduty", Params: map[string]notify.Secret{"routing_key": chattest.PagerDutyKey}},
	} {
		fake := map[string]func() *chattest.Service{
			"teams": chattest.NewTeams, "discord": chattest.NewDiscord, "telegram": chattest.NewTelegram,
			"ntfy": chattest.NewNtfy, "pagerduty": chattest.NewPagerDuty,
		}[c.Preset]()
		c.Client = fake.Client()
		wh, err := webhook.New(c)
		add(c.Preset, fake, wh, err)
	}
	return all
}

// Every service gets all of a thousand messages, and refuses none.
func TestAThousandMessagesWithoutARefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, s := range services(t) {
			q := notify.NewMemory(0)
			for i := range 1000 {
				m := notify.Message{
					ID: fmt.Sprint(i), Time: time.Now(), Host: "web1", Event: "PROCESS_STATE_EXITED", Group: "g", Process: "p",
					Subject: fmt.Sprintf("message %04d.", i), Body: "a body",
				}
				if err := q.Put(m); err != nil {
					t.Fatalf("Put = %v, want nil", err)
				}
			}
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan int)
			start := time.Now()
			pacer := notify.NewPacer(s.n, notify.LimitsOf(s.n))
			go func() { // cancel ends it
				ended <- (&notify.Deliverer{Queue: q, Notifier: pacer}).Run(ctx)
			}()
			for len(s.fake.Messages()) < 1000 && s.fake.Refused() == 0 && time.Since(start) < 10*time.Hour {
				<-time.After(time.Minute)
			}
			took := time.Since(start)
			cancel()
			left := <-ended
			messages := s.fake.Messages()
			if s.fake.Refused() > 0 || left > 0 || len(messages) != 1000 {
				t.Errorf("%s: refused %d, left %d, delivered %d; want 0, 0, 1000", s.name, s.fake.Refused(), left, len(messages))
				continue
			}
			for i, m := range messages {
				if !strings.Contains(m, fmt.Sprintf("message %04d", i)) && !strings.Contains(m, fmt.Sprintf("message+%04d", i)) {
					t.Errorf("%s: message %d = %s, want that number", s.name, i, m)
					break
				}
			}
			t.Logf("%s: 1,000 messages in %v", s.name, took)
		}
	})
}

// nasty are texts that are hard to carry.
var nasty = []string{
	"plain",
	"",
	strings.Repeat("x", 30_000),
	strings.Repeat("中文", 5_000),
	strings.Repeat("😀", 8_000),
	strings.Repeat(`<&>"\`, 6_000),
	strings.Repeat("```", 10_000),
	strings.Repeat("line\r\n", 5_000),
	"\x1b[31mred\x1b[0m \x00\x01\x07 \xff\xfe \u2028 <@all> <at user_id=\"all\"> @everyone <!channel> <script>",
	strings.Repeat("\x1b[31m\xff", 5_000),
}

// labels returns as many as nobody needs.
func labels(text string) map[string]string {
	all := make(map[string]string)
	for i := range 50 {
		all[fmt.Sprint(i, text)] = text
	}
	return all
}

// Whatever the message, every service takes it, at the first attempt.
func TestAnyMessageIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, s := range services(t) {
			for i, text := range nasty {
				for j, m := range []notify.Message{
					{Subject: "subject", Body: text},
					{Subject: text, Body: text, Log: text, Host: text, Event: "PROCESS_STATE_FATAL", Process: "p", Group: "g"},
					{Subject: "subject", Body: "body", Log: text, Labels: map[string]string{text: text, "a": text}},
					{Subject: text, Body: text, Host: text, Labels: labels(text)},
				} {
					m.ID, m.Time = "1", time.Now()
					if text == "" && m.Subject == "" {
						m.Subject = "subject"
					}
					<-time.After(time.Minute)
					requests := len(s.fake.Requests())
					if err := s.n.Notify(t.Context(), m); err != nil || len(s.fake.Requests()) != requests+1 {
						t.Errorf("%s: Notify(text %d, message %d) = %v with %d requests; want nil with 1",
							s.name, i, j, err, len(s.fake.Requests())-requests)
					}
				}
			}
			// What would call everybody, where the service has such a tag.
			call := map[string]string{"WeCom": "<@all>", "Feishu": `<at user_id=\"all\"> @`, "Slack": "<!channel> <", "Slack bot": "%3C%21channel%3E+%3C"}[s.name]
			for _, m := range s.fake.Messages() {
				if strings.Contains(m, "\x1b") || call != "" && strings.Contains(m, call) {
					t.Errorf("%s: message has %q or an escape character in it: %.300q", s.name, call, m)
				}
			}
		}
	})
}
