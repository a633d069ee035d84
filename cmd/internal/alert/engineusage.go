package alert

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Describe describes the options of EngineFlags, for --help.
func (d Defaults) Describe(tool string, without ...string) string {
	file := "Default is none."
	if d.UseSilence {
		file = "Default is\n      /var/lib/vigilance/silence for root, else vigilance/silence in\n      $XDG_STATE_HOME or ~/.local/state."
	}
	var parts []string
	for _, o := range []struct{ name, text string }{
		{"events", fmt.Sprintf(eventsUsage, d.Events)},
		{"interval", intervalUsage},
		{"flood", fmt.Sprintf(floodUsage, show(d.Flood))},
		{"max-per-minute", fmt.Sprintf(perMinuteUsage, strconv.Itoa(d.PerMinute))},
		{"recovered", fmt.Sprintf(recoveredUsage, show(d.Recovered))},
		{"quiet", quietUsage},
		{"silence-file", fmt.Sprintf(silenceUsage, file)},
		{"template", templateUsage},
		{"title", titleUsage},
		{"label", labelUsage},
		{"lang", langUsage},
		{"mask", maskUsage},
		{"config", fmt.Sprintf(configUsage, tool)},
	} {
		if !slices.Contains(without, o.name) {
			parts = append(parts, o.text)
		}
	}
	return strings.Join(parts, "\n")
}

// What --help says of each option.
const (
	eventsUsage = `--events LIST -- what to report, by state: EXITED (an exit that should not
      have been), EXPECTED (one that may be), FATAL, BACKOFF, UNKNOWN, RUNNING,
      STARTING, STOPPING, STOPPED, with commas between. supervisord must send
      them: see events= in its section. Default is %s.
`
	intervalUsage = `--interval TIME -- wait so long after an event for others, and send them in one
      message. A time is 90s, 5m, 1h or a number of seconds. Default is "off".
`
	floodUsage = `--flood TIME -- after an alert about a program say nothing more about it for so
      long, then how often it has happened since, each time with its pid. "off"
      switches this off. Default is %s.
`
	perMinuteUsage = `--max-per-minute N -- send at most N messages in any minute, whatever happens;
      what is held back is in the next one. 0 is no limit. Default is %s.
`
	recoveredUsage = `--recovered TIME -- say that a program has recovered when it has stayed RUNNING
      so long after an alert. supervisord must send PROCESS_STATE_RUNNING too.
      Default is %s.
`
	quietUsage = `--quiet HOURS -- send nothing in these hours, such as 22:00-07:00, and a summary
      after them.
`
	silenceUsage = `--silence-file FILE -- send nothing about programs that this file silences, and
      a summary afterwards. See vigilance-silence --help. An empty file silences
      all. %s
`
	templateUsage = `--template TEXT -- the body of the messages, as a Go template, or @FILE with
      one. See docs/alerts.md for what it can say.
`
	titleUsage = `--title TEXT -- their subject, in the same way.
`
	labelUsage = `--label NAME=VALUE -- a fact to add to each message. May be given several times.
`
	langUsage = `--lang LANG -- the language of messages: en (the default) or zh.
`
	maskUsage = `--mask REGEX -- hide what matches in reasons and output, or its groups if it has
      some. Passwords, tokens and keys are hidden where they look like ones. May
      be given several times.
`
	configUsage = `--config FILE -- an INI file with these options, by their long names, in a
      section [%s]. The command line is stronger.
`
)
