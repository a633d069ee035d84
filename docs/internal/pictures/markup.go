package main

import (
	_ "embed"
	"html/template"
	"regexp"
	"strings"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// plain shows a text as it is, with its lines.
func plain(text string) template.HTML {
	return template.HTML(strings.ReplaceAll(template.HTMLEscapeString(text), "\n", "<br>")) // escaped
}

// markdown shows the little Markdown that the tools write: headings, quotes,
// blocks of code, bold, colours, and backslashes before special characters.
func markdown(text string) template.HTML { return blocks(text, inline) }

// mrkdwn shows Slack's own markup, in which < > & come escaped.
func mrkdwn(text string) template.HTML {
	return blocks(text, func(line string) template.HTML {
		return template.HTML(slackBold.ReplaceAllString(line, "<b>$1</b>")) // the payload has escaped it
	})
}

var (
	slackBold = regexp.MustCompile(`\*([^*]+)\*`)
	bold      = regexp.MustCompile(`\*\*([^*]+)\*\*`)
	colour    = regexp.MustCompile(`&lt;font color=&#34;(\w+)&#34;&gt;(.*?)&lt;/font&gt;`)
	mention   = regexp.MustCompile(`&lt;(@\w+)&gt;`)
	escaped   = regexp.MustCompile("\\\\([\\\\`*_#\\[\\]&;<>!().+~|{}-])")
)

// inline shows a line.
func inline(line string) template.HTML {
	line = template.HTMLEscapeString(line)
	line = colour.ReplaceAllString(line, `<span class="$1">$2</span>`)
	line = mention.ReplaceAllString(line, `<span class="mention">$1</span>`)
	line = bold.ReplaceAllString(line, "<b>$1</b>")
	return template.HTML(escaped.ReplaceAllString(line, "$1")) // escaped above
}

// blocks shows a text's lines; line shows one that is no code.
func blocks(text string, line func(string) template.HTML) template.HTML {
	var out template.HTML
	code := false
	for _, l := range strings.Split(text, "\n") {
		switch {
		case strings.HasPrefix(l, "```"):
			if code = !code; code {
				out += "<pre>"
			} else {
				out += "</pre>"
			}
		case code:
			out += template.HTML(template.HTMLEscapeString(strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">").Replace(l)) + "\n") // escaped
		case strings.HasPrefix(l, "> "):
			out += "<blockquote>" + line(l[2:]) + "</blockquote>"
		case strings.HasPrefix(l, "#### "):
			out += "<h4>" + line(l[5:]) + "</h4>"
		case strings.TrimSpace(l) == "":
			out += `<div class="gap"></div>`
		default:
			out += "<div>" + line(strings.TrimRight(l, " ")) + "</div>"
		}
	}
	return out
}
