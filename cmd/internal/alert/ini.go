package alert

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/vigilance-go/vigilance/internal/cmdline"
)

// setting is an option of a --config file.
type setting struct {
	name, value string
	line        int
}

// readINI reads the settings of one section of INI text: name = value, lines
// that begin with white space go on with the value, and ; or # begin a comment
// at the beginning of a line, ; also after white space.
func readINI(text, section string) (settings []setting, found bool, err error) {
	in := false
	number := 0
	for line := range strings.Lines(strings.TrimPrefix(text, "\uFEFF")) {
		number++
		line = strings.TrimRight(line, "\r\n \t")
		if at := strings.Index(line, " ;"); at >= 0 {
			line = strings.TrimRight(line[:at], " \t")
		}
		bare := strings.TrimSpace(line)
		switch {
		case bare == "" || bare[0] == ';' || bare[0] == '#':
		case line[0] == ' ' || line[0] == '\t':
			if in && len(settings) > 0 {
				settings[len(settings)-1].value += "\n" + bare
			}
		case bare[0] == '[':
			if !strings.HasSuffix(bare, "]") {
				return nil, false, fmt.Errorf("line %d: %q, want a section like [%s]", number, bare, section)
			}
			in = strings.TrimSpace(bare[1:len(bare)-1]) == section
			found = found || in
		case in:
			at := strings.IndexAny(bare, "=:")
			if at <= 0 {
				return nil, false, fmt.Errorf("line %d: %q, want option = value", number, bare)
			}
			settings = append(settings, setting{
				name:  strings.ToLower(strings.TrimSpace(bare[:at])),
				value: strings.TrimSpace(bare[at+1:]),
				line:  number,
			})
		}
	}
	return settings, found, nil
}

// UseConfig reads the file that --config names and sets the options of its
// section that are not on the command line. The section has the tool's name,
// the options their long names, with _ or -. An option that may be given
// several times has a value a line.
//
// set, when not nil, hears of each option that the file sets, by its first name:
// for those whose order or form matters.
func UseConfig(c *cli.Context, tool string, flags []cli.Flag, set func(cmdline.Option) error) error {
	path := c.String("config")
	if path == "" {
		return nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read --config: %w", err)
	}
	settings, found, err := readINI(string(data), tool)
	if err == nil && !found {
		err = fmt.Errorf("no section [%s]", tool)
	}
	if err != nil {
		return fmt.Errorf("read --config %q: %w", path, err)
	}
	for _, s := range settings {
		if err := s.apply(c, flags, set); err != nil {
			return cmdline.Usagef("--config %s: line %d: %s: %v", path, s.line, s.name, err)
		}
	}
	return nil
}

func (s setting) apply(c *cli.Context, flags []cli.Flag, set func(cmdline.Option) error) error {
	name := strings.ReplaceAll(s.name, "_", "-")
	i := slices.IndexFunc(flags, func(f cli.Flag) bool {
		return slices.ContainsFunc(f.Names(), func(known string) bool {
			return len(known) > 1 && (strings.EqualFold(known, name) || strings.EqualFold(known, s.name))
		})
	})
	if i < 0 || name == "config" {
		return errors.New("there is no such option")
	}
	first := flags[i].Names()[0]
	if c.IsSet(first) {
		return nil // the command line is stronger
	}
	var values []string
	switch flags[i].(type) {
	case *cli.StringSliceFlag:
		for value := range strings.Lines(s.value) {
			if value = strings.TrimSpace(value); value != "" {
				values = append(values, value)
			}
		}
	case *cli.BoolFlag:
		switch strings.ToLower(s.value) {
		case "true", "yes", "on", "1":
			values = []string{"true"}
		case "false", "no", "off", "0":
		default:
			return fmt.Errorf("%q, want true or false", s.value)
		}
	default:
		values = []string{s.value}
	}
	for _, value := range values {
		if err := c.Set(first, value); err != nil {
			return err
		}
		if set != nil {
			if err := set(cmdline.Option{Name: first, As: "--" + first, Value: value}); err != nil {
				return err
			}
		}
	}
	return nil
}
