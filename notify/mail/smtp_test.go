package mail_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	netmail "net/mail"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mime/quotedprintable"

	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/notify/mail"
	"github.com/vigilance-go/vigilance/notify/mail/mailtest"
)

const (
	user     = "alerts@example.com"
	password = "s3cret pässword"
)

func message() notify.Message {
	return notify.Message{
		ID: "ab-1", Time: time.Date(2026, 11, 22, 7, 30, 0, 0, time.UTC), Host: "web1.example.com",
		Subject: " cat crashed at 2026-11-22 07:30:00,123",
		Body:    "Process cat in group cat exited unexpectedly (pid 7) from state RUNNING",
		To:      "ops@example.com",
	}
}

func notifier(t *testing.T, o mail.SMTPOptions) *mail.SMTP {
	t.Helper()
	if o.From == "" {
		o.From = "vigilance@example.com"
	}
	s, err := mail.NewSMTP(o)
	if err != nil {
		t.Fatalf("NewSMTP(%+v) = %v, want nil", o, err)
	}
	return s
}

func send(t *testing.T, s notify.Notifier, m notify.Message, timeout time.Duration) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	return s.Notify(ctx, m)
}

// decode reads a mail as its reader sees it.
func decode(t *testing.T, data string) (netmail.Header, string) {
	t.Helper()
	m, err := netmail.ReadMessage(strings.NewReader(data))
	if err != nil {
		t.Fatalf("ReadMessage(%q) = %v", data, err)
	}
	r := m.Body
	if strings.EqualFold(m.Header.Get("Content-Transfer-Encoding"), "quoted-printable") {
		r = quotedprintable.NewReader(m.Body)
	}
	body, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("read body of %q: %v", data, err)
	}
	return m.Header, strings.TrimRight(string(body), "\r\n")
}

