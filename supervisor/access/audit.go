package access

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/vigilance-go/vigilance/supervisor/config"
	"github.com/vigilance-go/vigilance/supervisor/mainlog"
)

const (
	// maxValue and maxArgs bound, in bytes, what a line says of one value and
	// of all arguments together.
	maxValue = 256
	maxArgs  = 1024
)

// Audit is the audit log: a line for each change that somebody asked for, with
// who, from where, what and the outcome. Nil notes nothing. It never delays a
// request by waiting for a disk.
type Audit struct{ log *mainlog.Logger }

// OpenAudit opens the log that [supervisord] audit_logfile names; nil where it
// names none.
func OpenAudit(s *config.Supervisord) (*Audit, error) {
	if s.AuditLogFile == "" {
		return nil, nil
	}
	log, err := mainlog.Open(mainlog.Options{
		Path: s.AuditLogFile, MaxBytes: s.AuditLogFileMaxBytes, Backups: s.AuditLogFileBackups,
	})
	if err != nil {
		return nil, fmt.Errorf("open the audit log: %w", err)
	}
	return &Audit{log}, nil
}

// Close writes what is still to be written, and closes the log.
func (a *Audit) Close() {
	if a != nil {
		a.log.Close()
	}
}

// Reopen opens the file anew, for logrotate.
func (a *Audit) Reopen() {
	if a != nil {
		a.log.Reopen()
	}
}

// Arg is an argument of a call as the log shows it.
type Arg struct {
	Name  string
	Value any // nil, a string, a bool, a number, or something else by its type alone
	// Secret values are shown by their length.
	Secret bool
}

// Record notes what c asked for and what became of it: err is nil where it was
// done. Whatever stands in the values, the line is one line of printable ASCII.
func (a *Audit) Record(c *Caller, call string, args []Arg, err error) {
	if a == nil {
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "user=%s role=%s", field(c.User), c.Role)
	if c.UID != Unknown {
		fmt.Fprintf(&b, " uid=%d pid=%d", c.UID, c.PID)
	}
	remote := c.Remote
	if remote == "" {
		remote = "unix"
	}
	fmt.Fprintf(&b, " remote=%s server=%s call=%s", field(remote), field(c.Server), field(call))
	for begin := b.Len(); len(args) > 0; args = args[1:] {
		if b.Len()-begin > maxArgs {
			fmt.Fprintf(&b, " and=%d", len(args))
			break
		}
		fmt.Fprintf(&b, " %s=%s", field(args[0].Name), args[0].text())
	}
	var level int
	var outcome string
	switch _, refused := errors.AsType[*refusal](err); {
	case err == nil:
		level, outcome = mainlog.Info, "done"
	case refused:
		level, outcome = mainlog.Warn, "refused"
	default:
		level, outcome = mainlog.Info, "failed error="+field(err.Error())
	}
	a.log.Log(level, b.String()+" outcome="+outcome)
}

// RecordLogin notes a password that was wrong.
func (a *Audit) RecordLogin(c *Caller, user string) {
	if a != nil {
		nobody := *c
		nobody.Role = config.RoleNone
		a.Record(&nobody, "login", []Arg{{Name: "as", Value: user}}, &refusal{})
	}
}

func (a Arg) text() string {
	switch v := a.Value.(type) {
	case nil:
		return "none"
	case string:
		if a.Secret {
			return fmt.Sprintf("bytes:%d", len(v))
		}
		return field(v)
	case bool, int64, int, float64:
		if a.Secret {
			return "hidden"
		}
		return fmt.Sprint(v)
	case []any:
		return fmt.Sprintf("values:%d", len(v))
	case map[string]any:
		return fmt.Sprintf("members:%d", len(v))
	}
	return "something"
}

// field shows a value as one word: plainly where that is clear, and else quoted
// in ASCII, so that it begins no line or field, moves no cursor and turns no
// text around. Empty is "-".
func field(text string) string {
	if text == "" {
		return "-"
	}
	cut := ""
	if len(text) > maxValue {
		text, cut = text[:maxValue], "..."
	}
	plain := func(r rune) bool {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("_.:/@%+,*[]", r)
	}
	if text != "-" && !strings.ContainsFunc(text, func(r rune) bool { return !plain(r) && r != '-' }) {
		return text + cut
	}
	return strconv.QuoteToASCII(text) + cut
}
