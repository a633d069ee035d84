package mail_test

import (
	"strings"
	"testing"

	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/notify/mail"
	"github.com/vigilance-go/vigilance/notify/mail/mailtest"
)

func TestCheckLogsInAndSendsNothing(t *testing.T) {
	server := mailtest.Start(t, mailtest.Options{StartTLS: true, User: "u@example.com", Password: "s3cret"})
	smtp := func(password string, mode mail.TLSMode) notify.Checker {
		s, err := mail.NewSMTP(mail.SMTPOptions{
			Host: server.Host, Port: server.Port, TLS: mode, CAFile: server.CAFile,
			User: "u@example.com", Password: password, From: "a@example.com",
		})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	closed, err := mail.NewSMTP(mail.SMTPOptions{Host: "127.0.0.1", Port: 1, From: "a@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		of   notify.Checker
		want string // in the error; empty for none
	}{
		{"good", smtp("s3cret", mail.TLSRequired), ""},
		{"wrong password", smtp("wr0ng", mail.TLSRequired), "535"},
		{"no TLS from the first byte", smtp("s3cret", mail.TLSImplicit), "TLS"},
		{"nobody there", closed, "reach 127.0.0.1:1"},
		{"command", &mail.Sendmail{Command: "/bin/cat > /dev/null"}, ""},
		{"builtin", &mail.Sendmail{Command: "read x"}, ""},
		{"not to be told", &mail.Sendmail{Command: "A=b nothing"}, ""},
		{"no command", &mail.Sendmail{Command: "/nowhere/sendmail -t -i"}, `there is no program "/nowhere/sendmail"`},
	} {
		err := tt.of.Check(t.Context())
		if (err == nil) != (tt.want == "") || err != nil && (!strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "wr0ng")) {
			t.Errorf("%s: Check = %v, want %q", tt.name, err, tt.want)
		}
	}
	if n := len(server.Mails()); n != 0 {
		t.Errorf("mails = %d, want none", n)
	}
}
