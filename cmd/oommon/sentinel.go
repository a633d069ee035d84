package main

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"time"

	"github.com/vigilance-go/vigilance/supervisor/ctl/client"
)

// template is the path of a file that a process leaves when it has run out of
// memory.
type template string

// parseTemplate reads a path with %(program)s and the like. The error names
// what is not known.
func parseTemplate(text string) (template, error) {
	t := template(text)
	if _, unknown := t.expand(client.ProcessInfo{}); unknown != "" || text == "" {
		return "", fmt.Errorf("%q: %q is not known; want a path with %%(program)s, %%(group)s or %%(pid)s", text, unknown)
	}
	return t, nil
}

// expand returns the path for a process, and what in it is not known.
func (t template) expand(p client.ProcessInfo) (path, unknown string) {
	path = regexp.MustCompile(`%(%|\([^)]*\)[sd]|.?)`).ReplaceAllStringFunc(string(t), func(found string) string {
		switch found {
		case "%%":
			return "%"
		case "%(program)s", "%(program_name)s", "%(process_name)s":
			return p.Name
		case "%(group)s", "%(group_name)s":
			return p.Group
		case "%(pid)s", "%(pid)d":
			return strconv.Itoa(p.PID)
		default:
			unknown = found
			return ""
		}
	})
	return path, unknown
}

// sentinels remembers the files that have been acted on and are still there.
type sentinels map[string]time.Time // when they were changed

// appeared returns the files of a process that are new.
func (s sentinels) appeared(templates []template, p client.ProcessInfo) []string {
	var found []string
	for _, t := range templates {
		path, _ := t.expand(p)
		info, err := os.Stat(path)
		if err != nil {
			delete(s, path)
			continue
		}
		if when, ok := s[path]; !ok || !when.Equal(info.ModTime()) {
			s[path] = info.ModTime()
			found = append(found, path)
		}
	}
	return found
}
