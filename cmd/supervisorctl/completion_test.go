package main

import (
	"os/exec"
	"strings"
	"testing"
)

func TestCompletionScripts(t *testing.T) {
	t.Parallel()
	own := ours(t)
	for shell, check := range map[string][]string{
		"bash": {"bash", "-n"}, "zsh": {"zsh", "-n"}, "fish": {"fish", "--no-execute"},
	} {
		got := step{args: []string{"completion", shell}, bare: true}.run(t, own, t.TempDir())
		if got.status != 0 || !strings.HasPrefix(got.stdout, "#") || got.stderr != "" {
			t.Errorf("supervisorctl completion %s: %+v, want a script", shell, got)
		}
		if _, err := exec.LookPath(check[0]); err != nil {
			t.Logf("%s is not installed, so its script is not checked", shell)
			continue
		}
		cmd := exec.Command(check[0], check[1:]...)
		cmd.Stdin = strings.NewReader(got.stdout)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s refuses its script: %v\n%s", shell, err, out)
		}
	}
	if got := (step{args: []string{"completion", "csh"}, bare: true}).run(t, own, t.TempDir()); got.status != 2 {
		t.Errorf("supervisorctl completion csh: %+v, want status 2", got)
	}
}

// TestBashCompletion lets bash complete lines with the script.
func TestBashCompletion(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("bash is not installed")
	}
	d, _ := control(t, programs)
	settle(t, d)
	own := ours(t)
	tests := []struct{ line, want string }{
		{"supervisorctl sta", "start status"},
		{"supervisorctl -c supervisord.conf start id", "idle"},
		{"supervisorctl -c supervisord.conf restart mixed:", "a a-very-long-name-of-a-program-that-widens-the-table *"},
		{"supervisorctl -c supervisord.conf signal U", "USR1 USR2"},
		{"supervisorctl -c supervisord.conf signal USR1 ca", "cat"},
		{"supervisorctl -c supervisord.conf update we", "web"},
		{"supervisorctl avail ", "--json"},
		{"supervisorctl --conf", "--configuration"},
		{"supervisorctl completion ", "bash zsh fish"},
	}
	for _, tt := range tests {
		script := `source <("$1" completion bash)
COMP_LINE=$2 COMP_POINT=${#2}; COMP_WORDBREAKS=$' \t\n:'
PATH=$(dirname "$1"):$PATH
_supervisorctl
echo "${COMPREPLY[*]}"`
		cmd := exec.Command("bash", "-c", script, "bash", own, tt.line)
		cmd.Dir = d.Dir
		out, err := cmd.CombinedOutput()
		got := strings.Fields(string(out))
		want := strings.Fields(tt.want)
		if err != nil || !sameWords(got, want) {
			t.Errorf("completion of %q: %q, %v, want %q", tt.line, got, err, want)
		}
	}
}

// sameWords compares without regard to order.
func sameWords(a, b []string) bool {
	count := map[string]int{}
	for _, w := range a {
		count[w]++
	}
	for _, w := range b {
		count[w]--
	}
	for _, n := range count {
		if n != 0 {
			return false
		}
	}
	return true
}
