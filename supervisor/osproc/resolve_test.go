package osproc

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// resolveCases are commands with what is found along path: the folders one,
// two, nothing and the working directory.
func resolveCases(t *testing.T) (path []string, commands []string) {
	t.Helper()
	dir := t.TempDir()
	one, two := filepath.Join(dir, "one"), filepath.Join(dir, "two")
	for _, d := range []string{one, two, filepath.Join(one, "folder"), filepath.Join(dir, "it's")} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"both", "späte\tr", "bad\xffbytes", "both'\"", "\u200b", "\U000e0001"} {
		write(t, filepath.Join(two, name), "#!/bin/sh\n", 0o644)
	}
	write(t, filepath.Join(one, "both"), "#!/bin/sh\n", 0o644)
	write(t, filepath.Join(two, "good"), "#!/bin/sh\n", 0o755)
	write(t, filepath.Join(two, "folder"), "#!/bin/sh\n", 0o755)
	commands = []string{
		"good", "both", "folder", "nope", "one/nope", "späte\tr", "bad\xffbytes", "both'\"", "\u200b", "\U000e0001",
		filepath.Join(two, "good"), filepath.Join(two, "both"), dir, filepath.Join(dir, "it's"),
		filepath.Join(dir, "it's", "none"), filepath.Join(two, "good", "below"), "/", "./", "no\x01\x7fpe\\\n\r", "",
	}
	return []string{one, two + "/", filepath.Join(dir, "missing"), ""}, commands
}

func TestResolveTakesTheFirstEntryOfThatName(t *testing.T) {
	path, _ := resolveCases(t)
	one, two := path[0], path[1]
	tests := []struct {
		command, file, text string
		notFound            bool
	}{
		{command: "good", file: two + "good"},
		{command: two + "good", file: two + "good"},
		{command: "both", text: "command at '" + one + "/both' is not executable"},
		{command: "folder", text: "command at '" + one + "/folder' is a directory"},
		{command: "nope", text: "can't find command 'nope'", notFound: true},
		{command: "/no/such'file", text: `can't find command "/no/such'file"`, notFound: true},
	}
	for _, tt := range tests {
		file, err := Resolve([]string{tt.command, "arg"}, path)
		var re *ResolveError
		if file != tt.file || (err == nil) != (tt.text == "") {
			t.Errorf("Resolve(%q) = %q, %v; want %q, %q", tt.command, file, err, tt.file, tt.text)
		} else if err != nil && (!errors.As(err, &re) || re.Text != tt.text || re.NotFound != tt.notFound) {
			t.Errorf("Resolve(%q) = %v; want %q, NotFound %v", tt.command, err, tt.text, tt.notFound)
		}
	}
	if _, err := Resolve(nil, path); err == nil || err.Error() != "command is empty" {
		t.Errorf("Resolve(nil) = %v, want command is empty", err)
	}
}

func TestResolveAgreesWithSupervisor(t *testing.T) {
	path, commands := resolveCases(t)
	const script = `
import os, shlex, sys
from supervisor.options import ServerOptions, ProcessException
from supervisor.process import Subprocess
class Config:
    options = ServerOptions()
    def get_path(self): return path
n = int(sys.argv[1])
path, commands = sys.argv[2:2+n], sys.argv[2+n:]
for c in commands:
    config = Config()
    config.command = shlex.quote(c)
    try:
        text = 'ok ' + Subprocess(config).get_execv_args()[0]
    except ProcessException as e:
        text = type(e).__name__ + ' ' + e.args[0]
    sys.stdout.buffer.write(os.fsencode(text) + b'\0')
`
	args := append(append([]string{fmt.Sprint(len(path))}, path...), commands...)
	want := strings.Split(python(t, script, "", args...), "\x00")
	for i, c := range commands {
		file, err := Resolve([]string{c}, path)
		got := "ok " + file
		var re *ResolveError
		if errors.As(err, &re) {
			kind, _, _ := strings.Cut(want[i], " ")
			got = kind + " " + re.Text
			if re.NotFound != (kind == "NotFound") {
				t.Errorf("Resolve(%q): NotFound = %v, want %s", c, re.NotFound, kind)
			}
		}
		if got != want[i] {
			t.Errorf("Resolve(%q)\n got %s\nwant %s", c, got, want[i])
		}
	}
}

func TestResolveSaysNoPermission(t *testing.T) {
	needRoot(t)
	dir := t.TempDir()
	for d := dir; d != os.TempDir(); d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	file := write(t, filepath.Join(dir, "mine"), "#!/bin/sh\n", 0o700)
	got := nested(t, "resolve as nobody", "", "RESOLVE="+file)
	if want := "no permission to run command '" + file + "'"; got != want {
		t.Errorf("Resolve(%q) = %q, want %q", file, got, want)
	}
}
