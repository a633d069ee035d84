package alert

import (
	"slices"

	"github.com/vigilance-go/vigilance/notify"
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
		return notify.MatchProcess(pattern, group, process)
	})
}
