package config

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"syscall"
)

// This file turns the text of one value into a typed one, for options in the
// file and on the command line alike. What is accepted and the text of each
// error are the reference's (datatypes.py); the caller says where the value
// stood.

// ParseInteger reads a decimal number as Python's int does: white space
// around it, a sign and underscores between digits are fine. Numbers beyond
// int become the largest one.
func ParseInteger(text string) (int, error) {
	number, ok := pyInt(text, 10)
	if !ok {
		return 0, fmt.Errorf("invalid literal for int() with base 10: %s", firstRunes(PyRepr(text), 200))
	}
	return number, nil
}

func firstRunes(text string, count int) string {
	for at := range text {
		if count == 0 {
			return text[:at]
		}
		count--
	}
	return text
}

// ParseOctal reads an octal number, such as a umask or a file mode, with or
// without a prefix of 0 or 0o.
func ParseOctal(text string) (int, error) {
	number, ok := pyInt(text, 8)
	if !ok {
		return 0, fmt.Errorf("%s can not be converted to an octal type", text)
	}
	return number, nil
}

// parseMode reads the mode of a file. What Python could not hand to the system
// is refused.
func parseMode(text string) (uint32, error) {
	bits, err := ParseOctal(text)
	if err != nil {
		return 0, err
	}
	if bits < math.MinInt32 || bits > math.MaxInt32 {
		return 0, fmt.Errorf("%s is not the mode of a file", text)
	}
	return uint32(bits), nil //nolint:gosec // a negative one has the bits that the system would see
}

// ParseBoolean reads yes, true, on, 1, no, false, off and 0, in any case.
func ParseBoolean(text string) (bool, error) {
	if truth, ok := truthOf(pyLower(text)); ok {
		return truth, nil
	}
	return false, fmt.Errorf("not a valid boolean value: %s", PyRepr(text))
}

func truthOf(word string) (truth, ok bool) {
	switch word {
	case "yes", "true", "on", "1":
		return true, true
	case "no", "false", "off", "0":
		return false, true
	}
	return false, false
}

// ParseByteSize reads a number of bytes with an optional suffix KB, MB or GB,
// in any case, that stands for a power of 1024. Negative sizes are accepted,
// as there.
func ParseByteSize(text string) (int64, error) {
	digits, unit := pyLower(text), 1
	for _, suffix := range [...]struct {
		name string
		unit int
	}{{"kb", 1 << 10}, {"mb", 1 << 20}, {"gb", 1 << 30}} {
		if number, ok := strings.CutSuffix(digits, suffix.name); ok {
			digits, unit = number, suffix.unit
			break
		}
	}
	number, err := ParseInteger(digits)
	switch {
	case err != nil:
		return 0, err
	case number > math.MaxInt64/unit:
		return math.MaxInt64, nil
	case number < math.MinInt64/unit:
		return math.MinInt64, nil
	}
	return int64(number) * int64(unit), nil
}

// ParseLogLevel reads the name of a level of the daemon's log, in any case.
func ParseLogLevel(text string) (LogLevel, error) {
	switch pyLower(text) {
	case "critical":
		return LevelCritical, nil
	case "error":
		return LevelError, nil
	case "warn":
		return LevelWarn, nil
	case "info":
		return LevelInfo, nil
	case "debug":
		return LevelDebug, nil
	case "trace":
		return LevelTrace, nil
	case "blather":
		return LevelBlather, nil
	}
	return 0, fmt.Errorf("bad logging level name %s", PyRepr(text))
}

// ParseSignal reads a signal's number or its name, in any case and with or
// without SIG. The number 0, which the reference accepts too, only asks
// whether the process is there.
func ParseSignal(text string) (syscall.Signal, error) {
	number, isNumber := pyInt(text, 10)
	if !isNumber {
		name := strings.ToUpper(strip(text))
		if !strings.HasPrefix(name, "SIG") {
			name = "SIG" + name
		}
		signal, ok := signalByName(name)
		if !ok {
			return 0, fmt.Errorf("value %s is not a valid signal name", PyRepr(text))
		}
		return signal, nil
	}
	if signal := syscall.Signal(number); signal == 0 || isSignal(signal) {
		return signal, nil
	}
	return 0, fmt.Errorf("value %s is not a valid signal number", PyRepr(text))
}

