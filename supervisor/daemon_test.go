package supervisor

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/supervisor/config"
	"github.com/vigilance-go/vigilance/supervisor/process"
)

func TestDaemonStartsAndStopsByPriority(t *testing.T) {
	first := program("first", "sleep 100", quick, func(p *config.Program) { p.Priority = 1 })
	last := program("last", "sleep 100", quick, func(p *config.Program) { p.Priority = 5 })
	r := start(t, alone(first), alone(last))
	r.untilState("last", process.Running)
	if got := r.stop(syscall.SIGTERM); got != OutcomeShutdown {
		t.Errorf("Run() = %v, want OutcomeShutdown", got)
	}
	r.log.Close()
	var got []string
	for line := range strings.Lines(r.readLog()) {
		if !strings.HasPrefix(line, "DEBG") {
			got = append(got, strings.TrimSuffix(line, "\n"))
		}
	}
	want := []string{
		"INFO spawned: 'first' with pid N",
		"INFO success: first entered RUNNING state, process has stayed up for > than 0 seconds (startsecs)",
		"INFO spawned: 'last' with pid N",
		"INFO success: last entered RUNNING state, process has stayed up for > than 0 seconds (startsecs)",
		"WARN received SIGTERM indicating exit request",
		"INFO waiting for first, last to die",
		"WARN stopped: last (terminated by SIGTERM)",
		"WARN stopped: first (terminated by SIGTERM)",
	}
	if !slices.Equal(got, want) {
		t.Errorf("log:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestDaemonRestartsAtOnce(t *testing.T) {
	r := start(t, alone(program("web", "sleep 100", quick)))
	before := r.untilState("web", process.Running)
	died := time.Now()
	if err := syscall.Kill(before.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	r.until("web runs again", func() bool {
		i := r.info("web")
		return i.State == process.Running && i.PID != before.PID
	})
	t.Logf("kill to running again: %v", time.Since(died))
	r.untilLog("WARN exited: web (terminated by SIGKILL; not expected)")
}

func TestDaemonLosesNoEarlyDeath(t *testing.T) {
	var groups []*config.Group
	const n = 60
	for i := range n {
		groups = append(groups, alone(program(fmt.Sprintf("p%02d", i), "/bin/true", quick)))
	}
	r := start(t, groups...)
	for i := range n {
		r.untilState(fmt.Sprintf("p%02d", i), process.Exited)
	}
	if strings.Contains(r.readLog(), "reaped unknown pid") {
		t.Errorf("a child was taken for a stranger:\n%s", r.readLog())
	}
}

func TestDaemonGivesUpOnMissingCommand(t *testing.T) {
	r := start(t, alone(program("ghost", "/no/such/file", func(p *config.Program) { p.StartRetries = 0 })))
	i := r.untilState("ghost", process.Fatal)
	if want := "can't find command '/no/such/file'"; i.Description() != want {
		t.Errorf("Description() = %q, want %q", i.Description(), want)
	}
	r.untilLog("INFO spawnerr: can't find command '/no/such/file'")
	r.untilLog("INFO gave up: ghost entered FATAL state, too many start retries too quickly")
}

func TestDaemonLogsOutput(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) config.Log {
		return config.Log{Target: config.LogFile, File: filepath.Join(dir, name)}
	}
	r := start(t,
		alone(program("both", `sh -c "echo out; echo err >&2"`, quick, func(p *config.Program) {
			p.Stdout, p.Stderr = file("both.out"), file("both.err")
		})),
		alone(program("joined", `sh -c "echo out; echo err >&2"`, quick, func(p *config.Program) {
			p.Stdout, p.RedirectStderr = file("joined.out"), true
		})))
	r.untilState("both", process.Exited)
	r.untilState("joined", process.Exited)
	for name, want := range map[string]string{"both.out": "out\n", "both.err": "err\n", "joined.out": "out\nerr\n"} {
		if got := r.read(filepath.Join(dir, name)); got != want {
			t.Errorf("%s holds %q, want %q", name, got, want)
		}
	}
}

func TestDaemonTellsChildAboutItself(t *testing.T) {
	out := filepath.Join(t.TempDir(), "env")
	r := start(t, alone(program("env", "env", quick, func(p *config.Program) {
		p.Stdout = config.Log{Target: config.LogFile, File: out}
		p.Environment = map[string]string{"COLOUR": "blue", "PATH": "/usr/bin:/bin"}
		p.ServerURL = "http://localhost:9001"
	})))
	r.untilState("env", process.Exited)
	got := strings.Split(r.read(out), "\n")
	for _, want := range []string{
		"SUPERVISOR_ENABLED=1", "SUPERVISOR_PROCESS_NAME=env", "SUPERVISOR_GROUP_NAME=env",
		"SUPERVISOR_SERVER_URL=http://localhost:9001", "COLOUR=blue", "PATH=/usr/bin:/bin",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("environment lacks %q:\n%s", want, strings.Join(got, "\n"))
		}
	}
}

func TestDaemonEndsThoughGrandchildKeepsPipe(t *testing.T) {
	r := start(t, alone(program("parent", `sh -c "sleep 100 & exit 0"`, quick, func(p *config.Program) {
		p.Stdout = config.Log{Target: config.LogFile, File: filepath.Join(t.TempDir(), "log")}
		p.KillAsGroup = true
	})))
	began := time.Now()
	i := r.untilState("parent", process.Exited)
	if took := time.Since(began); took > drainTime {
		t.Errorf("the exit was learned after %v: the drain waited for a grandchild", took)
	}
	if i.ExitStatus != 0 {
		t.Errorf("ExitStatus = %d, want 0", i.ExitStatus)
	}
}

func TestDaemonRestartOutcome(t *testing.T) {
	r := start(t, alone(program("web", "sleep 100", quick)))
	r.untilState("web", process.Running)
	if got := r.stop(syscall.SIGHUP); got != OutcomeRestart {
		t.Errorf("Run() = %v, want OutcomeRestart", got)
	}
}

func TestDaemonKillsWhatIgnoresTerm(t *testing.T) {
	r := start(t, alone(program("deaf", `sh -c "trap '' TERM; while :; do sleep 1; done"`, func(p *config.Program) {
		p.StopWaitSecs = time.Second
		p.KillAsGroup = true
	})))
	r.untilState("deaf", process.Running)
	r.stop(syscall.SIGTERM)
	r.log.Close()
	for _, want := range []string{"WARN killing 'deaf' (N) with SIGKILL", "WARN stopped: deaf (terminated by SIGKILL)"} {
		if !strings.Contains(r.readLog(), want) {
			t.Errorf("log lacks %q:\n%s", want, r.readLog())
		}
	}
}

func TestDaemonSaysOnceThatALogCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "gone", "web.log")
	r := start(t, alone(program("web", "sh -c 'echo hello; sleep 0.01'", quick, func(p *config.Program) {
		p.AutoRestart = config.RestartAlways
		p.Stdout = config.Log{Target: config.LogFile, File: log}
	})))
	r.until("web has crashed four times", func() bool { return strings.Count(r.readLog(), "INFO exited: web") >= 4 })
	if got := strings.Count(r.readLog(), "could not write log '"+log+"'"); got != 1 {
		t.Errorf("the log was said to be unwritable %d times, want once:\n%s", got, r.readLog())
	}
	if err := os.Mkdir(filepath.Dir(log), 0o700); err != nil {
		t.Fatal(err)
	}
	r.untilLog("log '" + log + "' can be written again: ")
}
