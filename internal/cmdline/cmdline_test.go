package cmdline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// crash is a Tool as the alert tools declare theirs.
func crash(out, errs io.Writer) Tool {
	return Tool{
		Name:   "crash",
		Flags:  testFlags()[1:],
		Shows:  []Show{{Name: "help", Aliases: []string{"h"}, Text: "how to\n"}, {Name: "version", Text: "1\n"}},
		Stdout: out,
		Stderr: errs,
		Option: func(o Option) error {
			if o.Value == "bad" {
				return Usagef("invalid value for %s '%s'", o.As, o.Value)
			}
			return nil
		},
		Run: func(c *cli.Context) error {
			fmt.Fprintf(out, "any=%v program=%q configuration=%q args=%q",
				c.Bool("any"), c.StringSlice("program"), c.String("configuration"), c.Args().Slice())
			switch c.String("configuration") {
			case "fails":
				return errors.New("open it: no")
			case "exits":
				return cli.Exit("gone", 7)
			case "misused":
				return Usagef("not so")
			}
			return nil
		},
	}
}

func TestToolMain(t *testing.T) {
	const help = "For help, use crash -h\n"
	tests := []struct {
		args           []string
		manner         Manner
		status         int
		stdout, stderr string
	}{
		{[]string{"-apx,y", "-pz", "help", "-n"}, Getopt, 0, `any=true program=["x,y" "z"] configuration="" args=["help" "-n"]`, ""},
		{[]string{"any"}, Getopt, 0, `any=false program=[] configuration="" args=["any"]`, ""},
		{[]string{"--", "--any"}, Getopt, 0, `any=false program=[] configuration="" args=["--any"]`, ""},
		{[]string{"--generate-bash-completion"}, Getopt, 2, "", "Error: option --generate-bash-completion not recognized\n" + help},
		{[]string{"-c", ""}, Getopt, 0, `any=false program=[] configuration="" args=[]`, ""},
		{[]string{"-a", "-h", "-cbad"}, Getopt, 0, "how to\n", ""},
		{[]string{"--he"}, Getopt, 0, "how to\n", ""},
		{[]string{"--vers"}, Getopt, 0, "1\n", ""},
		{[]string{"-cbad", "-h"}, Getopt, 2, "", "Error: invalid value for -c 'bad'\n" + help},
		{[]string{"-h", "-x"}, Getopt, 2, "", "Error: option -x not recognized\n" + help},
		{[]string{"-h", "-x"}, Optparse, 0, "how to\n", ""},
		{[]string{"-a", "-x"}, Optparse, 2, "", "Error: no such option: -x\n" + help},
		{[]string{"x", "-cy"}, Optparse, 0, `any=false program=[] configuration="y" args=["x"]`, ""},
		{[]string{"-cfails"}, Getopt, 1, `any=false program=[] configuration="fails" args=[]`, "crash: open it: no\n"},
		{[]string{"-cexits"}, Getopt, 7, `any=false program=[] configuration="exits" args=[]`, "gone\n"},
		{[]string{"-cmisused"}, Getopt, 2, `any=false program=[] configuration="misused" args=[]`, "Error: not so\n" + help},
	}
	for _, tt := range tests {
		var out, errs strings.Builder
		tool := crash(&out, &errs)
		tool.Manner = tt.manner
		status := tool.Main(context.Background(), tt.args)
		if status != tt.status || out.String() != tt.stdout || errs.String() != tt.stderr {
			t.Errorf("Main(%q) = %d, stdout %q, stderr %q\nwant %d, stdout %q, stderr %q",
				tt.args, status, out.String(), errs.String(), tt.status, tt.stdout, tt.stderr)
		}
	}
}

func TestToolComplainsInItsOwnWay(t *testing.T) {
	var out, errs strings.Builder
	tool := crash(&out, &errs)
	tool.Complain = func(w io.Writer, name string, err error) int {
		fmt.Fprintf(w, "%s: %v!", name, err)
		return 255
	}
	status := tool.Main(context.Background(), []string{"-x"})
	if want := "crash: option -x not recognized!"; status != 255 || errs.String() != want {
		t.Errorf("Main(-x) = %d, stderr %q, want 255, %q", status, errs.String(), want)
	}
}

func TestToolChecksArgsBeforeOptions(t *testing.T) {
	var out, errs strings.Builder
	tool := crash(&out, &errs)
	tool.CheckArgs = func(args []string) error {
		if len(args) > 0 {
			return Usagef("no arguments: %q", args)
		}
		return nil
	}
	status := tool.Main(context.Background(), []string{"-h", "x"})
	if want := "Error: no arguments: [\"x\"]\nFor help, use crash -h\n"; status != 2 || errs.String() != want || out.String() != "" {
		t.Errorf("Main(-h x) = %d, stdout %q, stderr %q, want 2 and stderr %q", status, out.String(), errs.String(), want)
	}
	if status := tool.Main(context.Background(), []string{"-h"}); status != 0 || out.String() != "how to\n" {
		t.Errorf("Main(-h) = %d, stdout %q, want 0 and the help", status, out.String())
	}
}

func TestToolReportsTypedValues(t *testing.T) {
	var out, errs strings.Builder
	tool := crash(&out, &errs)
	tool.Flags = append(tool.Flags, &cli.IntFlag{Name: "interval", Aliases: []string{"i"}})
	status := tool.Main(context.Background(), []string{"-iten"})
	if status != 2 || !strings.Contains(errs.String(), `"ten"`) || out.String() != "" {
		t.Errorf("Main(-iten) = %d, stdout %q, stderr %q, want 2 and an error that quotes ten", status, out.String(), errs.String())
	}
}

func TestProgName(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "sometool")
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", "/nonexistent:"+dir)
	for arg0, want := range map[string]string{
		"sometool":   file,
		"./sometool": "./sometool",
		"missing":    "missing",
	} {
		if got := ProgName(arg0); got != want {
			t.Errorf("ProgName(%q) = %q, want %q", arg0, got, want)
		}
	}
}
