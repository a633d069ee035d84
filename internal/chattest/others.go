package chattest

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Credentials of the fake services.
const (
	SlackPath     = "/services/T000/B000/XXXXXXXX"
	SlackToken    = "xoxb-test"
	SlackChannel  = "C024BE91L"
	DiscordPath   = "/api/webhooks/123/abc"
	TelegramToken = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
	TelegramChat  = "-100200300"
	TeamsPath     = "/workflows/abc/triggers/manual"
	NtfyTopic     = "alerts"
	PagerDutyKey  = "0123456789abcdef0123456789abcdef"
)

// block is a part of a Slack message.
type block struct {
	Type string `json:"type"`
	Text struct {
		Text string `json:"text"`
	} `json:"text"`
	Elements []struct {
		Text string `json:"text"`
	} `json:"elements"`
}

type slackMessage struct {
	Channel     string `json:"channel"`
	Text        string `json:"text"`
	Attachments []struct {
		Blocks []block `json:"blocks"`
	} `json:"attachments"`
}

// NewSlack returns Slack with one webhook: one message a second.
func NewSlack() *Service {
	return &Service{
		ok: Reply{Body: "ok"},
		rates: []rate{{
			n: 1, period: time.Second,
			reply: Reply{Status: http.StatusTooManyRequests, Header: map[string]string{"Retry-After": "30"}, Body: "rate_limited"},
		}},
		check: func(r *http.Request, body []byte) *Reply {
			var m slackMessage
			err := checkJSON(r, body, &m)
			switch {
			case r.URL.Path != SlackPath:
				return &Reply{Status: http.StatusNotFound, Body: "no_service"}
			case err != nil:
				return &Reply{Status: http.StatusBadRequest, Body: "invalid_payload: " + err.Error()}
			}
			if wrong := m.wrong(); wrong != "" {
				return &Reply{Status: http.StatusBadRequest, Body: wrong}
			}
			return nil
		},
	}
}

// NewSlackBot returns Slack's API with one bot that may write to one channel:
// one message a second.
func NewSlackBot() *Service {
	refuse := func(name string) *Reply { return &Reply{Body: fmt.Sprintf(`{"ok":false,"error":%q}`, name)} }
	return &Service{
		ok:   Reply{Body: `{"ok":true,"channel":"` + SlackChannel + `","ts":"1503435956.000247","message":{"text":"x"}}`},
		free: "/auth.test",
		rates: []rate{{
			n: 1, period: time.Second,
			reply: Reply{Status: http.StatusTooManyRequests, Header: map[string]string{"Retry-After": "30"}, Body: `{"ok":false,"error":"ratelimited"}`},
		}},
		check: func(r *http.Request, body []byte) *Reply {
			var m slackMessage
			err := checkJSON(r, body, &m)
			switch {
			case err != nil:
				return refuse("invalid_json")
			case r.URL.Path != "/chat.postMessage" && r.URL.Path != "/auth.test":
				return refuse("unknown_method")
			case r.Header.Get("Authorization") != "Bearer "+SlackToken:
				return refuse("invalid_auth")
			case r.URL.Path == "/auth.test":
				return nil
			case m.Channel != SlackChannel:
				return refuse("channel_not_found")
			}
			if wrong := m.wrong(); wrong != "" {
				return refuse(wrong)
			}
			return nil
		},
	}
}

// wrong returns the name of what Slack finds wrong with a message.
func (m slackMessage) wrong() string {
	if m.Text == "" {
		return "no_text"
	}
	for _, a := range m.Attachments {
		for _, b := range a.Blocks {
			if b.Type == "section" && (b.Text.Text == "" || chars(b.Text.Text) > 3000) ||
				b.Type == "context" && (len(b.Elements) == 0 || chars(b.Elements[0].Text) > 2000) {
				return "invalid_blocks"
			}
		}
	}
	return ""
}

// NewTeams returns a Teams workflow: 28 KB, 4 requests a second.
func NewTeams() *Service {
	return &Service{
		ok:    Reply{Status: http.StatusAccepted},
		rates: []rate{{n: 4, period: time.Second, reply: Reply{Status: http.StatusTooManyRequests}}},
		check: func(r *http.Request, body []byte) *Reply {
			var m struct {
				Type        string `json:"type"`
				Attachments []struct {
					ContentType string `json:"contentType"`
					Content     struct {
						Schema, Type, Version string
						Body                  []struct{ Type, Text string }
					} `json:"content"`
				} `json:"attachments"`
			}
			err := checkJSON(r, body, &m)
			switch {
			case len(body) > 28<<10:
				return &Reply{Status: http.StatusRequestEntityTooLarge}
			case err != nil || r.URL.Path != TeamsPath || m.Type != "message" || len(m.Attachments) != 1 ||
				m.Attachments[0].ContentType != "application/vnd.microsoft.card.adaptive" ||
				m.Attachments[0].Content.Type != "AdaptiveCard" || m.Attachments[0].Content.Body[0].Text == "":
				return &Reply{Status: http.StatusBadRequest, Body: "Bad payload received by generic incoming webhook."}
			}
			return nil
		},
	}
}

