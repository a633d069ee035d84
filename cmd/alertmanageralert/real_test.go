package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/cmd/internal/alert"
	"github.com/vigilance-go/vigilance/cmd/internal/check/checktest"
	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/listener/listenertest"
	"github.com/vigilance-go/vigilance/notify/alertmanager/alertmanagertest"
)

// A program that cannot be started fires in a real Alertmanager, and resolves
// when it runs: each is delivered to a webhook once.
func TestUnderSupervisordWithARealAlertmanager(t *testing.T) {
	checktest.Daemons(t, func(t *testing.T, supervisord string) {
		hook := alertmanagertest.NewReceiver(t)
		a := alertmanagertest.Start(t, hook.URL, "")
		daemon := checktest.Start(t, supervisord, fmt.Sprintf(`
[program:shop]
command=/bin/sh -c 'test -e DIR/good || exit 3; exec sleep 1000'
startsecs=1
startretries=0

[eventlistener:am]
command=TOOL -a -u %s --spool DIR/spool --recovered 1s --log-lines 0
events=PROCESS_STATE
environment=ENV
stderr_logfile=DIR/tool.err
`, a.URL))
		on := " on " + alert.Host()
		fired := "firing ProcessFatal shop: shop could not be started (FATAL)" + on + ": exit status 3"
		hook.Expect(t, 0, fired)
		if err := os.WriteFile(filepath.Join(daemon.Dir, "good"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := daemon.StartProcess(t.Context(), "shop"); err != nil {
			t.Fatal(err)
		}
		hook.Expect(t, 2*time.Second, fired, "resolved ProcessFatal shop: shop could not be started (FATAL)"+on+": exit status 3")
	})
}

// A pair delivers each alert once, also when one of the two is killed.
func TestRealPairDeliversOnceThoughOneIsKilled(t *testing.T) {
	hook := alertmanagertest.NewReceiver(t)
	first, second := alertmanagertest.FreePort(t), alertmanagertest.FreePort(t)
	a := alertmanagertest.Start(t, hook.URL, first)
	b := alertmanagertest.Start(t, hook.URL, second, first)
	alertmanagertest.Until(t, "the cluster", func() bool { return len(a.Status()) == 2 && len(b.Status()) == 2 })
	dir := t.TempDir()
	cmd := checktest.Command("-a", "-u", a.URL, "-u", b.URL, "--spool", dir, "--recovered", "100ms", "--silence-file", filepath.Join(dir, "silence"))
	cmd.Env = append(cmd.Env, "SUPERVISOR_ENABLED=1", "SUPERVISOR_GROUP_NAME=am")
	daemon := listenertest.StartCommand(t, cmd)
	on := " could not be started (FATAL) on " + alert.Host()
	daemon.Deliver(state(listener.ProcessStateFatal, "cat", 0), listener.ResultOK)
	daemon.Deliver(state(listener.ProcessStateFatal, "dog", 0), listener.ResultOK)
	want := []string{"firing ProcessFatal cat: cat" + on, "firing ProcessFatal dog: dog" + on}
	// The other one waits for 2 s before it delivers what was not delivered.
	hook.Expect(t, 4*time.Second, want...)

	// The one that delivers is the first by name.
	killed := a
	if b.PeerName(t) == slices.Min(a.Status()) {
		killed = b
	}
	killed.Kill()
	daemon.Deliver(state(listener.ProcessStateFatal, "fox", 0), listener.ResultOK)
	daemon.Deliver(state(listener.ProcessStateRunning, "cat", 7), listener.ResultOK)
	want = append(want, "firing ProcessFatal fox: fox"+on, "resolved ProcessFatal cat: cat"+on)
	hook.Expect(t, 4*time.Second, want...)
	if err := daemon.Close(); err != nil {
		t.Errorf("alertmanageralert ended with %v, want nil", err)
	}
}
