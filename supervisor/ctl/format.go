package ctl

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/vigilance-go/vigilance/supervisor/ctl/client"
)

// jsonOption is the argument of an action that asks for JSON.
const jsonOption = "--json"

// outputJSON writes v as one document, for programs to read.
func (c *Controller) outputJSON(v any) error {
	encoder := json.NewEncoder(c.options.Stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

// write writes several lines at once.
func (c *Controller) write(lines string) { _, _ = io.WriteString(c.options.Stdout, lines) }

// leastNameWidth is how wide the table of processes is made for names.
const leastNameWidth = 30

// showInfos prints the table of the status action.
func (c *Controller) showInfos(infos []client.ProcessInfo) {
	width := leastNameWidth
	for _, info := range infos {
		width = max(width, utf8.RuneCountInString(makeNamespec(info.Group, info.Name)))
	}
	var b strings.Builder
	for _, info := range infos {
		pad(&b, makeNamespec(info.Group, info.Name), width+3)
		before, after := c.stateColor(info.State)
		b.WriteString(before)
		pad(&b, info.StateName, 10)
		b.WriteString(after)
		b.WriteString(info.Description)
		b.WriteByte('\n')
	}
	c.write(b.String())
}

// showConfigs prints the table of the avail action.
func (c *Controller) showConfigs(infos []client.ConfigInfo) {
	var b strings.Builder
	for _, info := range infos {
		inUse, start := "avail", "manual"
		if info.InUse {
			inUse = "in use"
		}
		if info.AutoStart {
			start = "auto"
		}
		pad(&b, makeNamespec(info.Group, info.Name), 32)
		b.WriteByte(' ')
		pad(&b, inUse, 9)
		b.WriteByte(' ')
		pad(&b, start, 9)
		fmt.Fprintf(&b, " %d:%d\n", info.GroupPriority, info.ProcessPriority)
	}
	c.write(b.String())
}

// pad writes text and blanks up to width characters.
func pad(b *strings.Builder, text string, width int) {
	b.WriteString(text)
	for range width - utf8.RuneCountInString(text) {
		b.WriteByte(' ')
	}
}

// stateColor returns what switches the colour of a state on and off.
func (c *Controller) stateColor(state int) (on, off string) {
	const red, green, yellow, faint = "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[2m"
	if !c.options.Color {
		return "", ""
	}
	switch state {
	case client.Running:
		on = green
	case client.Starting, client.Stopping, client.Backoff:
		on = yellow
	case client.Fatal, client.Unknown:
		on = red
	default:
		on = faint
	}
	return on, "\x1b[0m"
}
