package main

import (
	"fmt"
	"strings"
	"time"
)

// page is a manual page to be written.
type page struct {
	name, summary string
	help          help
	more          string // further sections, in the language of man(7)
	seeAlso       []string
	version       string
	date          time.Time
}

// String returns the page in the language of man(7).
func (p page) String() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line(`.\" Made from "%s --help".`, p.name)
	line(`.TH %s 1 %s "vigilance %s"`, strings.ToUpper(escape(p.name)), p.date.UTC().Format(time.DateOnly), p.version)
	line(".SH NAME\n%s \\- %s", escape(p.name), escape(p.summary))
	line(".SH SYNOPSIS\n.nf")
	for _, text := range p.help.synopsis {
		line("%s", escape(text))
	}
	line(".fi\n.SH DESCRIPTION")
	begun := true // a section, in which nothing stands yet
	for _, block := range p.help.blocks {
		writeBlock(line, block, begun)
		begun = block.kind == heading && len(block.lines) == 1
	}
	if p.more != "" {
		line("%s", strings.TrimSpace(p.more))
	}
	line(".SH SEE ALSO")
	for i, other := range p.seeAlso {
		comma := ","
		if i == len(p.seeAlso)-1 {
			comma = ""
		}
		line(".BR %s (1)%s", escape(other), comma)
	}
	return b.String()
}

func writeBlock(line func(string, ...any), b block, begun bool) {
	switch b.kind {
	case heading:
		line(".SS %s", escape(strings.TrimSuffix(b.lines[0], ":")))
		for _, l := range b.lines[1:] {
			line("%s", escape(l))
		}
	case example:
		if !begun {
			line(".PP")
		}
		line(".nf")
		for _, l := range b.lines {
			line("%s", escape(l))
		}
		line(".fi")
	case item:
		line(".TP\n.B %s", escape(b.term))
		for _, l := range b.lines {
			if l != "" {
				line("%s", escape(l))
			}
		}
	case text:
		if !begun {
			line(".PP")
		}
		for _, l := range b.lines {
			line("%s", escape(l))
		}
	}
}

// escape writes a line so that man shows it as it is.
func escape(s string) string {
	s = strings.ReplaceAll(s, `\`, `\e`)
	s = strings.ReplaceAll(s, "-", `\-`)
	s = strings.ReplaceAll(s, "~", `\(ti`)
	s = strings.ReplaceAll(s, "^", `\(ha`)
	s = strings.ReplaceAll(s, "`", `\(ga`)
	s = strings.ReplaceAll(s, "'", `\(aq`)
	if strings.HasPrefix(s, ".") {
		s = `\&` + s
	}
	return s
}
