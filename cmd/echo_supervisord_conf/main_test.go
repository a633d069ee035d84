package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vigilance-go/vigilance/supervisor/config"
)

// line is one line of the sample that holds an option, in use or not.
type line struct {
	number    int // of the line, from 0
	kind, key string
	active    bool // not commented out
	required  bool // its section cannot be without
	example   bool // its value is none that it has by default
	sectionAt int  // the line of its section's name
}

var (
	sectionPattern = regexp.MustCompile(`^(;?)\[([\w-]+)(:\w+)?\]$`)
	optionPattern  = regexp.MustCompile(`^(;?)([a-z_.]+) ?=`)
)

// options returns the sample's options.
func options(t *testing.T) (text []string, options []line) {
	t.Helper()
	text = strings.Split(string(sample), "\n")
	var at line
	for i, s := range text {
		if m := sectionPattern.FindStringSubmatch(s); m != nil {
			at = line{kind: m[2], sectionAt: i}
		} else if m := optionPattern.FindStringSubmatch(s); m != nil {
			o := at
			o.number, o.key, o.active = i, m[2], m[1] == ""
			_, remark, _ := strings.Cut(s[1:], " ; ")
			o.required, o.example = strings.HasPrefix(remark, "required"), strings.HasPrefix(remark, "example")
			options = append(options, o)
		}
	}
	return text, options
}

func TestSampleHasEveryOption(t *testing.T) {
	known, err := config.KnownOptions()
	if err != nil {
		t.Fatal(err)
	}
	_, lines := options(t)
	shown := make(map[string][]string)
	for _, l := range lines {
		if !slices.Contains(known[l.kind], l.key) {
			t.Errorf("line %d has option %s in a section %s, which nothing reads", l.number+1, l.key, l.kind)
		}
		if slices.Contains(shown[l.kind], l.key) {
			t.Errorf("line %d has option %s of a section %s again", l.number+1, l.key, l.kind)
		}
		shown[l.kind] = append(shown[l.kind], l.key)
	}
	for kind, keys := range known {
		for _, key := range keys {
			if !slices.Contains(shown[kind], key) {
				t.Errorf("the sample lacks option %s of the sections %s", key, kind)
			}
		}
	}
}

// load reads a configuration both as supervisord and as supervisorctl do.
func load(t *testing.T, lines []string) (*config.Config, *config.Ctl, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "supervisord.conf")
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
	opts := config.Options{TempDir: "/tmp"}
	cfg, err := config.Load(file, opts)
	if err != nil {
		return nil, nil, err
	}
	ctl, err := config.LoadCtl(file, opts)
	cfg.File, cfg.Here, cfg.Warnings = "", "", nil
	return cfg, ctl, err
}

// TestSampleShowsDefaults removes the ";" in front of each option: by itself
// none that is no example may change anything, and all of them together must be
// accepted.
func TestSampleShowsDefaults(t *testing.T) {
	text, lines := options(t)
	if _, _, err := load(t, text); err != nil {
		t.Fatalf("the sample as it is: %v", err)
	}
	enable := func(text []string, number int) { text[number] = strings.TrimPrefix(text[number], ";") }
	all := slices.Clone(text)
	for _, l := range lines {
		enable(all, l.sectionAt)
		enable(all, l.number)
	}
	if _, _, err := load(t, all); err != nil {
		t.Errorf("the sample with every option in use: %v", err)
	}

	required := slices.Clone(text) // each section with what it must have
	for _, l := range lines {
		enable(required, l.sectionAt)
		if l.required {
			enable(required, l.number)
		}
	}
	plain, plainCtl, err := load(t, required)
	if err != nil {
		t.Fatalf("the sample with every section in use: %v", err)
	}
	for _, l := range lines {
		if l.active || l.required || l.example {
			continue
		}
		with := slices.Clone(required)
		enable(with, l.number)
		got, gotCtl, err := load(t, with)
		if err != nil || !reflect.DeepEqual(got, plain) || !reflect.DeepEqual(gotCtl, plainCtl) {
			t.Errorf("line %d, %q, changes the configuration (error %v), want that it shows the default", l.number+1, text[l.number], err)
		}
	}
}

// TestDebiansSupervisorReadsTheSample also has it read every section but the
// values that it does not know.
func TestDebiansSupervisorReadsTheSample(t *testing.T) {
	const python = "/usr/bin/python3"
	const read = "import sys; from supervisor.options import ServerOptions, ClientOptions\n" +
		"o = ServerOptions(); o.realize(['-c', sys.argv[1]]); print(len(o.process_group_configs))\n" +
		"o = ClientOptions(); o.realize(['-c', sys.argv[1]]); print(o.serverurl)\n"
	if err := exec.Command(python, "-c", "import supervisor").Run(); err != nil {
		const reason = "needs Debian's package supervisor"
		if os.Getenv("VIGILANCE_REQUIRE_PEERS") == "1" {
			t.Fatalf("%s: %v", reason, err)
		}
		t.Skipf("%s: %v", reason, err)
	}
	text, lines := options(t)
	all := slices.Clone(text)
	for _, l := range lines {
		all[l.sectionAt] = strings.TrimPrefix(all[l.sectionAt], ";")
		all[l.number] = strings.TrimPrefix(all[l.number], ";")
	}
	for what, test := range map[string]struct {
		lines []string
		want  string
	}{
		"the sample as it is":              {text, "0\nunix:///tmp/supervisor.sock\n"},
		"the sample with every option set": {all, "3\nunix:///tmp/supervisor.sock\n"},
	} {
		file := filepath.Join(t.TempDir(), "supervisord.conf")
		if err := os.WriteFile(file, []byte(strings.Join(test.lines, "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(python, "-c", read, file).CombinedOutput()
		if got := string(out); err != nil || !strings.HasSuffix(got, test.want) {
			t.Errorf("%s, read by Debian's supervisor: %v, %s, want %s", what, err, got, test.want)
		}
	}
}
