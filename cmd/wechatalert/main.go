// Command wechatalert is an event listener that tells a group of WeChat Work
// (WeCom) when a program of a supervisord crashes.
package main

import (
	"io"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/vigilance-go/vigilance/cmd/internal/alert"
	"github.com/vigilance-go/vigilance/internal/cmdline"
	"github.com/vigilance-go/vigilance/notify/wechat"
)

func main() { os.Exit(alert.Main(tool())) }

func tool() alert.Tool {
	return alert.Tool{
		Name:    "wechatalert",
		Summary: "Tells a group of WeChat Work (WeCom) when a program of a supervisord crashes.",
		Example: "-a --key-file /etc/vigilance/wecom.key",
		Flags: append(alert.SecretFlags("key"),
			&cli.StringSliceFlag{Name: "mention"},
			&cli.StringSliceFlag{Name: "mention-mobile"},
			&cli.StringFlag{Name: "style", Value: string(wechat.Markdown)},
			&cli.StringFlag{Name: "base-url"},
			&cli.StringFlag{Name: "ca-file"},
		),
		Usage: `--key-file FILE -- the file that holds the robot's key or its whole webhook URL;
      with several robots, one a line. The environment variable
      VIGILANCE_WECHAT_KEY does as well; --key KEY shows it to everyone who runs
      ps.

--mention USERID -- whom to mention. May be given several times. @all, for
      everybody, needs --style text.

--mention-mobile NUMBER -- whom to mention, by mobile number. Needs --style text.

--style STYLE -- markdown (the default) or text.

--base-url URL -- where WeCom's robots are, for a proxy.

--ca-file FILE -- certificates (PEM) that the server's is checked with, in place
      of the system's.
`,
		Destinations: destinations,
	}
}

func destinations(c *cli.Context, trace io.Writer) ([]alert.Destination, error) {
	keys, err := alert.Secrets(c, "key", "VIGILANCE_WECHAT_KEY")
	if err != nil {
		return nil, err
	}
	style := wechat.Style(c.String("style"))
	if style != wechat.Markdown && style != wechat.Text {
		return nil, cmdline.Usagef("--style %q, want markdown or text", style)
	}
	var all []alert.Destination
	for _, key := range keys {
		n, err := wechat.New(wechat.Config{
			Key: key, BaseURL: c.String("base-url"), Style: style,
			Mentions: c.StringSlice("mention"), MobileMentions: c.StringSlice("mention-mobile"),
			CAFile: c.String("ca-file"), Trace: trace,
		})
		if err != nil {
			return nil, err
		}
		all = append(all, alert.Destination{Name: alert.NameOf("wechat", key), Notifier: n})
	}
	return all, nil
}
