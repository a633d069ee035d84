package webhook

import (
	"bytes"
	"encoding/json"
	"net/http"

	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/notify/internal/httppost"
)

// preset is a service's ready template, and what is known of its replies.
type preset struct {
	template string
	params   []string // that must be there
	url      func(params map[string]string) string
	limits   notify.Limits
	extra    int // characters that the template adds to title and text
	// judge returns an error where a reply says more than its status, or nil.
	judge func(*httppost.Client, *httppost.Reply) error
}

func presetOf(name string) (preset, bool) {
	p, ok := presets()[name]
	return p, ok
}

func presets() map[string]preset {
	return map[string]preset{
		// learn.microsoft.com, "Create Incoming Webhooks": 28 KB, 4 a second.
		"teams": {template: teams, limits: notify.Limits{PerSecond: 4, MaxBytes: 28_000}, judge: judgeTeams},
		// discord.com/developers/docs, "Execute Webhook": content of 2,000 characters.
		// 5 in 2 s is what its rate limit headers say.
		"discord": {template: discord, extra: 6, limits: notify.Limits{PerSecond: 2, PerMinute: 30, MaxChars: 2000}, judge: judgeDiscord},
		// core.telegram.org/bots/api, sendMessage; the FAQ: 20 a minute to a group.
		"telegram": {
			template: telegram, params: []string{"token", "chat_id"}, url: telegramURL, extra: 2,
			limits: notify.Limits{PerSecond: 1, PerMinute: 20, MaxChars: 4096}, judge: judgeTelegram,
		},
		// docs.ntfy.sh/publish, "Limitations": 60 requests, then one each 5 s.
		"ntfy": {
			template: ntfy, params: []string{"topic"}, limits: notify.Limits{PerMinute: 12, MaxBytes: 4096},
			url:   func(map[string]string) string { return "https://ntfy.sh/" },
			judge: judgeNtfy,
		},
		// developer.pagerduty.com, "Events API v2": 512 KB.
		"pagerduty": {
			template: pagerDuty, params: []string{"routing_key"}, limits: notify.Limits{PerMinute: 120, MaxBytes: 512_000},
			url:   func(map[string]string) string { return "https://events.pagerduty.com/v2/enqueue" },
			judge: judgePagerDuty,
		},
	}
}

const teams = `{"type":"message","attachments":[{"contentType":"application/vnd.microsoft.card.adaptive","content":{` +
	`"$schema":"http://adaptivecards.io/schemas/adaptive-card.json","type":"AdaptiveCard","version":"1.4","msteams":{"width":"Full"},"body":[` +
	`{"type":"TextBlock","text":{{json (markdown .Title)}},"weight":"Bolder","size":"Medium","wrap":true,` +
	`"color":{{if eq .Tone "bad"}}"Attention"{{else if eq .Tone "good"}}"Good"{{else}}"Default"{{end}}},` +
	`{"type":"TextBlock","text":{{json (markdown .Text)}},"wrap":true}]}}]}`

// Nobody is mentioned but those who are meant to be, whatever the log says.
const discord = `{"content":{{$who := ""}}{{range .Mentions}}{{$who = printf "%s<@%s> " $who .}}{{end}}` +
	`{{json (printf "%s**%s**\n%s" $who .Title .Text)}},` +
	`"allowed_mentions":{"parse":[]{{if .Mentions}},"users":{{json .Mentions}}{{end}}}}`

const telegram = `{"chat_id":{{json .Param.chat_id}},"text":{{json (printf "%s\n\n%s" .Title .Text)}},` +
	`"link_preview_options":{"is_disabled":true}}`

const ntfy = `{"topic":{{json .Param.topic}},"title":{{json .Title}},"message":{{json .Text}},` +
	`"priority":{{if eq .Tone "bad"}}4{{else}}3{{end}},` +
	`"tags":[{{if eq .Tone "bad"}}"rotating_light"{{else if eq .Tone "good"}}"white_check_mark"{{end}}]}`

