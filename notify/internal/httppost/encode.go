package httppost

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf16"
)

// Encode returns v as JSON in which every character stands for itself where
// JSON allows it: some services refuse \u003c and the like (WeCom), and escapes
// count against the size.
func Encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return unescape(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), nil
}

// unescape replaces the \uXXXX that the encoder writes all the same: for
// U+2028, U+2029 and bytes that are not UTF-8, and for anything in what a
// type's own MarshalJSON returned.
func unescape(text []byte) []byte {
	if !bytes.Contains(text, []byte(`\u`)) {
		return text
	}
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 >= len(text) {
			out = append(out, text[i])
			continue
		}
		if r, ok := escaped(text[i:]); ok {
			out = append(out, string(r)...)
			i += 5
			continue
		}
		out = append(out, text[i], text[i+1])
		i++
	}
	return out
}

// escaped returns the character that the \uXXXX at the beginning of a text
// stands for, if it may stand there itself.
func escaped(text []byte) (rune, bool) {
	if len(text) < 6 || text[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	r := rune(n)
	return r, err == nil && r >= ' ' && r != '"' && r != '\\' && !utf16.IsSurrogate(r)
}
