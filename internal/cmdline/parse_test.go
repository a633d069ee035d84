package cmdline

import (
	"errors"
	"slices"
	"testing"

	"github.com/urfave/cli/v2"
)

// testFlags are the options of testdata/peer.py.
func testFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "help", Aliases: []string{"h"}},
		&cli.BoolFlag{Name: "nodaemon", Aliases: []string{"n"}},
		&cli.BoolFlag{Name: "nocleanup", Aliases: []string{"k"}},
		&cli.StringSliceFlag{Name: "program", Aliases: []string{"p"}},
		&cli.BoolFlag{Name: "progress"},
		&cli.StringFlag{Name: "prog-file"},
		&cli.StringFlag{Name: "configuration", Aliases: []string{"c"}},
		&cli.BoolFlag{Name: "any", Aliases: []string{"a"}},
	}
}

func TestParse(t *testing.T) {
	type opts = []Option
	none := opts(nil)
	tests := []struct {
		manner Manner
		args   []string
		want   []Option
		rest   []string
		err    string
	}{
		{Getopt, nil, none, nil, ""},
		{Getopt, []string{"-pVALUE"}, opts{{"program", "-p", "VALUE"}}, nil, ""},
		{Getopt, []string{"-p", "VALUE"}, opts{{"program", "-p", "VALUE"}}, nil, ""},
		{Getopt, []string{"-p=x"}, opts{{"program", "-p", "=x"}}, nil, ""},
		{Getopt, []string{"-p", "-n"}, opts{{"program", "-p", "-n"}}, nil, ""},
		{Getopt, []string{"-nk"}, opts{{"nodaemon", "-n", ""}, {"nocleanup", "-k", ""}}, nil, ""},
		{Getopt, []string{"-nkca.conf"}, opts{{"nodaemon", "-n", ""}, {"nocleanup", "-k", ""}, {"configuration", "-c", "a.conf"}}, nil, ""},
		{Getopt, []string{"--program=a=b"}, opts{{"program", "--program", "a=b"}}, nil, ""},
		{Getopt, []string{"--program", "--any"}, opts{{"program", "--program", "--any"}}, nil, ""},
		{Getopt, []string{"--program="}, opts{{"program", "--program", ""}}, nil, ""},
		{Getopt, []string{"--conf", "x"}, opts{{"configuration", "--configuration", "x"}}, nil, ""},
		{Getopt, []string{"--", "-n"}, none, []string{"-n"}, ""},
		{Getopt, []string{"-n", "start", "-k"}, opts{{"nodaemon", "-n", ""}}, []string{"start", "-k"}, ""},
		{Getopt, []string{"-", "-n"}, none, []string{"-", "-n"}, ""},
		{Getopt, []string{"", "-n"}, none, []string{"", "-n"}, ""},
		{Getopt, []string{"-nx"}, opts{{"nodaemon", "-n", ""}}, nil, "option -x not recognized"},
		{Getopt, []string{"-é"}, none, nil, "option -é not recognized"},
		{Getopt, []string{"-\xff\xfe"}, none, nil, "option -\xff not recognized"},
		{Getopt, []string{"--n", "x"}, none, []string{"x"}, "option --n not a unique prefix"},
		{Getopt, []string{"--foo=1"}, none, nil, "option --foo not recognized"},
		{Getopt, []string{"--p=1"}, none, nil, "option --p not a unique prefix"},
		{Getopt, []string{"--conf"}, none, nil, "option --configuration requires argument"},
		{Getopt, []string{"-p"}, none, nil, "option -p requires argument"},
		{Getopt, []string{"--noda=1"}, none, nil, "option --nodaemon must not have an argument"},
		{Optparse, []string{"a", "-n", "b", "-pc"}, opts{{"nodaemon", "-n", ""}, {"program", "-p", "c"}}, []string{"a", "b"}, ""},
		{Optparse, []string{"a", "--", "-n"}, none, []string{"a", "-n"}, ""},
		{Optparse, []string{"-n", "-x"}, opts{{"nodaemon", "-n", ""}}, nil, "no such option: -x"},
		{Optparse, []string{"--pro"}, none, nil, "ambiguous option: --pro (--prog-file, --program, --progress?)"},
		{Optparse, []string{"-c"}, none, nil, "-c option requires 1 argument"},
		{Optparse, []string{"--any=1"}, none, nil, "--any option does not take a value"},
	}
	for _, tt := range tests {
		got, err := Parse(tt.args, testFlags(), tt.manner)
		text := ""
		if err != nil {
			text = err.Error()
			var usage *UsageError
			if !errors.As(err, &usage) {
				t.Errorf("Parse(%q) returned a %T, want a *UsageError", tt.args, err)
			}
		}
		if !slices.Equal(got.Options, tt.want) || !slices.Equal(got.Args, tt.rest) || text != tt.err {
			t.Errorf("Parse(%q, %d) = %v, %q, error %q\nwant %v, %q, error %q",
				tt.args, tt.manner, got.Options, got.Args, text, tt.want, tt.rest, tt.err)
		}
	}
}

func TestParseKeepsOldAbbreviationsUnique(t *testing.T) {
	flags := append(testFlags(),
		&cli.StringFlag{Name: "config", Category: Beyond},
		&cli.BoolFlag{Name: "spool", Category: Beyond},
		&cli.BoolFlag{Name: "spool-here", Category: Beyond})
	tests := []struct{ arg, want, err string }{
		{"--co=x", "--configuration", ""},
		{"--config=x", "--config", ""},
		{"--spool", "--spool", ""},
		{"--spool-", "--spool-here", ""},
		{"--spo", "", "option --spo not a unique prefix"},
	}
	for _, tt := range tests {
		got, err := Parse([]string{tt.arg}, flags, Getopt)
		switch {
		case tt.err != "":
			if err == nil || err.Error() != tt.err {
				t.Errorf("Parse(%q): error %v, want %q", tt.arg, err, tt.err)
			}
		case err != nil || len(got.Options) != 1 || got.Options[0].As != tt.want:
			t.Errorf("Parse(%q) = %v, %v, want %s", tt.arg, got.Options, err, tt.want)
		}
	}
}

func TestArgvSaysTheSame(t *testing.T) {
	args := []string{"-nka", "-pa,b", "--prog-f", "--", "-c=", "--", "-n", "x"}
	first, err := Parse(args, testFlags(), Getopt)
	if err != nil {
		t.Fatalf("Parse(%q) failed: %v", args, err)
	}
	argv := first.Argv(testFlags())
	want := []string{"--nodaemon", "--nocleanup", "--any", "--program=a,b", "--prog-file=--", "--configuration==", "--", "-n", "x"}
	if !slices.Equal(argv, want) {
		t.Errorf("Argv of %q = %q, want %q", args, argv, want)
	}
	second, err := Parse(argv, testFlags(), Getopt)
	if err != nil || !slices.Equal(second.Args, first.Args) || len(second.Options) != len(first.Options) {
		t.Errorf("Parse(%q) = %v, %v; want the options and arguments of %v", argv, second, err, first)
	}
}
