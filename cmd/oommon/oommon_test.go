package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/vigilance-go/vigilance/cmd/internal/check/checktest"
	"github.com/vigilance-go/vigilance/supervisor/ctl/client"
)

func TestMain(m *testing.M) { checktest.Main(m, main) }

func TestExitStatuses(t *testing.T) {
	const begins = "oommon [-p processname] [-g groupname]"
	ends := checktest.Endings(t)
	ends([]string{"-h"}, 0, begins, "")
	ends([]string{"-z"}, 255, begins, "Error: option -z not recognized\n")
	ends([]string{"-a", "x"}, 255, begins, "Error: positional arguments are not supported: ['x']\n")
	ends([]string{"--sentinel", "/tmp/%(name)s"}, 255, begins, `Error: --sentinel "/tmp/%(name)s": "%(name)s" is not known`)
	ends([]string{"--sentinel", "50%"}, 255, begins, `Error: --sentinel "50%": "%" is not known`)
	ends([]string{"-a"}, 0, "", "oommon must be run as a supervisor event listener\n")
	ends([]string{"--test"}, 1, "", "oommon: send a test mail: no recipient, want -m ADDRESS\n")
	ends([]string{"--check", "-a", "-m", "x", "--smtp-host", "h"}, 1, "", `oommon: read recipient "x"`)
	ends([]string{"--check", "-a"}, 0, "== options are good", "")
	ends([]string{"--version"}, 0, "", "")
}

func TestSentinelTemplates(t *testing.T) {
	p := client.ProcessInfo{Name: "web_00", Group: "web", PID: 42}
	for text, want := range map[string]string{
		"/tmp/%(program)s.oom":                         "/tmp/web_00.oom",
		"/tmp/%(group_name)s/%(process_name)s.%(pid)d": "/tmp/web/web_00.42",
		"/tmp/100%%": "/tmp/100%",
	} {
		template, err := parseTemplate(text)
		if got, _ := template.expand(p); got != want || err != nil {
			t.Errorf("parseTemplate(%q) = %q, %v; want %q", text, got, err, want)
		}
	}
}

// A sentinel is acted on when it appears, and removed; a later one counts
// again.
func TestSentinelRestartsTheProcess(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "foo.oom")
	fake := checktest.NewFake(t, checktest.Process("web", "foo", os.Getpid()), checktest.Process("bar", "bar", os.Getpid()))
	tool := checktest.Listen(t, fake, "-g", "web", "--sentinel", filepath.Join(dir, "%(program)s.oom"), "-m", "a@b", "-n", "x")
	for round := 1; round <= 2; round++ {
		for _, name := range []string{file, filepath.Join(dir, "bar.oom")} {
			if err := os.WriteFile(name, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		checktest.Until(t, "the restart", func() bool {
			tool.Tick()
			return len(fake.Calls()) == 2*round
		}, tool.Stderr)
		if _, err := os.Stat(file); err == nil {
			t.Errorf("%s is still there, want it removed", file)
		}
		mails := tool.WaitMails(round)
		want := "To: a@b\nSubject: oommon [x]: process web:foo has run out of memory\n\nweb:foo has left " + file +
			": it ran out of memory\nweb:foo is in RUNNING state, restarting\nweb:foo restarted"
		if mails[round-1] != want {
			t.Errorf("mail = %q, want %q", mails[round-1], want)
		}
	}
	if mails := tool.End(); len(mails) != 2 || slices.Contains(fake.Calls(), "stopProcess bar") {
		t.Errorf("mails = %q, calls = %q; want two, and bar left alone", mails, fake.Calls())
	}
}

func TestSentinelThatIsNotRemovedIsToldOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "foo.oom")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, option := range []string{"--dry-run", "--alert-only"} {
		fake := checktest.NewFake(t, checktest.Process("foo", "foo", os.Getpid()))
		tool := checktest.Listen(t, fake, "-a", "--sentinel", file, "-m", "a@b", option)
		checktest.Until(t, "five looks", func() bool {
			tool.Tick()
			return fake.Asked() >= 5
		})
		if mails := tool.End(); len(mails) != 1 || len(fake.Calls()) != 0 {
			t.Errorf("%s: mails = %q, calls = %q; want one and none", option, mails, fake.Calls())
		}
	}
}
