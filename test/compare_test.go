package test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/diff"
)

// sameLines fails the test unless both daemons wrote the same lines.
func sameLines(t *testing.T, what string, want, got []string) {
	t.Helper()
	if slices.Equal(want, got) {
		return
	}
	t.Errorf("%s differs:\n%s", what, diff.Diff(
		"the reference", []byte(strings.Join(want, "\n")+"\n"),
		"ours", []byte(strings.Join(got, "\n")+"\n")))
}

// sameFiles fails the test unless both maps hold the same files with the same
// bytes.
func sameFiles(t *testing.T, what string, want, got map[string]string) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(want)) {
		content, found := got[name]
		switch {
		case !found:
			t.Errorf("%s: file %q is missing, want %s", what, name, clip(want[name]))
		case content != want[name]:
			t.Errorf("%s: file %q has %s, want %s", what, name, clip(content), clip(want[name]))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if _, found := want[name]; !found {
			t.Errorf("%s: there is a file %q with %s, want none", what, name, clip(got[name]))
		}
	}
}

// clip quotes a content, shortened in the middle where it is long.
func clip(content string) string {
	const most = 400
	if len(content) <= most {
		return fmt.Sprintf("%q", content)
	}
	return fmt.Sprintf("%d bytes, %q ... %q", len(content), content[:most/2], content[len(content)-most/2:])
}

// having returns the lines that contain one of the texts.
func having(lines []string, texts ...string) []string {
	var found []string
	for _, line := range lines {
		if slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(line, text) }) {
			found = append(found, line)
		}
	}
	return found
}

// without returns the lines that contain none of the texts.
func without(lines []string, texts ...string) []string {
	var left []string
	for _, line := range lines {
		if !slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(line, text) }) {
			left = append(left, line)
		}
	}
	return left
}
