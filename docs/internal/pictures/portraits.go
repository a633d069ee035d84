package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"html/template"
	"io"
	"mime/quotedprintable"
	netmail "net/mail"
	"strings"
)

// portrait is a picture of one tool's message.
type portrait struct {
	name string
	// find returns what was sent, or nothing as long as it was not.
	find func(s *stage, name string) []byte
	// look is the style, and where what the person sees above the message.
	look, where string
	// render makes HTML of what was sent.
	render func(sent []byte) (template.HTML, error)
}

func portraits() []portrait {
	return []portrait{
		{"slack", post, "slack", "# ops · Slack", slack},
		{"dingtalk", post, "bubble", "ops · DingTalk", dingtalk},
		{"wechat", post, "bubble", "ops · WeCom", wechat},
		{"feishu", post, "bubble", "ops · Feishu", feishu},
		{"teams", post, "card", "ops · Microsoft Teams", teams},
		{"discord", post, "dark", "# ops · Discord", discord},
		{"telegram", post, "bubble", "ops · Telegram", telegram},
		{"ntfy", post, "card", "ops · ntfy", ntfy},
		{"pagerduty", post, "card", "Incident · PagerDuty", pagerDuty},
		{"alertmanager", alerts, "card", "Alertmanager · /api/v2/alerts", alertmanager},
		{"crashmail", mail, "mail", "", letter},
		{"crashmailbatch", mail, "mail", "", letter},
		{"fatalmailbatch", mail, "mail", "", letter},
		{"crashsms", mail, "mail", "", letter},
		{"httpok", mail, "mail", "", letter},
		{"memmon", mail, "mail", "", letter},
		{"oommon", mail, "mail", "", letter},
	}
}

// page returns the whole page for a portrait.
func (p portrait) page(sent []byte) ([]byte, error) {
	message, err := p.render(sent)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = pageTemplate.Execute(&b, struct {
		Look, Where string
		Message     template.HTML
	}{p.look, p.where, message})
	return b.Bytes(), err
}

// html returns what a template makes of a value.
func html(text string, value any) (template.HTML, error) {
	t, err := template.New("message").Parse(text)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = t.Execute(&b, value)
	return template.HTML(b.String()), err // html/template has escaped it
}

func slack(sent []byte) (template.HTML, error) {
	type text struct{ Text string }
	var m struct {
		Text        string
		Attachments []struct {
			Color  string
			Blocks []struct {
				Type     string
				Text     text
				Elements []text
			}
		}
	}
	if err := json.Unmarshal(sent, &m); err != nil {
		return "", err
	}
	type part struct {
		Class string
		Text  template.HTML
	}
	view := struct {
		Title template.HTML
		Color template.CSS
		Parts []part
	}{Title: mrkdwn(m.Text)}
	for _, a := range m.Attachments {
		view.Color = template.CSS(a.Color) // the tool's own
		for _, b := range a.Blocks {
			p := part{b.Type, mrkdwn(b.Text.Text)}
			for _, e := range b.Elements {
				p.Text += mrkdwn(e.Text)
			}
			view.Parts = append(view.Parts, p)
		}
	}
	return html(`<p>{{.Title}}</p><div class="attachment" style="border-color:{{.Color}}">{{range .Parts}}<div class="{{.Class}}">{{.Text}}</div>{{end}}</div>`, view)
}

func dingtalk(sent []byte) (template.HTML, error) {
	var m struct{ Markdown struct{ Text string } }
	err := json.Unmarshal(sent, &m)
	return markdown(m.Markdown.Text), err
}

func wechat(sent []byte) (template.HTML, error) {
	var m struct{ Markdown struct{ Content string } }
	err := json.Unmarshal(sent, &m)
	return markdown(m.Markdown.Content), err
}

func feishu(sent []byte) (template.HTML, error) {
	var m struct{ Content struct{ Text string } }
	err := json.Unmarshal(sent, &m)
	return plain(m.Content.Text), err
}

func telegram(sent []byte) (template.HTML, error) {
	var m struct{ Text string }
	err := json.Unmarshal(sent, &m)
	return plain(m.Text), err
}

