package batchmail

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// body joins lines to a text of at most limit characters; 0 is no limit. Lines
// that have no room are counted at its end. The first line is always there, if
// need be cut.
func body(lines []string, limit int) string {
	total := len(lines) - 1 // line ends
	for _, line := range lines {
		total += utf8.RuneCountInString(line)
	}
	if limit <= 0 || total <= limit {
		return strings.Join(lines, "\n")
	}
	more := func(kept int) string {
		if kept == len(lines) {
			return ""
		}
		return fmt.Sprintf("\nand %d more", len(lines)-kept)
	}
	length := 0
	for i, line := range lines {
		next := length + utf8.RuneCountInString(line)
		if i > 0 {
			next++
		}
		if next+len(more(i+1)) <= limit {
			length = next
			continue
		}
		if i == 0 {
			return cut(line, limit-len(more(1))) + more(1)
		}
		return strings.Join(lines[:i], "\n") + more(i)
	}
	return strings.Join(lines, "\n")
}

// cut returns the first characters of a text.
func cut(text string, length int) string {
	for i := range text {
		if length == 0 {
			return text[:i]
		}
		length--
	}
	return text
}

// digestLength is how many characters of a mail superlance writes to standard
// error.
const digestLength = 76

// report is what superlance writes to standard error about a mail.
func (o *options) report(text string) string {
	subject := o.subject
	if !o.hasSubject {
		subject = "None"
	}
	if utf8.RuneCountInString(text) > digestLength {
		text = cut(text, digestLength) + "..."
	}
	return fmt.Sprintf("Sending notification email:\nTo: %s\nFrom: %s\nSubject: %s\nBody:\n%s\n",
		strings.Join(o.to, ", "), o.from, subject, text)
}
