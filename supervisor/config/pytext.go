package config

import (
	"fmt"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The reference inherits the manners of Python's str in what it accepts and in
// what it prints. This file holds those that Go's standard library does not
// share.

// PyRepr returns text as Python's repr prints a str: in single quotes unless
// the text holds some and no double ones, with everything that is not
// printable escaped. A byte that is not UTF-8 shows as the lone surrogate that
// Python keeps it as.
func PyRepr(text string) string {
	return pyRepr(text, unicode.IsPrint)
}

// pyASCII is Python's ascii(): a repr with everything beyond ASCII escaped.
func pyASCII(text string) string {
	return pyRepr(text, func(r rune) bool { return r < utf8.RuneSelf && unicode.IsPrint(r) })
}

func pyRepr(text string, printable func(rune) bool) string {
	quote := byte('\'')
	if strings.Contains(text, "'") && !strings.Contains(text, `"`) {
		quote = '"'
	}
	out := append(make([]byte, 0, len(text)+2), quote)
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			out = fmt.Appendf(out, `\udc%02x`, text[i])
		case r == rune(quote) || r == '\\':
			out = append(out, '\\', byte(r)) //nolint:gosec // it is a quote or a backslash
		case r == '\n':
			out = append(out, `\n`...)
		case r == '\r':
			out = append(out, `\r`...)
		case r == '\t':
			out = append(out, `\t`...)
		case printable(r):
			out = append(out, text[i:i+size]...)
		case r <= 0xff:
			out = fmt.Appendf(out, `\x%02x`, r)
		case r <= 0xffff:
			out = fmt.Appendf(out, `\u%04x`, r)
		default:
			out = fmt.Appendf(out, `\U%08x`, r)
		}
		i += size
	}
	return string(append(out, quote))
}

// isSpace says whether str.isspace and str.strip take r for white space: what
// Unicode does, and the four ASCII separators.
func isSpace(r rune) bool {
	return unicode.IsSpace(r) || (r >= 0x1c && r <= 0x1f)
}

func strip(text string) string {
	if isBare(text) {
		return text
	}
	return strings.TrimFunc(text, isSpace)
}

func rstrip(text string) string {
	if isBare(text) {
		return text
	}
	return strings.TrimRightFunc(text, isSpace)
}

// isBare tells of most texts that there is no white space around them: those
// with a visible ASCII character at either end.
func isBare(text string) bool {
	return text != "" && visible(text[0]) && visible(text[len(text)-1])
}

func visible(c byte) bool { return c > ' ' && c < 0x7f }

// pyLower is str.lower, which differs from strings.ToLower in the two letters
// that have a special lower case: the dotted capital I, and the capital sigma
// at the end of a word.
func pyLower(text string) string {
	if isASCII(text) || !strings.ContainsAny(text, "İΣ") {
		return strings.ToLower(text) // which is text itself where that is lower case
	}
	runes := []rune(text)
	var out strings.Builder
	for i, r := range runes {
		switch {
		case r == 'İ':
			out.WriteString("i̇")
		case r == 'Σ' && endsWord(runes, i):
			out.WriteRune('ς')
		default:
			out.WriteRune(unicode.ToLower(r))
		}
	}
	return out.String()
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// endsWord says whether the character at i follows a letter and precedes none,
// marks and punctuation within words aside.
func endsWord(runes []rune, i int) bool {
	before, after := i-1, i+1
	for before >= 0 && caseIgnorable(runes[before]) {
		before--
	}
	for after < len(runes) && caseIgnorable(runes[after]) {
		after++
	}
	letterAfter := after < len(runes) && cased(runes[after])
	return before >= 0 && cased(runes[before]) && !letterAfter
}

func cased(r rune) bool {
	return unicode.In(r, unicode.Lu, unicode.Ll, unicode.Lt, unicode.Other_Lowercase, unicode.Other_Uppercase)
}

func caseIgnorable(r rune) bool {
	return strings.ContainsRune("'.:·’", r) || unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Lm, unicode.Sk)
}

// pyInt is int(text, base) for the bases 8 and 10: white space around, a sign,
// single underscores between digits, any script's digits. Numbers beyond int
// saturate, since the reference has no bound and treats them as very large.
// The second result is false where Python raises ValueError.
func pyInt(text string, base int) (int, bool) {
	text = digitsToASCII(text)
	text = strings.Trim(text, " \t\n\v\f\r")
	negative := strings.HasPrefix(text, "-")
	if negative || strings.HasPrefix(text, "+") {
		text = text[1:]
	}
	if base == 8 && (strings.HasPrefix(text, "0o") || strings.HasPrefix(text, "0O")) {
		text = strings.TrimPrefix(text[2:], "_")
	}
	value, lastDigit := 0, false
	for _, c := range []byte(text) {
		if c == '_' && lastDigit {
			lastDigit = false
			continue
		}
		digit := int(c) - '0'
		if digit < 0 || digit >= base {
			return 0, false
		}
		lastDigit = true
		if value > (math.MaxInt-digit)/base {
			value = math.MaxInt
		} else {
			value = value*base + digit
		}
	}
	if !lastDigit { // no digit at all, or an underscore at the end
		return 0, false
	}
	if negative {
		value = -value
	}
	return value, true
}

// digitsToASCII turns the digits of every script into ASCII ones and white
// space beyond ASCII into blanks, as int() does with text beyond ASCII.
func digitsToASCII(text string) string {
	if isASCII(text) {
		return text
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r < utf8.RuneSelf:
			return r
		case isSpace(r):
			return ' '
		case unicode.Is(unicode.Nd, r):
			return '0' + digitValue(r)
		}
		return '?'
	}, text)
}

// digitValue relies on Unicode's promise that the decimal digits of a script
// are ten consecutive characters, from zero up.
func digitValue(r rune) rune {
	for _, block := range unicode.Nd.R16 {
		if r <= rune(block.Hi) {
			return (r - rune(block.Lo)) % 10
		}
	}
	for _, block := range unicode.Nd.R32 {
		if r <= rune(block.Hi) { //nolint:gosec // the table is one of characters
			return (r - rune(block.Lo)) % 10 //nolint:gosec // the table is one of characters
		}
	}
	return 0
}
