// Command vigilance-silence keeps the alerting tools quiet about programs for
// a while, such as during a deployment.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/user"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/vigilance-go/vigilance/cmd/internal/alert"
	"github.com/vigilance-go/vigilance/internal/cmdline"
	"github.com/vigilance-go/vigilance/internal/version"
	"github.com/vigilance-go/vigilance/notify/silence"
	"github.com/vigilance-go/vigilance/notify/spool"
)

const usage = `vigilance-silence [options] PROGRAM... TIME
vigilance-silence [options] --remove PROGRAM...
vigilance-silence [options] --list

Keeps the alerting tools quiet about programs for a while, such as during a
deployment. What happens meanwhile is told afterwards, in one message. The tools
need no restart: they look at the file of silences all the time.

    vigilance-silence web:* 30m --why "release 7"
    vigilance-silence --remove web:*

PROGRAM is a process, group:process or a pattern; TIME is like 90s, 30m or 2h.

-w, --why TEXT -- why; it stands in the tools' logs and in --list.

-d, --drop -- forget what happens meanwhile, instead of telling it afterwards.

-r, --remove -- end the silences of these programs, as they were given. Without
      a program, end all.

-l, --list -- list the silences. With --json, in JSON, a line each.

--file FILE -- the file of silences: the --silence-file of the tools. Default is
      /var/lib/vigilance/silence for root, else vigilance/silence in
      $XDG_STATE_HOME or ~/.local/state.

--version -- print the version and exit.

-h, --help -- print this text and exit.
`

func main() {
	os.Exit(tool(os.Stdout, os.Stderr).Main(context.Background(), os.Args[1:]))
}

func tool(stdout, stderr io.Writer) cmdline.Tool {
	return cmdline.Tool{
		Name: "vigilance-silence", Manner: cmdline.Optparse, Stdout: stdout, Stderr: stderr,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "why", Aliases: []string{"w"}},
			&cli.BoolFlag{Name: "drop", Aliases: []string{"d"}},
			&cli.BoolFlag{Name: "remove", Aliases: []string{"r"}},
			&cli.BoolFlag{Name: "list", Aliases: []string{"l"}},
			&cli.BoolFlag{Name: "json"},
			&cli.StringFlag{Name: "file"},
		},
		Shows: []cmdline.Show{
			{Name: "help", Aliases: []string{"h"}, Text: usage},
			{Name: "version", Text: version.Own() + "\n"},
		},
		Run: func(c *cli.Context) error { return run(c, stdout) },
	}
}

func run(c *cli.Context, stdout io.Writer) error {
	file := c.String("file")
	if file == "" {
		dir, err := spool.DefaultDir()
		if err != nil {
			return err
		}
		file = silence.DefaultPath(dir)
	}
	args := c.Args().Slice()
	switch {
	case c.Bool("list"):
		return list(file, c.Bool("json"), stdout)
	case c.Bool("remove"):
		return remove(file, args, stdout)
	case len(args) < 2:
		return cmdline.Usagef("want at least a program and a time, such as web:* 30m")
	}
	span, err := alert.ParseDuration(args[len(args)-1])
	if err != nil || span == 0 {
		return cmdline.Usagef("%q is no time, want one like 30m as the last argument", args[len(args)-1])
	}
	now := time.Now().Truncate(time.Second)
	added := silence.Silence{
		Processes: args[:len(args)-1], From: now, Until: now.Add(span), By: whoami(), Why: c.String("why"), Drop: c.Bool("drop"),
	}
	err = silence.Change(file, func(all []silence.Silence) []silence.Silence { return append(all, added) })
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(stdout, "%s: silenced until %s, in %s\n",
		strings.Join(added.Processes, " "), added.Until.Format(time.DateTime), file)
	return nil
}

// whoami is the user, or the one who became root by sudo.
func whoami() string {
	if name := os.Getenv("SUDO_USER"); name != "" {
		return name
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return fmt.Sprintf("uid %d", os.Getuid())
}

func remove(file string, programs []string, stdout io.Writer) error {
	removed := 0
	err := silence.Change(file, func(all []silence.Silence) []silence.Silence {
		return slices.DeleteFunc(all, func(s silence.Silence) bool {
			gone := len(programs) == 0 || slices.ContainsFunc(s.Processes, func(p string) bool { return slices.Contains(programs, p) })
			if gone {
				removed++
			}
			return gone
		})
	})
	if err != nil {
		return err
	}
	if removed == 0 && len(programs) > 0 {
		return fmt.Errorf("no silence of %s in %s", strings.Join(programs, " "), file)
	}
	_, _ = fmt.Fprintf(stdout, "%d silences ended\n", removed)
	return nil
}

func list(file string, asJSON bool, stdout io.Writer) error {
	silences, err := silence.Read(file, time.Now())
	for _, s := range silences {
		if asJSON {
			line, err := json.Marshal(s)
			if err != nil {
				return err
			}
			_, _ = fmt.Fprintf(stdout, "%s\n", line)
			continue
		}
		text := fmt.Sprintf("%-24s until %s", strings.Join(s.Processes, " "), s.Until.Local().Format(time.DateTime))
		if s.By != "" {
			text += " by " + s.By
		}
		if s.Drop {
			text += ", dropping"
		}
		if s.Why != "" {
			text += ": " + s.Why
		}
		_, _ = fmt.Fprintln(stdout, text)
	}
	return err
}
