// Command webhookalert is an event listener that makes an HTTP request when a
// program of a supervisord crashes: to Teams, Discord, Telegram, ntfy,
// PagerDuty, or to anything else with a template.
package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/vigilance-go/vigilance/cmd/internal/alert"
	"github.com/vigilance-go/vigilance/internal/cmdline"
	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/notify/webhook"
)

func main() { os.Exit(alert.Main(tool())) }

func tool() alert.Tool {
	return alert.Tool{
		Name:    "webhookalert",
		Summary: "Makes an HTTP request when a program of a supervisord crashes.",
		Example: "-a --preset ntfy --url-file /etc/vigilance/ntfy.url",
		Flags: append(alert.SecretFlags("url"),
			&cli.StringFlag{Name: "preset"},
			&cli.StringFlag{Name: "method"},
			&cli.StringFlag{Name: "request"},
			&cli.StringFlag{Name: "content-type"},
			&cli.StringSliceFlag{Name: "header"},
			&cli.StringSliceFlag{Name: "param"},
			&cli.StringSliceFlag{Name: "param-file"},
			&cli.StringSliceFlag{Name: "mention"},
			&cli.StringFlag{Name: "expect"},
			&cli.StringFlag{Name: "ca-file"},
		),
		Usage: `--preset NAME -- send what a service expects: ` + strings.Join(webhook.Presets(), ", ") + `.
      Without one, --url and --request say it all.

--url-file FILE -- the file that holds the URL, or one a line. The environment
      variable VIGILANCE_WEBHOOK_URL does as well; --url URL shows it to everyone
      who runs ps.

--param NAME=VALUE, --param-file NAME=FILE -- what a preset or a template needs
      besides, such as telegram's token and chat_id or pagerduty's routing_key;
      an error says what is missing. May be given several times.

--request TEMPLATE -- the request's body, as a Go template, or @FILE with one.
      {{json .}} is all that is known; see docs/tools/webhookalert.md.

--method METHOD -- default is POST. --content-type TYPE -- default is
      application/json. --header NAME=VALUE -- adds a header, and may be given
      several times; @FILE for a VALUE that is in a file.

--mention WHO -- whom to mention, in the service's own way. May be given several
      times.

--expect REGEX -- what the reply's body must match, where the service reports
      errors with status 200.

--ca-file FILE -- certificates (PEM) that the server's is checked with, in place
      of the system's.
`,
		Destinations: destinations,
	}
}

func destinations(c *cli.Context, trace io.Writer) ([]alert.Destination, error) {
	urls, err := alert.Secrets(c, "url", "VIGILANCE_WEBHOOK_URL")
	if err != nil {
		return nil, err
	}
	common := webhook.Config{
		Preset: c.String("preset"), Method: c.String("method"), ContentType: c.String("content-type"),
		Mentions: c.StringSlice("mention"), Expect: c.String("expect"), CAFile: c.String("ca-file"), Trace: trace,
		Header: make(map[string]notify.Secret), Params: make(map[string]notify.Secret),
	}
	if common.Template, err = file(c.String("request")); err != nil {
		return nil, fmt.Errorf("read --request: %w", err)
	}
	for _, option := range []struct {
		name string
		into map[string]notify.Secret
	}{{"header", common.Header}, {"param", common.Params}, {"param-file", common.Params}} {
		for _, text := range c.StringSlice(option.name) {
			name, value, ok := strings.Cut(text, "=")
			if !ok {
				return nil, cmdline.Usagef("--%s %q, want NAME=VALUE", option.name, name)
			}
			if option.name == "param-file" {
				value = "@" + value
			}
			if value, err = file(value); err != nil {
				return nil, fmt.Errorf("read --%s: %w", option.name, err)
			}
			option.into[name] = notify.Secret(value)
		}
	}
	if len(urls) == 0 {
		if common.Preset == "" {
			return nil, cmdline.Usagef("neither --url nor --preset")
		}
		urls = []notify.Secret{""} // the preset may know it
	}
	var all []alert.Destination
	for _, url := range urls {
		config := common
		config.URL = url
		n, err := webhook.New(config)
		if err != nil {
			return nil, err
		}
		all = append(all, alert.Destination{Name: alert.NameOf("webhook", identity(config)), Notifier: n})
	}
	return all, nil
}

// identity is what tells one destination from another: its URL, or what a
// preset makes its own of.
func identity(c webhook.Config) notify.Secret {
	id := c.URL
	if id == "" {
		id = notify.Secret(c.Preset)
		for _, name := range slices.Sorted(maps.Keys(c.Params)) {
			id += notify.Secret(" "+name+"=") + c.Params[name]
		}
	}
	return id
}

// file returns a value, or what is in the file that @ names.
func file(value string) (string, error) {
	path, ok := strings.CutPrefix(value, "@")
	if !ok {
		return value, nil
	}
	data, err := os.ReadFile(path)
	return strings.TrimRight(string(data), "\r\n"), err
}
