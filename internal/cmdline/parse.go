package cmdline

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
)

// Manner says by which of Python's rules a command line is read.
type Manner int

// The manners. They share glued values (-pVALUE), clustered letters (-nk),
// --long=VALUE, abbreviations of long options and "--".
const (
	// Getopt is the manner of Python's getopt.getopt, which supervisord,
	// supervisorctl, crashmail, httpok and memmon have: options end at the
	// first argument that is none, and one wrong option hides all others.
	Getopt Manner = iota
	// Optparse is the manner of Python's optparse, which crashmailbatch,
	// crashsms and fatalmailbatch have: options and arguments may be mixed,
	// and each option counts as soon as it is read.
	Optparse
)

// Beyond is the category (cli.Flag's Category) of options that the Python tool
// of the same name lacks. Typed in part, such an option is found only where
// none of the tool's own would be: new options leave old abbreviations unique.
const Beyond = "beyond"

// Option is one occurrence of an option on a command line.
type Option struct {
	// Name is the first name of the flag, whichever name was typed.
	Name string
	// As is the option in full, with its dashes: "-p", or "--program" where
	// "--prog" was typed.
	As string
	// Value is the option's value; empty for a flag that takes none.
	Value string
}

// Parsed is a command line taken apart.
type Parsed struct {
	Options []Option // in the order of the command line
	Args    []string // what is left when the options are taken out
}

// Parse takes args, the command line without the program's name, apart by the
// names of flags: names of one letter are short options, longer ones are long
// options. The error is a *UsageError in the words of the Python module that
// manner names; Parsed then holds what was read before it.
func Parse(args []string, flags []cli.Flag, manner Manner) (Parsed, error) {
	p := parser{manner: manner, rest: args, table: newTable(flags)}
	err := p.run()
	p.out.Args = append(p.out.Args, p.rest...)
	return p.out, err
}

// Argv returns the command line that p stands for in the one form that leaves
// nothing to abbreviate, to glue or to guess: --name=value, --name for a flag
// without a value, then "--" and the arguments.
func (p Parsed) Argv(flags []cli.Flag) []string {
	t := newTable(flags)
	argv := make([]string, 0, len(p.Options)+1+len(p.Args))
	for _, o := range p.Options {
		word := "--" + o.Name
		if t.takesValue(o.Name) {
			word += "=" + o.Value
		}
		argv = append(argv, word)
	}
	return append(append(argv, "--"), p.Args...)
}

// UsageError is a fault of the command line, or of what it refers to, that
// its writer can mend.
type UsageError struct{ Text string }

func (e *UsageError) Error() string { return e.Text }

// Usagef returns a *UsageError with the formatted text.
func Usagef(format string, args ...any) error {
	return &UsageError{Text: fmt.Sprintf(format, args...)}
}

// flagName is one name of a flag.
type flagName struct {
	text  string
	first string // the flag's first name
	takes bool   // whether the flag takes a value
	newer bool   // whether the flag is in category Beyond
}

// table holds every name of a command's flags, in the order of declaration.
type table []flagName

func newTable(flags []cli.Flag) table {
	var t table
	for _, f := range flags {
		names := f.Names()
		takes := false
		if d, ok := f.(cli.DocGenerationFlag); ok {
			takes = d.TakesValue()
		}
		category, _ := f.(cli.CategorizableFlag)
		newer := category != nil && category.GetCategory() == Beyond
		for _, name := range names {
			t = append(t, flagName{text: name, first: names[0], takes: takes, newer: newer})
		}
	}
	return t
}

func (t table) takesValue(first string) bool {
	i := slices.IndexFunc(t, func(n flagName) bool { return n.first == first })
	return i >= 0 && t[i].takes
}

func (t table) short(letter string) (flagName, bool) {
	i := slices.IndexFunc(t, func(n flagName) bool { return n.text == letter })
	if i < 0 {
		return flagName{}, false
	}
	return t[i], true
}

