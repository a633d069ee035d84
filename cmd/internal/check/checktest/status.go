package checktest

import (
	"strings"
	"testing"
)

// Endings returns a function that runs the tool without a supervisord and
// compares how it ends: its status, and how its output begins. Where stderr is
// empty, nothing may be on standard error.
func Endings(t *testing.T) (ends func(args []string, status int, stdout, stderr string)) {
	return func(args []string, wantStatus int, wantStdout, wantStderr string) {
		t.Helper()
		stdout, stderr, status := Output(t, Command(args...))
		if status != wantStatus || !strings.HasPrefix(stdout, wantStdout) || !strings.HasPrefix(stderr, wantStderr) ||
			wantStderr == "" && stderr != "" {
			t.Errorf("the tool with %q = %d, stdout %.100q, stderr %.200q; want %d, %q, %q",
				args, status, stdout, stderr, wantStatus, wantStdout, wantStderr)
		}
	}
}
