package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/vigilance-go/vigilance/cmd/internal/check/checktest"
)

// Each option sends what superlance 2.0 sends, under both supervisords.
func TestOptionsAreSuperlances(t *testing.T) {
	mail := func(prefix, group, process string) string {
		return "To: ops@example.com\nSubject: " + prefix + " " + process + " crashed at X\n\n" +
			"Process " + process + " in group " + group + " exited unexpectedly (pid X) from state RUNNING"
	}
	one, two := mail("", "one", "one"), mail("", "pair", "two")
	const everybody = "it mails about all processes, whatever -p says"
	checktest.Superlance(t, func(*testing.T) checktest.OptionTest {
		return checktest.OptionTest{
			Tool: "crashmail", Events: "PROCESS_STATE", Generic: regexp.MustCompile(stamp.String() + `|\b\d+\b`),
			Programs: `
[program:one]
command=/bin/sh -c 'exit 3'
autostart=false
autorestart=false
startsecs=0

[program:two]
command=/bin/sh -c 'exit 4'
autostart=false
autorestart=false
startsecs=0

[group:pair]
programs=two

[program:fine]
command=/bin/sh -c 'exit 0'
autostart=false
autorestart=false
startsecs=0
`,
			Options: []checktest.Option{
				{Name: "any", Args: "-a -m ops@example.com CATCH", Mails: []string{one, two}},
				{Name: "program", Args: "-p one -m ops@example.com CATCH", Mails: []string{one}, Mended: everybody, Defect: []string{one, two}},
				{Name: "group", Args: "-p pair:two -m ops@example.com CATCH", Mails: []string{two}, Mended: everybody, Defect: []string{one, two}},
				{Name: "several", Args: "-p one -p pair:two -m ops@example.com CATCH", Mails: []string{one, two}},
				{Name: "overridden", Args: "-p one -a -m ops@example.com CATCH", Mails: []string{one, two}},
				{Name: "header", Args: "-o shop -m ops@example.com CATCH", Mails: []string{mail("shop:", "one", "one"), mail("shop:", "pair", "two")}},
				{Name: "nobody", Args: "-a CATCH", Mended: "it mails to None", Defect: []string{
					strings.Replace(one, "ops@example.com", "None", 1), strings.Replace(two, "ops@example.com", "None", 1),
				}},
				{Name: "long", Args: `--any --program=one --optionalheader=shop --email=ops@example.com --sendmail_program="cat >DIR/NAME.$$.part && mv DIR/NAME.$$.part DIR/NAME.$$.mail"`,
					Mails: []string{mail("shop:", "one", "one"), mail("shop:", "pair", "two")}},
			},
			Begin: func(d *checktest.Real) { d.Crash("fine", "one", "pair:two") },
		}
	})
}
