package main

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/notify/spool"
)

// fill makes a spool with a message that waits and one that was refused.
func fill(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	s, err := spool.Open(filepath.Join(dir, "slackalert", "slack-1"), spool.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"aaa1", "aab2"} {
		if err := s.Put(notify.Message{ID: id, Subject: "subject of " + id, Body: "body of " + id}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.SettleAll([]string{"aab2"}, "", notify.Refused, "no such channel"); err != nil {
		t.Fatal(err)
	}
	return dir
}

func execute(t *testing.T, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	var out, err bytes.Buffer
	status = tool(&out, &err).Main(t.Context(), args)
	return out.String(), err.String(), status
}

func TestCommands(t *testing.T) {
	for _, tt := range []struct {
		args   string
		status int
		want   []string // in the output
		not    string
		after  int // messages that are left
	}{
		{"list", 0, []string{"waiting", "slackalert/slack-1", "aaa1  subject of aaa1", "dead", "aab2  subject of aab2", "no such channel"}, "body", 2},
		{"", 0, []string{"aaa1", "aab2"}, "", 2},
		{"--dead list", 0, []string{"aab2"}, "aaa1", 2},
		{"--group other list", 0, nil, "aa", 2},
		{"show aab", 0, []string{"State: dead", "Reason: no such channel", "body of aab2"}, "aaa1", 2},
		{"show aa", 1, []string{`2 messages begin with "aa"`}, "", 2},
		{"show zz", 1, []string{`no message "zz"`}, "", 2},
		{"retry aab2", 0, []string{"retry: 1"}, "", 2},
		{"retry aaa1", 1, []string{"waiting already"}, "", 2},
		{"drop aaa1", 0, []string{"drop: 1"}, "", 1},
		{"drop all", 0, []string{"drop: 1"}, "", 1},
		{"drop", 2, []string{"drop needs the names"}, "", 2},
		{"burn aaa1", 2, []string{`unknown command "burn"`}, "", 2},
	} {
		dir := fill(t)
		stdout, stderr, status := execute(t, append([]string{"--spool", dir}, strings.Fields(tt.args)...)...)
		output := stdout + stderr
		for _, want := range tt.want {
			if !strings.Contains(output, want) {
				t.Errorf("vigilance-spool %s printed %q, want %q in it", tt.args, output, want)
			}
		}
		if status != tt.status || tt.not != "" && strings.Contains(output, tt.not) {
			t.Errorf("vigilance-spool %s = %d, %q; want %d, and no %q", tt.args, status, output, tt.status, tt.not)
		}
		left, _, _ := execute(t, "--spool", dir, "--json", "list")
		if n := strings.Count(left, "\n"); n != tt.after {
			t.Errorf("after vigilance-spool %s: %d messages, want %d: %s", tt.args, n, tt.after, left)
		}
	}
}

func TestJSONIsALineForEachMessage(t *testing.T) {
	stdout, _, status := execute(t, "--spool", fill(t), "--json", "--dead", "list")
	var r record
	if err := json.Unmarshal([]byte(stdout), &r); err != nil || status != 0 || r.State != "dead" || r.Listener != "slackalert/slack-1" ||
		r.Reason != "no such channel" || r.Message.Body != "body of aab2" {
		t.Errorf("list --json = %d, %q (%v); want the dead message", status, stdout, err)
	}
}

func TestNoSpoolIsAnEmptyList(t *testing.T) {
	if stdout, stderr, status := execute(t, "--spool", filepath.Join(t.TempDir(), "none"), "list"); stdout+stderr != "" || status != 0 {
		t.Errorf("list = %d, %q, %q; want nothing", status, stdout, stderr)
	}
}
