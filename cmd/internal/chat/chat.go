// Package chat gives superlance's tools destinations beside mail: the chat
// services that have alerting tools of their own.
//
// It decides how they are named on a command line, and never what is sent. Unlike
// those tools it reads no secret from the environment: what a supervisord has set
// for one of them must not make crashmail talk to a chat.
package chat

import (
	"io"

	"github.com/urfave/cli/v2"

	"github.com/vigilance-go/vigilance/cmd/internal/alert"
	"github.com/vigilance-go/vigilance/internal/cmdline"
	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/notify/dingtalk"
	"github.com/vigilance-go/vigilance/notify/feishu"
	"github.com/vigilance-go/vigilance/notify/slack"
	"github.com/vigilance-go/vigilance/notify/webhook"
	"github.com/vigilance-go/vigilance/notify/wechat"
)

// secrets are the options that hold one; each has a sibling that ends in -file.
func secrets() []string {
	return []string{
		"slack-webhook-url", "dingtalk-token", "dingtalk-secret", "wechat-key", "feishu-hook", "feishu-secret", "webhook-url",
	}
}

const (
	presetOption = "webhook-preset"
	caOption     = "chat-ca-file"
)

// Flags declares the options.
func Flags() []cli.Flag {
	var flags []cli.Flag
	for _, name := range secrets() {
		for _, name := range []string{name, name + "-file"} {
			flags = append(flags, &cli.StringSliceFlag{Name: name, Category: cmdline.Beyond})
		}
	}
	for _, name := range []string{presetOption, caOption} {
		flags = append(flags, &cli.StringFlag{Name: name, Category: cmdline.Beyond})
	}
	return flags
}

// Usage describes them.
const Usage = `--slack-webhook-url-file FILE -- tell Slack as well. This file and those below
      hold what slackalert, dingtalkalert, wechatalert, feishualert and
      webhookalert want, and may hold several, one a line. Each option exists
      without -file, too: then it has the secret itself, and shows it to
      everyone who runs ps.

--dingtalk-token-file FILE, --dingtalk-secret-file FILE -- tell a robot of
      DingTalk; the secret signs what it says.

--wechat-key-file FILE -- tell a robot of WeCom.

--feishu-hook-file FILE, --feishu-secret-file FILE -- tell a bot of Feishu.

--webhook-url-file FILE, --webhook-preset NAME -- tell any other service, in the
      format of a preset of webhookalert.

--chat-ca-file FILE -- certificates (PEM) that a chat's server is checked with,
      in place of the system's.
`

// Destinations reads the values of Flags; there are none where none is given.
// Conversations are written to trace where it is not nil. No error holds a
// secret.
func Destinations(c *cli.Context, trace io.Writer) ([]alert.Destination, error) {
	ca := c.String(caOption)
	one := func(name string) (notify.Secret, error) { return alert.OneSecret(c, name, "") }
	var all []alert.Destination
	for _, s := range []struct {
		service, option, second string
		new                     func(secret, second notify.Secret) (notify.Notifier, error)
	}{
		{"slack", "slack-webhook-url", "", func(url, _ notify.Secret) (notify.Notifier, error) {
			return slack.New(slack.Config{WebhookURL: url, CAFile: ca, Trace: trace})
		}},
		{"dingtalk", "dingtalk-token", "dingtalk-secret", func(token, secret notify.Secret) (notify.Notifier, error) {
			return dingtalk.New(dingtalk.Config{Token: token, Secret: secret, CAFile: ca, Trace: trace})
		}},
		{"wechat", "wechat-key", "", func(key, _ notify.Secret) (notify.Notifier, error) {
			return wechat.New(wechat.Config{Key: key, Style: wechat.Markdown, CAFile: ca, Trace: trace})
		}},
		{"feishu", "feishu-hook", "feishu-secret", func(hook, secret notify.Secret) (notify.Notifier, error) {
			return feishu.New(feishu.Config{ID: hook, Secret: secret, CAFile: ca, Trace: trace})
		}},
		{"webhook", "webhook-url", "", func(url, _ notify.Secret) (notify.Notifier, error) {
			return webhook.New(webhook.Config{URL: url, Preset: c.String(presetOption), CAFile: ca, Trace: trace})
		}},
	} {
		values, err := alert.Secrets(c, s.option, "")
		if err != nil {
			return nil, err
		}
		var second notify.Secret
		if s.second != "" {
			if second, err = one(s.second); err != nil {
				return nil, err
			}
		}
		for _, value := range values {
			n, err := s.new(value, second)
			if err != nil {
				return nil, err
			}
			all = append(all, alert.Destination{Name: alert.NameOf(s.service, value), Notifier: n})
		}
	}
	return all, nil
}
