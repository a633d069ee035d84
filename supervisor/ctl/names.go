package ctl

import (
	"context"
	"path"
	"strings"
	"unicode"

	"github.com/vigilance-go/vigilance/supervisor/ctl/client"
)

// everything is the name that stands for all processes.
const everything = "all"

// makeNamespec returns how a process is called by users: its name alone when
// its group has the same.
func makeNamespec(group, process string) string {
	if group == process {
		return process
	}
	return group + ":" + process
}

// splitNamespec takes a name apart; whole says that it stands for all
// processes of the group.
func splitNamespec(namespec string) (group, process string, whole bool) {
	group, process, ok := strings.Cut(namespec, ":")
	if !ok {
		return namespec, namespec, false
	}
	if process == "" || process == "*" {
		return group, "", true
	}
	return group, process, false
}

// isSpace says what separates words, as Python's str.split does.
func isSpace(r rune) bool { return unicode.IsSpace(r) || '\x1c' <= r && r <= '\x1f' }

func strip(text string) string { return strings.TrimFunc(text, isSpace) }

func split(text string) []string { return strings.FieldsFunc(text, isSpace) }

// isPattern says whether a name may stand for several by * ? or [...], beside
// the * of group:*, which servers know.
func isPattern(name string) bool {
	return strings.ContainsAny(strings.TrimSuffix(name, ":*"), "*?[")
}

// matches says whether the pattern stands for the process. A pattern without a
// colon is one for the names that users see.
func matches(pattern string, info client.ProcessInfo) bool {
	group, process, ok := strings.Cut(pattern, ":")
	if !ok {
		return match(pattern, makeNamespec(info.Group, info.Name))
	}
	if process == "" {
		process = "*"
	}
	return match(group, info.Group) && match(process, info.Name)
}

func match(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}

// expand replaces each pattern among names by the processes that it stands
// for. Names that the server knows, and patterns that stand for nothing, stay.
// The server is asked only where there is a pattern.
func (c *Controller) expand(ctx context.Context, server *client.Client, names []string) ([]string, error) {
	var infos []client.ProcessInfo
	expanded := make([]string, 0, len(names))
	for _, name := range names {
		if !isPattern(name) {
			expanded = append(expanded, name)
			continue
		}
		if infos == nil {
			var err error
			if infos, err = server.AllProcessInfo(ctx); err != nil {
				return nil, err
			}
		}
		expanded = append(expanded, standsFor(name, infos)...)
	}
	return expanded, nil
}

// standsFor returns the names of the processes that a name stands for, or the
// name itself where it is literal or stands for none.
func standsFor(name string, infos []client.ProcessInfo) []string {
	group, process, whole := splitNamespec(name)
	var found []string
	for _, info := range infos {
		if info.Group == group && (whole || info.Name == process) {
			return []string{name}
		}
		if matches(name, info) {
			found = append(found, makeNamespec(info.Group, info.Name))
		}
	}
	if found == nil {
		return []string{name}
	}
	return found
}

// expandGroups is expand for the names of groups.
func expandGroups(names, groups []string) []string {
	expanded := make([]string, 0, len(names))
	for _, name := range names {
		var found []string
		for _, group := range groups {
			if group == name {
				found = []string{name}
				break
			}
			if isPattern(name) && match(name, group) {
				found = append(found, group)
			}
		}
		if found == nil {
			found = []string{name}
		}
		expanded = append(expanded, found...)
	}
	return expanded
}
