package listener

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Ready is what a listener writes to stdout when it wants the next event.
const Ready = "READY\n"

// ProtocolVersion is the value of a header's ver token.
const ProtocolVersion = "3.0"

// The contents of a result that the daemon knows. Any other content means what
// ResultFail means.
const (
	// ResultOK acknowledges an event: it is not sent again.
	ResultOK = "OK"
	// ResultFail gives an event back: the daemon sends it again, perhaps to
	// another listener of the pool.
	ResultFail = "FAIL"
)

// resultStart stands before the length in a result line.
const resultStart = "RESULT "

// Header is the line before an event's payload (Supervisor docs, events.html,
// "Header Tokens").
type Header struct {
	Version    string    // ver; empty is written as ProtocolVersion
	Server     string    // server: the identifier option of the daemon
	Serial     uint64    // serial: counts the daemon's events
	Pool       string    // pool: the name of the [eventlistener:x] section
	PoolSerial uint64    // poolserial: counts the pool's events
	EventName  EventType // eventname
	PayloadLen int       // len: in characters, see the function PayloadLen
}

// AppendTo appends the header line, line feed included, to dst. The order of
// its tokens is that of Python's Supervisor.
func (h Header) AppendTo(dst []byte) []byte {
	version := h.Version
	if version == "" {
		version = ProtocolVersion
	}
	dst = appendText(append(dst, "ver:"...), version)
	dst = appendText(append(dst, " server:"...), h.Server)
	dst = strconv.AppendUint(append(dst, " serial:"...), h.Serial, 10)
	dst = appendText(append(dst, " pool:"...), h.Pool)
	dst = strconv.AppendUint(append(dst, " poolserial:"...), h.PoolSerial, 10)
	dst = appendText(append(dst, " eventname:"...), string(h.EventName))
	dst = strconv.AppendInt(append(dst, " len:"...), int64(h.PayloadLen), 10)
	return append(dst, '\n')
}

// ParseHeader reads a header line, with or without its line feed. Tokens may
// come in any order, and tokens of an unknown key are skipped. A token without
// a colon belongs to the value before it, because the identifier option may
// hold spaces.
//
// The error quotes the line when eventname or len is missing, when len is
// negative, or when a number is not one.
func ParseHeader(line []byte) (Header, error) {
	text := strings.TrimRight(string(line), "\r\n")
	h, err := parseHeaderTokens(parseTokens(text))
	if err != nil {
		return Header{}, fmt.Errorf("parse event header %q: %w", shorten(text), err)
	}
	return h, nil
}

func parseHeaderTokens(tokens tokens) (Header, error) {
	h := Header{Version: tokens["ver"], Server: tokens["server"], Pool: tokens["pool"]}
	name, err := tokens.text("eventname")
	if err != nil {
		return Header{}, err
	}
	if name == "" {
		return Header{}, errors.New("eventname is empty")
	}
	h.EventName = EventType(name)
	if h.PayloadLen, err = tokens.number("len"); err != nil {
		return Header{}, err
	}
	for key, serial := range map[string]*uint64{"serial": &h.Serial, "poolserial": &h.PoolSerial} {
		value, ok := tokens[key]
		if !ok {
			continue
		}
		if *serial, err = strconv.ParseUint(value, 10, 64); err != nil {
			return Header{}, fmt.Errorf("%s is %q, want a number", key, value)
		}
	}
	return h, nil
}

// PayloadLen returns the value of the len token for a payload: its length in
// characters (Unicode code points), not in bytes. A byte that is part of no
// UTF-8 sequence counts as one character.
//
// The manual says bytes, but Python's Supervisor takes the length of the text
// before it encodes it, and sends UTF-8. Its listeners depend on that: they
// read len characters from a text stream (childutils.listener.wait), and would
// wait for ever for the rest of a payload that was counted in bytes. So this
// package counts characters, on both ends, and the bytes on the wire are those
// of Python's Supervisor. A listener that reads len bytes works as long as the
// payload is ASCII, and takes a part of any other payload, here as there.
func PayloadLen(payload []byte) int {
	ascii := 0
	for rest := payload; len(rest) >= 8 && binary.NativeEndian.Uint64(rest)&notASCII == 0; rest = rest[8:] {
		ascii += 8
	}
	return ascii + utf8.RuneCount(payload[ascii:])
}

