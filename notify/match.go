package notify

import (
	"path"
	"strings"
)

// MatchProcess tells whether a pattern is for a process. The pattern is the
// name of a process or, with a colon, group:process; * in it stands for any
// text, ? for one character and [a-z] for one of them. A malformed pattern
// matches itself.
func MatchProcess(pattern, group, process string) bool {
	name := process
	if strings.Contains(pattern, ":") {
		name = group + ":" + process
	}
	// path.Match, without a special meaning of the slash.
	flat := strings.NewReplacer("/", "\x00")
	ok, err := path.Match(flat.Replace(pattern), flat.Replace(name))
	return ok && err == nil || pattern == name
}
