// Command slackalert is an event listener that tells a Slack channel when a
// program of a supervisord crashes.
package main

import (
	"errors"
	"io"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/vigilance-go/vigilance/cmd/internal/alert"
	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/notify/slack"
)

func main() { os.Exit(alert.Main(tool())) }

func tool() alert.Tool {
	return alert.Tool{
		Name:    "slackalert",
		Summary: "Tells a Slack channel when a program of a supervisord crashes.",
		Example: "-a --webhook-url-file /etc/vigilance/slack.url",
		Flags: append(append(alert.SecretFlags("webhook-url"), alert.SecretFlags("token")...),
			&cli.StringSliceFlag{Name: "channel"},
			&cli.StringFlag{Name: "base-url"},
			&cli.StringSliceFlag{Name: "mention"},
			&cli.StringFlag{Name: "ca-file"},
		),
		Usage: `--webhook-url-file FILE -- the file that holds the URL of an incoming webhook
      (https://hooks.slack.com/services/...), or one a line. The environment
      variable VIGILANCE_SLACK_WEBHOOK_URL does as well; --webhook-url URL shows
      it to everyone who runs ps.

--token-file FILE -- the file that holds a bot's token (xoxb-...), instead. Or
      VIGILANCE_SLACK_TOKEN, or --token.

--channel NAME -- the bot's channel. May be given several times.

--mention WHO -- whom to mention: a user's or a group's ID (U..., S...), channel,
      here or everyone. May be given several times.

--base-url URL -- where Slack's API is, for a proxy.

--ca-file FILE -- certificates (PEM) that the server's is checked with, in place
      of the system's.
`,
		Destinations: destinations,
	}
}

func destinations(c *cli.Context, trace io.Writer) ([]alert.Destination, error) {
	webhooks, err := alert.Secrets(c, "webhook-url", "VIGILANCE_SLACK_WEBHOOK_URL")
	if err != nil {
		return nil, err
	}
	token, err := alert.OneSecret(c, "token", "VIGILANCE_SLACK_TOKEN")
	if err != nil {
		return nil, err
	}
	common := slack.Config{
		BaseURL: c.String("base-url"), Mentions: c.StringSlice("mention"), CAFile: c.String("ca-file"), Trace: trace,
	}
	var all []alert.Destination
	add := func(identity notify.Secret, config slack.Config) error {
		n, err := slack.New(config)
		all = append(all, alert.Destination{Name: alert.NameOf("slack", identity), Notifier: n})
		return err
	}
	for _, url := range webhooks {
		config := common
		config.WebhookURL = url
		if err := add(url, config); err != nil {
			return nil, err
		}
	}
	if token != "" && len(c.StringSlice("channel")) == 0 {
		return nil, errors.New("read options: --token without --channel")
	}
	for _, channel := range c.StringSlice("channel") {
		config := common
		config.Token, config.Channel = token, channel
		if err := add(notify.Secret(channel), config); err != nil {
			return nil, err
		}
	}
	return all, nil
}