// long returns the long names that prefix may stand for: the one that equals
// it, or else those that start with it, the newer ones only in want of others.
func (t table) long(prefix string) []flagName {
	var found, newer []flagName
	for _, n := range t {
		if utf8.RuneCountInString(n.text) < 2 || !strings.HasPrefix(n.text, prefix) {
			continue
		}
		if n.text == prefix {
			return []flagName{n}
		}
		if n.newer {
			newer = append(newer, n)
		} else {
			found = append(found, n)
		}
	}
	if len(found) == 0 {
		return newer
	}
	return found
}

// parser is the state of one Parse.
type parser struct {
	manner Manner
	table  table
	rest   []string
	out    Parsed
}

func (p *parser) run() error {
	for len(p.rest) > 0 {
		word := p.rest[0]
		switch {
		case word == "--":
			p.rest = p.rest[1:]
			return nil
		case strings.HasPrefix(word, "--"):
			p.rest = p.rest[1:]
			if err := p.longOption(word[2:]); err != nil {
				return err
			}
		case strings.HasPrefix(word, "-") && word != "-":
			p.rest = p.rest[1:]
			if err := p.shortOptions(word[1:]); err != nil {
				return err
			}
		case p.manner == Getopt:
			return nil
		default:
			p.out.Args = append(p.out.Args, word)
			p.rest = p.rest[1:]
		}
	}
	return nil
}

// longOption reads one long option, given without its dashes.
func (p *parser) longOption(word string) error {
	typed, value, glued := strings.Cut(word, "=")
	found := p.table.long(typed)
	switch len(found) {
	case 0:
		return p.unknown("--" + typed)
	case 1:
	default:
		return p.ambiguous("--"+typed, found)
	}
	n := found[0]
	as := "--" + n.text
	switch {
	case n.takes && !glued:
		var err error
		if value, err = p.nextValue(as); err != nil {
			return err
		}
	case !n.takes && glued:
		return p.unwanted(as)
	}
	p.add(n, as, value)
	return nil
}

// shortOptions reads a word of short options, given without its dash. The
// rest of the word is the value of the first option that takes one.
func (p *parser) shortOptions(word string) error {
	for word != "" {
		_, size := utf8.DecodeRuneInString(word)
		letter := word[:size]
		word = word[size:]
		n, ok := p.table.short(letter)
		if !ok {
			return p.unknown("-" + letter)
		}
		value := ""
		if n.takes {
			value, word = word, ""
			if value == "" {
				var err error
				if value, err = p.nextValue("-" + letter); err != nil {
					return err
				}
			}
		}
		p.add(n, "-"+letter, value)
	}
	return nil
}

func (p *parser) add(n flagName, as, value string) {
	p.out.Options = append(p.out.Options, Option{Name: n.first, As: as, Value: value})
}

// nextValue takes the next word as the value of option as.
func (p *parser) nextValue(as string) (string, error) {
	if len(p.rest) == 0 {
		if p.manner == Optparse {
			return "", Usagef("%s option requires 1 argument", as)
		}
		return "", Usagef("option %s requires argument", as)
	}
	value := p.rest[0]
	p.rest = p.rest[1:]
	return value, nil
}

func (p *parser) unknown(typed string) error {
	if p.manner == Optparse {
		return Usagef("no such option: %s", typed)
	}
	return Usagef("option %s not recognized", typed)
}

func (p *parser) ambiguous(typed string, found []flagName) error {
	if p.manner == Getopt {
		return Usagef("option %s not a unique prefix", typed)
	}
	names := make([]string, len(found))
	for i, n := range found {
		names[i] = "--" + n.text
	}
	slices.Sort(names)
	return Usagef("ambiguous option: %s (%s?)", typed, strings.Join(names, ", "))
}

func (p *parser) unwanted(as string) error {
	if p.manner == Optparse {
		return Usagef("%s option does not take a value", as)
	}
	return Usagef("option %s must not have an argument", as)
}
