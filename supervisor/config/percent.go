package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// value is what a name expands to: a text, or a number for process_num and
// numprocs.
type value struct {
	text     string
	number   int
	isNumber bool
}

func textValue(text string) value  { return value{text: text} }
func numberValue(number int) value { return value{number: number, isNumber: true} }

// str is Python's str() of the value.
func (v value) str() string {
	if v.isNumber {
		return strconv.Itoa(v.number)
	}
	return v.text
}

// names are names with what they expand to.
type names = table[value]

func newNames() *names { return &names{} }

// scope is the names that a value may use: layers, of which a later one hides
// the same names of those before it.
type scope []*names

func (s scope) lookup(name string) (value, bool) {
	for i := len(s) - 1; i >= 0; i-- {
		if v, ok := s[i].get(name); ok {
			return v, true
		}
	}
	return value{}, false
}

// all lists the scope's names, each once, in the order of the layers.
func (s scope) all() []string {
	var all []string
	seen := map[string]bool{}
	for _, layer := range s {
		for _, e := range layer.entries {
			if !seen[e.name] {
				seen[e.name] = true
				all = append(all, e.name)
			}
		}
	}
	return all
}

// expand replaces the % expressions of an option's value. option names it in
// the errors, whose text is the reference's.
func expand(text, option string, vars scope) (string, error) {
	if strings.IndexByte(text, '%') < 0 {
		return text, nil
	}
	if expanded, ok := substitute(text, vars); ok {
		return expanded, nil
	}
	expanded, err := percentFormat(text, vars)
	if err == nil {
		return expanded, nil
	}
	if unknown := unknownNameError(""); errors.As(err, &unknown) {
		available := vars.all()
		slices.Sort(available)
		return "", refErrorf("Format string %s for %s contains names (%w) which cannot be expanded. Available names: %s",
			PyRepr(text), PyRepr(option), err, strings.Join(available, ", "))
	}
	return "", refErrorf("Format string %s for %s is badly formatted: %w", PyRepr(text), PyRepr(option), err)
}

// substitute is percentFormat for what nearly all texts hold, %(name)s and
// nothing else. It reports false for any other text.
func substitute(text string, vars scope) (string, bool) {
	const begin, end = "%(", ")s"
	var room [256]byte
	out := room[:0]
	for {
		at := strings.IndexByte(text, '%')
		if at < 0 {
			return string(append(out, text...)), true
		}
		rest, ok := strings.CutPrefix(text[at:], begin)
		length := strings.IndexAny(rest, "()")
		if !ok || length < 0 || !strings.HasPrefix(rest[length:], end) {
			return "", false
		}
		v, ok := vars.lookup(rest[:length])
		if !ok {
			return "", false
		}
		out = append(out, text[:at]...)
		text = rest[length+len(end):]
		if len(out) == 0 && text == "" {
			return v.str(), true
		}
		if v.isNumber {
			out = strconv.AppendInt(out, int64(v.number), 10)
		} else {
			out = append(out, v.text...)
		}
	}
}

// unknownNameError is Python's KeyError: its text is the name's repr.
type unknownNameError string

func (e unknownNameError) Error() string { return PyRepr(string(e)) }

// errTooFew is what Python says when a specification has no value left to
// print, as a %s without a name after one with a name.
var errTooFew = errors.New("not enough arguments for format string")

// maxPadding bounds width and precision, which would else let one line of a
// file fill the memory. Python has no such bound.
const maxPadding = 1 << 16

// percentFormat is Python's text % vars, with the words of its errors.
func percentFormat(text string, vars scope) (string, error) {
	f := formatter{text: text, vars: vars, out: make([]byte, 0, len(text)+64), hasArg: true}
	for f.at < len(text) {
		literal := strings.IndexByte(text[f.at:], '%')
		if literal < 0 {
			f.out = append(f.out, text[f.at:]...)
			break
		}
		f.out = append(f.out, text[f.at:f.at+literal]...)
		f.at += literal + 1
		if strings.HasPrefix(text[f.at:], "%") {
			f.out = append(f.out, '%')
			f.at++
			continue
		}
		if err := f.specification(); err != nil {
			return "", err
		}
	}
	return string(f.out), nil
}

// formatter is the state of one formatting.
type formatter struct {
	text string
	at   int // the byte that is read next
	vars scope
	out  []byte

	// arg is what the next conversion prints, nil for all of vars; it serves
	// once.
	arg    *value
	hasArg bool
	named  value // what arg points to, if not nil
}

// spec is one conversion specification: %(name)flags width . precision verb.
type spec struct {
	left, plus, blank, zero, alternate bool
	width                              int
	precision                          int // -1 when not given
	verb                               rune
}

// peek returns the next character, or false at the end of the text.
func (f *formatter) peek() (rune, bool) {
	r, size := utf8.DecodeRuneInString(f.text[f.at:])
	return r, size > 0
}

func (f *formatter) take() rune {
	r, size := utf8.DecodeRuneInString(f.text[f.at:])
	f.at += size
	return r
}

func (f *formatter) nextArg() (*value, error) {
	if !f.hasArg {
		return nil, errTooFew
	}
	f.hasArg = false
	return f.arg, nil
}

