package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/vigilance-go/vigilance/cmd/internal/check/checktest"
)

// glutton takes memory when it has been up for three seconds, the first time that
// it is started, itself or by a child.
const glutton = `
import os, subprocess, sys, time
who, mib, first = sys.argv[1], int(sys.argv[2]), sys.argv[3]
time.sleep(3)
if not os.path.exists(first):
    open(first, "w").close()
    if who == "child":
        subprocess.Popen([sys.executable, __file__, "self", str(mib), first + ".child"])
    else:
        hold = bytearray(mib << 20)
time.sleep(1000)
`

// Each option does, and mails, what superlance 2.0 does, under both supervisords.
func TestOptionsAreSuperlances(t *testing.T) {
	run := python(t, glutton)
	program := func(name, who, mib string) string {
		return "\n[program:" + name + "]\ncommand=" + run + " " + who + " " + mib + " DIR/" + name +
			".first\nautostart=false\nstartsecs=0\nstopasgroup=true\nkillasgroup=true\nenvironment=MALLOC_ARENA_MAX=1\n"
	}
	mail := func(memmon, process string) string {
		return "To: ops@example.com\nSubject: " + memmon + ": process " + process + " restarted\n\nmemmon.py restarted the process named " + process +
			" at X because it was consuming too much memory (X bytes RSS)"
	}
	own, eaten := []string{"eat_NAME"}, []string{mail("memmon", "eat_NAME:eat_NAME")}
	// Its name in the subject is that of the last -p or -g.
	const misnamed = "it takes the last -p or -g for its -n"
	wrong := []string{mail("memmon [eat_NAME]", "eat_NAME:eat_NAME")}
	checktest.Superlance(t, func(*testing.T) checktest.OptionTest {
		o := checktest.OptionTest{
			Tool: "memmon", Events: "TICK_5",
			Generic: regexp.MustCompile(`\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4} \S+|\b\d{5,}\b`),
			Programs: program("parent", "child", "70") + program("stranger", "child", "70") + program("huge", "self", "300") +
				program("two", "self", "70") + program("three", "self", "1") + "\n[group:pair]\nprograms=two,three\n" +
				program("four", "self", "70") + "\n[group:other]\nprograms=four\n",
			Options: []checktest.Option{
				{Name: "program", Args: "-p eat_NAME=50MB -m ops@example.com CATCH", Mails: eaten, Restarts: own, Mended: misnamed, Defect: wrong},
				{Name: "bytes", Args: "-p eat_NAME=52428800 -p gone=1KB -m ops@example.com CATCH", Mails: eaten, Restarts: own, Mended: misnamed, Defect: []string{mail("memmon [gone]", "eat_NAME:eat_NAME")}},
				{Name: "below", Args: "-p eat_NAME=1GB -m ops@example.com CATCH"},
				{Name: "ingroup", Args: "-p other:four=51200KB -m ops@example.com CATCH", Mails: []string{mail("memmon", "other:four")},
					Restarts: []string{"other:four"}, Mended: "it ends when it meets that process"},
				{Name: "group", Args: "-g pair=50MB -m ops@example.com CATCH", Mails: []string{mail("memmon", "pair:two")}, Restarts: []string{"pair:two"},
					Mended: misnamed, Defect: []string{mail("memmon [pair]", "pair:two")}},
				{Name: "any", Args: "-a 250MB -m ops@example.com CATCH", Mails: []string{mail("memmon", "huge:huge")}, Restarts: []string{"huge"}},
				{Name: "cumulative", Args: "-c -p parent=50MB -m ops@example.com CATCH", Mails: []string{mail("memmon", "parent:parent")}, Restarts: []string{"parent"},
					Mended: misnamed, Defect: []string{mail("memmon [parent]", "parent:parent")}},
				{Name: "single", Args: "-p stranger=50MB -m ops@example.com CATCH"},
				{Name: "nomail", Args: "-p eat_NAME=50MB CATCH", Restarts: own},
				{Name: "young", Args: "-u 1d -p eat_NAME=50MB -m ops@example.com CATCH", Mails: eaten, Restarts: own, Mended: misnamed, Defect: wrong},
				{Name: "old", Args: "-u 2s -p eat_NAME=50MB -m ops@example.com CATCH", Restarts: own},
				{Name: "named", Args: "-p eat_NAME=50MB -n shop -m ops@example.com CATCH", Mails: []string{mail("memmon [shop]", "eat_NAME:eat_NAME")}, Restarts: own},
				{Name: "long", Args: "--cumulative --program=eat_NAME=50MB --group=gone=1MB --any=1GB --email=ops@example.com --uptime=1h --name=shop " +
					`--sendmail_program="cat >DIR/NAME.$$.part && mv DIR/NAME.$$.part DIR/NAME.$$.mail"`,
					Mails: []string{mail("memmon [shop]", "eat_NAME:eat_NAME")}, Restarts: own},
			},
			Begin: func(*checktest.Real) {},
		}
		var names []string
		for _, option := range o.Options {
			if strings.Contains(option.Args, "eat_NAME") {
				o.Programs += program("eat_"+option.Name, "self", "70")
				names = append(names, "eat_"+option.Name)
			}
		}
		o.Prepare = func(d *checktest.Real) {
			for _, name := range append(names, "parent", "stranger", "huge", "pair:two", "pair:three", "other:four") {
				if err := d.StartProcess(t.Context(), name); err != nil {
					t.Fatal(err)
				}
			}
		}
		return o
	})
}