func discord(sent []byte) (template.HTML, error) {
	var m struct{ Content string }
	err := json.Unmarshal(sent, &m)
	return markdown(m.Content), err
}

func teams(sent []byte) (template.HTML, error) {
	var m struct {
		Attachments []struct {
			Content struct {
				Body []struct{ Text, Weight, Color string }
			}
		}
	}
	if err := json.Unmarshal(sent, &m); err != nil {
		return "", err
	}
	var out template.HTML
	for _, a := range m.Attachments {
		for _, b := range a.Content.Body {
			if b.Weight == "Bolder" {
				out += `<h4 class="` + template.HTML(strings.ToLower(template.HTMLEscapeString(b.Color))) + `">` + inline(b.Text) + `</h4>` // escaped
			} else {
				out += markdown(b.Text)
			}
		}
	}
	return out, nil
}

func ntfy(sent []byte) (template.HTML, error) {
	var m struct {
		Title, Message string
		Priority       int
		Tags           []string
	}
	if err := json.Unmarshal(sent, &m); err != nil {
		return "", err
	}
	return html(`<h4>{{.Title}}</h4><p>{{.Text}}</p><p class="context">priority {{.Priority}} · tags: {{range .Tags}}{{.}}{{end}}</p>`, struct {
		Title    string
		Text     template.HTML
		Priority int
		Tags     []string
	}{m.Title, plain(m.Message), m.Priority, m.Tags})
}

func pagerDuty(sent []byte) (template.HTML, error) {
	var m struct {
		Action  string `json:"event_action"`
		Key     string `json:"dedup_key"`
		Payload struct {
			Summary, Source, Severity, Group, Component, Class string
			Details                                            struct{ Text string } `json:"custom_details"`
		}
	}
	if err := json.Unmarshal(sent, &m); err != nil {
		return "", err
	}
	return html(`<h4 class="attention">{{.P.Summary}}</h4><table>
<tr><th>Severity</th><td>{{.P.Severity}}</td></tr><tr><th>Source</th><td>{{.P.Source}}</td></tr>
<tr><th>Group, component</th><td>{{.P.Group}}, {{.P.Component}}</td></tr><tr><th>Class</th><td>{{.P.Class}}</td></tr>
<tr><th>Alert key</th><td>{{.Key}}</td></tr><tr><th>Details</th><td>{{.Text}}</td></tr></table>`, struct {
		P    any
		Key  string
		Text template.HTML
	}{m.Payload, m.Key, plain(m.Payload.Details.Text)})
}

func alertmanager(sent []byte) (template.HTML, error) {
	var all []struct {
		Labels, Annotations map[string]string
		StartsAt            string
		Status              struct{ State string }
	}
	if err := json.Unmarshal(sent, &all); err != nil {
		return "", err
	}
	return html(`{{range .}}<h4 class="attention">{{.Labels.alertname}}</h4>
<p>{{range $name, $value := .Labels}}<span class="label">{{$name}}="{{$value}}"</span> {{end}}</p><table>
{{range $name, $value := .Annotations}}<tr><th>{{$name}}</th><td class="lines">{{$value}}</td></tr>{{end}}
<tr><th>startsAt</th><td>{{.StartsAt}}</td></tr><tr><th>state</th><td>{{.Status.State}}</td></tr></table>{{end}}`, all)
}

// letter shows a mail as a mail program does.
func letter(sent []byte) (template.HTML, error) {
	m, err := netmail.ReadMessage(bytes.NewReader(sent))
	if err != nil {
		return "", err
	}
	body := m.Body
	switch strings.ToLower(m.Header.Get("Content-Transfer-Encoding")) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return "", err
	}
	return html(`<h4>{{.Subject}}</h4><table><tr><th>From</th><td>{{.From}}</td></tr><tr><th>To</th><td>{{.To}}</td></tr></table><pre>{{.Text}}</pre>`,
		map[string]string{
			"Subject": m.Header.Get("Subject"), "From": strings.Trim(m.Header.Get("From"), "<>"), "To": strings.Trim(m.Header.Get("To"), "<>"),
			"Text": strings.TrimSpace(strings.ReplaceAll(string(text), "\r\n", "\n")),
		})
}
