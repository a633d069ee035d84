// Command supervisorctl controls a supervisord, this project's or Supervisor's,
// from the command line or a shell of its own. It takes the place of
// Supervisor's supervisorctl: same options, same actions, same output and exit
// status.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/vigilance-go/vigilance/internal/cmdline"
	"github.com/vigilance-go/vigilance/internal/version"
	"github.com/vigilance-go/vigilance/supervisor/config"
	"github.com/vigilance-go/vigilance/supervisor/ctl"
	"github.com/vigilance-go/vigilance/supervisor/ctl/client"
)

func main() {
	prog := cmdline.ProgName(os.Args[0])
	os.Exit(tool(prog).Main(context.Background(), os.Args[1:]))
}

// tool is the command as package cmdline runs it.
func tool(prog string) cmdline.Tool {
	line := &commandLine{}
	options := line.options()
	return cmdline.Tool{
		Name:  prog,
		Flags: flags(options),
		Shows: []cmdline.Show{
			{Name: "help", Aliases: []string{"h", "?"}, Text: strings.ReplaceAll(usage, "%s", prog)},
			{Name: "vigilance-version", Category: cmdline.Beyond, Text: version.Own() + "\n"},
		},
		Option: func(given cmdline.Option) error { return take(options, given) },
		Run: func(c *cli.Context) error {
			return run(c.Context, prog, line, c.Args().Slice())
		},
	}
}

// safeVariable is the environment variable that stands for --safe.
const safeVariable = "SUPERVISORCTL_SAFE"

// run carries out the action that the arguments make up, or the shell's where
// there are none. Its status is that of the action, and 0 for the shell.
func run(ctx context.Context, prog string, line *commandLine, args []string) error {
	o, err := line.resolve(prog)
	if err != nil {
		return err
	}
	o.Interactive = o.Interactive || len(args) == 0
	o.Stdin, o.Stdout, o.Stderr = os.Stdin, os.Stdout, os.Stderr
	o.Color = term.IsTerminal(int(os.Stdout.Fd())) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	wantsSafe := line.safe != nil || os.Getenv(safeVariable) != ""
	o.Safe = wantsSafe && (term.IsTerminal(int(os.Stdout.Fd())) || term.IsTerminal(int(os.Stderr.Fd())))
	controller := ctl.New(o)
	defer controller.Close()
	if len(args) == 0 {
		controller.Shell(ctx)
		return nil
	}
	controller.Do(ctx, strings.Join(args, " "))
	if status := controller.ExitStatus(); status != 0 {
		return cli.Exit("", status)
	}
	return nil
}

// resolve adds to the command line what the configuration file says. Errors
// are usage errors.
func (line *commandLine) resolve(prog string) (ctl.Options, error) {
	found := config.DefaultCtl()
	file, _ := config.Search(prog) // supervisorctl does without
	if line.configuration != nil {
		file = *line.configuration
	}
	origin := "the default, as no configuration file was found"
	if file != "" {
		loaded, err := config.LoadCtl(file, config.Options{TempDir: os.TempDir()}) // which must not be searched for
		if err != nil {
			return ctl.Options{}, cmdline.Usagef("%s", explain(err))
		}
		found, origin = *loaded, "[supervisorctl] of "+file
	}
	if line.serverURL != nil {
		found.ServerURL, origin = *line.serverURL, "the command line"
	}
	o := ctl.Options{
		Server: client.Options{
			URL:      found.ServerURL,
			Username: found.Username,
			Password: found.Password,
			Insecure: line.insecure != nil,
		},
		Origin:      origin,
		Prompt:      found.Prompt,
		HistoryFile: found.HistoryFile,
		Interactive: line.interactive != nil,
	}
	if line.username != nil {
		o.Server.Username = line.username
	}
	if line.password != nil {
		o.Server.Password = line.password
	}
	if line.historyFile != nil {
		o.HistoryFile = config.Options{}.NormalizePath(*line.historyFile)
	}
	if line.caFile != nil {
		o.Server.CAFile = *line.caFile
	}
	return o, nil
}

// explain returns the text of an error in the configuration, with the place
// of the value at fault where the reference's text does not name the option.
func explain(err error) string {
	var fault *config.Error
	if errors.As(err, &fault) && fault.Key != "" && !strings.Contains(fault.Text, fault.Key) {
		return fmt.Sprintf("%s (%s)", fault.Text, fault.Location())
	}
	return err.Error()
}
