// Command feishualert is an event listener that tells a group of Feishu or
// Lark when a program of a supervisord crashes.
package main

import (
	"io"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/vigilance-go/vigilance/cmd/internal/alert"
	"github.com/vigilance-go/vigilance/notify/feishu"
)

func main() { os.Exit(alert.Main(tool())) }

func tool() alert.Tool {
	return alert.Tool{
		Name:    "feishualert",
		Summary: "Tells a group of Feishu or Lark when a program of a supervisord crashes.",
		Example: "-a --hook-file /etc/vigilance/feishu.hook --secret-file /etc/vigilance/feishu.secret",
		Flags: append(append(alert.SecretFlags("hook"), alert.SecretFlags("secret")...),
			&cli.StringSliceFlag{Name: "mention"},
			&cli.BoolFlag{Name: "lark"},
			&cli.StringFlag{Name: "base-url"},
			&cli.StringFlag{Name: "ca-file"},
		),
		Usage: `--hook-file FILE -- the file that holds the robot's webhook URL or the ID at its
      end; with several robots, one a line. The environment variable
      VIGILANCE_FEISHU_HOOK does as well; --hook ID shows it to everyone who runs
      ps.

--secret-file FILE -- the file that holds the secret of a robot with signatures.
      Or VIGILANCE_FEISHU_SECRET, or --secret.

--mention ID -- whom to mention: an open or user ID, or all. May be given several
      times.

--lark -- the robot is one of Lark, outside China.

--base-url URL -- where the robots are, for a proxy.

--ca-file FILE -- certificates (PEM) that the server's is checked with, in place
      of the system's.
`,
		Destinations: destinations,
	}
}

func destinations(c *cli.Context, trace io.Writer) ([]alert.Destination, error) {
	hooks, err := alert.Secrets(c, "hook", "VIGILANCE_FEISHU_HOOK")
	if err != nil {
		return nil, err
	}
	secret, err := alert.OneSecret(c, "secret", "VIGILANCE_FEISHU_SECRET")
	if err != nil {
		return nil, err
	}
	base := c.String("base-url")
	if base == "" && c.Bool("lark") {
		base = feishu.LarkBaseURL
	}
	var all []alert.Destination
	for _, hook := range hooks {
		n, err := feishu.New(feishu.Config{
			ID: hook, Secret: secret, BaseURL: base, Mentions: c.StringSlice("mention"),
			CAFile: c.String("ca-file"), Trace: trace,
		})
		if err != nil {
			return nil, err
		}
		all = append(all, alert.Destination{Name: alert.NameOf("feishu", hook), Notifier: n})
	}
	return all, nil
}
