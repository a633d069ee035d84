package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/vigilance-go/vigilance/internal/cmdline"
	"github.com/vigilance-go/vigilance/supervisor/config"
)

// commandLine is what the command line says; nil stands for options that were
// not given.
type commandLine struct {
	configuration, serverURL, username, password, historyFile *string
	interactive                                               *string
	caFile, insecure, safe                                    *string // beyond the reference's
}

// option is one option of the command line, and where its value goes.
type option struct {
	names   []string
	to      **string
	isFlag  bool
	beyond  bool
	isValid func(value string) error // nil for any value
}

// options returns the options that set fields of line.
func (line *commandLine) options() []option {
	return []option{
		{names: []string{"configuration", "c"}, to: &line.configuration},
		{names: []string{"interactive", "i"}, to: &line.interactive, isFlag: true},
		{names: []string{"serverurl", "s"}, to: &line.serverURL, isValid: checkURL},
		{names: []string{"username", "u"}, to: &line.username},
		{names: []string{"password", "p"}, to: &line.password},
		{names: []string{"history_file", "r"}, to: &line.historyFile},
		{names: []string{"history-file"}, to: &line.historyFile, beyond: true},
		{names: []string{"cafile"}, to: &line.caFile, beyond: true},
		{names: []string{"safe"}, to: &line.safe, isFlag: true, beyond: true},
		{names: []string{"insecure"}, to: &line.insecure, isFlag: true, beyond: true},
	}
}

// flags declares the options for package cmdline.
func flags(options []option) []cli.Flag {
	flags := make([]cli.Flag, len(options))
	for i, o := range options {
		category := ""
		if o.beyond {
			category = cmdline.Beyond
		}
		if o.isFlag {
			flags[i] = &cli.BoolFlag{Name: o.names[0], Aliases: o.names[1:], Category: category}
		} else {
			flags[i] = &cli.StringFlag{Name: o.names[0], Aliases: o.names[1:], Category: category}
		}
	}
	return flags
}

// take gives the value of one occurrence of an option to the one it is for.
// The errors have the reference's words (options.py, realize).
func take(options []option, given cmdline.Option) error {
	for _, o := range options {
		if o.names[0] != given.Name {
			continue
		}
		if o.isValid != nil {
			if err := o.isValid(given.Value); err != nil {
				return cmdline.Usagef("invalid value for %s %s: %v", given.As, config.PyRepr(given.Value), err)
			}
		}
		if *o.to != nil {
			return cmdline.Usagef("conflicting command line option %s", config.PyRepr(given.As))
		}
		*o.to = &given.Value
	}
	return nil
}

// checkURL asks for a scheme and something after it, as the reference does.
func checkURL(value string) error {
	scheme, rest, ok := strings.Cut(value, ":")
	rest, _, _ = strings.Cut(rest, "#")
	rest, _, _ = strings.Cut(rest, "?")
	if rest != "//" && rest != "" && ok && isScheme(scheme) {
		return nil
	}
	return fmt.Errorf("value %s is not a URL", config.PyRepr(value))
}

func isScheme(text string) bool {
	for i, c := range text {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
		case i > 0 && ('0' <= c && c <= '9' || strings.ContainsRune("+-.", c)):
		default:
			return false
		}
	}
	return text != ""
}
