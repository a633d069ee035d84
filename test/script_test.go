package test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/vigilance-go/vigilance/test/peer"
)

// TestScripts runs script/*.txtar over the built binaries. Beside testscript's
// own commands there is
//
//	waitfor GLOB REGEXP    wait until a file of that name has a match
//
// and $PORT is a free TCP port, $REPO the top of the checkout.
func TestScripts(t *testing.T) {
	t.Parallel()
	repo, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			port, err := peer.FreePort()
			if err != nil {
				return err
			}
			env.Setenv("PATH", os.Getenv(binVariable)+string(os.PathListSeparator)+env.Getenv("PATH"))
			env.Setenv("BIN", os.Getenv(binVariable))
			env.Setenv("REPO", repo)
			env.Setenv("PORT", strconv.Itoa(port))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"waitfor": waitFor},
	})
}

// waitFor is the script command of that name.
func waitFor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: waitfor GLOB REGEXP")
	}
	pattern, err := regexp.Compile(args[1])
	ts.Check(err)
	ts.Check(poll(fmt.Sprintf("a match of %q in %s", args[1], args[0]), func() bool {
		names, err := filepath.Glob(ts.MkAbs(args[0]))
		ts.Check(err)
		for _, name := range names {
			if content, err := os.ReadFile(name); err == nil && pattern.Match(content) {
				return true
			}
		}
		return false
	}))
}

// poll waits until the condition holds, for peer.Deadline at most.
func poll(wanted string, condition func() bool) error {
	deadline := time.NewTimer(peer.Deadline)
	defer deadline.Stop()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for !condition() {
		select {
		case <-ticker.C:
		case <-deadline.C:
			return errors.New("waited in vain for " + wanted)
		}
	}
	return nil
}
