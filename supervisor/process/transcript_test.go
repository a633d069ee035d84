package process

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite the outcomes in testdata/*.txt")

// TestStepTranscripts runs testdata/*.txt. A line is a comment, the
// configuration, or a time and an event; the indented lines below an event are
// the effects and, after "=", the status. Signals are sent with success unless
// the event ends in "(gone)" or "(error)". All are compared with the reference,
// but for those that say "not compared".
func TestStepTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) < 15 {
		t.Fatalf("Glob(testdata/*.txt) = %d files, %v; want at least 15", len(files), err)
	}
	var scripts []script
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got, played, err := play(string(text))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(got, "# not compared") {
				for _, sc := range played {
					sc.name = file
					scripts = append(scripts, sc)
				}
			}
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(text) {
				t.Errorf("%s (rewrite with -update)\ngot:\n%s\nwant:\n%s", file, got, text)
			}
		})
	}
	t.Run("reference", func(t *testing.T) { compare(t, scripts) })
}

// play runs a transcript and returns it with the outcomes that were seen.
func play(text string) (string, []script, error) {
	var out strings.Builder
	rigs := []*rig{newRig(defaults())}
	for i, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		if strings.HasPrefix(line, "\t") {
			continue
		}
		fmt.Fprintln(&out, line)
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(line, "#") {
			continue
		}
		if words[0] == "config" {
			c, err := parseConfig(words[1:])
			if err != nil {
				return "", nil, fmt.Errorf("line %d: %q: %w", i+1, line, err)
			}
			rigs = append(rigs, newRig(c))
			continue
		}
		r := rigs[len(rigs)-1]
		if err := playEvent(r, words); err != nil {
			return "", nil, fmt.Errorf("line %d: %q: %w", i+1, line, err)
		}
		for _, e := range r.effects {
			fmt.Fprintf(&out, "\t%s\n", e)
		}
		fmt.Fprintf(&out, "\t= %s\n", describeStatus(r.s))
	}
	var scripts []script
	for _, r := range rigs {
		scripts = append(scripts, r.script)
	}
	return out.String(), scripts, nil
}

func parseConfig(options []string) (Config, error) {
	c := defaults()
	for _, option := range options {
		if err := setOption(&c, option); err != nil {
			return c, err
		}
	}
	return c, nil
}

func playEvent(r *rig, words []string) error {
	at, err := time.ParseDuration(words[0])
	if err != nil {
		return err
	}
	if len(words) == 2 && words[1] == "shuttingdown" {
		r.shutDown(at)
		return nil
	}
	result := killOK
	switch words[len(words)-1] {
	case "(gone)":
		result, words = killGone, words[:len(words)-1]
	case "(error)":
		result, words = killError, words[:len(words)-1]
	}
	ev, err := parseEvent(words[1:])
	if err != nil {
		return err
	}
	r.do(at, ev, result)
	return nil
}

// defaults are those of a [program:x] section, for a program called cat.
func defaults() Config {
	return Config{
		Name: "cat", AutoStart: true, AutoRestart: RestartUnexpected,
		StartSecs: time.Second, StartRetries: 3, ExitCodes: []int{0},
		StopSignal: 15, StopWaitSecs: 10 * time.Second,
	}
}

func setOption(c *Config, option string) error {
	name, value, _ := strings.Cut(option, "=")
	n, err := strconv.Atoi(value)
	switch name {
	case "startsecs":
		c.StartSecs = time.Duration(n) * time.Second
	case "stopwaitsecs":
		c.StopWaitSecs = time.Duration(n) * time.Second
	case "startretries":
		c.StartRetries = n
	case "exitcodes":
		c.ExitCodes = nil
		for _, code := range strings.Split(value, ",") {
			n, err = strconv.Atoi(code)
			c.ExitCodes = append(c.ExitCodes, n)
		}
	case "stopsignal":
		c.StopSignal, err = signalNumber(value)
	case "autostart":
		c.AutoStart, err = strconv.ParseBool(value)
	case "stopasgroup":
		c.StopAsGroup, err = strconv.ParseBool(value)
	case "killasgroup":
		c.KillAsGroup, err = strconv.ParseBool(value)
	case "autorestart":
		i := slices.Index([]string{"false", "unexpected", "true"}, value)
		c.AutoRestart, err = Restart(i), nil
		if i < 0 {
			err = errors.New("want false, unexpected or true")
		}
	default:
		err = errors.New("unknown option")
	}
	return err
}

func parseEvent(words []string) (Event, error) {
	if len(words) == 0 {
		return nil, errors.New("want an event")
	}
	rest := strings.Join(words[1:], " ")
	simple := map[string]Event{
		"autostart": AutoStart{}, "start": Start{}, "timer": Timer{},
		"stop": Stop{}, "stopall": StopAll{}, "report": Report{},
	}
	if ev, ok := simple[words[0]]; ok && rest == "" {
		return ev, nil
	}
	switch words[0] {
	case "spawned":
		pid, err := strconv.Atoi(rest)
		return Spawned{PID: pid}, err
	case "spawnfailed":
		return SpawnFailed{Reason: rest}, nil
	case "signal":
		n, err := signalNumber(rest)
		return Signal{Number: n}, err
	case "ended":
		return parseEnded(rest)
	}
	return nil, errors.New("unknown event")
}

func parseEnded(text string) (Event, error) {
	if code, ok := strings.CutPrefix(text, "exit "); ok {
		n, err := strconv.Atoi(code)
		return exit(n), err
	}
	name, core := strings.CutSuffix(text, " core")
	n, err := signalNumber(name)
	ev := bySig(n)
	if core {
		ev.WaitStatus |= 0x80
	}
	return ev, err
}

// describeEvent writes an event as parseEvent reads it.
func describeEvent(at time.Duration, ev Event, result killResult) string {
	var text string
	switch ev := ev.(type) {
	case Spawned:
		text = fmt.Sprintf("spawned %d", ev.PID)
	case SpawnFailed:
		text = "spawnfailed " + ev.Reason
	case Ended:
		words := strings.NewReplacer("exit status", "exit", "terminated by ", "", "(core dumped)", "core")
		text = "ended " + words.Replace(DescribeEnd(ev.WaitStatus))
	case Signal:
		text = "signal " + SignalName(ev.Number)
	default:
		text = strings.ToLower(strings.TrimPrefix(fmt.Sprintf("%T", ev), "process."))
	}
	if result != killOK {
		text += " (" + string(result) + ")"
	}
	return at.String() + " " + text
}

func join(lines []string) string { return strings.Join(lines, "\n\t") }
