package batchmailtest

import (
	"fmt"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vigilance-go/vigilance/cmd/internal/check/checktest"
	"github.com/vigilance-go/vigilance/notify/mail/mailtest"
)

// SuperlancesOptions runs the tool with each of superlance's options under
// Python's supervisord and this project's, and wants the mails that superlance
// 2.0 sends about the process one:one, of which line tells, with X for each time
// and pid. program makes it what it is, and subject is that of the mails.
func SuperlancesOptions(t *testing.T, name, program, line, subject string) {
	checktest.Superlance(t, func(t *testing.T) checktest.OptionTest {
		plain := mailtest.Start(t, mailtest.Options{})
		login := mailtest.Start(t, mailtest.Options{User: "u@example.com", Password: "s3cret"})
		secure := mailtest.Start(t, mailtest.Options{StartTLS: true, User: "u@example.com", Password: "s3cret"})
		sent := func(from, to, subject string) string {
			return fmt.Sprintf("From: %s\nTo: %s\nSubject: %s\n\n%s", from, to, subject, line)
		}
		const from, to = "a@example.com", "NAME@example.com"
		usual := sent(from, to, subject)
		by := func(user string, tls bool) string {
			return strings.Replace(usual, "From: ", fmt.Sprintf("By: %q, TLS %v\nFrom: ", user, tls), 1)
		}
		replace := strings.NewReplacer("PLAIN", address(plain), "LOGIN", address(login), "SECURE", address(secure), "CA", secure.CAFile)
		o := checktest.OptionTest{
			Tool: name, Events: "PROCESS_STATE,TICK_5", Generic: regexp.MustCompile(stamp.String() + `|\b\d+\b`),
			Programs: "[program:one]\nautostart=false\n" + program + "\n",
			Options: []checktest.Option{
				{Name: "usual", Args: "-t NAME@example.com -f a@example.com -H PLAIN -e TICK_5 -i 0.05", Mails: []string{usual}},
				{Name: "several", Args: `-t "NAME@example.com, more@example.com" -f a@example.com -H PLAIN -e TICK_5 -i 0.05`,
					Mails: []string{usual}, Mended: "all are named in one mail", Defect: []string{sent(from, to+", more@example.com", subject)}},
				{Name: "from", Args: "-t NAME@example.com -f b@example.com -H PLAIN -e TICK_5 -i 0.05", Mails: []string{sent("b@example.com", to, subject)}},
				{Name: "subject", Args: `-t NAME@example.com -f a@example.com -s "shop is down" -H PLAIN -e TICK_5 -i 0.05`, Mails: []string{sent(from, to, "shop is down")}},
				{Name: "interval", Args: "-t NAME@example.com -f a@example.com -H PLAIN -e TICK_5 -i 60"},
				{Name: "tick", Args: "-t NAME@example.com -f a@example.com -H PLAIN -i 0.05"},
				{Name: "user", Args: "-t NAME@example.com -f a@example.com -H LOGIN -u u@example.com -e TICK_5 -i 0.05", Mails: []string{usual}},
				{Name: "password", Args: "-t NAME@example.com -f a@example.com -H LOGIN -u u@example.com -p s3cret -e TICK_5 -i 0.05",
					Mails: []string{by("u@example.com", false)}},
				{Name: "tls", Args: "-t NAME@example.com -f a@example.com -H SECURE --tls -u u@example.com -p s3cret OURS(--smtp-ca-file CA) -e TICK_5 -i 0.05",
					Mails: []string{by("u@example.com", true)}},
				{Name: "long", Args: "--toEmail=NAME@example.com --fromEmail=a@example.com --smtpHost=SECURE --tls --userName=u@example.com --password=s3cret " +
					"OURS(--smtp-ca-file CA) --tickEvent=TICK_5 --interval=0.05 --subject=down",
					Mails: []string{strings.Replace(by("u@example.com", true), "Subject: "+subject, "Subject: down", 1)}},
			},
			Begin: func(d *checktest.Real) { d.Crash("one") },
			Mails: func(option string) (mails []string) {
				for _, server := range []*mailtest.Server{plain, login, secure} {
					for _, m := range server.Mails() {
						if slices.Contains(m.To, option+"@example.com") {
							mails = append(mails, render(t, m))
						}
					}
				}
				return mails
			},
		}
		for i, option := range o.Options {
			o.Options[i].Args = replace.Replace(option.Args)
		}
		return o
	})
}

func address(s *mailtest.Server) string { return fmt.Sprintf("%s:%d", s.Host, s.Port) }

// render writes a mail's header and text, and how it came where that is not in
// clear and without a login.
func render(t *testing.T, m mailtest.Mail) string {
	t.Helper()
	read, err := mail.ReadMessage(strings.NewReader(m.Data))
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("From: %s\nTo: %s\nSubject: %s\n\n%s",
		addresses(t, read.Header, "From"), addresses(t, read.Header, "To"), read.Header.Get("Subject"), Read(t, m).Body)
	if m.TLS || m.User != "" {
		text = fmt.Sprintf("By: %q, TLS %v\n%s", m.User, m.TLS, text)
	}
	return strings.ReplaceAll(text, "TIME", "X")
}

// addresses returns those of a header, however they are written there.
func addresses(t *testing.T, header mail.Header, name string) string {
	t.Helper()
	list, err := header.AddressList(name)
	if err != nil {
		t.Fatalf("read %s of a mail: %v", name, err)
	}
	var texts []string
	for _, a := range list {
		texts = append(texts, a.Address)
	}
	return strings.Join(texts, ", ")
}
