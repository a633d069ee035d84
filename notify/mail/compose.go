package mail

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"

	gomail "github.com/wneessen/go-mail"

	"github.com/vigilance-go/vigilance/notify"
)

// compose writes a mail for an SMTP server. All that is in it comes from m, so
// that each attempt sends the same bytes.
func compose(from string, m notify.Message) (*gomail.Msg, error) {
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err := msg.From(from); err != nil {
		return nil, err
	}
	if err := msg.To(m.To); err != nil {
		return nil, err
	}
	if subject := strings.TrimSpace(oneLine(m.Subject)); subject != "" {
		msg.Subject(subject) // superlance's mails without one lack the header
	}
	msg.SetDateWithValue(m.Time)
	msg.SetMessageIDWithValue(messageID(m))
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834
	msg.SetBodyString(gomail.TypeTextPlain, strings.ToValidUTF8(m.Body, "\uFFFD"))
	return msg, nil
}

// Text returns the mail that superlance writes to a sendmail command, to the
// byte: To and Subject, then the body as it is. Only a sender adds a line,
// From. Line ends are LF. A line break in a header becomes a space.
func Text(from string, m notify.Message) string {
	var b strings.Builder
	fmt.Fprintf(&b, "To: %s\n", oneLine(m.To))
	if from != "" {
		fmt.Fprintf(&b, "From: %s\n", oneLine(from))
	}
	fmt.Fprintf(&b, "Subject: %s\n\n%s", oneLine(m.Subject), m.Body)
	return b.String()
}

// oneLine makes control characters spaces: a header ends at the end of its
// line.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}

// messageID returns what names the mail for ever (RFC 5322, 3.6.4), without
// the angle brackets.
func messageID(m notify.Message) string {
	const atext = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_+=."
	left := m.ID
	if left == "" || len(left) > 100 || strings.Trim(left, atext) != "" || strings.Contains("."+left+".", "..") {
		sum := sha256.Sum256([]byte(m.ID))
		left = hex.EncodeToString(sum[:16])
	}
	right := strings.Trim(strings.Map(func(r rune) rune {
		if strings.ContainsRune(atext, r) && r != '=' && r != '+' && r != '_' {
			return r
		}
		return -1
	}, m.Host), ".-")
	if right == "" || strings.Contains(right, "..") {
		right = "localhost"
	}
	return left + "@" + right
}
