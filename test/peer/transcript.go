package peer

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// A line's time stamp, and the forms in which a line names a process id.
var (
	stampPattern = regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} `)
	pidPattern   = regexp.MustCompile(`\bpid([: ])\d+`)
	killPattern  = regexp.MustCompile(`(killing '[^']*') \(\d+\)`)
	aboutPattern = regexp.MustCompile(`^[A-Z]{4} (?:spawned: '|success: |exited: |stopped: |gave up: |killing '?)([^\s']+)`)
)

// Log returns the lines of supervisord.log, masked.
func (d *Daemon) Log() ([]string, error) {
	return d.Lines("supervisord.log")
}

// Lines returns the lines of a file in the daemon's folder, masked. A missing
// file is an error.
func (d *Daemon) Lines(name string) ([]string, error) {
	content, err := os.ReadFile(d.Path(name))
	if err != nil {
		return nil, fmt.Errorf("read what supervisord wrote: %w", err)
	}
	var lines []string
	for line := range strings.Lines(string(content)) {
		lines = append(lines, d.Mask(strings.TrimSuffix(line, "\n")))
	}
	return lines, nil
}

// Mask replaces what differs between two runs of the same thing: the time stamp
// at the start of a line goes, process ids become N, the folder becomes DIR.
func (d *Daemon) Mask(line string) string {
	line = stampPattern.ReplaceAllString(line, "")
	line = strings.ReplaceAll(line, d.Dir, "DIR")
	line = killPattern.ReplaceAllString(line, "$1 (N)")
	return pidPattern.ReplaceAllString(line, "pid${1}N")
}

// ByProgram sorts log lines by the program that each is about, keeping their
// order; lines about none are under "". Between programs supervisord's order
// depends on which child is quicker, within one it does not.
func ByProgram(lines []string) map[string][]string {
	streams := make(map[string][]string)
	for _, line := range lines {
		name := ""
		if match := aboutPattern.FindStringSubmatch(line); match != nil {
			name = match[1]
		}
		streams[name] = append(streams[name], line)
	}
	return streams
}

// autoName is the random part of an AUTO log's name.
var autoName = regexp.MustCompile(`(---[^-]+-)[0-9a-z_]{8}\.log`)

// Tree returns the content of each file below a folder of the daemon's, by
// relative name; random parts of AUTO log names become RANDOM, and the daemon's
// folder becomes DIR in contents.
func (d *Daemon) Tree(dir string) (map[string]string, error) {
	files := make(map[string]string)
	root := d.Path(dir)
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		name = autoName.ReplaceAllString(name, "${1}RANDOM.log")
		files[name] = strings.ReplaceAll(string(content), d.Dir, "DIR")
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read what programs wrote: %w", err)
	}
	return files, nil
}
