package osproc

import (
	"os"
	"os/exec"
	"testing"
)

// python runs a script in the Python that Debian's supervisor package uses,
// and returns what it prints.
func python(t *testing.T, script string, wrapper string, args ...string) string {
	t.Helper()
	const interpreter = "/usr/bin/python3"
	if exec.Command(interpreter, "-c", "import supervisor.options").Run() != nil {
		if os.Getenv("VIGILANCE_REQUIRE_PEERS") == "1" {
			t.Fatal("Debian's package supervisor is missing")
		}
		t.Skip("compares with Debian's package supervisor, which is missing")
	}
	if wrapper == "" {
		wrapper = `exec "$@"`
	}
	cmd := exec.Command("/bin/sh", append([]string{"-c", wrapper, "sh", interpreter, "-c", script}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("python: %v\n%s", err, out)
	}
	return string(out)
}