func TestSMTPSendsTheMail(t *testing.T) {
	server := mailtest.Start(t, mailtest.Options{})
	s := notifier(t, mail.SMTPOptions{Host: server.Host, Port: server.Port, From: "Vigilance <v@example.com>"})
	for range 2 { // an attempt and its repetition
		if err := send(t, s, message(), 10*time.Second); err != nil {
			t.Fatalf("Notify() = %v, want nil", err)
		}
	}
	mails := server.Wait(2, time.Second)
	if mails[0].Data != mails[1].Data {
		t.Errorf("repeated mail = %q, want the same as %q", mails[1].Data, mails[0].Data)
	}
	if mails[0].From != "v@example.com" || fmt.Sprint(mails[0].To) != "[ops@example.com]" {
		t.Errorf("envelope = %q to %q, want v@example.com to ops@example.com", mails[0].From, mails[0].To)
	}
	header, body := decode(t, mails[0].Data)
	for name, want := range map[string]string{
		"From":           `"Vigilance" <v@example.com>`,
		"To":             "<ops@example.com>",
		"Subject":        "cat crashed at 2026-11-22 07:30:00,123",
		"Date":           "Sun, 22 Nov 2026 07:30:00 +0000",
		"Message-Id":     "<ab-1@web1.example.com>",
		"Auto-Submitted": "auto-generated",
	} {
		if got := header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if body != message().Body {
		t.Errorf("body = %q, want %q", body, message().Body)
	}
	for _, name := range []string{"User-Agent", "X-Mailer"} {
		if got, ok := header[name]; ok {
			t.Errorf("%s: %q, want none", name, got)
		}
	}
}

func TestSMTPCarriesEveryText(t *testing.T) {
	server := mailtest.Start(t, mailtest.Options{})
	s := notifier(t, mail.SMTPOptions{Host: server.Host, Port: server.Port})
	m := message()
	m.Subject = "[ünïcode 数据]: cat\r\nBcc: evil@example.com\r\n\r\nbody"
	m.Body = "first\n.\n..\nQUIT\nünïcode 数据 \xff\x00\n" + strings.Repeat("long ", 400)
	m.ID = "strange id\r\nX-Evil: 1"
	m.Host = "host\r\nX-Evil: 2"
	if err := send(t, s, m, 10*time.Second); err != nil {
		t.Fatalf("Notify() = %v, want nil", err)
	}
	got := server.Wait(1, time.Second)[0]
	header, body := decode(t, got.Data)
	subject, err := new(mime.WordDecoder).DecodeHeader(header.Get("Subject"))
	if want := "[ünïcode 数据]: cat  Bcc: evil@example.com    body"; subject != want || err != nil {
		t.Errorf("Subject = %q, %v; want %q", subject, err, want)
	}
	for _, name := range []string{"Bcc", "X-Evil"} {
		if header.Get(name) != "" {
			t.Errorf("%s: %q, want no such header", name, header.Get(name))
		}
	}
	want := strings.TrimRight(strings.ToValidUTF8(m.Body, "\uFFFD"), " ")
	if got := strings.TrimRight(strings.ReplaceAll(body, "\r\n", "\n"), " "); got != want {
		t.Errorf("body = %q, want %q", got, want)
	}
	if len(got.To) != 1 {
		t.Errorf("recipients = %q, want one", got.To)
	}
}

func TestSMTPWithTLSAndLogin(t *testing.T) {
	plain := mailtest.Options{User: user, Password: password}
	starttls := mailtest.Options{StartTLS: true, User: user, Password: password}
	implicit := mailtest.Options{ImplicitTLS: true, User: user, Password: password}
	only := func(o mailtest.Options, mechanism string) mailtest.Options {
		o.Mechanisms = []string{mechanism}
		return o
	}
	for _, tt := range []struct {
		name   string
		server mailtest.Options
		tls    mail.TLSMode
		auth   mail.AuthMode
		noCA   bool
		noUser bool
		ok     bool
		error  string // part of it
	}{
		{name: "opportunistic", server: starttls, tls: mail.TLSOpportunistic, ok: true},
		{name: "opportunistic, unknown certificate, nothing to lose", server: starttls, tls: mail.TLSOpportunistic, noCA: true, noUser: true, ok: true},
		{name: "opportunistic, unknown certificate", server: starttls, tls: mail.TLSOpportunistic, noCA: true, error: "certificate"},
		{name: "opportunistic, no TLS to be had, hashed password", server: plain, tls: mail.TLSOpportunistic, ok: true},
		{name: "opportunistic, no TLS to be had, PLAIN", server: only(plain, "PLAIN"), tls: mail.TLSOpportunistic, ok: true}, // 127.0.0.1 is exempt
		{name: "required", server: starttls, tls: mail.TLSRequired, ok: true},
		{name: "required, unknown certificate", server: starttls, tls: mail.TLSRequired, noCA: true, error: "certificate"},
		{name: "required, none to be had", server: plain, tls: mail.TLSRequired, error: "STARTTLS"},
		{name: "implicit", server: implicit, tls: mail.TLSImplicit, ok: true},
		{name: "implicit, PLAIN", server: implicit, tls: mail.TLSImplicit, auth: mail.AuthPlain, ok: true},
		{name: "implicit, unknown certificate", server: implicit, tls: mail.TLSImplicit, noCA: true, error: "certificate"},
		{name: "none, LOGIN in clear", server: only(plain, "LOGIN"), tls: mail.TLSNone, ok: true},
		{name: "auto takes PLAIN", server: only(starttls, "PLAIN"), tls: mail.TLSRequired, ok: true},
		{name: "auto takes LOGIN", server: only(starttls, "LOGIN"), tls: mail.TLSRequired, ok: true},
		{name: "auto takes CRAM-MD5", server: only(starttls, "CRAM-MD5"), tls: mail.TLSRequired, ok: true},
		{name: "PLAIN", server: starttls, tls: mail.TLSRequired, auth: mail.AuthPlain, ok: true},
		{name: "LOGIN", server: starttls, tls: mail.TLSRequired, auth: mail.AuthLogin, ok: true},
		{name: "CRAM-MD5", server: starttls, tls: mail.TLSRequired, auth: mail.AuthCRAMMD5, ok: true},
		{name: "XOAUTH2", server: starttls, tls: mail.TLSRequired, auth: mail.AuthXOAUTH2, ok: true},
		{name: "not offered", server: only(starttls, "LOGIN"), tls: mail.TLSRequired, auth: mail.AuthPlain, error: "PLAIN"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := mailtest.Start(t, tt.server)
			var trace strings.Builder
			o := mail.SMTPOptions{
				Host: server.Host, Port: server.Port, TLS: tt.tls, Auth: tt.auth, CAFile: server.CAFile,
				User: user, Password: password, Trace: mail.NewTrace(&trace),
			}
			if tt.noCA {
				o.CAFile = ""
			}
			if tt.noUser {
				o.User, o.Password = "", ""
			}
			err := send(t, notifier(t, o), message(), 10*time.Second)
			checkSecrets(t, trace.String()+fmt.Sprint(err))
			if !tt.ok {
				if err == nil || !strings.Contains(err.Error(), tt.error) {
					t.Fatalf("Notify() = %v, want an error with %q", err, tt.error)
				}
				return
			}
			if err != nil {
				t.Fatalf("Notify() = %v, want nil; trace:\n%s", err, trace.String())
			}
			got := server.Wait(1, time.Second)[0]
			if wantTLS := tt.server.StartTLS || tt.server.ImplicitTLS; got.TLS != wantTLS {
				t.Errorf("TLS = %v, want %v", got.TLS, wantTLS)
			}
			if want := o.User; got.User != want {
				t.Errorf("logged in as %q, want %q", got.User, want)
			}
		})
	}
}

