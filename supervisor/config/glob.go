package config

import (
	"os"
	"slices"
	"strings"
)

// glob lists the paths that match a pattern, sorted, by the rules of Python's
// glob: *, ? and [...] match within one part of the path, a part that begins
// with a dot only matches a pattern that does, and ** is no more than *. A
// pattern without any of these signs matches the path of that name, whatever
// it is.
func glob(pattern string) []string {
	matches := globPaths(pattern)
	slices.Sort(matches)
	return matches
}

func globPaths(pattern string) []string {
	dir, base := dirname(pattern), pattern[strings.LastIndexByte(pattern, '/')+1:]
	switch {
	case !hasMagic(pattern) && base == "":
		return existing(pattern, isDir(dir))
	case !hasMagic(pattern):
		return existing(pattern, exists(pattern))
	}
	dirs := []string{dir}
	if dir != pattern && hasMagic(dir) {
		dirs = globPaths(dir)
	}
	var matches []string
	for _, dir := range dirs {
		for _, name := range globNames(dir, base) {
			matches = append(matches, join(dir, name))
		}
	}
	return matches
}

func existing(path string, exists bool) []string {
	if !exists {
		return nil
	}
	return []string{path}
}

// exists says whether there is something at the path, be it a broken link.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// globNames lists the entries of one folder that match the last part of a
// pattern.
func globNames(dir, pattern string) []string {
	switch {
	case pattern == "":
		return existing("", isDir(dir))
	case !hasMagic(pattern):
		return existing(pattern, exists(join(dir, pattern)))
	}
	if dir == "" {
		dir = "."
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil // what cannot be listed matches nothing
	}
	var names []string
	for _, entry := range entries {
		hidden := strings.HasPrefix(entry.Name(), ".") && !strings.HasPrefix(pattern, ".")
		if !hidden && matchName([]rune(pattern), []rune(entry.Name())) {
			names = append(names, entry.Name())
		}
	}
	return names
}

func hasMagic(pattern string) bool { return strings.ContainsAny(pattern, "*?[") }

// matchName is Python's fnmatch. It goes through the name once and, where the
// match fails, lets the last * take one character more.
func matchName(pattern, name []rune) bool {
	p, n := 0, 0
	star, starred := -1, 0
	for n < len(name) {
		if p < len(pattern) && pattern[p] == '*' {
			star, starred = p, n
			p++
			continue
		}
		if length, ok := matchOne(pattern[p:], name[n]); ok {
			p += length
			n++
			continue
		}
		if star < 0 {
			return false
		}
		starred++
		p, n = star+1, starred
	}
	return strings.Trim(string(pattern[p:]), "*") == ""
}

// matchOne matches the first element of a pattern, which is not a star, and
// returns its length.
func matchOne(pattern []rune, r rune) (length int, ok bool) {
	switch {
	case len(pattern) == 0:
		return 0, false
	case pattern[0] == '?':
		return 1, true
	case pattern[0] == '[':
		if set, ok := setOf(pattern); ok {
			return len(set) + 2, inSet(set, r)
		}
	}
	return 1, pattern[0] == r
}

// setOf returns what stands between the brackets at the beginning of a
// pattern, if they close. A ] in the first place is a member.
func setOf(pattern []rune) ([]rune, bool) {
	end := 1
	if end < len(pattern) && pattern[end] == '!' {
		end++
	}
	if end < len(pattern) && pattern[end] == ']' {
		end++
	}
	closing := slices.Index(pattern[min(end, len(pattern)):], ']')
	if closing < 0 {
		return nil, false
	}
	return pattern[1 : end+closing], true
}

// span is a range of characters.
type span struct{ low, high rune }

func inSet(set []rune, r rune) bool {
	spans, negated := spansOf(set)
	return negated != slices.ContainsFunc(spans, func(s span) bool { return s.low <= r && r <= s.high })
}

// spansOf reads what stands between brackets. Python first drops the ranges
// that hold nothing, as z-a, and only then looks for the ! that negates, which
// thus may come to stand first.
func spansOf(set []rune) (spans []span, negated bool) {
	if len(set) > 0 && set[0] == '!' {
		negated, set = true, set[1:]
	}
	for len(set) > 0 {
		s, length := span{set[0], set[0]}, 1
		if len(set) > 2 && set[1] == '-' {
			s.high, length = set[2], 3
		}
		if s.low <= s.high {
			spans = append(spans, s)
		}
		set = set[length:]
	}
	if negated || len(spans) == 0 || spans[0].low != '!' {
		return spans, negated
	}
	if high := spans[0].high; high != '!' {
		spans = append(spans, span{'-', '-'}, span{high, high})
	}
	return spans[1:], true
}
