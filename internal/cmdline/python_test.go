package cmdline

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"testing"
)

// peerAnswer is an answer of testdata/peer.py.
type peerAnswer struct {
	Options [][2]string
	Args    []string
	Error   *string
}

// TestParseAgreesWithPython reads random command lines with Python's modules
// and with Parse.
func TestParseAgreesWithPython(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		if os.Getenv("VIGILANCE_REQUIRE_PEERS") != "" {
			t.Fatal("python3 is missing: install Debian's package python3")
		}
		t.Skip("python3 is missing: install Debian's package python3")
	}
	const seed, rounds = 20261122, 20000
	random := rand.New(rand.NewPCG(seed, 0))
	manners := []string{Getopt: "getopt", Optparse: "optparse"}
	var argvs [][]string
	var in bytes.Buffer
	for i := range rounds {
		argv := randomArgv(random)
		argvs = append(argvs, argv)
		line, err := json.Marshal([]any{manners[i%2], argv})
		if err != nil {
			t.Fatal(err)
		}
		in.Write(append(line, '\n'))
	}
	cmd := exec.Command(python, "testdata/peer.py")
	cmd.Stdin = &in
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("run peer.py: %v", err)
	}
	answers := json.NewDecoder(bytes.NewReader(out))
	refused := 0
	for i, argv := range argvs {
		var want peerAnswer
		if err := answers.Decode(&want); err != nil {
			t.Fatalf("read answer %d of peer.py: %v", i, err)
		}
		if want.Error != nil {
			refused++
		}
		compare(t, Manner(i%2), argv, want)
	}
	if refused == 0 || refused == rounds {
		t.Errorf("Python refused %d of %d command lines, want some of both kinds", refused, rounds)
	}
}

func compare(t *testing.T, manner Manner, argv []string, want peerAnswer) {
	t.Helper()
	got, err := Parse(argv, testFlags(), manner)
	if err != nil || want.Error != nil {
		if err == nil || want.Error == nil || err.Error() != *want.Error {
			text := "none"
			if want.Error != nil {
				text = *want.Error
			}
			t.Errorf("Parse(%q, %d): error %v, want %s", argv, manner, err, text)
		}
		if manner == Getopt {
			return // getopt gives nothing beside an error
		}
	}
	options := make([][2]string, len(got.Options))
	for i, o := range got.Options {
		options[i] = [2]string{o.As, o.Value}
	}
	if !slices.Equal(options, want.Options) {
		t.Errorf("Parse(%q, %d).Options = %q, want %q", argv, manner, options, want.Options)
	}
	if want.Error == nil && !slices.Equal(got.Args, want.Args) {
		t.Errorf("Parse(%q, %d).Args = %q, want %q", argv, manner, got.Args, want.Args)
	}
}

// randomArgv makes a command line of up to six words, most of them near a
// real option.
func randomArgv(random *rand.Rand) []string {
	names := []string{"help", "nodaemon", "nocleanup", "program", "progress", "prog-file", "configuration", "any", "other", ""}
	letters := []rune("hnkpcaxé:-=")
	values := []string{"", "v", "-", "--", "a=b", "-n", "--any", "ü"}
	pick := func(from []string) string { return from[random.IntN(len(from))] }
	word := func() string {
		switch random.IntN(6) {
		case 0:
			return pick(values)
		case 1, 2:
			name := pick(names)
			return "--" + name[:random.IntN(len(name)+1)]
		case 3:
			name := pick(names)
			return "--" + name[:random.IntN(len(name)+1)] + "=" + pick(values)
		default:
			cluster := make([]rune, 1+random.IntN(3))
			for i := range cluster {
				cluster[i] = letters[random.IntN(len(letters))]
				if random.IntN(2) == 0 {
					cluster[i] = letters[random.IntN(6)]
				}
			}
			return "-" + string(cluster)
		}
	}
	argv := make([]string, random.IntN(7))
	for i := range argv {
		argv[i] = word()
	}
	return argv
}
