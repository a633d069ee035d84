package config

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// number prints n as the specification's numeric verb does; sign is what
// stands before the digits and any zeros that pad them, with the base prefix.
func number(s spec, n int) (sign, digits string) {
	switch {
	case n < 0:
		sign = "-"
	case s.plus:
		sign = "+"
	case s.blank:
		sign = " "
	}
	base, prefix := 10, ""
	switch s.verb {
	case 'o':
		base, prefix = 8, "0o"
	case 'x':
		base, prefix = 16, "0x"
	case 'X':
		base, prefix = 16, "0X"
	case 'd', 'i', 'u':
	default:
		return sign, float(s, n)
	}
	digits = strings.TrimPrefix(strconv.FormatInt(int64(n), base), "-")
	if s.verb == 'X' {
		digits = strings.ToUpper(digits)
	}
	if missing := s.precision - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	if s.alternate {
		sign += prefix
	}
	return sign, digits
}

// float prints the magnitude of n with a floating point verb.
func float(s spec, n int) string {
	precision := s.precision
	if precision < 0 {
		precision = 6
	}
	x := float64(n)
	if x < 0 {
		x = -x
	}
	var text string
	switch s.verb {
	case 'f', 'F':
		text = strconv.FormatFloat(x, 'f', precision, 64)
		if s.alternate && precision == 0 {
			text += "."
		}
	case 'e', 'E':
		text = exponential(x, precision, s.alternate)
	default:
		text = general(x, max(precision, 1), s.alternate)
	}
	if s.verb < 'a' {
		text = strings.ToUpper(text)
	}
	return text
}

func exponential(x float64, precision int, alternate bool) string {
	text := strconv.FormatFloat(x, 'e', precision, 64)
	if alternate && precision == 0 {
		text = strings.Replace(text, "e", ".e", 1)
	}
	return text
}

// general is %g: precision counts significant digits, of which zeros at the
// end go unless the alternate form is asked for.
func general(x float64, precision int, alternate bool) string {
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(x, 'e', precision-1, 64), "e")
	power, _ := strconv.Atoi(exponent)
	if power >= precision { // n is an integer, so it is never below 10**-4
		return trimZeros(mantissa, alternate) + "e" + exponent
	}
	return trimZeros(strconv.FormatFloat(x, 'f', precision-1-power, 64), alternate)
}

func trimZeros(text string, keep bool) string {
	point := strings.Contains(text, ".")
	switch {
	case keep && !point:
		return text + "."
	case keep || !point:
		return text
	}
	return strings.TrimRight(strings.TrimRight(text, "0"), ".")
}

// notANumber is Python's TypeError for a numeric verb whose argument is none.
func notANumber(verb rune, arg *value) error {
	kind := "str"
	if arg == nil {
		kind = "dict"
	}
	switch verb {
	case 'd', 'i', 'u':
		return fmt.Errorf("%%%c format: a real number is required, not %s", verb, kind)
	case 'o', 'x', 'X':
		return fmt.Errorf("%%%c format: an integer is required, not %s", verb, kind)
	default:
		return fmt.Errorf("must be real number, not %s", kind)
	}
}

// character is what %c prints: a text of one character, or a code point.
func character(arg *value) (string, error) {
	switch {
	case arg == nil, !arg.isNumber && utf8.RuneCountInString(arg.text) != 1:
		return "", fmt.Errorf("%%c requires int or char")
	case !arg.isNumber:
		return arg.text, nil
	case arg.number < 0 || arg.number > utf8.MaxRune:
		return "", fmt.Errorf("%%c arg not in range(0x110000)")
	}
	return string(rune(arg.number)), nil
}
