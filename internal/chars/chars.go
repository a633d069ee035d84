// Package chars keeps the characters of a text whole where it is cut into
// pieces.
package chars

import "unicode/utf8"

// Whole returns the length of p, in bytes, without a UTF-8 character at its end
// that has begun and whose rest is to come. It is less than 4 bytes short: what
// cannot become a character is a piece of its own.
func Whole(p []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(p); n++ {
		if start := len(p) - n; utf8.RuneStart(p[start]) {
			if !utf8.FullRune(p[start:]) {
				return start
			}
			break
		}
	}
	return len(p)
}