// notASCII are the bits that no ASCII character has, in eight bytes at once.
const notASCII = 0x8080808080808080

// AppendEvent appends an event as the daemon sends it: the header line, with
// its len token taken from payload whatever h.PayloadLen says, then payload.
func AppendEvent(dst []byte, h Header, payload []byte) []byte {
	h.PayloadLen = PayloadLen(payload)
	return append(h.AppendTo(dst), payload...)
}

// AppendResult appends a listener's answer to an event, for example
// "RESULT 2\nOK" for the body "OK". The length counts bytes.
func AppendResult(dst, body []byte) []byte {
	dst = strconv.AppendInt(append(dst, resultStart...), int64(len(body)), 10)
	dst = append(dst, '\n')
	return append(dst, body...)
}

// ParseResultLine returns the length, in bytes, that a listener's result line
// announces. The line comes without its line feed.
//
// It accepts what Python's Supervisor accepts: the first seven bytes are
// skipped unread ("RESULT " or anything else), and the rest is a number in the
// manner of Python's int(): white space around it, a plus sign, leading zeros
// and single underscores between digits. The error quotes the line otherwise,
// and also for a negative number or one above math.MaxInt32, with which
// Python's Supervisor waits for a result that cannot come.
func ParseResultLine(line []byte) (n int, err error) {
	if len(line) < len(resultStart) {
		return 0, fmt.Errorf("parse result line %q: want %q and a length", line, resultStart)
	}
	digits, ok := pythonInt(string(line[len(resultStart):]))
	if !ok {
		return 0, fmt.Errorf("parse result line %q: want a number after the first %d bytes", shorten(string(line)), len(resultStart))
	}
	value, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || value < 0 || value > math.MaxInt32 {
		return 0, fmt.Errorf("parse result line %q: want a length from 0 to %d", shorten(string(line)), math.MaxInt32)
	}
	return int(value), nil
}

// pythonInt turns what Python's int() takes for bytes in base 10 into what
// strconv.ParseInt takes.
func pythonInt(s string) (digits string, ok bool) {
	s = strings.Trim(s, " \t\n\r\v\f")
	body := strings.TrimLeft(s, "+-")
	if len(s)-len(body) > 1 || body == "" {
		return "", false
	}
	previous := byte('_')
	for i := range len(body) {
		c := body[i]
		if (c < '0' || c > '9') && (c != '_' || previous == '_') {
			return "", false
		}
		previous = c
	}
	return strings.ReplaceAll(s, "_", ""), previous != '_'
}

// tokens are the key:value pairs of a header line or of a payload's first line.
type tokens map[string]string

// parseTokens splits a line at its spaces, and each token at its first colon. A
// token without a colon continues the value before it.
func parseTokens(line string) tokens {
	found := make(tokens, 8)
	last := ""
	for token := range strings.SplitSeq(line, " ") {
		key, value, ok := strings.Cut(token, ":")
		switch {
		case token == "":
		case ok:
			found[key] = value
			last = key
		case last != "":
			found[last] += " " + token
		}
	}
	return found
}

// text returns the value of key. The error names a missing key.
func (t tokens) text(key string) (string, error) {
	value, ok := t[key]
	if !ok {
		return "", fmt.Errorf("%s is missing", key)
	}
	return value, nil
}

// number returns the value of key. The error names key when its value is
// missing, negative or not a number.
func (t tokens) number(key string) (int, error) {
	value, err := t.text(key)
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%s is %q, want a number from 0", key, value)
	}
	return n, nil
}

// appendText appends s, with U+FFFD for what is not UTF-8: everything on the
// wire is UTF-8, or a reader that counts characters would lose its place.
func appendText(dst []byte, s string) []byte {
	if utf8.ValidString(s) {
		return append(dst, s...)
	}
	return append(dst, strings.ToValidUTF8(s, "\uFFFD")...)
}

// shorten cuts what an error message quotes.
func shorten(s string) string {
	const limit = 200
	if len(s) <= limit {
		return s
	}
	return s[:limit] + "..."
}
