// Command dingtalkalert is an event listener that tells a DingTalk group when
// a program of a supervisord crashes.
package main

import (
	"io"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/vigilance-go/vigilance/cmd/internal/alert"
	"github.com/vigilance-go/vigilance/notify/dingtalk"
)

func main() { os.Exit(alert.Main(tool())) }

func tool() alert.Tool {
	return alert.Tool{
		Name:    "dingtalkalert",
		Summary: "Tells a DingTalk group when a program of a supervisord crashes.",
		Example: "-a --token-file /etc/vigilance/dingtalk.token --secret-file /etc/vigilance/dingtalk.secret",
		Flags: append(append(alert.SecretFlags("token"), alert.SecretFlags("secret")...),
			&cli.StringSliceFlag{Name: "at-mobile"},
			&cli.StringSliceFlag{Name: "at-user"},
			&cli.BoolFlag{Name: "at-all"},
			&cli.BoolFlag{Name: "plain-text"},
			&cli.StringFlag{Name: "base-url"},
			&cli.StringFlag{Name: "ca-file"},
		),
		Usage: `--token-file FILE -- the file that holds the robot's access_token or its whole
      webhook URL; with several robots, one a line. The environment variable
      VIGILANCE_DINGTALK_TOKEN does as well; --token TOKEN shows it to everyone
      who runs ps.

--secret-file FILE -- the file that holds the secret (SEC...) of a robot with
      signatures. Or VIGILANCE_DINGTALK_SECRET, or --secret.

--at-mobile NUMBER, --at-user ID -- whom to mention. May be given several times.

--at-all -- mention everybody.

--plain-text -- send text, not Markdown.

--base-url URL -- where DingTalk's robots are, for a proxy.

--ca-file FILE -- certificates (PEM) that the server's is checked with, in place
      of the system's.

      A robot with keywords takes only messages with one of them: add it by
      --label note=KEYWORD.
`,
		Destinations: destinations,
	}
}

func destinations(c *cli.Context, trace io.Writer) ([]alert.Destination, error) {
	tokens, err := alert.Secrets(c, "token", "VIGILANCE_DINGTALK_TOKEN")
	if err != nil {
		return nil, err
	}
	secret, err := alert.OneSecret(c, "secret", "VIGILANCE_DINGTALK_SECRET")
	if err != nil {
		return nil, err
	}
	var all []alert.Destination
	for _, token := range tokens {
		n, err := dingtalk.New(dingtalk.Config{
			Token: token, Secret: secret, BaseURL: c.String("base-url"), PlainText: c.Bool("plain-text"),
			AtMobiles: c.StringSlice("at-mobile"), AtUserIDs: c.StringSlice("at-user"), AtAll: c.Bool("at-all"),
			CAFile: c.String("ca-file"), Trace: trace,
		})
		if err != nil {
			return nil, err
		}
		all = append(all, alert.Destination{Name: alert.NameOf("dingtalk", token), Notifier: n})
	}
	return all, nil
}