// checkSecrets fails the test where a text holds the password in any form.
func checkSecrets(t *testing.T, text string) {
	t.Helper()
	for _, secret := range secretForms() {
		if strings.Contains(text, secret) {
			t.Errorf("the secret %q is in %q, want it hidden", secret, text)
		}
	}
}

func TestSMTPTellsPermanentFromTemporary(t *testing.T) {
	const temporary, own, permanent = "temporary", "temporary, this message only", "permanent"
	for _, tt := range []struct {
		verb  string
		reply mailtest.Reply
		want  string
	}{
		{"CONNECT", mailtest.Reply{Code: 421, Text: "busy"}, temporary},
		{"CONNECT", mailtest.Reply{Code: 554, Text: "no service"}, permanent},
		{"CONNECT", mailtest.Reply{Drop: true}, temporary},
		{"CONNECT", mailtest.Reply{Hang: true}, temporary},
		{"AUTH", mailtest.Reply{Code: 454, Text: "later"}, temporary},
		{"AUTH", mailtest.Reply{Code: 535, Text: "wrong password " + password}, permanent},
		{"AUTH", mailtest.Reply{Hang: true}, temporary},
		{"MAIL", mailtest.Reply{Code: 451, Text: "later"}, temporary},
		{"MAIL", mailtest.Reply{Code: 550, Text: "bad sender"}, permanent},
		{"RCPT", mailtest.Reply{Code: 450, Text: "greylisted"}, own},
		{"RCPT", mailtest.Reply{Code: 421, Text: "going down"}, temporary},
		{"RCPT", mailtest.Reply{Code: 550, Text: "no such user"}, permanent},
		{"RCPT", mailtest.Reply{Drop: true}, temporary},
		{"DATA", mailtest.Reply{Code: 452, Text: "disk full"}, temporary},
		{"END", mailtest.Reply{Code: 451, Text: "later"}, temporary},
		{"END", mailtest.Reply{Code: 554, Text: "spam"}, permanent},
		{"END", mailtest.Reply{Drop: true}, temporary},
		{"END", mailtest.Reply{Hang: true}, temporary},
	} {
		name := fmt.Sprintf("%s %d hang %v drop %v", tt.verb, tt.reply.Code, tt.reply.Hang, tt.reply.Drop)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := mailtest.Start(t, mailtest.Options{
				User: user, Password: password,
				Script: func(verb, _ string) *mailtest.Reply {
					if verb == tt.verb {
						return &tt.reply
					}
					return nil
				},
			})
			var trace strings.Builder
			s := notifier(t, mail.SMTPOptions{
				Host: server.Host, Port: server.Port, User: user, Password: password, Trace: mail.NewTrace(&trace),
			})
			timeout := 10 * time.Second
			if tt.reply.Hang {
				timeout = 300 * time.Millisecond
			}
			start := time.Now()
			err := send(t, s, message(), timeout)
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("Notify() took %v, want about %v at most", took, timeout)
			}
			got := "no error"
			var p *notify.PermanentError
			var tmp *notify.TemporaryError
			switch {
			case errors.As(err, &p):
				got = permanent
			case errors.As(err, &tmp) && tmp.MessageOnly:
				got = own
			case errors.As(err, &tmp):
				got = temporary
			}
			if got != tt.want {
				t.Errorf("Notify() = %v (%s), want %s", err, got, tt.want)
			}
			checkSecrets(t, trace.String()+fmt.Sprint(err))
			if tt.reply.Code != 0 && !strings.Contains(err.Error(), fmt.Sprint(tt.reply.Code)) {
				t.Errorf("Notify() = %q, want the code %d in it", err, tt.reply.Code)
			}
		})
	}
}

