package chaos

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/supervisor/ctl/client"
)

// TestLimitsUsedUp takes descriptors, then processes away from the daemon, and
// gives them back.
func TestLimitsUsedUp(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("needs root, to run a daemon as a user of its own")
	}
	for i, limit := range []string{"nofile", "nproc"} {
		t.Run(limit, func(t *testing.T) {
			t.Parallel()
			r := account(t, "limit of "+limit+" used up", "20 programs that die all the time")
			user := &syscall.Credential{Uid: uint32(60001 + i), Gid: uint32(60001 + i)} // one without any other process
			dir, err := os.MkdirTemp("", "chaos-")
			if err == nil {
				err = os.Chown(dir, int(user.Uid), int(user.Gid))
			}
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.RemoveAll(dir) })
			d := start(t, spec{
				dir:     dir,
				options: "minprocs=10\nminfds=10\nsilent=true",
				attr:    syscall.SysProcAttr{Credential: user},
				config: "[program:dies]\ncommand=sleep 0.2\nautorestart=true\nstartsecs=0\nstartretries=1000000\nnumprocs=20\nprocess_name=d%(process_num)d\n" +
					"[program:lives]\ncommand=sleep 1000\nstartsecs=0\nnumprocs=3\nprocess_name=l%(process_num)d\n",
			})
			before := d.vitals()
			for range scale(2, 10) {
				setLimit(t, d, user, limit, 5)
				r.faults++
				<-time.After(span(1500*time.Millisecond, 0)) // the fault is kept up
				if !d.alive() {
					t.Fatalf("the daemon died of it; standard error:\n%s", last(d.read("err"), 3000))
				}
				setLimit(t, d, user, limit, 1000)
				d.until("all to be born again", func() bool {
					return !slices.ContainsFunc(d.infos(), func(i client.ProcessInfo) bool {
						return i.StateName != "RUNNING" && i.StateName != "STARTING" && i.StateName != "EXITED"
					})
				})
			}
			if text := d.read("supervisord.log"); !strings.Contains(text, "spawnerr") {
				t.Errorf("no spawn failed: the test tests nothing")
			}
			before.fds += 60 // of the programs that are between two lives at one time and not at another
			before.goroutines += 40
			r.closeBooks(d, before)
			d.end()
		})
	}
}

// setLimit sets the daemon's soft limit, as only its own user may.
func setLimit(t *testing.T, d *daemon, user *syscall.Credential, limit string, value int) {
	t.Helper()
	cmd := exec.Command("prlimit", "--pid", fmt.Sprint(d.pid()), fmt.Sprintf("--%s=%d:", limit, value))
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: user}
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("set limit: %v: %s", err, said)
	}
}