// ParseAutoRestart reads a program's autorestart: unexpected or a boolean.
func ParseAutoRestart(text string) (AutoRestart, error) {
	word := pyLower(text)
	truth, isBoolean := truthOf(word)
	switch {
	case word == "unexpected":
		return RestartUnexpected, nil
	case isBoolean && truth:
		return RestartAlways, nil
	case isBoolean:
		return RestartNever, nil
	}
	return 0, fmt.Errorf("invalid 'autorestart' value %s", PyRepr(word))
}

// ParseExitCodes reads exit codes between 0 and 255, separated by commas. An
// empty text has none.
func ParseExitCodes(text string) ([]int, error) {
	if text == "" {
		return nil, nil
	}
	var codes []int
	for item := range strings.SplitSeq(text, ",") {
		code, ok := pyInt(item, 10)
		if !ok || code < 0 || code > 255 {
			return nil, fmt.Errorf("not a valid list of exit codes: %s", PyRepr(text))
		}
		codes = append(codes, code)
	}
	return codes, nil
}

// splitList splits a list at its commas; an empty text is an empty list, while
// every comma makes an item, though it be empty.
func splitList(text string) []string {
	if text == "" {
		return nil
	}
	items := strings.Split(text, ",")
	for i, item := range items {
		items[i] = strip(item)
	}
	return items
}

// ParseInetAddress reads "port", "host:port" or "*:port". An empty host, in
// lower case otherwise, stands for every address.
func ParseInetAddress(text string) (host string, port int, err error) {
	colon := strings.LastIndexByte(text, ':')
	if colon < 0 {
		if port, err = parsePort(text); err != nil {
			return "", 0, fmt.Errorf("not a valid port number: %s ", PyRepr(text))
		}
		return "", port, nil
	}
	if colon == len(text)-1 {
		return "", 0, fmt.Errorf("no port number specified in ''")
	}
	if port, err = parsePort(text[colon+1:]); err != nil {
		return "", 0, err
	}
	if host = pyLower(text[:colon]); host == "*" {
		host = ""
	}
	return host, port, nil
}

func parsePort(text string) (int, error) {
	port, err := ParseInteger(text)
	if err != nil {
		return 0, err
	}
	return port, checkPort(port)
}

func checkPort(port int) error {
	switch {
	case port < 1:
		return fmt.Errorf("%d is below lower bound (1)", port)
	case port > 0xffff:
		return fmt.Errorf("%d is above upper bound (65535)", port)
	}
	return nil
}

// ParseURL checks that a server's URL has a scheme and something after it, and
// returns it unchanged.
func ParseURL(text string) (string, error) {
	// Python's urlparse does not see these.
	url := strings.NewReplacer("\t", "", "\r", "", "\n", "").Replace(text)
	url = strings.TrimLeftFunc(url, func(r rune) bool { return r <= ' ' })

	scheme, rest, ok := strings.Cut(url, ":")
	const schemeChars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-."
	if strings.Trim(scheme, schemeChars) != "" || strings.TrimLeft(scheme, "0123456789+-.") != scheme {
		ok = false
	}
	host, hasHost := strings.CutPrefix(rest, "//")
	if hasHost && ok {
		if end := strings.IndexAny(host, "/?#"); end >= 0 {
			host = host[:end]
		}
		if strings.Contains(host, "[") != strings.Contains(host, "]") {
			return "", refErrorf("Invalid IPv6 URL")
		}
		rest = rest[2:]
	}
	if !ok || scheme == "" || rest == "" || strings.HasPrefix(rest, "?") || strings.HasPrefix(rest, "#") {
		return "", fmt.Errorf("value %s is not a URL", PyRepr(text))
	}
	return text, nil
}

// parseName checks the name of a process or group, which must not hold a
// character that the event protocol or the URLs of the web pages give a
// meaning.
func parseName(text string) (string, error) {
	name := strip(text)
	for _, char := range []string{" ", ":", "/"} {
		if strings.Contains(name, char) {
			return "", refErrorf("Invalid name: %s because of character: '%s'", PyRepr(text), char)
		}
	}
	return name, nil
}

// merge returns the union of two environments, in which over wins.
func merge(base, over map[string]string) map[string]string {
	merged := make(map[string]string, len(base)+len(over))
	maps.Copy(merged, base)
	maps.Copy(merged, over)
	return merged
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
