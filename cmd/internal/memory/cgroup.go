package memory

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Group is a memory cgroup, of version 2 or 1.
type Group struct {
	// Path is the group's name, as /proc/PID/cgroup has it.
	Path string
	// Dir is where its files are.
	Dir string
	v1  bool
}

// cgroups is where the hierarchies are mounted by convention.
const cgroups = "/sys/fs/cgroup"

// CgroupOf returns the memory cgroup of a process. The error says that there is
// none, or why it could not be found.
func CgroupOf(pid int) (Group, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cgroup")
	if err != nil {
		return Group{}, fmt.Errorf("find cgroup: %w", err)
	}
	return findGroup(string(text), cgroups)
}

// findGroup finds the group that a cgroup file names, below root. A container
// may see the names of its host and only its own part of the tree: there the
// group is the root of what is mounted.
func findGroup(text, root string) (Group, error) {
	for line := range strings.Lines(text) {
		fields := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(fields) != 3 {
			continue
		}
		if slices.Contains(strings.Split(fields[1], ","), "memory") {
			g := Group{Path: fields[2], v1: true}
			return g.at(filepath.Join(root, "memory"), "memory.usage_in_bytes")
		}
	}
	for line := range strings.Lines(text) {
		if path, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "0::"); ok {
			return Group{Path: path}.at(root, "memory.current")
		}
	}
	return Group{}, errors.New("find cgroup: the process has none for memory")
}

// at looks for the group's folder below a mount, by a file that it has.
func (g Group) at(mount, file string) (Group, error) {
	for _, dir := range []string{filepath.Join(mount, g.Path), mount} {
		if _, err := os.Stat(filepath.Join(dir, file)); err == nil {
			g.Dir = dir
			return g, nil
		}
	}
	return g, fmt.Errorf("find cgroup %s below %s: no %s there", g.Path, mount, file)
}

// Usage returns what the group is charged for, in bytes.
func (g Group) Usage() (int64, error) {
	file := "memory.current"
	if g.v1 {
		file = "memory.usage_in_bytes"
	}
	text, err := os.ReadFile(filepath.Join(g.Dir, file))
	if err != nil {
		return 0, fmt.Errorf("read memory of cgroup: %w", err)
	}
	n, err := strconv.ParseInt(string(bytes.TrimSpace(text)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read memory of cgroup %s: %w", g.Path, err)
	}
	return n, nil
}

// OOMKills returns how many processes of the group were killed by the OOM
// killer. Where the kernel is too old to count those of groups below it apart,
// they are among them.
func (g Group) OOMKills() (int64, error) {
	files := []string{"memory.events.local", "memory.events"}
	if g.v1 {
		files = []string{"memory.oom_control"}
	}
	var text []byte
	var err error
	for _, file := range files {
		if text, err = os.ReadFile(filepath.Join(g.Dir, file)); err == nil {
			break
		}
	}
	if err != nil {
		return 0, fmt.Errorf("read OOM kills of cgroup %s: %w", g.Path, err)
	}
	for line := range strings.Lines(string(text)) {
		if number, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "oom_kill "); ok {
			return strconv.ParseInt(number, 10, 64)
		}
	}
	return 0, fmt.Errorf("read OOM kills of cgroup %s: the kernel does not count them", g.Path)
}
