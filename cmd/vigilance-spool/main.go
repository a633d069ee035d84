// Command vigilance-spool shows what the alerting tools could not deliver, and
// has them try again.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/vigilance-go/vigilance/internal/cmdline"
	"github.com/vigilance-go/vigilance/internal/version"
	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/notify/spool"
)

const usage = `vigilance-spool [options] list
vigilance-spool [options] show|retry|drop NAME...

Shows what the alerting tools have not delivered: messages that wait, and those
that were refused for good and set aside ("dead"), with the reason.

list -- list messages: state, listener, time, name, subject.

show NAME... -- show messages in full.

retry NAME... -- have messages that were set aside sent again. The tool finds
      them by itself, within seconds if it runs.

drop NAME... -- delete messages.

NAME is the beginning of a message's name, or "all": all that was set aside.

-d, --dead -- only what was set aside.

-g, --group NAME -- only this listener's, such as slackalert.

--json -- print JSON, a line for each message.

--spool DIR -- the --spool of the tools. Default is /var/lib/vigilance/spool for
      root, else vigilance/spool in $XDG_STATE_HOME or ~/.local/state.

--version -- print the version and exit.

-h, --help -- print this text and exit.
`

func main() {
	os.Exit(tool(os.Stdout, os.Stderr).Main(context.Background(), os.Args[1:]))
}

func tool(stdout, stderr io.Writer) cmdline.Tool {
	return cmdline.Tool{
		Name: "vigilance-spool", Manner: cmdline.Optparse, Stdout: stdout, Stderr: stderr,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "dead", Aliases: []string{"d"}},
			&cli.StringFlag{Name: "group", Aliases: []string{"g"}},
			&cli.BoolFlag{Name: "json"},
			&cli.StringFlag{Name: "spool"},
		},
		Shows: []cmdline.Show{
			{Name: "help", Aliases: []string{"h"}, Text: usage},
			{Name: "version", Text: version.Own() + "\n"},
		},
		Run: func(c *cli.Context) error { return run(c, stdout) },
	}
}

// found is a message and where it was found.
type found struct {
	spool *spool.Spool
	// listener is the folder below that of all spools.
	listener string
	spool.Item
}

func run(c *cli.Context, stdout io.Writer) error {
	verb, names := c.Args().First(), c.Args().Tail()
	items, err := find(c)
	if err != nil {
		return err
	}
	p := printer{stdout: stdout, json: c.Bool("json")}
	switch verb {
	case "list", "":
		for _, item := range items {
			p.line(item)
		}
		return p.err
	case "show", "retry", "drop":
	default:
		return cmdline.Usagef("unknown command %q, want list, show, retry or drop", verb)
	}
	if len(names) == 0 {
		return cmdline.Usagef("%s needs the names of messages, or all", verb)
	}
	chosen, err := choose(items, names)
	if err != nil {
		return err
	}
	for _, item := range chosen {
		switch verb {
		case "show":
			p.full(item)
		case "retry":
			if !item.Dead {
				err = errors.Join(err, fmt.Errorf("retry %s: it is waiting already", item.Name))
				continue
			}
			err = errors.Join(err, item.spool.Retry(item.Name))
		case "drop":
			err = errors.Join(err, item.spool.Drop(item.Item))
		}
	}
	if verb != "show" && err == nil {
		_, _ = fmt.Fprintf(stdout, "%s: %d\n", verb, len(chosen))
	}
	return errors.Join(err, p.err)
}

func find(c *cli.Context) ([]found, error) {
	dir := c.String("spool")
	if dir == "" {
		var err error
		if dir, err = spool.DefaultDir(); err != nil {
			return nil, err
		}
	}
	folders, err := spool.Find(dir)
	if err != nil {
		return nil, err
	}
	var all []found
	for _, folder := range folders {
		name, err := filepath.Rel(dir, folder)
		if err != nil {
			name = folder
		}
		group, _, _ := strings.Cut(name, string(filepath.Separator))
		if only := c.String("group"); only != "" && only != group {
			continue
		}
		s := spool.Attach(folder)
		items, err := s.Items()
		if err != nil {
			return nil, err
		}
		for _, item := range items {
			if item.Dead || !c.Bool("dead") {
				all = append(all, found{s, name, item})
			}
		}
	}
	return all, nil
}

// choose returns the messages that the names mean.
func choose(items []found, names []string) ([]found, error) {
	var chosen []found
	for _, name := range names {
		n := 0
		for _, item := range items {
			if name == "all" && item.Dead || name != "all" && strings.HasPrefix(item.Name, name) {
				chosen = append(chosen, item)
				n++
			}
		}
		switch {
		case name == "all":
		case n == 0:
			return nil, fmt.Errorf("no message %q", name)
		case n > 1:
			// One event has the same name for each destination.
			first := chosen[len(chosen)-n].Name
			for _, item := range chosen[len(chosen)-n:] {
				if item.Name != first {
					return nil, fmt.Errorf("%d messages begin with %q, want more of the name", n, name)
				}
			}
		}
	}
	return chosen, nil
}

// printer keeps the first error.
type printer struct {
	stdout io.Writer
	json   bool
	err    error
}

func (p *printer) printf(format string, args ...any) {
	if _, err := fmt.Fprintf(p.stdout, format, args...); p.err == nil {
		p.err = err
	}
}

func (f found) state() string {
	switch {
	case f.Dead:
		return "dead"
	case f.Reserved:
		return "reserved"
	default:
		return "waiting"
	}
}

func (p *printer) line(f found) {
	if p.json {
		p.full(f)
		return
	}
	p.printf("%-8s %s  %s  %s  %s\n", f.state(), f.listener, f.Time.Format(time.DateTime), f.Name, f.Entry.Message.Subject)
	if f.Reason != "" {
		p.printf("         %s\n", strings.ReplaceAll(f.Reason, "\n", "\n         "))
	}
}

// record is a message in JSON.
type record struct {
	State    string         `json:"state"`
	Listener string         `json:"listener"`
	Name     string         `json:"name"`
	Time     time.Time      `json:"time"`
	Reason   string         `json:"reason,omitempty"`
	To       []string       `json:"to,omitempty"`
	Message  notify.Message `json:"message"`
}

func (p *printer) full(f found) {
	r := record{f.state(), f.listener, f.Name, f.Time, f.Reason, nil, f.Entry.Message}
	for _, t := range f.Entry.Targets {
		if t.Outcome != notify.Delivered && t.To != "" {
			r.To = append(r.To, t.To)
		}
	}
	if p.json {
		line, err := json.Marshal(r)
		if err != nil {
			p.err = errors.Join(p.err, err)
			return
		}
		p.printf("%s\n", line)
		return
	}
	p.printf("Name: %s\nState: %s\nListener: %s\nTime: %s\n", r.Name, r.State, r.Listener, r.Time.Format(time.DateTime))
	if len(r.To) > 0 {
		p.printf("To: %s\n", strings.Join(r.To, ", "))
	}
	if r.Reason != "" {
		p.printf("Reason: %s\n", r.Reason)
	}
	p.printf("Subject: %s\n\n%s\n", r.Message.Subject, r.Message.Body)
	if r.Message.Log != "" {
		p.printf("\n%s\n", strings.TrimRight(r.Message.Log, "\n"))
	}
	p.printf("\n")
}
