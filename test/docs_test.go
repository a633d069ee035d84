package test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vigilance-go/vigilance/supervisor/config"
	"github.com/vigilance-go/vigilance/test/peer"
)

// TestCompatibilityNamesItsTests: each test and transcript that COMPATIBILITY.md
// calls its witness is there.
func TestCompatibilityNamesItsTests(t *testing.T) {
	t.Parallel()
	checkWitnesses(t, "COMPATIBILITY.md")
}

// TestSecurityNamesItsTests: so does SECURITY.md, in each line of its tables of
// claims.
func TestSecurityNamesItsTests(t *testing.T) {
	t.Parallel()
	checkWitnesses(t, "SECURITY.md")
	text, err := os.ReadFile("../SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	claims := false
	for line := range strings.Lines(string(text)) {
		switch {
		case strings.HasSuffix(line, "| shown by |\n"):
			claims = true
		case !strings.HasPrefix(line, "|"):
			claims = false
		case claims && !strings.HasPrefix(line, "|---") && !strings.Contains(line, "`Test") && !strings.Contains(line, "`Fuzz"):
			t.Errorf("SECURITY.md claims without a test: %s", line)
		}
	}
}

// checkWitnesses looks for the tests and files that a page names.
func checkWitnesses(t *testing.T, page string) {
	t.Helper()
	text, err := os.ReadFile("../" + page)
	if err != nil {
		t.Fatal(err)
	}
	files, tests := make(map[string]bool), new(bytes.Buffer)
	err = filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != ".." && strings.HasPrefix(entry.Name(), "."):
			return filepath.SkipDir
		case entry.IsDir():
			return nil
		}
		files[entry.Name()] = true
		if strings.HasSuffix(path, "_test.go") {
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			tests.Write(content)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}

	named := regexp.MustCompile("`((?:Test|Fuzz|Example)\\w+|[\\w/.-]+\\.(?:txt|txtar|go))`").FindAllStringSubmatch(string(text), -1)
	if len(named) == 0 {
		t.Fatal(page + " names no test, want one for each claim")
	}
	for _, match := range named {
		name := match[1]
		if strings.Contains(name, ".") {
			if !files[filepath.Base(name)] {
				t.Errorf("%s names %s, which does not exist", page, name)
			}
		} else if !bytes.Contains(tests.Bytes(), []byte("func "+name+"(")) {
			t.Errorf("%s names %s, which is no test", page, name)
		}
	}
}

// TestManualHasEveryOption: docs/configuration.md describes each option under
// the heading of its section. Listeners and FastCGI programs have a program's.
func TestManualHasEveryOption(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	known, err := config.KnownOptions()
	if err != nil {
		t.Fatal(err)
	}
	described := make(map[string]map[string]bool) // kind -> option
	kind := ""
	for line := range strings.Lines(string(text)) {
		if match := regexp.MustCompile(`^## \[([\w-]+)`).FindStringSubmatch(line); match != nil {
			kind = match[1]
			described[kind] = make(map[string]bool)
		} else if strings.HasPrefix(line, "## ") {
			kind = ""
		}
		option := regexp.MustCompile("^\\| `([a-z_.]+)`").FindStringSubmatch(line)
		if kind == "" || option == nil {
			continue
		}
		described[kind][option[1]] = true
		if !slices.Contains(known[kind], option[1]) {
			t.Errorf("the manual describes %s of [%s], which nothing reads", option[1], kind)
		}
	}
	for kind, options := range known {
		for _, option := range options {
			asProgram := (kind == "eventlistener" || kind == "fcgi-program") && described["program"][option]
			if !described[kind][option] && !asProgram {
				t.Errorf("the manual does not describe %s of [%s]", option, kind)
			}
		}
	}
}

// TestManualHasEveryMethod: docs/xml-rpc.md describes each method that the
// daemon lists, with as many parameters as it has.
func TestManualHasEveryMethod(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/xml-rpc.md")
	if err != nil {
		t.Fatal(err)
	}
	described := make(map[string]int) // parameters, -1 for an older name
	for _, match := range regexp.MustCompile("`((?:supervisor|system)\\.\\w+)(?:\\(([^)]*)\\))?`").FindAllStringSubmatch(string(text), -1) {
		switch {
		case strings.HasSuffix(match[0], "()`"):
			described[match[1]] = 0
		case match[2] != "":
			described[match[1]] = strings.Count(match[2], ",") + 1
		default:
			if _, known := described[match[1]]; !known {
				described[match[1]] = -1
			}
		}
	}
	dir := t.TempDir()
	d, err := peer.Start(peer.Spec{Command: ours(), Config: overUnix, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Stop()
	if err := waitAnswering(d); err != nil {
		t.Fatal(err)
	}
	c := callUnix(d)
	listed, err := c.do("system.listMethods")
	if err != nil {
		t.Fatal(err)
	}
	methods, _ := listed.([]any)
	if len(methods) < 40 {
		t.Fatalf("system.listMethods() = %v, want all methods", listed)
	}
	for _, method := range methods {
		signature, err := c.do("system.methodSignature", method)
		if err != nil {
			t.Fatal(err)
		}
		types, _ := signature.([]any)
		params, known := described[method.(string)]
		if !known || params >= 0 && params != len(types)-1 {
			t.Errorf("the manual describes %v with %d parameters (%v), want %v", method, params, known, types)
		}
		delete(described, method.(string))
	}
	for method := range described {
		t.Errorf("the manual describes %s, which the daemon does not list", method)
	}
}
