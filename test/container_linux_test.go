package test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/test/peer"
)

// TestAsFirstProcess runs the daemon as PID 1 of a container, where it inherits
// and reaps the orphans of its programs.
func TestAsFirstProcess(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("needs root, to make a PID namespace")
	}
	want, got := runBoth(t, scenario{
		namespace: true,
		config:    "[program:parent]\ncommand=/bin/sh %(here)s/parent.sh\n",
		files:     map[string]string{"parent.sh": "(sleep 1.5; exit 7) &\nsh -c 'sleep 1.7; kill -KILL $$' &\nsleep 1.2\nexit 0\n"},
		drive:     func(d *peer.Daemon) error { return d.WaitLog("reaped unknown pid", 2) },
	})
	// A log of PID 1 says so, which tells that this test is not in vain.
	if text, err := os.ReadFile(got.daemon.Path("supervisord.log")); err != nil || !strings.Contains(string(text), "started with pid 1\n") {
		t.Errorf("supervisord.log: %v, %q, want that the daemon has pid 1", err, text)
	}
	sameLines(t, "supervisord.log", want.log, got.log)
}

// TestIdleDaemonUsesNoCPU: with nothing to do, the daemon does nothing.
func TestIdleDaemonUsesNoCPU(t *testing.T) {
	t.Parallel()
	runOurs(t, scenario{
		config: "[program:quiet]\ncommand=sleep 1000\nnumprocs=10\nprocess_name=%(program_name)s_%(process_num)d\n",
		drive: func(d *peer.Daemon) error {
			if err := d.WaitLog("success: ", 10); err != nil {
				return err
			}
			before, err := ticks(d.PID())
			if err != nil {
				return err
			}
			<-time.After(3 * time.Second) // the span that is measured
			after, err := ticks(d.PID())
			if err != nil {
				return err
			}
			// A tick is 10 ms; the runtime's own threads may use one now and then.
			if used := after - before; used > 2 && os.Getenv("VIGILANCE_SUPERVISORD") == "" {
				t.Errorf("an idle daemon used %d ticks of CPU in 3 seconds, want 2 at most", used)
			}
			return nil
		},
	})
}

// ticks returns the CPU time that a process has used, in clock ticks.
func ticks(pid int) (int, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The fields after the parenthesised name begin with the third.
	fields := strings.Fields(string(stat[strings.LastIndex(string(stat), ")")+1:]))
	const utime, stime = 14 - 3, 15 - 3
	if len(fields) <= stime {
		return 0, fmt.Errorf("read CPU time: %q has %d fields, want more than %d", stat, len(fields), stime)
	}
	sum := 0
	for _, field := range []int{utime, stime} {
		n, err := strconv.Atoi(fields[field])
		if err != nil {
			return 0, fmt.Errorf("read CPU time: %w", err)
		}
		sum += n
	}
	return sum, nil
}

// TestFullDiskNeverBlocksAProgram: a program whose log cannot be written runs on
// to its end, and the daemon says once what is wrong.
func TestFullDiskNeverBlocksAProgram(t *testing.T) {
	t.Parallel()
	got := runOurs(t, scenario{
		config: "[program:writer]\ncommand=/bin/sh %(here)s/writer.sh\nautorestart=false\n" +
			"stdout_logfile=/dev/full\nstdout_logfile_maxbytes=0\n",
		files: map[string]string{"writer.sh": "for i in 1 2 3 4 5; do head -c 200000 /dev/zero; sleep 0.3; done\necho done >out/writer.done\n"},
		drive: func(d *peer.Daemon) error { return d.WaitLog("exited: writer", 1) },
	})
	if got.out["writer.done"] != "done\n" {
		t.Errorf("the program has written %q, want that it came to its end", got.out["writer.done"])
	}
	sameLines(t, "the program's end", []string{"INFO exited: writer (exit status 0; expected)"}, having(got.log, "exited: "))
	if lines := having(having(got.log, "/dev/full"), "no space left on device"); len(lines) != 1 {
		t.Errorf("supervisord.log says %q of the full disk, want one line", lines)
	}
}
