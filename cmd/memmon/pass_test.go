package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/cmd/internal/alert"
	"github.com/vigilance-go/vigilance/cmd/internal/check"
	"github.com/vigilance-go/vigilance/cmd/internal/check/checktest"
	"github.com/vigilance-go/vigilance/cmd/internal/memory"
	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/supervisor/ctl/client"
)

// herd starts n processes that do nothing until the test ends.
func herd(t testing.TB, n int) []int {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-c", fmt.Sprintf("for i in $(seq %d); do sleep 1000 >/dev/null & echo $!; done; wait", n))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait() // it was killed
	})
	var pids []int
	for lines := bufio.NewScanner(out); len(pids) < n && lines.Scan(); {
		pid, err := strconv.Atoi(lines.Text())
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	return pids
}

// watching returns a memmon over processes with those pids, at a Fake.
func watching(t testing.TB, pids []int, cumulative bool) *memmon {
	t.Helper()
	processes := make([]client.ProcessInfo, len(pids))
	for i, pid := range pids {
		processes[i] = checktest.Process("herd", fmt.Sprintf("herd_%04d", i), pid)
		processes[i].Description = "pid 12345, uptime 1 day, 3:14:15"
	}
	o := options{limits: newLimits(), measure: memory.RSS, samples: 1, cumulative: cumulative, now: time.Now}
	o.any, o.hasAny = 1<<40, true
	o.Env = listener.Environment{ServerURL: checktest.NewFake(t, processes...).URL}
	station, err := check.NewStation(t.Context(), o.Options, alert.NewStderr(io.Discard))
	if err != nil {
		t.Fatal(err)
	}
	meter, err := memory.NewMeter(o.measure, cumulative)
	if err != nil {
		t.Fatal(err)
	}
	return &memmon{options: o, station: station, meter: meter, known: map[string]*record{}}
}

// cost is what a piece of work takes.
type cost struct{ wall, cpu time.Duration }

func (c cost) String() string { return fmt.Sprintf("%v (%v of CPU)", c.wall, c.cpu) }

// least returns the least that some runs take: what the work takes where nothing
// else runs.
func least(t *testing.T, runs int, run func()) cost {
	t.Helper()
	best := cost{time.Hour, time.Hour}
	for range runs {
		start, used := time.Now(), cpu(t)
		run()
		best = cost{min(best.wall, time.Since(start)), min(best.cpu, cpu(t)-used)}
	}
	return best
}

// cpu returns how much CPU time this process has used.
func cpu(t *testing.T) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// A pass over 1,000 processes takes at most 20 ms of CPU time, which on an idle
// machine is what it takes: the daemon's answer, which is sent and read here, the
// reading of /proc, and the comparison.
func TestPassOverAThousandProcesses(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("it is measured with Linux's /proc")
	}
	const n = 1000
	pids := herd(t, n)
	for _, cumulative := range []bool{false, true} {
		m := watching(t, pids, cumulative)
		whole := least(t, 15, func() { m.pass(t.Context()) })
		if len(m.known) != n {
			t.Fatalf("processes measured = %d, want %d", len(m.known), n)
		}
		read := least(t, 15, func() {
			if _, err := m.meter.Read(pids); err != nil {
				t.Fatal(err)
			}
		})
		allocations := testing.AllocsPerRun(5, func() { _, _ = m.meter.Read(pids) })
		t.Logf("%d processes, cumulative %v: a pass takes %v, of which %v to read /proc, with %.0f allocations",
			n, cumulative, whole, read, allocations)
		if limit := 20 * time.Millisecond * raceFactor; whole.cpu > limit {
			t.Errorf("cumulative %v: a pass takes %v, want at most %v", cumulative, whole, limit)
		}
		if limit := float64(8 * n); allocations > limit {
			t.Errorf("cumulative %v: allocations = %.0f, want at most %.0f", cumulative, allocations, limit)
		}
	}
}

