package checktest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Engine runs a tool with each of the options that it shares with the chat tools
// and looks at the mails about three alerts for one process. start starts the
// tool and returns what makes an alert and waits for its consequences; own stands
// in each mail that is in the tool's own words, and chinese in those in Chinese.
func Engine(t *testing.T, name, own, chinese string, start func(t *testing.T, args ...string) (tool *Listener, alarm func())) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const gap = "\x00" // stands for any text
	label := "\n\nsite: home"
	for _, tt := range []struct {
		name string
		args []string
		want []string // in the mails, in their order
	}{
		{"as superlance", nil, []string{own, own, own}},
		{"flood", []string{"--flood", "1h"}, []string{own, ", 2 times on "}},
		{"interval", []string{"--interval=1h"}, []string{", 3 times on "}},
		{"max-per-minute", []string{"--max-per-minute", "1"}, []string{own}},
		{"quiet", []string{"--quiet", quietNow()}, nil},
		{"silence", []string{"--silence-file", file("silence", "")}, nil},
		{"label", []string{"--label", "site=home"}, []string{own + gap + label, own + gap + label, own + gap + label}},
		{"label and flood", []string{"--label", "site=home", "--flood", "1h"}, []string{own + gap + label, ", 2 times on " + gap + label}},
		{"title", []string{"--title", "{{.Count}} here"}, []string{"\nSubject: " + name + ": 1 here\n", "1 here\n", "1 here\n"}},
		{"template", []string{"--template", "@" + file("body", "About {{(index .Events 0).Event}}\n"), "--flood", "1h"},
			[]string{"\n\nAbout ", "\n\nAbout "}},
		{"lang", []string{"--lang", "zh", "--interval", "1h"}, []string{chinese}},
		{"mask", []string{"--mask", own}, []string{"****", "****", "****"}},
		{"config", []string{"--config", file("conf", "["+name+"]\nflood = 1h\nlabel = site=home\n")}, []string{own + gap + label, ", 2 times on " + gap + label}},
		{"config and command line", []string{"--config", file("conf2", "["+name+"]\nflood = 1h\n"), "--flood", "off"}, []string{own, own, own}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tool, alarm := start(t, tt.args...)
			for n := range 3 {
				alarm()
				Until(t, "the mail in the spool", func() bool { return tool.Kept() > n }, tool.Stderr)
				if n == 0 && len(tt.want) > 1 || len(tt.want) > 2 {
					tool.WaitMails(n + 1) // else two may be merged
				}
			}
			mails := tool.End()
			if len(mails) != len(tt.want) {
				t.Fatalf("%s %q: %d mails, %q; want %d; standard error:\n%s", name, tt.args, len(mails), mails, len(tt.want), tool.Stderr())
			}
			for i, want := range tt.want {
				rest := mails[i]
				for part := range strings.SplitSeq(want, gap) {
					var ok bool
					if _, rest, ok = strings.Cut(rest, part); !ok {
						t.Errorf("%s %q: mail %d = %q, want %q in it", name, tt.args, i, mails[i], want)
						break
					}
				}
			}
		})
	}
}

// quietNow are hours that begin an hour ago and end in eleven.
func quietNow() string {
	now := time.Now()
	return fmt.Sprintf("%s-%s", now.Add(-time.Hour).Format("15:04"), now.Add(11*time.Hour).Format("15:04"))
}
