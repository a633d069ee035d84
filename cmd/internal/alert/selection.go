package alert

import (
	"path"
	"slices"
	"strings"
)

// Selection says which processes a tool is for. The zero Selection is for all.
type Selection struct {
	// Any overrides Programs.
	Any bool
	// Programs are the values of -p: process names, or group:process. Each may
	// be a pattern, in which * stands for any text, ? for one character and
	// [a-z] for one of them.
	Programs []string
}

// Has tells whether a process is selected.
func (s Selection) Has(group, process string) bool {
	if s.Any || len(s.Programs) == 0 {
		return true
	}
	return slices.ContainsFunc(s.Programs, func(pattern string) bool {
		if strings.Contains(pattern, ":") {
			return match(pattern, group+":"+process)
		}
		return match(pattern, process)
	})
}

// match is path.Match without a special meaning of the slash. A malformed
// pattern matches itself.
func match(pattern, name string) bool {
	flat := strings.NewReplacer("/", "\x00")
	ok, err := path.Match(flat.Replace(pattern), flat.Replace(name))
	return ok && err == nil || pattern == name
}