// BenchmarkPass measures a pass over 1,000 real processes, from the question to
// the daemon to the comparison: at most 20 ms are wanted.
func BenchmarkPass(b *testing.B) {
	const n = 1000
	pids := herd(b, n)
	for name, cumulative := range map[string]bool{"rss": false, "cumulative": true} {
		b.Run(name, func(b *testing.B) {
			m := watching(b, pids, cumulative)
			fastest := time.Hour
			for b.Loop() {
				start := time.Now()
				m.pass(b.Context())
				fastest = min(fastest, time.Since(start))
			}
			if len(m.known) != n {
				b.Fatalf("processes measured = %d, want %d", len(m.known), n)
			}
			b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N), "ms/pass")
			b.ReportMetric(fastest.Seconds()*1000, "ms/fastest")
		})
	}
}

// eater is a program that takes memory, and starts a child that takes some too.
const eater = `
import subprocess, sys, time
hold = bytearray(int(sys.argv[1]) << 20)
child = len(sys.argv) > 2 and subprocess.Popen([sys.executable, __file__, sys.argv[2]])
time.sleep(1000)
`

// python returns the command that runs a script. A test skips where there is no
// Python, or fails where all must be there.
func python(t *testing.T, script string) string {
	t.Helper()
	const interpreter = "/usr/bin/python3"
	if _, err := exec.LookPath(interpreter); err != nil {
		const missing = "no " + interpreter + ": needs Debian's package python3"
		if os.Getenv("VIGILANCE_REQUIRE_PEERS") == "1" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	file := filepath.Join(t.TempDir(), "script.py")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	return interpreter + " " + file
}

// Real programs that take too much memory are restarted, by their own limit and
// by that of their group, with their children where asked for; others are not.
func TestUnderSupervisord(t *testing.T) {
	checktest.Daemons(t, func(t *testing.T, supervisord string) {
		daemon := checktest.Start(t, supervisord, strings.NewReplacer("EAT", python(t, eater)).Replace(`
[program:small]
command=EAT 1
startsecs=0

[program:large]
command=EAT 150
startsecs=0

[program:parent]
command=EAT 1 100
startsecs=0
stopasgroup=true
killasgroup=true

[group:pair]
programs=parent

[eventlistener:memmon]
command=TOOL -c -p large=100MB -p pair:parent=80MB -p small=60MB -a 1GB -n interop -m ops@example.com --spool DIR/spool -s "cat - > DIR/mail.$$; echo >> DIR/mail.$$; cat DIR/mail.$$ >> DIR/mail"
events=TICK_5
environment=ENV
stderr_logfile=DIR/tool.err
`))
		small, large, parent := daemon.Running("small", 0), daemon.Running("large", 0), daemon.Running("pair:parent", 0)
		daemon.Until("two mails", func() bool { return strings.Count(daemon.Read("mail"), "Subject:") >= 2 })
		daemon.Running("large", large.PID)
		daemon.Running("pair:parent", parent.PID)
		if now := daemon.Running("small", 0); now.PID != small.PID {
			t.Errorf("small's pid = %d, then %d; want that it is left alone", small.PID, now.PID)
		}
		mails := generic(daemon.Read("mail"))
		for _, name := range []string{"large:large", "pair:parent"} {
			want := "To: ops@example.com\nSubject: memmon [interop]: process " + name + " restarted\n\nmemmon.py restarted the process named " +
				name + " at TIME because it was consuming too much memory (N bytes RSS)\n"
			if !strings.Contains(mails, want) {
				t.Errorf("mails = %q, want %q among them", mails, want)
			}
		}
		lines := strings.Split(generic(daemon.Read("tool.err")), "\n")
		for _, want := range []string{
			"Checking programs large=104857600, pair:parent=83886080, small=62914560", "Checking any=1073741824",
			"RSS of small:small is N", "RSS of pair:parent is N", "Restarting pair:parent", "Restarting large:large",
		} {
			if !slices.Contains(lines, want) {
				t.Errorf("standard error = %q, want the line %q", lines, want)
			}
		}
	})
}
