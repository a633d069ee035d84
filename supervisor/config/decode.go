package config

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// decodeText turns a file's bytes into text: UTF-8, with CR LF and lone CR read
// as line ends. The error for other bytes has Python's words; the position is
// in bytes from the beginning of the file, of the character where the file ends
// within one.
func decodeText(data []byte) (string, error) {
	text := string(data)
	if !utf8.ValidString(text) {
		return "", decodeError(data)
	}
	if strings.IndexByte(text, '\r') >= 0 {
		text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	}
	return text, nil
}

func decodeError(data []byte) error {
	start := 0
	for {
		r, size := utf8.DecodeRune(data[start:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		start += size
	}
	first := data[start]
	length, reason := malformation(data[start:])
	if start+length == len(data) && reason == truncated {
		start = 0 // Python has read all lines by then and holds just the rest
	}
	if length == 1 {
		return fmt.Errorf("'utf-8' codec can't decode byte 0x%02x in position %d: %s", first, start, reason)
	}
	return fmt.Errorf("'utf-8' codec can't decode bytes in position %d-%d: %s", start, start+length-1, reason)
}

const truncated = "unexpected end of data"

// malformation says how many bytes at the beginning of data make no character,
// and why.
func malformation(data []byte) (length int, reason string) {
	lead := data[0]
	want := 2
	switch {
	case lead < 0xc2 || lead > 0xf4:
		return 1, "invalid start byte"
	case lead >= 0xf0:
		want = 4
	case lead >= 0xe0:
		want = 3
	}
	low, high := secondByte(lead)
	for length = 1; length < want; length++ {
		if length == len(data) {
			return length, truncated
		}
		if data[length] < low || data[length] > high {
			break
		}
		low, high = 0x80, 0xbf
	}
	return length, "invalid continuation byte"
}

// secondByte returns the range of what can follow a first byte: it keeps out
// overlong forms, surrogates and what is beyond Unicode.
func secondByte(lead byte) (low, high byte) {
	switch lead {
	case 0xe0:
		return 0xa0, 0xbf
	case 0xed:
		return 0x80, 0x9f
	case 0xf0:
		return 0x90, 0xbf
	case 0xf4:
		return 0x80, 0x8f
	}
	return 0x80, 0xbf
}
