package checktest

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vigilance-go/vigilance/supervisor/ctl/client"
)

// KilledDuringRestart lets a tool restart the last of the processes, and kills it
// with -9 while it waits for that one to stop, which is the call that is named. It
// wants that the next tool starts the process and sends mails that match these
// regular expressions, and that the one after that does nothing more.
func KilledDuringRestart(t *testing.T, stop string, processes []client.ProcessInfo, mails []string, args ...string) {
	t.Helper()
	f := NewFake(t, processes...)
	release := f.Hold(stop)
	args = append([]string{"--spool", t.TempDir()}, args...)
	tool := Listen(t, f, args...)
	Until(t, stop, func() bool { tool.Tick(); return slices.Contains(f.Calls(), stop) }, tool.Stderr)
	tool.Kill()
	if early := tool.Mails(); len(early) != 0 {
		t.Errorf("%q: mails before the end of the restart = %q, want none", args, early)
	}
	release()

	stopped := slices.Clone(processes)
	stopped[len(stopped)-1] = In(stopped[len(stopped)-1], client.Stopped, "STOPPED")
	f.Set(stopped...)
	start := strings.Replace(stop, "stop", "start", 1)
	next := Listen(t, f, args...)
	Until(t, start, func() bool { return slices.Contains(f.Calls(), start) }, next.Stderr)
	f.Set(processes...)
	got := next.End()
	if !slices.EqualFunc(got, mails, func(got, want string) bool { return regexp.MustCompile("^" + want + "$").MatchString(got) }) {
		t.Errorf("%q: mails of the next tool = %q, want %q", args, got, mails)
	}

	calls := f.Calls()
	last := Listen(t, f, args...)
	last.ExpectReady()
	if got := last.End(); len(got) != 0 || len(f.Calls()) != len(calls) {
		t.Errorf("%q: mails of the tool after that = %q, calls %q after %q; want no more", args, got, f.Calls(), calls)
	}
}