// specification reads and carries out what follows a %.
func (f *formatter) specification() error {
	if strings.HasPrefix(f.text[f.at:], "(") {
		if err := f.name(); err != nil {
			return err
		}
	}
	s := spec{precision: -1}
	f.flags(&s)
	width, err := f.padding("width too big")
	if err != nil {
		return err
	}
	if s.width = width; width < 0 {
		s.left, s.width = true, -width
	}
	if next, ok := f.peek(); ok && next == '.' {
		f.take()
		precision, err := f.padding("precision too big")
		if err != nil {
			return err
		}
		s.precision = max(precision, 0)
	}
	if next, ok := f.peek(); ok && strings.ContainsRune("hlL", next) {
		f.take()
	}
	if _, ok := f.peek(); !ok {
		return fmt.Errorf("incomplete format")
	}
	verbAt := f.at
	s.verb = f.take()
	arg, err := f.nextArg()
	if err != nil {
		return err
	}
	return f.convert(s, arg, verbAt)
}

// name reads "(name)", in which parentheses may nest, and looks it up.
func (f *formatter) name() error {
	f.at++
	start, depth := f.at, 1
	for depth > 0 {
		if f.at == len(f.text) {
			return fmt.Errorf("incomplete format key")
		}
		switch f.text[f.at] {
		case '(':
			depth++
		case ')':
			depth--
		}
		f.at++
	}
	name := f.text[start : f.at-1]
	v, ok := f.vars.lookup(name)
	if !ok {
		return unknownNameError(name)
	}
	f.named = v
	f.arg, f.hasArg = &f.named, true
	return nil
}

func (f *formatter) flags(s *spec) {
	for {
		switch next, _ := f.peek(); next {
		case '-':
			s.left = true
		case '+':
			s.plus = true
		case ' ':
			s.blank = true
		case '#':
			s.alternate = true
		case '0':
			s.zero = true
		default:
			return
		}
		f.take()
	}
}

// padding reads a width or a precision: digits, or a * that takes the next
// argument, or nothing, which is 0.
func (f *formatter) padding(tooBig string) (int, error) {
	next, _ := f.peek()
	amount := 0
	switch {
	case next == '*':
		f.take()
		arg, err := f.nextArg()
		if err != nil {
			return 0, err
		}
		if arg == nil || !arg.isNumber {
			return 0, fmt.Errorf("* wants int")
		}
		amount = arg.number
	case next >= '0' && next <= '9':
		for ; next >= '0' && next <= '9' && amount <= maxPadding; next, _ = f.peek() {
			amount = amount*10 + int(f.take()-'0')
		}
	}
	if amount > maxPadding || amount < -maxPadding {
		return 0, fmt.Errorf("%s", tooBig)
	}
	return amount, nil
}

// convert prints one argument, nil standing for all the names.
func (f *formatter) convert(s spec, arg *value, verbAt int) error {
	switch s.verb {
	case 's', 'r', 'a':
		f.pad(s, ' ', f.printed(s, arg))
		return nil
	case 'c':
		char, err := character(arg)
		if err != nil {
			return err
		}
		f.pad(s, ' ', char)
		return nil
	case 'd', 'i', 'u', 'o', 'x', 'X', 'e', 'E', 'f', 'F', 'g', 'G':
		if arg == nil || !arg.isNumber {
			return notANumber(s.verb, arg)
		}
		sign, digits := number(s, arg.number)
		f.padNumber(s, sign, digits)
		return nil
	}
	shown := '?'
	if s.verb > 30 && s.verb < 127 {
		shown = s.verb
	}
	return fmt.Errorf("unsupported format character '%c' (0x%x) at index %d",
		shown, s.verb, utf8.RuneCountInString(f.text[:verbAt]))
}

// printed is what %s, %r and %a make of an argument.
func (f *formatter) printed(s spec, arg *value) string {
	var text string
	switch {
	case arg == nil:
		text = f.vars.repr(s.verb == 'a')
	case s.verb == 's' || arg.isNumber:
		text = arg.str()
	case s.verb == 'a':
		text = pyASCII(arg.text)
	default:
		text = PyRepr(arg.text)
	}
	if s.precision < 0 {
		return text
	}
	cut := 0
	for range s.precision {
		_, size := utf8.DecodeRuneInString(text[cut:])
		cut += size
	}
	return text[:cut]
}

// repr prints the names as Python prints a dict.
func (s scope) repr(ascii bool) string {
	quote := PyRepr
	if ascii {
		quote = pyASCII
	}
	var items []string
	for _, name := range s.all() {
		v, _ := s.lookup(name)
		printed := v.str()
		if !v.isNumber {
			printed = quote(v.text)
		}
		items = append(items, quote(name)+": "+printed)
	}
	return "{" + strings.Join(items, ", ") + "}"
}

func (f *formatter) pad(s spec, fill byte, text string) {
	missing := 0
	if s.width > 0 {
		missing = s.width - utf8.RuneCountInString(text)
	}
	if !s.left {
		f.fill(fill, missing)
	}
	f.out = append(f.out, text...)
	if s.left {
		f.fill(' ', missing)
	}
}

func (f *formatter) fill(with byte, count int) {
	for range count {
		f.out = append(f.out, with)
	}
}

// padNumber pads with zeros between the sign and the digits where the
// specification has the flag 0.
func (f *formatter) padNumber(s spec, sign, digits string) {
	if s.zero && !s.left {
		f.out = append(f.out, sign...)
		s.width -= len(sign)
		f.pad(s, '0', digits)
		return
	}
	f.pad(s, ' ', sign+digits)
}