// What a server does after it has taken the mail is no reason to send again.
func TestSMTPNeedsNoGoodbye(t *testing.T) {
	server := mailtest.Start(t, mailtest.Options{})
	s := notifier(t, mail.SMTPOptions{Host: server.Host, Port: server.Port})
	if err := send(t, s, message(), 10*time.Second); err != nil {
		t.Fatalf("Notify() = %v, want nil", err)
	}
	server.Down()
	err := send(t, s, message(), 10*time.Second)
	var tmp *notify.TemporaryError
	if !errors.As(err, &tmp) {
		t.Errorf("Notify() with the server down = %v, want a temporary error", err)
	}
}

func TestSMTPTraceShowsTheConversation(t *testing.T) {
	server := mailtest.Start(t, mailtest.Options{StartTLS: true, User: user, Password: password})
	var trace strings.Builder
	s := notifier(t, mail.SMTPOptions{
		Host: "localhost", Port: server.Port, TLS: mail.TLSRequired, CAFile: server.CAFile,
		User: user, Password: password, Trace: mail.NewTrace(&trace), Hello: "client.example.com",
	})
	if err := send(t, s, message(), 10*time.Second); err != nil {
		t.Fatalf("Notify() = %v, want nil; trace:\n%s", err, trace.String())
	}
	for _, want := range []string{
		"-- connecting to localhost:", "S: 220 mailtest", "C: EHLO client.example.com", "C: STARTTLS",
		"-- going on under TLS", "C: (login data hidden)", "S: 235 ", "C: MAIL FROM:<vigilance@example.com>",
		"C: RCPT TO:<ops@example.com>", "S: 354 ", "C: Subject: cat crashed", "C: .\n", "S: 250 2.0.0 OK", "C: QUIT", "S: 221 ",
	} {
		if !strings.Contains(trace.String(), want) {
			t.Errorf("trace lacks %q:\n%s", want, trace.String())
		}
	}
	checkSecrets(t, trace.String())
}

func TestNewSMTPNamesTheWrongOption(t *testing.T) {
	good := mail.SMTPOptions{Host: "localhost", From: "a@example.com"}
	for want, change := range map[string]func(*mail.SMTPOptions){
		"no host":         func(o *mail.SMTPOptions) { o.Host = "" },
		"port 70000":      func(o *mail.SMTPOptions) { o.Port = 70000 },
		`TLS mode "ssl"`:  func(o *mail.SMTPOptions) { o.TLS = "ssl" },
		`login "kerb"`:    func(o *mail.SMTPOptions) { o.Auth = "kerb" },
		`sender "nobody"`: func(o *mail.SMTPOptions) { o.From = "nobody" },
		"missing.pem":     func(o *mail.SMTPOptions) { o.CAFile = filepath.Join(t.TempDir(), "missing.pem") },
		"no certificate":  func(o *mail.SMTPOptions) { o.CAFile = "smtp_test.go" },
	} {
		o := good
		change(&o)
		if _, err := mail.NewSMTP(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("NewSMTP(%+v) = %v, want an error with %q", o, err, want)
		}
	}
}
