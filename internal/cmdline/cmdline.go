// Package cmdline gives commands that are declared as urfave/cli flags the
// manners of Python's getopt and optparse, which the users of Supervisor and
// superlance know.
//
// It decides how a command line is taken apart, and in which order options
// take effect. It never decides what an option means, and never exits.
package cmdline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// Tool is a command with flags and without subcommands.
type Tool struct {
	// Name is the command's name in its own messages; see ProgName.
	Name   string
	Manner Manner
	// Flags declares the options with fresh values: a Flag keeps what it was
	// set to. A name of one letter is a short option. Options that end the
	// command, such as --help, belong into Shows; "h" and "help" can only
	// stand there.
	Flags []cli.Flag
	// Shows holds the options that print a text and end the command.
	Shows []Show
	// CheckArgs, when not nil, may refuse the arguments before any option has
	// an effect.
	CheckArgs func(args []string) error
	// Option, when not nil, sees each option that is not a Show in the order
	// of the command line, before Run. An error ends the command as a usage
	// error does.
	Option func(Option) error
	// Run is the command. Its context has the typed values of the flags, by
	// their first names, and the arguments. Values of slice flags are not
	// split at commas. A *UsageError goes to Complain; an error with an exit
	// status (cli.Exit) is printed as it is and sets the status.
	Run func(*cli.Context) error
	// Complain, when not nil, reports a usage error and returns the exit
	// status; nil stands for Complain of this package.
	Complain func(stderr io.Writer, name string, err error) int
	// Stdout and Stderr are os.Stdout and os.Stderr when nil.
	Stdout, Stderr io.Writer
}

// Show is an option without a value that prints a text to standard output and
// ends the command with status 0.
type Show struct {
	Name    string
	Aliases []string
	// Category is empty or Beyond.
	Category string
	Text     string
}

// Main reads args, the command line without the program's name, runs the tool
// and returns its exit status: 0, or that of the error.
func (t Tool) Main(ctx context.Context, args []string) int {
	if t.Stdout == nil {
		t.Stdout = os.Stdout
	}
	if t.Stderr == nil {
		t.Stderr = os.Stderr
	}
	if t.Complain == nil {
		t.Complain = Complain
	}
	parsed, err := Parse(args, append(t.showFlags(), t.Flags...), t.Manner)
	if err != nil && t.Manner == Getopt {
		return t.Complain(t.Stderr, t.Name, err)
	}
	if err == nil && t.CheckArgs != nil {
		if err := t.CheckArgs(parsed.Args); err != nil {
			return t.report(err)
		}
	}
	shown, optErr := t.inOrder(parsed)
	switch {
	case optErr != nil:
		return t.report(optErr)
	case shown:
		return 0
	case err != nil:
		return t.report(err)
	}
	return t.report(t.run(ctx, parsed))
}

// inOrder acts on the options one by one. It reports whether one of Shows
// ended the command.
func (t Tool) inOrder(parsed Parsed) (shown bool, err error) {
	for _, o := range parsed.Options {
		i := slices.IndexFunc(t.Shows, func(s Show) bool { return s.Name == o.Name })
		if i >= 0 {
			_, err := io.WriteString(t.Stdout, t.Shows[i].Text)
			return true, err
		}
		if t.Option != nil {
			if err := t.Option(o); err != nil {
				return false, err
			}
		}
	}
	return false, nil
}

// run hands the options and arguments to urfave/cli, with everything switched
// off that would make it print, exit or guess.
func (t Tool) run(ctx context.Context, parsed Parsed) error {
	app := &cli.App{
		Name:                      t.Name,
		Flags:                     t.Flags,
		HideHelp:                  true,
		HideVersion:               true,
		DisableSliceFlagSeparator: true,
		Writer:                    t.Stdout,
		ErrWriter:                 t.Stderr,
		ExitErrHandler:            func(*cli.Context, error) {},
		OnUsageError: func(_ *cli.Context, err error, _ bool) error {
			return Usagef("%v", err)
		},
		Action: t.Run,
	}
	return app.RunContext(ctx, append([]string{t.Name}, parsed.Argv(t.Flags)...))
}

// report prints err, if there is one, and returns the exit status.
func (t Tool) report(err error) int {
	var usage *UsageError
	var exit cli.ExitCoder
	switch {
	case err == nil:
		return 0
	case errors.As(err, &usage):
		return t.Complain(t.Stderr, t.Name, err)
	case errors.As(err, &exit):
		if text := err.Error(); text != "" {
			_, _ = fmt.Fprintln(t.Stderr, text)
		}
		return exit.ExitCode()
	default:
		_, _ = fmt.Fprintf(t.Stderr, "%s: %v\n", t.Name, err)
		return 1
	}
}

func (t Tool) showFlags() []cli.Flag {
	flags := make([]cli.Flag, 0, len(t.Shows)+len(t.Flags))
	for _, s := range t.Shows {
		flags = append(flags, &cli.BoolFlag{Name: s.Name, Aliases: s.Aliases, Category: s.Category})
	}
	return flags
}

// Complain reports a usage error as supervisord and supervisorctl do, and
// returns their exit status, 2.
func Complain(stderr io.Writer, name string, err error) int {
	_, _ = fmt.Fprintf(stderr, "Error: %v\nFor help, use %s -h\n", err, name)
	return 2
}

// ProgName returns the path under which the program that was started as arg0
// was found, as a script's interpreter would see it: arg0 itself when it has
// a slash, else what $PATH has for it, or arg0 where nothing is found.
func ProgName(arg0 string) string {
	if strings.Contains(arg0, "/") {
		return arg0
	}
	if path, err := exec.LookPath(arg0); err == nil {
		return path
	}
	return arg0
}
