package mail

import (
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/log"
)

// Trace writes down a conversation, so that a person can see why a mail does
// not arrive: C: and S: are what client and server say, -- is what happens
// besides. A nil Trace writes nothing.
type Trace struct {
	mu sync.Mutex
	w  io.Writer
}

// NewTrace returns a Trace that writes to w.
func NewTrace(w io.Writer) *Trace { return &Trace{w: w} }

func (t *Trace) printf(format string, args ...any) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	_, _ = fmt.Fprintf(t.w, format+"\n", args...)
}

// lines prints each line of a text behind a mark.
func (t *Trace) lines(mark, text string) {
	for line := range strings.Lines(text) {
		t.printf("%s%s", mark, oneLine(strings.TrimRight(line, "\r\n")))
	}
}

func (t *Trace) server(mask *strings.Replacer, text string) { t.lines("S: ", mask.Replace(text)) }

// hidden stands in a trace where a secret was.
const hidden = "********"

// masker hides a password in all the forms in which it goes over the wire.
func masker(user, password string) *strings.Replacer {
	if password == "" {
		return strings.NewReplacer()
	}
	b64 := base64.StdEncoding.EncodeToString
	return strings.NewReplacer(
		b64([]byte("\x00"+user+"\x00"+password)), hidden,
		b64([]byte("user="+user+"\x01auth=Bearer "+password+"\x01\x01")), hidden,
		b64([]byte(password)), hidden,
		password, hidden,
	)
}

// tracer hears go-mail's log of one delivery: all commands and replies but
// the greeting, error replies and the reply to the mail itself.
type tracer struct {
	t    *Trace
	mask *strings.Replacer
	msg  *gomail.Msg
}

// Debugf implements go-mail's log.Logger.
func (t *tracer) Debugf(l log.Log) {
	text := fmt.Sprintf(l.Format, l.Messages...)
	if strings.Contains(text, "auth data redacted") {
		text = "(login data hidden)"
		if l.Direction == log.DirServerToClient {
			text = "334 " + text
		}
	}
	if l.Direction == log.DirClientToServer {
		t.t.lines("C: ", t.mask.Replace(text))
		return
	}
	code, rest, _ := strings.Cut(text, " ")
	t.t.server(t.mask, strings.ReplaceAll(text, "\n", "\n"+code+" "))
	switch {
	case code == "220" && rest != "":
		t.t.printf("-- going on under TLS")
	case code == "354":
		var b strings.Builder
		_, _ = t.msg.WriteTo(&b)
		t.t.lines("C: ", t.mask.Replace(b.String()))
		t.t.printf("C: .")
	}
}

// Infof implements go-mail's log.Logger.
func (t *tracer) Infof(l log.Log) { t.Debugf(l) }

// Warnf implements go-mail's log.Logger.
func (t *tracer) Warnf(l log.Log) { t.Debugf(l) }

// Errorf implements go-mail's log.Logger.
func (t *tracer) Errorf(l log.Log) { t.Debugf(l) }

// banner is a connection that tells a Trace how it was greeted.
type banner struct {
	net.Conn
	t    *Trace
	mask *strings.Replacer
	seen bool // by the goroutine that reads
}

func (b *banner) Read(p []byte) (int, error) {
	n, err := b.Conn.Read(p)
	if !b.seen && n > 0 {
		b.seen = true
		b.t.server(b.mask, string(p[:n]))
	}
	return n, err
}
