package test

import (
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
	const pythons, none = "SigIgn:\t0000000001001000\n", "SigIgn:\t0000000000000000\n"
	if text := want.out["x.stdout"]; text != pythons {
		t.Errorf("under the reference a program has %q, want %q: does the difference still exist?", text, pythons)
	}
	if text := got.out["x.stdout"]; text != none {
		t.Errorf("a program has %q, want %q", text, none)
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
