package main

import (
	"regexp"
	"strings"
)

// help is what a command's --help says, taken apart.
type help struct {
	synopsis []string
	blocks   []block
}

// blockKind says how a block of a help text is to be shown.
type blockKind int

// The kinds of blocks.
const (
	text    blockKind = iota // a paragraph
	heading                  // a line that ends with a colon, over items
	example                  // indented lines, to be shown as they are
	item                     // an option, an argument or an action, and what it does
)

// block is a piece of a help text.
type block struct {
	kind  blockKind
	term  string // of an item: "-p, --program NAME"
	lines []string
}

// option is one option of a command.
type option struct {
	names   []string // "-p", "--program"
	arg     string   // "NAME"; empty for none
	meaning string   // the first sentence of what it does
}

var (
	// dashItem is an item in the manner of "-p, --program NAME -- text".
	dashItem = regexp.MustCompile(`^(\S.*?) -- (.*)$`)
	// optparseItem is one in the manner of "  -p NAME, --program=NAME   text".
	optparseItem = regexp.MustCompile(`^  (-\S.*?)(?:  +(.*))?$`)
	// optionName finds the options in a term.
	optionName = regexp.MustCompile(`(?:^|[ ,/])(--?[A-Za-z?][\w-]*)(?:[ =]('[^']*'|[^-\s,/][^\s,]*))?`)
	// inlineOption finds options that an item's text explains as well.
	inlineOption = regexp.MustCompile(`(--[a-z][\w-]*(?: [A-Z]\S*)?) -- `)
	sentenceEnd  = regexp.MustCompile(`[.;:](\s|$)`)
)

// parseHelp takes the help text of the command called name apart.
func parseHelp(name, output string) help {
	var h help
	paragraphs := strings.Split(strings.Trim(output, "\n"), "\n\n")
	for i, paragraph := range paragraphs {
		lines := strings.Split(strings.Trim(paragraph, "\n"), "\n")
		usage, isUsage := strings.CutPrefix(lines[0], "Usage: ")
		switch {
		case isUsage:
			h.synopsis = append([]string{usage}, lines[1:]...)
		case i == 0 && strings.HasPrefix(lines[0], name+" ") && !dashItem.MatchString(lines[0]):
			h.synopsis = lines
		case i == 0 && strings.HasPrefix(lines[0], name+" -- "): // the page's name says it
		default:
			h.blocks = append(h.blocks, parseParagraph(lines)...)
		}
	}
	for i := range h.blocks[1:] {
		if h.blocks[i].kind == heading && h.blocks[i+1].kind == example {
			h.blocks[i].kind = text // it introduces the example
		}
	}
	return h
}

// parseParagraph takes the lines between two blank ones apart.
func parseParagraph(lines []string) []block {
	var blocks []block
	last := func() *block { return &blocks[len(blocks)-1] }
	for _, line := range lines {
		dash, parse := dashItem.FindStringSubmatch(line), optparseItem.FindStringSubmatch(line)
		indented := strings.HasPrefix(line, " ")
		switch {
		case dash != nil && !indented:
			blocks = append(blocks, block{item, dash[1], []string{dash[2]}})
		case parse != nil:
			blocks = append(blocks, block{item, parse[1], []string{parse[2]}})
		case len(blocks) > 0 && last().kind == item && (indented || !strings.HasPrefix(last().term, "-")):
			last().lines = append(last().lines, strings.TrimSpace(line))
		case indented && (len(blocks) == 0 || last().kind != example):
			blocks = append(blocks, block{kind: example, lines: []string{line}})
		case len(blocks) == 0 || last().kind == item || last().kind == example && !indented:
			blocks = append(blocks, block{kind: text, lines: []string{line}})
		default:
			last().lines = append(last().lines, line)
		}
		if b := last(); b.kind == text && len(b.lines) == 1 && strings.HasSuffix(line, ":") && line != lines[len(lines)-1] {
			b.kind = heading
		}
	}
	if b := &blocks[0]; len(blocks) == 1 && b.kind == text && len(b.lines) == 1 && strings.HasSuffix(b.lines[0], ":") {
		b.kind = heading
	}
	return blocks
}

// options returns the options of a command, in the order of their help.
func (h help) options() []option {
	var all []option
	for _, b := range h.blocks {
		if b.kind != item {
			continue
		}
		body := strings.Join(b.lines, " ")
		if o, ok := parseTerm(b.term); ok {
			o.meaning = firstSentence(body)
			all = append(all, o)
		}
		for _, more := range inlineOption.FindAllStringSubmatch(body, -1) {
			o, _ := parseTerm(more[1])
			all = append(all, o)
		}
	}
	return all
}

// parseTerm reads the names of an option and of its argument. ok is false for
// a term that names none.
func parseTerm(term string) (o option, ok bool) {
	if !strings.HasPrefix(term, "-") {
		return o, false
	}
	for _, m := range optionName.FindAllStringSubmatch(term, -1) {
		o.names = append(o.names, m[1])
		if m[2] != "" {
			o.arg = strings.Trim(m[2], "'")
		}
	}
	return o, len(o.names) > 0
}

// firstSentence returns what an item's text says first.
func firstSentence(body string) string {
	if end := sentenceEnd.FindStringIndex(body); end != nil {
		body = body[:end[0]]
	}
	return strings.TrimSpace(body)
}
