package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/cmd/internal/check/checktest"
	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/supervisor/ctl/client"
)

func TestMain(m *testing.M) { checktest.Main(m, main) }

func TestExitStatuses(t *testing.T) {
	const begins = "memmon [-c] [-p processname=byte_size]"
	ends := checktest.Endings(t)
	ends([]string{"-h"}, 0, begins, "")
	ends([]string{"-c", "--help"}, 0, begins, "")
	ends(nil, 255, begins, "Error: no options\n")
	ends([]string{"-z"}, 255, begins, "Error: option -z not recognized\n")
	ends([]string{"-a"}, 255, begins, "Error: option -a requires argument\n")
	ends([]string{"-p", "cat"}, 255, "Unparseable value 'cat' for '-p'\n"+begins, "")
	ends([]string{"--prog", "cat=1=2"}, 255, "Unparseable value 'cat=1=2' for '--program'\n"+begins, "")
	ends([]string{"-g", "cat=many"}, 255, "Unparseable byte_size in 'many' for '-g'\n"+begins, "")
	ends([]string{"-a1.5MB"}, 255, "Unparseable byte_size in '1.5MB' for '-a'\n"+begins, "")
	ends([]string{"-a", ""}, 255, "Unparseable byte_size in '' for '-a'\n"+begins, "")
	ends([]string{"--uptime=1y"}, 255, "Unparseable value for time in '1y' for --uptime\n"+begins, "")
	ends([]string{"-h", "-p", "cat"}, 0, begins, "")
	ends([]string{"-p", "cat", "-h"}, 255, "Unparseable value 'cat' for '-p'\n"+begins, "")
	ends([]string{"--measure", "vsz", "-c"}, 1, "", `memmon: read options: --measure "vsz", want one of ["rss" "pss" "uss" "cgroup"]`)
	ends([]string{"--warn", "101"}, 255, begins, `Error: --warn "101", want a percentage such as 80`)
	ends([]string{"--samples", "0"}, 255, begins, `Error: --samples "0", want a number of 1 or more`)
	ends([]string{"--growth", "fast"}, 255, begins, `Error: --growth "fast", want a size such as 100MB`)
	ends([]string{"-a", "1GB"}, 1, "", "memmon must be run as a supervisor event listener\n")
	ends([]string{"--test"}, 1, "", "memmon: send a test mail: no recipient, want -m ADDRESS\n")
	ends([]string{"--check", "-a", "1GB"}, 0, "== options are good", "")
	ends([]string{"--version"}, 0, "", "")
}

