// Command alertmanageralert is an event listener that fires and resolves
// alerts of a Prometheus Alertmanager: so the alerts of many machines are
// grouped, silenced and routed in one place.
package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/vigilance-go/vigilance/cmd/internal/alert"
	"github.com/vigilance-go/vigilance/internal/cmdline"
	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/notify/alertmanager"
)

func main() { os.Exit(alert.Main(tool())) }

func tool() alert.Tool {
	return alert.Tool{
		Name:    "alertmanageralert",
		Summary: "Fires an alert of a Prometheus Alertmanager when a program of a supervisord cannot\nbe started or crashes again and again, and resolves it when the program runs.",
		Example: "-a --url http://alertmanager:9093",
		Flags: append(append(alert.SecretFlags("password"), alert.SecretFlags("bearer-token")...),
			&cli.StringSliceFlag{Name: "url", Aliases: []string{"u"}},
			&cli.StringFlag{Name: "user"},
			&cli.StringFlag{Name: "alert-name"},
			&cli.StringSliceFlag{Name: "annotation"},
			&cli.StringFlag{Name: "generator-url"},
			&cli.StringFlag{Name: "loop", Value: "3/10m"},
			&cli.StringFlag{Name: "ca-file"},
		),
		Usage: `-u, --url URL -- an Alertmanager. To be given for every instance of a cluster:
      they do not tell each other of alerts.

--user NAME, --password-file FILE -- log in. Or VIGILANCE_ALERTMANAGER_PASSWORD,
      or --password, which shows it to everyone who runs ps.

--bearer-token-file FILE -- log in with a token. Or
      VIGILANCE_ALERTMANAGER_TOKEN, or --bearer-token.

--loop N/TIME -- N crashes of a program within a time are a crash loop, and fire
      ProcessCrashLoop. Default is 3/10m; "off" switches this off.

--alert-name NAME -- the alertname of all alerts. Default is one by event:
      ProcessFatal, ProcessCrashLoop, ProcessExited.

--annotation NAME=VALUE -- add to each alert, such as a runbook's URL. May be
      given several times. --label adds labels.

--generator-url URL -- where a person finds more.

--ca-file FILE -- certificates (PEM) that the server's is checked with, in place
      of the system's.
`,
		// Grouping, pacing and silences are Alertmanager's.
		Defaults: &alert.Defaults{
			Events:    alert.Events{Types: []listener.EventType{listener.ProcessStateFatal}},
			Recovered: 30 * time.Second,
		},
		Recoveries:   []listener.EventType{listener.ProcessStateRunning, listener.ProcessStateStopped},
		Loop:         loop,
		Destinations: destinations,
	}
}

func loop(c *cli.Context) (*alert.CrashLoop, error) {
	text := c.String("loop")
	if text == "off" {
		return nil, nil //nolint:nilnil // documented: none
	}
	number, span, _ := strings.Cut(text, "/")
	n, err := strconv.Atoi(number)
	d, spanErr := alert.ParseDuration(span)
	if err != nil || spanErr != nil || n < 2 || d == 0 {
		return nil, cmdline.Usagef("--loop %q, want a number and a time like 3/10m", text)
	}
	return &alert.CrashLoop{Crashes: n, Span: d}, nil
}

func destinations(c *cli.Context, trace io.Writer) ([]alert.Destination, error) {
	config := alertmanager.Config{
		URLs: c.StringSlice("url"), User: c.String("user"), AlertName: c.String("alert-name"),
		GeneratorURL: c.String("generator-url"), CAFile: c.String("ca-file"), Trace: trace,
		Annotations: make(map[string]string),
	}
	var err error
	if config.Password, err = alert.OneSecret(c, "password", "VIGILANCE_ALERTMANAGER_PASSWORD"); err != nil {
		return nil, err
	}
	if config.BearerToken, err = alert.OneSecret(c, "bearer-token", "VIGILANCE_ALERTMANAGER_TOKEN"); err != nil {
		return nil, err
	}
	for _, text := range c.StringSlice("annotation") {
		name, value, ok := strings.Cut(text, "=")
		if !ok {
			return nil, cmdline.Usagef("--annotation %q, want NAME=VALUE", text)
		}
		config.Annotations[name] = value
	}
	am, err := alertmanager.New(config)
	if err != nil {
		return nil, err
	}
	k := &keeper{}
	k.Keeper = alertmanager.NewKeeper(am, alertmanager.KeeperOptions{
		Save: func(state []byte) error { return k.file.Save(state) }, // begin names it
	})
	return []alert.Destination{{Name: "alertmanager", Notifier: k, Begin: k.begin}}, nil
}

// keeper keeps what fires in a file, once it is told the folder.
type keeper struct {
	*alertmanager.Keeper
	file alert.StateFile
}

func (k *keeper) begin(ctx context.Context, dir string, log *slog.Logger) {
	k.file = alert.StateFileIn(dir, "firing.json")
	saved, err := k.file.Load()
	if err == nil && saved != nil {
		err = k.Restore(saved)
	}
	if err != nil {
		log.Warn("cannot read which alerts fire; they end by themselves", "err", err)
	}
	go k.Run(ctx) // ctx ends it
}
