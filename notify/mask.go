package notify

import (
	"fmt"
	"regexp"
	"strings"
)

// Mask hides secrets in text that a program wrote. The zero Mask hides those
// that are known by their shape: values of names like password, token or
// api_key, passwords in URLs, bearer tokens, private keys and a few services'
// own formats.
type Mask struct{ own []*regexp.Regexp }

// NewMask returns a Mask that also hides what matches one of the regular
// expressions: its groups where it has some, else all of the match. The error
// quotes the expression.
func NewMask(expressions ...string) (*Mask, error) {
	m := &Mask{}
	for _, e := range expressions {
		re, err := regexp.Compile(e)
		if err != nil {
			return nil, fmt.Errorf("read mask %q: %w", e, err)
		}
		if re.MatchString("") {
			return nil, fmt.Errorf("read mask %q: it matches everything, want what matches secrets only", e)
		}
		m.own = append(m.own, re)
	}
	return m, nil
}

// known finds secrets by their shape; the last group is what is hidden.
var known = []*regexp.Regexp{
	regexp.MustCompile(`(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----(.*?)(?:-----END|$)`),
	regexp.MustCompile(`(?i)\b(?:authorization|proxy-authorization)["']?\s*[:=]\s*["']?(?:(?:basic|bearer|token|digest)\s+)?([^\s"',;]+)`),
	regexp.MustCompile(`(?i)[\w.-]*(?:passw(?:or)?d|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential)[\w.-]*["']?\s*(?:=>|[:=])\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s,;&]+)`),
	regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@]*:([^\s/@]+)@`),
	regexp.MustCompile(`(?i)\bbearer\s+([A-Za-z0-9._~+/-]{8,}=*)`),
	regexp.MustCompile(`\b(AKIA[0-9A-Z]{16}|xox[a-z]-[A-Za-z0-9-]{8,}|gh[a-z]_[A-Za-z0-9]{20,}|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*)`),
}

// Text returns the text with its secrets replaced by asterisks.
func (m *Mask) Text(text string) string {
	if text == "" {
		return text
	}
	for _, re := range known {
		text = hide(re, text)
	}
	if m != nil {
		for _, re := range m.own {
			text = hide(re, text)
		}
	}
	return text
}

func hide(re *regexp.Regexp, text string) string {
	matches := re.FindAllStringSubmatchIndex(text, -1)
	if matches == nil {
		return text
	}
	var b strings.Builder
	at := 0
	for _, match := range matches {
		groups := match[2:]
		if len(groups) == 0 {
			groups = match[:2]
		}
		for i := 0; i+1 < len(groups); i += 2 {
			if from, to := groups[i], groups[i+1]; from >= at && to > from {
				b.WriteString(text[at:from] + secretShown)
				at = to
			}
		}
	}
	return b.String() + text[at:]
}
