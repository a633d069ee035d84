package mail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/vigilance-go/vigilance/notify"
)

// DefaultSendmail is the command that superlance runs when it is not told one.
const DefaultSendmail = "/usr/sbin/sendmail -t -i"

// Sendmail is a notify.Notifier that runs a command with the mail on its
// standard input, as superlance does. m.To is the value of the To header,
// which may name several recipients.
//
// Exit status 0 means accepted. No failure of a command is for good, but one
// with an exit status that does not say what it means is given up after
// several attempts: the command may have sent the mail all the same.
type Sendmail struct {
	// Command goes to /bin/sh -c.
	Command string
	// From adds a From header when not empty.
	From string
	// Trace, when not nil, hears what is run, what it is given and what it says.
	Trace *Trace
}

const (
	// guesses is how often a command with an unclear exit status is run.
	guesses = 5
	// outputMax is how much of a command's output is kept, in bytes.
	outputMax = 4096
)

// Notify implements notify.Notifier. When the context is done, the command is
// killed, with all the processes of its group.
func (s *Sendmail) Notify(ctx context.Context, m notify.Message) error {
	text := Text(s.From, m)
	var out tail
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", s.Command)
	cmd.Stdin = strings.NewReader(text)
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second

	s.Trace.printf("-- running /bin/sh -c %q", s.Command)
	s.Trace.lines("> ", text)
	err := cmd.Run()
	s.Trace.lines("< ", string(out.b))
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil // it is done, and a child of its own goes on with the output
	}
	if err == nil {
		s.Trace.printf("-- exit status 0")
		return nil
	}
	return s.explain(ctx, err, out.b)
}

func (s *Sendmail) explain(ctx context.Context, err error, output []byte) error {
	var exit *exec.ExitError
	unclear := errors.As(err, &exit) && exit.Exited() && !clearExit(exit.ExitCode())
	text := err.Error()
	if cause := context.Cause(ctx); cause != nil {
		text = fmt.Sprintf("no end in time, killed: %v", cause)
	}
	if said := strings.TrimSpace(oneLine(string(output))); said != "" {
		text = fmt.Sprintf("%s (it said %q)", text, said)
	}
	s.Trace.printf("-- failed: %s", text)
	temporary := &notify.TemporaryError{Err: fmt.Errorf("run sendmail command %q: %s", s.Command, text)}
	if unclear {
		temporary.GiveUpAfter = guesses
	}
	return temporary
}

// clearExit tells whether an exit status says that no mail was sent: the
// shell's for a command that cannot be run, and those of sysexits.h.
func clearExit(status int) bool {
	return status == 126 || status == 127 || status >= 64 && status <= 78
}

// tail is a writer that keeps the end of what is written.
type tail struct{ b []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.b = append(t.b, p...)
	if over := len(t.b) - outputMax; over > 0 {
		t.b = bytes.Clone(t.b[over:])
	}
	return len(p), nil
}
