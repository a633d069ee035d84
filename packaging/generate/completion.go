package main

import (
	"fmt"
	"strings"
)

// isFile says whether an option's argument is the name of a file or folder.
func (o option) isFile() bool {
	switch o.arg {
	case "FILE", "FILENAME", "DIR", "DIRECTORY", "PATH":
		return true
	}
	return false
}

// bash returns a completion script for bash: of options, and of files where an
// option wants one.
func bash(name string, options []option) string {
	var all, files, others []string
	for _, o := range options {
		all = append(all, o.names...)
		switch {
		case o.isFile():
			files = append(files, o.names...)
		case o.arg != "":
			others = append(others, o.names...)
		}
	}
	function := "_" + strings.ReplaceAll(name, "-", "_")
	var b strings.Builder
	fmt.Fprintf(&b, "# bash completion for %s.\n\n%s() {\n", name, function)
	b.WriteString("    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n    COMPREPLY=()\n    case $prev in\n")
	if len(files) > 0 {
		fmt.Fprintf(&b, "    %s)\n        mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n        return\n        ;;\n", strings.Join(files, " | "))
	}
	if len(others) > 0 {
		fmt.Fprintf(&b, "    %s) return ;;\n", strings.Join(others, " | "))
	}
	fmt.Fprintf(&b, "    esac\n    if [[ $cur == -* ]]; then\n        mapfile -t COMPREPLY < <(compgen -W '%s' -- \"$cur\")\n    fi\n}\n\n", strings.Join(all, " "))
	fmt.Fprintf(&b, "complete -o filenames -F %s %s\n", function, name)
	return b.String()
}

// zsh returns a completion script for zsh.
func zsh(name string, options []option) string {
	var b strings.Builder
	fmt.Fprintf(&b, "#compdef %s\n\n_arguments -s", name)
	for _, o := range options {
		for _, n := range o.names {
			fmt.Fprintf(&b, " \\\n    '*%s[%s]", n, zshText(o.meaning))
			if o.arg != "" {
				action := " "
				if o.isFile() {
					action = "_files"
				}
				fmt.Fprintf(&b, ":%s:%s", zshText(o.arg), action)
			}
			b.WriteString("'")
		}
	}
	b.WriteString(" \\\n    '*: :_files'\n")
	return b.String()
}

// zshText writes a text so that it can stand within _arguments' quotes.
func zshText(s string) string {
	return strings.NewReplacer(`\`, `\\`, "'", `'\''`, "[", `\[`, "]", `\]`, ":", `\:`).Replace(s)
}

// fish returns a completion script for fish.
func fish(name string, options []option) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# fish completion for %s.\n\n", name)
	for _, o := range options {
		fmt.Fprintf(&b, "complete -c %s", name)
		for _, n := range o.names {
			switch long, isLong := strings.CutPrefix(n, "--"); {
			case isLong:
				fmt.Fprintf(&b, " -l %s", long)
			case n == "-?":
				b.WriteString(" -s '?'")
			default:
				fmt.Fprintf(&b, " -s %s", n[1:])
			}
		}
		switch {
		case o.isFile():
			b.WriteString(" -r -F")
		case o.arg != "":
			b.WriteString(" -x")
		}
		fmt.Fprintf(&b, " -d '%s'\n", strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(o.meaning))
	}
	return b.String()
}
