package test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDependenciesAreListed: docs/dependencies.md has a line for each module of
// go.mod and no other, and says which binaries it is linked into.
func TestDependenciesAreListed(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := make(map[string]string) // module -> where it is
	for _, match := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| ([dct]+|-) \\| \\S").FindAllStringSubmatch(string(text), -1) {
		if _, again := listed[match[1]]; again {
			t.Errorf("docs/dependencies.md lists %s twice", match[1])
		}
		listed[match[1]] = match[2]
	}
	want := make(map[string]string)
	for _, module := range required(t) {
		want[module] = ""
	}
	commands, err := filepath.Glob("../cmd/*/main.go")
	if err != nil {
		t.Fatal(err)
	}
	groups := map[string][]string{"d": {"./cmd/supervisord"}, "c": {"./cmd/supervisorctl"}}
	for _, command := range commands {
		switch name := filepath.Base(filepath.Dir(command)); name {
		case "supervisord", "supervisorctl":
		default:
			groups["t"] = append(groups["t"], "./cmd/"+name)
		}
	}
	for _, letter := range []string{"d", "c", "t"} {
		for _, module := range linked(t, groups[letter]) {
			if _, known := want[module]; known {
				want[module] += letter
			}
		}
	}
	for module, where := range want {
		if where == "" {
			where = "-"
		}
		if listed[module] != where {
			t.Errorf("docs/dependencies.md has %s in %q, want %q", module, listed[module], where)
		}
	}
	for module := range listed {
		if _, known := want[module]; !known {
			t.Errorf("docs/dependencies.md lists %s, which go.mod does not require", module)
		}
	}
}

// required returns the modules of go.mod, the indirect ones too.
func required(t *testing.T) []string {
	t.Helper()
	var file struct{ Require []struct{ Path string } }
	if err := json.Unmarshal(goTool(t, "mod", "edit", "-json"), &file); err != nil {
		t.Fatal(err)
	}
	var modules []string
	for _, r := range file.Require {
		modules = append(modules, r.Path)
	}
	return modules
}

// linked returns the modules whose packages are in the commands.
func linked(t *testing.T, commands []string) []string {
	t.Helper()
	args := append([]string{"list", "-deps", "-tags", "urfave_cli_no_docs", "-f", "{{with .Module}}{{.Path}}{{end}}"}, commands...)
	seen := make(map[string]bool)
	var modules []string
	for module := range strings.FieldsSeq(string(goTool(t, args...))) {
		if !seen[module] {
			seen[module] = true
			modules = append(modules, module)
		}
	}
	return modules
}

// goTool runs the go command in the repository's root, and returns its output.
func goTool(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %q: %v", args, err)
	}
	return out
}
