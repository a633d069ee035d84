package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/notify/silence"
)

func execute(t *testing.T, args ...string) (output string, status int) {
	t.Helper()
	var out bytes.Buffer
	status = tool(&out, &out).Main(t.Context(), args)
	return out.String(), status
}

func TestSilencesComeAndGo(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state", "silence")
	for _, tt := range []struct {
		args   []string
		status int
		want   string
		left   int
	}{
		{[]string{"web:*", "30m", "--why", "release 7"}, 0, "web:*: silenced until ", 1},
		{[]string{"--drop", "db", "mail", "1h"}, 0, "db mail: silenced until ", 2},
		{[]string{"--list"}, 0, ": release 7", 2},
		{[]string{"-l"}, 0, ", dropping", 2},
		{[]string{"--list", "--json"}, 0, `"why":"release 7"`, 2},
		{[]string{"web:*"}, 2, "want at least a program and a time", 2},
		{[]string{"web:*", "soon"}, 2, `"soon" is no time`, 2},
		{[]string{"--remove", "cat"}, 1, "no silence of cat", 2},
		{[]string{"--remove", "mail"}, 0, "1 silences ended", 1},
		{[]string{"--remove"}, 0, "1 silences ended", 0},
		{[]string{"--list"}, 0, "", 0},
	} {
		output, status := execute(t, append([]string{"--file", file}, tt.args...)...)
		if status != tt.status || !strings.Contains(output, tt.want) {
			t.Errorf("vigilance-silence %q = %d, %q; want %d, %q", tt.args, status, output, tt.status, tt.want)
		}
		left, err := silence.Read(file, time.Now())
		if len(left) != tt.left || err != nil {
			t.Errorf("after vigilance-silence %q: %d silences, %v; want %d", tt.args, len(left), err, tt.left)
		}
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if output, _ := execute(t, "--file", file, "--list"); !strings.HasPrefix(output, "* ") {
		t.Errorf("vigilance-silence --list of an empty file = %q, want everything", output)
	}
}
