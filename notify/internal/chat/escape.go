package chat

import (
	"regexp"
	"strings"
)

// address finds the URLs in a text, without the punctuation behind.
var address = regexp.MustCompile(`https?://[^\s<>"|]*[^\s<>"|.,;:!?'()\[\]{}]`)

// Map returns s with each URL in it replaced by link's result, and what stands
// between them by text's.
func Map(s string, text, link func(string) string) string {
	var b strings.Builder
	end := 0
	for _, at := range address.FindAllStringIndex(s, -1) {
		b.WriteString(text(s[end:at[0]]))
		b.WriteString(link(s[at[0]:at[1]]))
		end = at[1]
	}
	b.WriteString(text(s[end:]))
	return b.String()
}

// EscapeMarkdown puts a backslash before each of the special characters,
// except in URLs, which would not be links any more.
func EscapeMarkdown(s, special string) string {
	escape := func(s string) string {
		var b strings.Builder
		for _, r := range s {
			if strings.ContainsRune(special, r) {
				b.WriteByte('\\')
			}
			b.WriteRune(r)
		}
		return b.String()
	}
	return Map(s, escape, func(link string) string { return link })
}

// tag finds what services take for a tag or a mention.
var tag = regexp.MustCompile(`<([A-Za-z/@!])`)

// NoTags makes a text harmless for services that know tags but no way to
// escape one: the < of what looks like one becomes its full-width form.
func NoTags(s string) string { return tag.ReplaceAllString(s, "＜$1") }

// Fence returns a text as a block of code, which shows it as it is.
func Fence(s string) string {
	return "```\n" + strings.ReplaceAll(s, "```", "'''") + "\n```"
}

// Join joins the parts that are not empty.
func Join(sep string, parts ...string) string {
	var there []string
	for _, p := range parts {
		if p != "" {
			there = append(there, p)
		}
	}
	return strings.Join(there, sep)
}
