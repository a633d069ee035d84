package config

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// document is the raw content of one or more files in the ConfigParser
// dialect that the reference reads: not strict, ";" and "#" as inline
// comments, no interpolation. Nothing in it is expanded or typed yet.
type document struct {
	sections []*section // in order of first appearance, without DEFAULT
	byName   map[string]*section
	defaults *section // [DEFAULT], which every section inherits from
}

// section is a section's options, in order of first appearance.
type section struct {
	name    string
	options table[string]
}

const defaultSection = "DEFAULT"

func newDocument() *document {
	return &document{byName: map[string]*section{}, defaults: newSection(defaultSection)}
}

func newSection(name string) *section {
	const usual = 6 // options in a section
	return &section{name: name, options: table[string]{entries: make([]entry[string], 0, usual)}}
}

// get returns the raw value of an option, with DEFAULT's as the fallback.
func (d *document) get(s *section, key string) (string, bool) {
	if value, ok := s.options.get(key); ok {
		return value, true
	}
	return d.defaults.options.get(key)
}

// keys lists a section's options: its own, then those it inherits.
func (d *document) keys(s *section) []string {
	var keys []string
	for _, option := range s.options.entries {
		keys = append(keys, option.name)
	}
	for _, option := range d.defaults.options.entries {
		if !s.options.has(option.name) {
			keys = append(keys, option.name)
		}
	}
	return keys
}

// replaceHere puts a folder in the place of every %(here)s, textually. The
// reference does so when there are includes, so that each file's %(here)s is
// its own folder. Inherited options become the section's own by it.
func (d *document) replaceHere(here string) {
	const placeholder = "%(here)s"
	for _, s := range d.sections {
		for _, key := range d.keys(s) {
			if value, _ := d.get(s, key); strings.Contains(value, placeholder) {
				s.options.set(key, strings.ReplaceAll(value, placeholder, here))
			}
		}
	}
}

// parse reads one more file into the document. Later values win, whether in
// the same file or in a later one. source names the file in errors, whose text
// is ConfigParser's. After an error the document is not fit for use.
func (d *document) parse(text, source string) error {
	p := parser{doc: d, source: source}
	for number := 1; text != ""; number++ {
		line := text
		if end := strings.IndexByte(text, '\n'); end >= 0 {
			line = text[:end+1]
		}
		text = text[len(line):]
		if err := p.line(number, line); err != nil {
			return err
		}
	}
	p.endOption()
	if p.bad != nil {
		return refErrorf("Source contains parsing errors: %s%s", PyRepr(source), strings.Join(p.bad, ""))
	}
	return nil
}

// parser is the state between two lines of one file.
type parser struct {
	doc     *document
	source  string
	current *section // nil before the first section header
	option  string   // the option that an indented line continues
	open    bool     // whether there is such an option
	value   []string // its lines
	indent  int      // of the line that began it, in characters
	bad     []string // one entry for each line that makes no sense
}

func (p *parser) line(number int, line string) error {
	text, commented := stripComment(line)
	if text == "" {
		// An empty line belongs to the value only if nothing but white space
		// was on it.
		if !commented && p.open {
			p.value = append(p.value, "")
		}
		return nil
	}
	indent := indentation(line)
	if p.open && indent > p.indent {
		p.value = append(p.value, text)
		return nil
	}
	p.indent = indent
	if name, ok := header(text); ok {
		p.endOption()
		p.enter(name)
		return nil
	}
	if p.current == nil {
		return refErrorf("File contains no section headers.\nfile: %s, line: %d\n%s",
			PyRepr(p.source), number, PyRepr(line))
	}
	delimiter := strings.IndexAny(text, "=:")
	if delimiter < 0 {
		// The option before stays open: indented lines after this one still
		// continue it.
		p.complain(number, line)
		return nil
	}
	p.endOption()
	if p.option = pyLower(rstrip(text[:delimiter])); p.option == "" {
		p.complain(number, line)
		return nil
	}
	p.open = true
	p.value = append(p.value[:0], strip(text[delimiter+1:]))
	return nil
}

func (p *parser) complain(number int, line string) {
	p.bad = append(p.bad, fmt.Sprintf("\n\t[line %2d]: %s", number, PyRepr(line)))
}

func (p *parser) enter(name string) {
	switch known, ok := p.doc.byName[name]; {
	case ok:
		p.current = known
	case name == defaultSection:
		p.current = p.doc.defaults
	default:
		p.current = newSection(name)
		p.doc.byName[name] = p.current
		p.doc.sections = append(p.doc.sections, p.current)
	}
}

// endOption stores the option that was being read, if any.
func (p *parser) endOption() {
	if !p.open {
		return
	}
	value := p.value[0]
	if len(p.value) > 1 {
		value = rstrip(strings.Join(p.value, "\n"))
	}
	p.current.options.set(p.option, value)
	p.open = false
}

// header recognises a section header. The name is everything between the
// first and the last bracket of the line; what follows is ignored.
func header(text string) (name string, ok bool) {
	end := strings.LastIndexByte(text, ']')
	if text[0] != '[' || end < 2 {
		return "", false
	}
	return text[1:end], true
}

// indentation counts the characters, not bytes, before a line's text.
func indentation(line string) int {
	return utf8.RuneCountInString(line[:len(line)-len(strings.TrimLeftFunc(line, isSpace))])
}

// stripComment returns a line's text without the white space around and
// without a comment, and whether it had one. A comment begins at a ";" or "#"
// that is the first character of the line, or the first after white space, or
// that follows white space. Nothing quotes a comment sign.
//
// Where both signs occur they are looked at in rounds, as ConfigParser does:
// the first ";" with the first "#", then the second ones. The first round that
// finds a comment ends the search, even if a later round would find one
// further to the left: "a#b #c ;d" reads as "a#b #c".
func stripComment(line string) (text string, commented bool) {
	text = strip(line)
	if text != "" && (text[0] == ';' || text[0] == '#') {
		return "", true
	}
	semicolon, hash := -1, -1
	for more := true; more; {
		cut := len(line)
		semicolon, hash = nextSign(line, ';', semicolon), nextSign(line, '#', hash)
		for _, at := range [...]int{semicolon, hash} {
			if at < len(line) && followsSpace(line, at) {
				cut = min(cut, at)
			}
		}
		if cut < len(line) {
			return strip(line[:cut]), true
		}
		more = semicolon < len(line) || hash < len(line)
	}
	return text, false
}

// nextSign finds the next sign after the position at, or the line's length.
func nextSign(line string, sign byte, at int) int {
	if at >= len(line) {
		return at
	}
	next := strings.IndexByte(line[at+1:], sign)
	if next < 0 {
		return len(line)
	}
	return at + 1 + next
}

func followsSpace(line string, at int) bool {
	before, _ := utf8.DecodeLastRuneInString(line[:at])
	return at > 0 && isSpace(before)
}
