package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// mailbox keeps and prints mails. Sessions share it, each in a goroutine of the
// SMTP server, so that mu guards what follows it.
type mailbox struct {
	dir string

	mu    sync.Mutex
	out   io.Writer
	count int
}

// NewSession implements smtp.Backend.
func (b *mailbox) NewSession(*smtp.Conn) (smtp.Session, error) {
	return &session{box: b}, nil
}

// session is one SMTP dialogue; it remembers the envelope of the current mail.
type session struct {
	box  *mailbox
	from string
	to   []string
}

// Reset implements smtp.Session.
func (s *session) Reset() { s.from, s.to = "", nil }

// Logout implements smtp.Session.
func (*session) Logout() error { return nil }

// Mail implements smtp.Session.
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.from = from
	return nil
}

// Rcpt implements smtp.Session.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = append(s.to, to)
	return nil
}

// Data implements smtp.Session. The sender is told of success only once the mail
// is on disk.
func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("read the mail: %w", err)
	}
	return s.box.deliver(s.from, s.to, raw)
}

// deliver stores a mail and prints it.
func (b *mailbox) deliver(from string, to []string, raw []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.count++
	name := fmt.Sprintf("%s-%03d.eml", time.Now().Format("20060102-150405"), b.count)
	path := filepath.Join(b.dir, name)
	if err := os.WriteFile(path, raw, 0o644); err != nil {
		return fmt.Errorf("keep the mail: %w", err)
	}
	_, err := io.WriteString(b.out, render(from, to, raw, path))
	return err
}

// render returns a mail as a box of text: subject, envelope, body, file.
func render(from string, to []string, raw []byte, path string) string {
	subject, body := "(none)", string(raw)
	if msg, err := mail.ReadMessage(bytes.NewReader(raw)); err == nil {
		subject = decodeWords(msg.Header.Get("Subject"))
		body = decodeBody(msg)
	}
	var box strings.Builder
	fmt.Fprintf(&box, "\n┌── mail: %s\n", subject)
	fmt.Fprintf(&box, "│ %s → %s\n│\n", from, strings.Join(to, ", "))
	for line := range strings.Lines(strings.TrimRight(body, "\r\n")) {
		fmt.Fprintf(&box, "│ %s\n", strings.TrimRight(line, "\r\n"))
	}
	fmt.Fprintf(&box, "└── kept as %s\n\n", path)
	return box.String()
}

// decodeWords returns a header with its RFC 2047 words decoded, or as it is
// where they cannot be.
func decodeWords(header string) string {
	decoded, err := new(mime.WordDecoder).DecodeHeader(header)
	if err != nil {
		return header
	}
	return decoded
}

// decodeBody returns the body with its transfer encoding undone, as far as it
// can be read; a multipart body comes as it is.
func decodeBody(msg *mail.Message) string {
	reader := msg.Body
	switch strings.ToLower(msg.Header.Get("Content-Transfer-Encoding")) {
	case "quoted-printable":
		reader = quotedprintable.NewReader(reader)
	case "base64":
		reader = base64.NewDecoder(base64.StdEncoding, reader)
	}
	body, err := io.ReadAll(reader)
	if err != nil {
		return fmt.Sprintf("%s\n(the rest cannot be decoded: %v)", body, err)
	}
	return string(body)
}
