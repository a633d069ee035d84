package checktest

import (
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// Help checks that a tool's usage names all of its options.
func Help(t *testing.T, usage string, flags []cli.Flag) {
	t.Helper()
	for _, f := range flags {
		if name := "--" + f.Names()[0]; !strings.Contains(usage, name) {
			t.Errorf("usage has no %s in it:\n%s", name, usage)
		}
	}
}
