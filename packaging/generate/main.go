// Command generate writes the manual pages and shell completions of all
// commands. It makes them of what the commands print themselves, so that they
// cannot say anything else.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

func main() {
	bin := flag.String("bin", "bin", "the folder with the commands")
	out := flag.String("out", "dist/share", "the folder to write into")
	flag.Parse()
	if err := generate(*bin, *out); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

// generate writes out/man, out/bash, out/zsh and out/fish for the commands in
// bin.
func generate(bin, out string) error {
	var date int64
	if text := os.Getenv("SOURCE_DATE_EPOCH"); text != "" {
		var err error
		if date, err = strconv.ParseInt(text, 10, 64); err != nil {
			return fmt.Errorf("read SOURCE_DATE_EPOCH: %q, want seconds: %w", text, err)
		}
	}
	version, err := run(bin, "supervisord", "--vigilance-version")
	if err != nil {
		return err
	}
	for _, c := range commands {
		files, err := c.files(bin, strings.TrimSpace(version), time.Unix(date, 0))
		if err != nil {
			return err
		}
		for name, content := range files {
			if err := write(filepath.Join(out, name), content); err != nil {
				return err
			}
		}
	}
	return nil
}

// files returns what is to be written for a command, by the files' names.
func (c command) files(bin, version string, date time.Time) (map[string]string, error) {
	text := c.text
	if text == "" {
		var err error
		if text, err = run(bin, c.name, "--help"); err != nil {
			return nil, err
		}
	}
	h := parseHelp(c.name, text)
	files := map[string]string{}
	if c.name == "supervisorctl" {
		for shell, name := range map[string]string{
			"bash": "bash/supervisorctl", "zsh": "zsh/_supervisorctl", "fish": "fish/supervisorctl.fish",
		} {
			script, err := run(bin, c.name, "completion", shell)
			if err != nil {
				return nil, err
			}
			files[name] = script
		}
		actions, err := actions(bin)
		if err != nil {
			return nil, err
		}
		c.more = actions + c.more
	} else if options := h.options(); len(options) > 0 {
		files["bash/"+c.name] = bash(c.name, options)
		files["zsh/_"+c.name] = zsh(c.name, options)
		files["fish/"+c.name+".fish"] = fish(c.name, options)
	}
	files["man/"+c.name+".1"] = page{
		name: c.name, summary: c.summary, help: h, more: c.more, seeAlso: c.seeAlso(), version: version, date: date,
	}.String()
	return files, nil
}

// actions returns a section of man(7) with what supervisorctl's help says about
// each of its actions.
func actions(bin string) (string, error) {
	list, err := run(bin, "supervisorctl", "help")
	if err != nil {
		return "", err
	}
	_, table, _ := strings.Cut(list, "===\n")
	var b strings.Builder
	b.WriteString(".SH ACTIONS\n")
	for _, action := range columns(table) {
		said, err := run(bin, "supervisorctl", "help", action)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, ".SS %s\n.nf\n.ta 24n\n", escape(action))
		for line := range strings.Lines(said) {
			b.WriteString(escape(strings.TrimRight(line, " \n")) + "\n")
		}
		b.WriteString(".fi\n")
	}
	return b.String(), nil
}

// columns returns the words of a table that is sorted by columns, in order.
func columns(table string) []string {
	var rows [][]string
	for line := range strings.Lines(table) {
		if words := strings.Fields(line); len(words) > 0 {
			rows = append(rows, words)
		}
	}
	var words []string
	for i := range rows[0] {
		for _, row := range rows {
			if i < len(row) {
				words = append(words, row[i])
			}
		}
	}
	return words
}

// run returns what a command prints. It knows itself by its bare name, whatever
// folder it lies in, and finds no configuration. Exit statuses differ between
// the commands, and say nothing here.
func run(bin, name string, args ...string) (string, error) {
	path, err := filepath.Abs(filepath.Join(bin, name))
	if err != nil {
		return "", err
	}
	cmd := exec.Command(path)
	cmd.Args = append([]string{name}, args...)
	cmd.Env = []string{"PATH=/nonexistent", "LANG=C"}
	cmd.Dir = os.TempDir()
	out, err := cmd.Output()
	if len(out) == 0 {
		return "", fmt.Errorf("run %s %q: it printed nothing: %w", path, args, err)
	}
	return string(out), nil
}

func write(path, content string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(content), 0o644)
}