// A program that runs again resolves what its crash has triggered.
const pagerDuty = `{"routing_key":{{json .Param.routing_key}},` +
	`"event_action":{{if and (eq .Tone "good") .Process}}"resolve"{{else}}"trigger"{{end}},` +
	`"dedup_key":{{if .Process}}{{json (head 255 (printf "%s/%s:%s" .Host .Group .Process))}}{{else}}{{json (head 255 .ID)}}{{end}},` +
	`"payload":{"summary":{{json .Title}},"source":{{if .Host}}{{json .Host}}{{else}}"vigilance"{{end}},` +
	`"severity":{{if .Param.severity}}{{json .Param.severity}}{{else if eq .Tone "bad"}}"error"{{else}}"info"{{end}},` +
	`{{if not .Time.IsZero}}"timestamp":{{json (rfc3339 .Time)}},{{end}}` +
	`{{with .Group}}"group":{{json .}},{{end}}{{with .Process}}"component":{{json .}},{{end}}{{with .Event}}"class":{{json .}},{{end}}` +
	`"custom_details":{"text":{{json .Text}}{{if .Labels}},"labels":{{json .Labels}}{{end}}}}}`

// judgeTeams knows that some of Teams' webhooks report an error of what is
// behind them with status 200 and a sentence.
func judgeTeams(c *httppost.Client, r *httppost.Reply) error {
	switch {
	case r.Status != http.StatusOK:
		return nil
	case bytes.Contains(r.Body, []byte("returned HTTP error 429")):
		return c.NameError(r.Status, string(r.Body), httppost.Code{Action: httppost.Rate})
	case bytes.Contains(r.Body, []byte("returned HTTP error")):
		return c.Unclear(r, "no error")
	}
	return nil
}

// judgeDiscord knows how long to wait, and what success is: 204, or with
// ?wait=true the message.
func judgeDiscord(c *httppost.Client, r *httppost.Reply) error {
	var reply struct {
		ID    string  `json:"id"`
		After float64 `json:"retry_after"`
	}
	err := json.Unmarshal(r.Body, &reply)
	switch {
	case r.Status == http.StatusTooManyRequests && err == nil && reply.After > 0:
		meaning := httppost.Code{Action: httppost.Rate, Wait: httppost.Seconds(reply.After)}
		return c.NameError(r.Status, string(r.Body), meaning)
	case r.Status == http.StatusOK && (err != nil || reply.ID == ""):
		return c.Unclear(r, "status 204, or a message with an ID")
	}
	return nil
}

// judgeNtfy wants to read the message's ID.
func judgeNtfy(c *httppost.Client, r *httppost.Reply) error {
	if err := c.StatusError(r); err != nil {
		return err
	}
	var reply struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(r.Body, &reply); err != nil || reply.ID == "" {
		return c.Unclear(r, "a message with an ID")
	}
	return nil
}

// judgeTelegram knows the code in a reply, which may come with status 200.
func judgeTelegram(c *httppost.Client, r *httppost.Reply) error {
	var reply struct {
		OK          bool   `json:"ok"`
		Code        int    `json:"error_code"`
		Description string `json:"description"`
		Parameters  struct {
			After float64 `json:"retry_after"`
		} `json:"parameters"`
	}
	switch err := json.Unmarshal(r.Body, &reply); {
	case err != nil || !reply.OK && reply.Code == 0:
		if err := c.StatusError(r); err != nil {
			return err
		}
		return c.Unclear(r, `{"ok":true}`)
	case reply.OK:
		return nil
	case reply.Code == http.StatusTooManyRequests:
		meaning := httppost.Code{Action: httppost.Rate, Wait: httppost.Seconds(reply.Parameters.After)}
		return c.CodeError(int64(reply.Code), reply.Description, meaning)
	case reply.Code == http.StatusBadRequest && reply.Description == "Bad Request: message is too long":
		return c.CodeError(int64(reply.Code), reply.Description, httppost.Code{Action: httppost.TooLarge})
	}
	status := *r
	status.Status = reply.Code
	if err := c.StatusError(&status); err != nil {
		return err
	}
	return c.Unclear(r, `{"ok":true}`)
}

// judgePagerDuty wants to read that an event was taken.
func judgePagerDuty(c *httppost.Client, r *httppost.Reply) error {
	if err := c.StatusError(r); err != nil {
		return err
	}
	var reply struct {
		Status string `json:"status"`
	}
	if err := json.Unmarshal(r.Body, &reply); err != nil || reply.Status != "success" {
		return c.Unclear(r, `status "success"`)
	}
	return nil
}
