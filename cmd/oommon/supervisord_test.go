package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/cmd/internal/check/checktest"
	"github.com/vigilance-go/vigilance/cmd/internal/memory"
)

// glutton starts a child that takes more memory than it may, and goes on when
// that was killed. Only the first one, so that there is one kill.
const glutton = `
import os, sys, time
first = not os.path.exists(sys.argv[1])
open(sys.argv[1], 'w').close()
if first and os.fork() == 0:
    time.sleep(7) # until it was looked at
    hold = bytearray(300 << 20)
    time.sleep(1000)
time.sleep(1000)
`

// cage makes a memory cgroup in which 100 MiB may be used. It skips the test
// where this process may not.
func cage(t *testing.T) string {
	t.Helper()
	own, err := memory.CgroupOf(os.Getpid())
	if err != nil {
		t.Skipf("no cgroup to make one in: %v", err)
	}
	var reasons []string
	for _, above := range []string{own.Dir, "/sys/fs/cgroup"} {
		dir := filepath.Join(above, fmt.Sprintf("vigilance-test-%d-%d", os.Getpid(), time.Now().UnixNano()))
		if err := os.Mkdir(dir, 0o755); err != nil {
			reasons = append(reasons, err.Error())
			continue
		}
		for _, limit := range []string{"memory.max", "memory.limit_in_bytes"} {
			file := filepath.Join(dir, limit)
			if _, err := os.Stat(file); err != nil {
				continue
			}
			if err := os.WriteFile(file, []byte("104857600"), 0o600); err == nil {
				t.Cleanup(func() {
					// Its processes are on their way out.
					checktest.Until(t, "the cgroup to be empty", func() bool { return os.Remove(dir) == nil })
				})
				return dir
			}
		}
		_ = os.Remove(dir)
		reasons = append(reasons, dir+" has no limit that can be set")
	}
	t.Skipf("no cgroup with a limit can be made, which needs root: %s", strings.Join(reasons, "; "))
	return ""
}

// A real child of a real program is killed by the real OOM killer; the program
// is restarted, and a mail names the child.
func TestUnderSupervisordWithARealKill(t *testing.T) {
	if _, err := exec.LookPath("/usr/bin/python3"); err != nil {
		const missing = "no /usr/bin/python3: needs Debian's package python3"
		if os.Getenv("VIGILANCE_REQUIRE_PEERS") == "1" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	script := filepath.Join(t.TempDir(), "glutton.py")
	if err := os.WriteFile(script, []byte(glutton), 0o600); err != nil {
		t.Fatal(err)
	}
	checktest.Daemons(t, func(t *testing.T, supervisord string) {
		dir := cage(t)
		daemon := checktest.Start(t, supervisord, `
[program:shop]
command=/bin/sh -c "echo $$ > `+dir+`/cgroup.procs; exec /usr/bin/python3 `+script+` DIR/first"
startsecs=0
stopasgroup=true
killasgroup=true

[eventlistener:oommon]
command=TOOL -a -m ops@example.com --spool DIR/spool -s "cat - > DIR/mail.$$; echo >> DIR/mail.$$; cat DIR/mail.$$ >> DIR/mail"
events=PROCESS_STATE_EXITED,TICK_5
environment=ENV
stderr_logfile=DIR/tool.err
`)
		before := daemon.Running("shop", 0)
		daemon.Until("a mail", func() bool { return daemon.Read("mail") != "" })
		daemon.Running("shop", before.PID)
		got := daemon.Read("mail")
		want := `^To: ops@example.com\nSubject: oommon: a process of shop was killed by the OOM killer\n\n` +
			`(Process \d+ \(python3\) of shop was killed by the OOM killer:\n.*[Oo]ut of memory.*Killed process.*\n` +
			`|The OOM killer has killed a process of shop, in its cgroup .*\n)` +
			`shop is in RUNNING state, restarting\nshop restarted\n$`
		if !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("mail = %q, want it to match %q", got, want)
		}
	})
}