// NewDiscord returns Discord with one webhook: 5 messages in 2 s, 30 a minute.
func NewDiscord() *Service {
	often := Reply{Status: http.StatusTooManyRequests, Body: `{"message":"You are being rate limited.","retry_after":0.529,"global":false}`}
	return &Service{
		ok:    Reply{Status: http.StatusNoContent},
		rates: []rate{{n: 5, period: 2 * time.Second, reply: often}, {n: 30, period: time.Minute, reply: often}},
		check: func(r *http.Request, body []byte) *Reply {
			var m struct {
				Content string `json:"content"`
				Allowed *struct {
					Parse []string `json:"parse"`
				} `json:"allowed_mentions"`
			}
			err := checkJSON(r, body, &m)
			switch {
			case r.URL.Path != DiscordPath:
				return &Reply{Status: http.StatusNotFound, Body: `{"message":"Unknown Webhook","code":10015}`}
			case err != nil || m.Content == "" || chars(m.Content) > 2000 || m.Allowed == nil || len(m.Allowed.Parse) > 0:
				return &Reply{Status: http.StatusBadRequest, Body: `{"message":"Invalid Form Body","code":50035}`}
			}
			return nil
		},
	}
}

// NewTelegram returns Telegram with one bot in one group: 20 messages a minute.
func NewTelegram() *Service {
	often := Reply{
		Status: http.StatusTooManyRequests,
		Body:   `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 35","parameters":{"retry_after":35}}`,
	}
	return &Service{
		ok:    Reply{Body: `{"ok":true,"result":{"message_id":1}}`},
		rates: []rate{{n: 1, period: time.Second, reply: often}, {n: 20, period: time.Minute, reply: often}},
		check: func(r *http.Request, body []byte) *Reply {
			var m struct {
				Chat string `json:"chat_id"`
				Text string `json:"text"`
			}
			err := checkJSON(r, body, &m)
			switch {
			case r.URL.Path != "/bot"+TelegramToken+"/sendMessage":
				return &Reply{Status: http.StatusNotFound, Body: `{"ok":false,"error_code":404,"description":"Not Found"}`}
			case chars(m.Text) > 4096:
				return &Reply{Status: http.StatusBadRequest, Body: `{"ok":false,"error_code":400,"description":"Bad Request: message is too long"}`}
			case err != nil || m.Chat != TelegramChat || m.Text == "":
				return &Reply{Status: http.StatusBadRequest, Body: `{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}`}
			}
			return nil
		},
	}
}

// NewNtfy returns ntfy, which takes 60 messages and then one each 5 s; here 20
// a minute.
func NewNtfy() *Service {
	return &Service{
		ok: Reply{Body: `{"id":"hwQ2YpKdmg","time":1635528741,"event":"message","topic":"` + NtfyTopic + `"}`},
		rates: []rate{{n: 20, period: time.Minute, reply: Reply{
			Status: http.StatusTooManyRequests, Body: `{"code":42901,"http":429,"error":"limit reached: too many requests"}`,
		}}},
		check: func(r *http.Request, body []byte) *Reply {
			var m any
			err := checkJSON(r, body, &m)
			if err != nil || field(body, "topic") != NtfyTopic || field(body, "message") == "" || len(field(body, "message")) > 4096 {
				return &Reply{Status: http.StatusBadRequest, Body: `{"code":40017,"http":400,"error":"invalid request: request body must be message JSON"}`}
			}
			return nil
		},
	}
}

// NewPagerDuty returns PagerDuty's events API: 120 events a minute.
func NewPagerDuty() *Service {
	return &Service{
		ok: Reply{Status: http.StatusAccepted, Body: `{"status":"success","message":"Event processed","dedup_key":"x"}`},
		rates: []rate{{n: 120, period: time.Minute, reply: Reply{
			Status: http.StatusTooManyRequests, Body: `{"status":"throttle exceeded"}`,
		}}},
		check: func(r *http.Request, body []byte) *Reply {
			var m any
			err := checkJSON(r, body, &m)
			severity := field(body, "payload", "severity")
			if err != nil || len(body) > 512<<10 || r.URL.Path != "/v2/enqueue" || field(body, "routing_key") != PagerDutyKey ||
				field(body, "payload", "summary") == "" || field(body, "payload", "source") == "" ||
				!strings.Contains(" critical error warning info ", " "+severity+" ") || field(body, "dedup_key") == "" {
				return &Reply{Status: http.StatusBadRequest, Body: `{"status":"invalid event","message":"Event object is invalid"}`}
			}
			return nil
		},
	}
}
