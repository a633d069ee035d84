package mail

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strings"

	gomail "github.com/wneessen/go-mail"
)

// Check implements notify.Checker: it connects, begins TLS and logs in as for a
// mail, and sends none. The error holds no secret.
func (s *SMTP) Check(ctx context.Context) error {
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	client, err := gomail.NewClient(s.o.Host, s.clientOptions(life, timeout(ctx), gomail.NewMsg())...)
	if err != nil {
		return err
	}
	conn, err := client.DialToSMTPClientWithContext(life)
	if err != nil {
		return fmt.Errorf("reach %s: %s", s.address(), s.mask.Replace(err.Error()))
	}
	_ = client.CloseWithSMTPClient(conn) // it has answered
	return nil
}

// Check implements notify.Checker: it looks whether there is the program that
// the command begins with, where that can be told without a shell.
func (s *Sendmail) Check(context.Context) error {
	program, _, _ := strings.Cut(strings.TrimSpace(s.Command), " ")
	if !regexp.MustCompile(`^[\w./+-]+$`).MatchString(program) {
		return nil
	}
	// What the shell has itself is no program.
	if err := exec.Command("/bin/sh", "-c", `command -v "$1" >/dev/null`, "sh", program).Run(); err != nil {
		return fmt.Errorf("find sendmail command %q: there is no program %q", s.Command, program)
	}
	return nil
}
