package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseHelp(t *testing.T) {
	const output = `tool [-a] URL
     [other options]

Does a thing. It is run like this:

    tool -a

Which ones:

-p, --program NAME -- only this one. NAME may
      be a pattern.

-a/--any -- all. --method METHOD -- how it is asked.

URL -- where it is.
  -i MINUTES, --interval=MINUTES
                        how often; Default is 1
`
	got := parseHelp("tool", output)
	want := help{
		synopsis: []string{"tool [-a] URL", "     [other options]"},
		blocks: []block{
			{kind: text, lines: []string{"Does a thing. It is run like this:"}},
			{kind: example, lines: []string{"    tool -a"}},
			{kind: heading, lines: []string{"Which ones:"}},
			{item, "-p, --program NAME", []string{"only this one. NAME may", "be a pattern."}},
			{item, "-a/--any", []string{"all. --method METHOD -- how it is asked."}},
			{item, "URL", []string{"where it is."}},
			{item, "-i MINUTES, --interval=MINUTES", []string{"", "how often; Default is 1"}},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("parseHelp:\n%+v, want\n%+v", got, want)
	}
	options := []option{
		{[]string{"-p", "--program"}, "NAME", "only this one"},
		{[]string{"-a", "--any"}, "", "all"},
		{[]string{"--method"}, "METHOD", ""},
		{[]string{"-i", "--interval"}, "MINUTES", "how often"},
	}
	if got := got.options(); !reflect.DeepEqual(got, options) {
		t.Errorf("options:\n%q, want\n%q", got, options)
	}
}

func TestEveryCommandHasAPage(t *testing.T) {
	entries, err := os.ReadDir("../../cmd")
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, e := range entries {
		if e.Name() != "internal" {
			want = append(want, e.Name())
		}
	}
	for _, c := range commands {
		got = append(got, c.name)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("commands with pages: %q, want those of cmd/: %q", got, want)
	}
}

// TestPagesAndCompletionsHaveEveryOption builds the commands, and looks for
// each option of their help in what is made of it.
func TestPagesAndCompletionsHaveEveryOption(t *testing.T) {
	bin, out := t.TempDir(), t.TempDir()
	build := exec.Command("go", "build", "-o", bin+"/", "-tags", "urfave_cli_no_docs", "../../cmd/...")
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the commands: %v\n%s", err, said)
	}
	if err := generate(bin, out); err != nil {
		t.Fatalf("generate: %v", err)
	}
	named := regexp.MustCompile(`(?m)^ {0,2}(-\S.*?)(?:  | -- |$)`)
	name := regexp.MustCompile(`--?[A-Za-z][\w-]*`)
	for _, c := range commands {
		made := map[string]string{}
		for shell, file := range map[string]string{
			"man": "man/" + c.name + ".1", "bash": "bash/" + c.name, "zsh": "zsh/_" + c.name, "fish": "fish/" + c.name + ".fish",
		} {
			content, err := os.ReadFile(filepath.Join(out, file))
			if err == nil {
				made[shell] = strings.ReplaceAll(string(content), `\-`, "-")
				check(t, shell, filepath.Join(out, file))
			} else if shell == "man" {
				t.Errorf("%s has no page: %v", c.name, err)
			}
		}
		if c.text != "" || c.name == "supervisorctl" {
			continue // no options, or completions of its own
		}
		output, err := run(bin, c.name, "--help")
		if err != nil {
			t.Fatal(err)
		}
		for _, term := range named.FindAllStringSubmatch(output, -1) {
			for _, option := range name.FindAllString(strings.ReplaceAll(term[1], ", ", "/"), -1) {
				for shell, content := range made {
					want := option
					if long, isLong := strings.CutPrefix(option, "--"); shell == "fish" && isLong {
						want = " -l " + long
					} else if shell == "fish" {
						want = " -s " + option[1:]
					}
					if !strings.Contains(content, want) {
						t.Errorf("%s of %s: no %q, want all options of its --help", shell, c.name, want)
					}
				}
			}
		}
	}
}

// check has a file read by the program that it is for.
func check(t *testing.T, shell, file string) {
	t.Helper()
	argv := map[string][]string{
		"man": {"mandoc", "-Tlint", "-Wwarning"}, "bash": {"bash", "-n"}, "zsh": {"zsh", "-n"}, "fish": {"fish", "--no-execute"},
	}[shell]
	if _, err := exec.LookPath(argv[0]); err != nil {
		t.Logf("%s is not installed, so %s is not checked", argv[0], filepath.Base(file))
		return
	}
	if said, err := exec.Command(argv[0], append(argv[1:], file)...).CombinedOutput(); err != nil {
		t.Errorf("%s %s: %v\n%s", argv[0], file, err, said)
	}
}

func TestOptionsAreCompletedByBash(t *testing.T) {
	script := bash("tool", []option{
		{names: []string{"-p", "--program"}, arg: "NAME"},
		{names: []string{"--password-file"}, arg: "FILE"},
	})
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "secret"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"tool --p": "--program --password-file", "tool --password-file ": "secret", "tool -p ": "", "tool x": "",
	} {
		cmd := exec.Command("bash", "-c", script+`
read -r -a COMP_WORDS <<<"$1"; [[ $1 == *" " ]] && COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _tool; echo "${COMPREPLY[*]}"`, "bash", line)
		cmd.Dir = dir
		said, err := cmd.CombinedOutput()
		if got := strings.TrimSpace(string(said)); err != nil || got != want {
			t.Errorf("completion of %q: %q, %v, want %q", line, got, err, want)
		}
	}
}

func TestPagesAreReproducible(t *testing.T) {
	p := page{name: "tool", summary: "does it", help: parseHelp("tool", "tool -a\n\n.x it's -a"), date: time.Unix(0, 0)}
	for _, want := range []string{".TH TOOL 1 1970-01-01", `\&.x it\(aqs \-a`} {
		if got := p.String(); !strings.Contains(got, want) {
			t.Errorf("page: %s, want %q in it", got, want)
		}
	}
}
