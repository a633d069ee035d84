package childlog

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"testing"
)

// reference asks the Python package what it does in each of cases; the answers
// are stored through answers. See testdata/reference.py for the kinds.
func reference(t *testing.T, kind string, cases, answers any) {
	t.Helper()
	const python = "/usr/bin/python3" // Debian's, which the package belongs to
	if err := exec.Command(python, "-c", "import supervisor").Run(); err != nil {
		message := "needs Debian's package supervisor, for the Python reference: " + err.Error()
		if os.Getenv("VIGILANCE_REQUIRE_PEERS") == "1" {
			t.Fatal(message)
		}
		t.Skip(message)
	}
	request, err := json.Marshal(map[string]any{"kind": kind, "cases": cases})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, "testdata/reference.py")
	cmd.Stdin = bytes.NewReader(request)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ask the reference about %q: %v", kind, err)
	}
	if err := json.Unmarshal(out, answers); err != nil {
		t.Fatalf("read the reference's answer about %q: %v", kind, err)
	}
}

// latin1 makes bytes fit to travel in JSON, as testdata/reference.py expects.
func latin1(p []byte) string {
	runes := make([]rune, len(p))
	for i, b := range p {
		runes[i] = rune(b)
	}
	return string(runes)
}