func TestSizesAndSeconds(t *testing.T) {
	for text, want := range map[string]int64{
		"10000": 10000, "10KB": 10240, "1mb": 1 << 20, "2Gb": 2 << 30, "1 MB": 1 << 20, "1_0kb": 10240, "0": 0,
	} {
		if got, err := parseSize("-a", text); got != want || err != nil {
			t.Errorf("parseSize(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
	for text, want := range map[string]int64{"1": 1, "1s": 1, "2m": 120, "3h": 10800, "1D": 86400} {
		if got, err := parseSeconds(text); got != want || err != nil {
			t.Errorf("parseSeconds(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
}

// sleeper starts a process that does nothing until the test ends.
func sleeper(t *testing.T) int {
	t.Helper()
	cmd := exec.Command("sleep", "1000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	})
	return cmd.Process.Pid
}

var (
	rss   = regexp.MustCompile(`(\bis |\bRSS |\buses |\()\d{5,}\b`)
	stamp = regexp.MustCompile(`at \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4} \S+ because`)
)

// generic replaces what no two runs share.
func generic(text string) string {
	return stamp.ReplaceAllString(rss.ReplaceAllString(text, "${1}N"), "at TIME because")
}

// The words of superlance, to the byte: what its own tests want, and what its
// source writes.
func TestWordsAreSuperlances(t *testing.T) {
	pid := sleeper(t)
	foo, bar, baz := checktest.Process("foo", "foo", pid), checktest.Process("bar", "bar", pid), checktest.Process("baz", "baz_01", pid)
	off := checktest.In(checktest.Process("off", "off", 0), client.Stopped, "STOPPED")
	gone := checktest.Process("gone", "gone", 1<<22-1)
	const huge = "9223372036854775807"
	restarted := func(name string) string {
		return "To: chrism@plope.com\nSubject: memmon: process " + name + " restarted\n\nmemmon.py restarted the process named " + name +
			" at TIME because it was consuming too much memory (N bytes RSS)"
	}
	for _, tt := range []struct {
		name   string
		args   []string
		stderr string
		mails  []string
	}{
		{"programs", []string{"-p", "foo=0"}, "Checking programs foo=0\nRSS of foo:foo is N\nRestarting foo:foo\n", []string{restarted("foo:foo")}},
		{"programs below", []string{"-p", "foo=" + huge}, "Checking programs foo=" + huge + "\nRSS of foo:foo is N\n", nil},
		{"groups", []string{"-g", "foo=0"}, "Checking groups foo=0\nRSS of foo:foo is N\nRestarting foo:foo\n", []string{restarted("foo:foo")}},
		{"groups below", []string{"-g", "foo=" + huge}, "Checking groups foo=" + huge + "\nRSS of foo:foo is N\n", nil},
		{"any", []string{"-a", "0KB"}, "Checking any=0\nRSS of foo:foo is N\nRSS of bar:bar is N\nRSS of baz:baz_01 is N\n" +
			"Restarting foo:foo\nRestarting bar:bar\nRestarting baz:baz_01\n",
			[]string{restarted("bar:bar"), restarted("baz:baz_01"), restarted("foo:foo")}},
		{"all kinds below", []string{"-p", "foo=1GB", "-p", "bar=2GB", "-g", "baz=1GB", "-a1GB"},
			"Checking programs bar=2147483648, foo=1073741824\nChecking groups baz=1073741824\nChecking any=1073741824\n" +
				"RSS of foo:foo is N\nRSS of foo:foo is N\nRSS of bar:bar is N\nRSS of bar:bar is N\nRSS of baz:baz_01 is N\nRSS of baz:baz_01 is N\n", nil},
		{"nothing", []string{"-c"}, "\n", nil},
		{"name", []string{"-p", "baz_01=0", "-n", "thinko"}, "Checking programs baz_01=0\nRSS of baz:baz_01 is N\nRestarting baz:baz_01\n",
			[]string{strings.Replace(restarted("baz:baz_01"), "memmon:", "memmon [thinko]:", 1)}},
		// superlance puts the name of the last -p or -g in its place.
		{"name before program", []string{"--name=thinko", "--group", "baz=0"}, "Checking groups baz=0\nRSS of baz:baz_01 is N\nRestarting baz:baz_01\n",
			[]string{strings.Replace(restarted("baz:baz_01"), "memmon:", "memmon [thinko]:", 1)}},
		{"short uptime", []string{"-p", "foo=0", "-u", "100"}, "Checking programs foo=0\nRSS of foo:foo is N\nRestarting foo:foo\n", []string{restarted("foo:foo")}},
		{"long uptime", []string{"-p", "foo=0", "-u", "99s"}, "Checking programs foo=0\nRSS of foo:foo is N\nRestarting foo:foo\n", nil},
		// superlance ends with a KeyError, which is why this is worth a test.
		{"group:name", []string{"-p", "baz:baz_01=0"}, "Checking programs baz:baz_01=0\nRSS of baz:baz_01 is N\nRestarting baz:baz_01\n", []string{restarted("baz:baz_01")}},
		// superlance restarts it three times.
		{"many limits", []string{"-p", "foo=0", "-p", "foo:foo=0", "-g", "foo=0", "-p", "f*=0"},
			"Checking programs f*=0, foo=0, foo:foo=0\nChecking groups foo=0\nRSS of foo:foo is N\nRestarting foo:foo\n", []string{restarted("foo:foo")}},
		{"second limit", []string{"-p", "foo=1GB", "-g", "foo=0"},
			"Checking programs foo=1073741824\nChecking groups foo=0\nRSS of foo:foo is N\nRSS of foo:foo is N\nRestarting foo:foo\n", []string{restarted("foo:foo")}},
		{"pattern", []string{"-p", "ba*=0"}, "Checking programs ba*=0\nRSS of bar:bar is N\nRSS of baz:baz_01 is N\nRestarting bar:bar\nRestarting baz:baz_01\n",
			[]string{restarted("bar:bar"), restarted("baz:baz_01")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			fake := checktest.NewFake(t, foo, bar, baz, off, gone)
			tool := checktest.Listen(t, fake, append([]string{"-m", "chrism@plope.com"}, tt.args...)...)
			tool.Deliver(listener.ProcessState{EventType: listener.ProcessStateExited, ProcessName: "foo", GroupName: "foo"}, listener.ResultOK)
			tool.Tick()
			last := strings.TrimSpace(tt.stderr[strings.LastIndex(tt.stderr[:len(tt.stderr)-1], "\n")+1:])
			checktest.Until(t, "the pass", func() bool {
				return fake.Asked() == 1 && strings.Contains(generic(tool.Stderr()), last)
			}, tool.Stderr)
			restarts := strings.Count(tt.stderr, "Restarting ")
			checktest.Until(t, "the restarts", func() bool { return len(fake.Calls()) == 2*restarts })
			mails := tool.End()
			for i := range mails {
				mails[i] = generic(mails[i])
			}
			slices.Sort(mails)
			if !slices.Equal(mails, tt.mails) {
				t.Errorf("mails = %q, want %q", mails, tt.mails)
			}
			if got := generic(tool.Stderr()); got != tt.stderr {
				t.Errorf("standard error = %q, want %q", got, tt.stderr)
			}
		})
	}
}

// superlance ends when a process cannot be stopped or started.
func TestFailedRestartIsToldOnceAndMemmonGoesOn(t *testing.T) {
	pid := sleeper(t)
	for _, tt := range []struct{ call, subject, body string }{
		{"stopProcess foo:foo", "failed to stop process foo:foo", "Failed to stop process foo:foo (RSS N): <Fault 10: 'BAD_NAME'>"},
		{"startProcess foo:foo", "failed to start process foo:foo", "Failed to start process foo:foo after stopping it: <Fault 10: 'BAD_NAME'>"},
	} {
		fake := checktest.NewFake(t, checktest.Process("foo", "foo", pid))
		fake.Refuse(tt.call, 10, "BAD_NAME")
		tool := checktest.Listen(t, fake, "-a", "0", "-u", "1", "-m", "a@b")
		checktest.Until(t, "two failures", func() bool {
			tool.Tick()
			return strings.Count(tool.Stderr(), "Failed to ") >= 2
		}, tool.Stderr)
		mails := tool.End()
		if want := "To: a@b\nSubject: memmon: " + tt.subject + "\n\n" + tt.body; len(mails) != 1 || generic(mails[0]) != want {
			t.Errorf("%s fails: mails = %q, want one: %q", tt.call, mails, want)
		}
	}
}

// passes ticks until there were n passes.
func passes(t *testing.T, tool *checktest.Listener, fake *checktest.Fake, n int) {
	t.Helper()
	checktest.Until(t, fmt.Sprint(n, " passes"), func() bool {
		if fake.Asked() < n {
			tool.Tick()
		}
		return fake.Asked() >= n
	}, tool.Stderr)
}

// A restart that takes long delays neither events nor passes nor the restart of
// others, and is not begun twice.
func TestRestartsBlockNothing(t *testing.T) {
	pid := sleeper(t)
	fake := checktest.NewFake(t, checktest.Process("slow", "slow", pid), checktest.Process("fast", "fast", pid))
	release := fake.Hold("stopProcess slow:slow")
	tool := checktest.Listen(t, fake, "-a", "0", "-m", "a@b")
	start := time.Now()
	tool.Tick()
	checktest.Until(t, "the restart of fast", func() bool { return slices.Contains(fake.Calls(), "startProcess fast:fast") })
	passes(t, tool, fake, 5)
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("five passes took %v during a restart, want no waiting", took)
	}
	stops := 0
	for _, call := range fake.Calls() {
		if call == "stopProcess slow:slow" {
			stops++
		}
	}
	if stops != 1 {
		t.Errorf("calls = %q, want one stopProcess slow:slow", fake.Calls())
	}
	release()
	checktest.Until(t, "the start of slow", func() bool { return slices.Contains(fake.Calls(), "startProcess slow:slow") })
	tool.End()
}

func TestSamplesWarningLimitAndDryRun(t *testing.T) {
	pid := sleeper(t)
	foo := checktest.Process("foo", "foo", pid)
	for _, tt := range []struct {
		args   []string
		passes int
		calls  int
		mails  []string // how they begin, after the recipient
	}{
		{[]string{"-a", "0", "--samples", "3"}, 2, 0, nil},
		{[]string{"-a", "0", "--samples", "3"}, 3, 2, []string{"Subject: memmon: process foo:foo restarted\n\nmemmon.py restarted"}},
		{[]string{"-a", "1GB", "--warn", "80%"}, 3, 0, nil},
		{[]string{"-a", "100MB", "--warn", "1%"}, 3, 0, []string{"Subject: memmon: process foo:foo is near its limit\n\n" +
			"foo:foo uses N bytes RSS, more than 1% of its limit of 104857600 bytes. It is restarted above the limit."}},
		{[]string{"-a", "0", "--dry-run"}, 3, 0, []string{"Subject: memmon: process foo:foo would be restarted\n\n" +
			"foo:foo is consuming too much memory (N bytes RSS). It is not restarted, because of --dry-run."}},
		{[]string{"-a", "0", "--restart-limit", "1/10m", "-u", "1"}, 4, 2, []string{"Subject: memmon: process foo:foo NOT restarted\n\n" +
			"foo:foo is consuming too much memory (N bytes RSS), but it was restarted once within 10m."}},
		{[]string{"-a", "0", "--external-restart", "echo did"}, 1, 0, []string{"Subject: memmon: process foo:foo restarted\n\n" +
			"memmon.py restarted the process named foo:foo at TIME because it was consuming too much memory (N bytes RSS)\n\n" +
			"Output of the command:\n\ndid foo:foo " + fmt.Sprint(pid) + "\n"}},
	} {
		fake := checktest.NewFake(t, foo)
		tool := checktest.Listen(t, fake, append([]string{"-m", "a@b"}, tt.args...)...)
		for n := range tt.passes {
			passes(t, tool, fake, n+1)
			if n == 0 && slices.Contains(tt.args, "--restart-limit") {
				// The process that comes after it has another pid.
				checktest.Until(t, "the restart", func() bool { return len(fake.Calls()) == 2 })
				other := foo
				other.PID = sleeper(t)
				fake.Set(other)
			}
		}
		if len(tt.mails) > 0 {
			tool.WaitMails(len(tt.mails))
		}
		mails := tool.End()
		ok := len(mails) == len(tt.mails) && len(fake.Calls()) == tt.calls
		for i := range mails {
			ok = ok && strings.HasPrefix(generic(mails[i]), "To: a@b\n"+tt.mails[i])
		}
		if !ok {
			t.Errorf("memmon %q, %d passes: mails = %q, calls = %q; want %q and %d calls", tt.args, tt.passes, mails, fake.Calls(), tt.mails, tt.calls)
		}
	}
}

func TestMemmonDoesNotRestartItself(t *testing.T) {
	fake := checktest.NewFake(t, checktest.Process("thislistener", "thislistener", os.Getpid()))
	tool := checktest.Listen(t, fake, "-a", "0", "-m", "a@b")
	passes(t, tool, fake, 3)
	tool.WaitStderr("RSS of thislistener:thislistener is ", 2)
	if mails := tool.End(); len(mails) != 0 || len(fake.Calls()) != 0 || strings.Count(tool.Stderr(), "does not restart itself") != 1 {
		t.Errorf("mails = %q, calls = %q, standard error = %q; want none, and one warning", mails, fake.Calls(), tool.Stderr())
	}
}

func TestHistoryMeasuresGrowthOverAnHour(t *testing.T) {
	var h history
	start := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	for minute := range 200 {
		now := start.Add(time.Duration(minute) * time.Minute)
		from, age, ok := h.add(now, int64(minute))
		wantOK := minute >= 30
		wantAge := min(time.Duration(minute)*time.Minute, time.Hour)
		if ok != wantOK || age > time.Hour || age < wantAge-growthStep || from != int64(minute)-int64(age/time.Minute) {
			t.Fatalf("minute %d: add = %d, %v, %v; want %v, about %v, and the size at that time", minute, from, age, ok, wantOK, wantAge)
		}
	}
	if len(h.At) > 14 {
		t.Errorf("sizes kept = %d, want at most 14", len(h.At))
	}
}

// growth is measured over half an hour at least, so a memmon before has noted the
// first size, and was killed. What else may stand in its file does no harm.
func TestGrowthIsToldAcrossAKill(t *testing.T) {
	p := checktest.Process("foo", "foo", sleeper(t))
	past := func(age time.Duration) string { return time.Now().Add(-age).Format(time.RFC3339) }
	saved := func(pid, start int, at string, size string) string {
		return fmt.Sprintf(`{"foo:foo":{"pid":%d,"start":%d,"growth":{"at":["%s"],"sizes":[%s],"when":"%[3]s"}},"x":null}`, pid, start, at, size)
	}
	for _, tt := range []struct {
		name, file string
		grown      bool
		warned     bool
	}{
		{"grown", saved(p.PID, p.Start, past(40*time.Minute), "0"), true, false},
		{"not long enough", saved(p.PID, p.Start, past(20*time.Minute), "0"), false, false},
		{"not enough", saved(p.PID, p.Start, past(40*time.Minute), "1000000000000"), false, false},
		{"another process", saved(p.PID+1, p.Start, past(40*time.Minute), "0"), false, false},
		{"the same pid, another start", saved(p.PID, p.Start-1, past(40*time.Minute), "0"), false, false},
		{"a clock set back", saved(p.PID, p.Start, past(-time.Hour), "0"), false, false},
		{"times without sizes", saved(p.PID, p.Start, past(40*time.Minute), ""), false, false},
		{"cut off", saved(p.PID, p.Start, past(40*time.Minute), "0")[:50], false, true},
		{"noise", "\x00\xff{{", false, true},
		{"empty", "", false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			spool := t.TempDir()
			file := filepath.Join(spool, "thislistener", "processes.json")
			if err := os.Mkdir(filepath.Dir(file), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(tt.file), 0o600); err != nil {
				t.Fatal(err)
			}
			fake := checktest.NewFake(t, p)
			tool := checktest.Listen(t, fake, "-m", "a@b", "--growth", "100KB", "--spool", spool)
			checktest.Until(t, "a pass", func() bool { tool.Tick(); return fake.Asked() >= 2 }, tool.Stderr)
			if tt.grown {
				checktest.Until(t, "that it is told to be noted", func() bool {
					now, err := os.ReadFile(file)
					return err == nil && strings.Contains(string(now), `"told":true`)
				}, tool.Stderr)
				tool.KillAfterMail(1)
			} else {
				tool.End()
			}
			mails := tool.Mails()
			grown := len(mails) == 1 && strings.Contains(mails[0], "Subject: memmon: process foo:foo is growing\n\nfoo:foo has grown from 0 to ")
			if grown != tt.grown || !tt.grown && len(mails) != 0 || strings.Contains(tool.Stderr(), "cannot read what was remembered") != tt.warned {
				t.Errorf("mails = %q, standard error = %q; want growth told: %v, a warning: %v", mails, tool.Stderr(), tt.grown, tt.warned)
			}
			if !tt.grown {
				return
			}
			next := checktest.Listen(t, fake, "-m", "a@b", "--growth", "100KB", "--spool", spool)
			asked := fake.Asked()
			checktest.Until(t, "three more passes", func() bool { next.Tick(); return fake.Asked() >= asked+3 })
			if mails := next.End(); len(mails) != 0 {
				t.Errorf("mails of the next memmon = %q, want none: it is told once an hour", mails)
			}
		})
	}
}

// The mail is sent after the restart; when memmon is killed before that, the next
// one sends it, unless -u says that there is none.
func TestMailIsSentThoughMemmonIsKilledDuringTheRestart(t *testing.T) {
	foo := checktest.Process("foo", "foo", sleeper(t))
	for uptime, mails := range map[string][]string{
		"1h": {`To: a@b\nSubject: memmon: process foo:foo restarted\n\nmemmon\.py restarted the process named foo:foo at .* ` +
			`because it was consuming too much memory \(\d+ bytes RSS\)\nmemmon was ended before it knew what became of foo:foo`},
		"1m": nil,
	} {
		checktest.KilledDuringRestart(t, "stopProcess foo:foo", []client.ProcessInfo{foo}, mails, "-p", "foo=0", "-u", uptime, "-m", "a@b")
	}
}
