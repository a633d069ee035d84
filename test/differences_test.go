package test

import (
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/vigilance-go/vigilance/test/peer"
)

// TestChildrenGetDefaultSignals: Python leaves SIGPIPE and SIGXFSZ ignored in
// every program it starts; ours starts programs as a shell does.
func TestChildrenGetDefaultSignals(t *testing.T) {
	t.Parallel()
	want, got := runBoth(t, scenario{
		config: "[program:x]\ncommand=/bin/sh -c \"grep SigIgn /proc/self/status; exec sleep 1000\"\nstdout_logfile=%(here)s/out/x.stdout\n",
		drive:  func(d *peer.Daemon) error { return d.WaitLog("success: x", 1) },
	})
	// Others may be ignored already where the tests are started.
	const pythons = uint64(1<<(syscall.SIGPIPE-1) | 1<<(syscall.SIGXFSZ-1))
	ignored := func(o outcome) uint64 {
		set, err := strconv.ParseUint(strings.TrimSpace(strings.TrimPrefix(o.out["x.stdout"], "SigIgn:")), 16, 64)
		if err != nil {
			t.Fatalf("a program has written %q, want its set of ignored signals", o.out["x.stdout"])
		}
		return set & pythons
	}
	if set := ignored(want); set != pythons {
		t.Errorf("under the reference a program ignores %#x of %#x: does the difference still exist?", set, pythons)
	}
	if set := ignored(got); set != 0 {
		t.Errorf("a program ignores %#x of %#x, want none", set, pythons)
	}
}

// TestCaptureHoldsNothingBack: the reference keeps output from the log until it
// is longer than a token, and loses the rest at exit; ours keeps back only what
// may be the beginning of a token.
func TestCaptureHoldsNothingBack(t *testing.T) {
	t.Parallel()
	want, got := runBoth(t, scenario{
		config: "[program:x]\ncommand=/bin/sh %(here)s/x.sh\nstdout_capture_maxbytes=1MB\nstdout_logfile=%(here)s/out/x.stdout\n",
		files:  map[string]string{"x.sh": "sleep 1.6; echo short\n"},
		drive:  func(d *peer.Daemon) error { return d.WaitLog("exited: x", 1) },
	})
	if text := want.out["x.stdout"]; text != "" {
		t.Errorf("the reference's log has %q, want nothing: does the difference still exist?", text)
	}
	if text := got.out["x.stdout"]; text != "short\n" {
		t.Errorf("the log has %q, want %q", text, "short\n")
	}
}
