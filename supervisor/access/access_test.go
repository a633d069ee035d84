package access

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vigilance-go/vigilance/supervisor"
	"github.com/vigilance-go/vigilance/supervisor/config"
)

func TestCheckComparesRoles(t *testing.T) {
	roles := []config.Role{config.RoleNone, config.RoleObserver, config.RoleOperator, config.RoleAdmin}
	for _, has := range roles {
		for _, needs := range roles {
			err := (&Caller{Role: has, UID: Unknown}).Check("x", needs)
			if want := needs != config.RoleNone && has >= needs; (err == nil) != want {
				t.Errorf("a caller with role %v, Check(x, %v): got %v, want permitted %v", has, needs, err, want)
			}
			if f, ok := errors.AsType[*supervisor.Fault](err); err != nil && (!ok || f.Code != supervisor.FaultFailed) {
				t.Errorf("a caller with role %v, Check(x, %v): got %v, want the fault FAILED", has, needs, err)
			}
		}
	}
	if err := Of(t.Context()).Check("x", config.RoleObserver); err == nil {
		t.Error("a call outside of any request is permitted, want it refused")
	}
}

func TestRefusalsSayWhoAndWhy(t *testing.T) {
	for _, tt := range []struct {
		caller Caller
		want   string
	}{
		{Caller{User: "eve", UID: 7, Role: config.RoleObserver}, "FAILED: not permitted: stop is for an operator, and user eve is an observer"},
		{Caller{UID: 7}, "FAILED: not permitted: stop is for an operator, and uid 7 is nobody"},
		{Caller{UID: Unknown, Role: config.RoleObserver, Reason: "because"}, "FAILED: not permitted: stop is for an operator, and this client is an observer (because)"},
		{Caller{User: "a\nb", UID: Unknown}, `FAILED: not permitted: stop is for an operator, and user "a\nb" is nobody`},
	} {
		if err := tt.caller.Check("stop", config.RoleOperator); err == nil || err.Error() != tt.want {
			t.Errorf("Check of %+v: got %v, want %s", tt.caller, err, tt.want)
		}
	}
}

// record returns what the audit log has after f, without the times.
func record(t *testing.T, f func(a *Audit)) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "audit.log")
	a, err := OpenAudit(&config.Supervisord{AuditLogFile: path})
	if err != nil {
		t.Fatal(err)
	}
	f(a)
	a.Close()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const stamp = "2006-01-02 15:04:05,000 "
	var b strings.Builder
	for line := range strings.Lines(string(text)) {
		b.WriteString(line[min(len(stamp), len(line)):])
	}
	return b.String()
}

func TestAuditLinesTellWhoWhatAndOutcome(t *testing.T) {
	alice := &Caller{Server: "inet_http_server", Remote: "192.0.2.1:5", User: "alice", UID: Unknown, Role: config.RoleOperator}
	local := &Caller{Server: "unix_http_server", UID: 1000, PID: 42, Role: config.RoleAdmin}
	got := record(t, func(a *Audit) {
		a.Record(alice, "supervisor.stopProcess", []Arg{{Name: "name", Value: "web:1"}, {Name: "wait", Value: true}}, nil)
		a.Record(alice, "supervisor.shutdown", nil, alice.Check("supervisor.shutdown", config.RoleAdmin))
		a.Record(local, "supervisor.startProcess", []Arg{{Name: "name", Value: "x"}}, supervisor.NewFault(supervisor.FaultBadName, "x"))
		a.Record(local, "supervisor.sendProcessStdin", []Arg{{Name: "name", Value: "x"}, {Name: "chars", Value: "hunter2", Secret: true}}, nil)
		a.Record(local, "x", []Arg{{Name: "a", Value: nil}, {Name: "b", Value: int64(-1)}, {Name: "c", Value: []any{1, 2}},
			{Name: "d", Value: map[string]any{}}, {Name: "e", Value: 1.5}, {Name: "f", Value: ""}, {Name: "g", Value: int64(9), Secret: true}}, nil)
		a.RecordLogin(alice, "root")
	})
	want := `INFO user=alice role=operator remote=192.0.2.1:5 server=inet_http_server call=supervisor.stopProcess name=web:1 wait=true outcome=done
WARN user=alice role=operator remote=192.0.2.1:5 server=inet_http_server call=supervisor.shutdown outcome=refused
INFO user=- role=admin uid=1000 pid=42 remote=unix server=unix_http_server call=supervisor.startProcess name=x outcome=failed error="BAD_NAME: x"
INFO user=- role=admin uid=1000 pid=42 remote=unix server=unix_http_server call=supervisor.sendProcessStdin name=x chars=bytes:7 outcome=done
INFO user=- role=admin uid=1000 pid=42 remote=unix server=unix_http_server call=x a=none b=-1 c=values:2 d=members:0 e=1.5 f=- g=hidden outcome=done
WARN user=alice role=nobody remote=192.0.2.1:5 server=inet_http_server call=login as=root outcome=refused
`
	if got != want {
		t.Errorf("the audit log holds\n%s\nwant\n%s", got, want)
	}
}

// FuzzAuditLine: whatever a client sends is one line, in which it cannot be
// taken for another field.
func FuzzAuditLine(f *testing.F) {
	for _, seed := range []string{"web", "-", "", "a b", "x outcome=done", "a\nINFO user=root", "\x1b[2J", "\u202etxt", "\xff", "\"", "\\", strings.Repeat("x", 2*maxValue)} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, name, value string) {
		for _, text := range []string{field(name), (Arg{Value: value}).text()} {
			if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Fatalf("field(%q): got %q, want printable ASCII", value, text)
			}
			if strings.ContainsAny(text, " =") && text[0] != '"' {
				t.Fatalf("field(%q): got %q, want it quoted", value, text)
			}
			if len(text) > 10*maxValue+5 {
				t.Fatalf("field of %d bytes has %d, want few", len(value), len(text))
			}
		}
	})
}

func TestAuditLinesAreBounded(t *testing.T) {
	c := &Caller{UID: Unknown}
	long := make([]Arg, 1000)
	for i := range long {
		long[i] = Arg{Name: "more", Value: strings.Repeat("\n", 1<<16)}
	}
	got := record(t, func(a *Audit) { a.Record(c, strings.Repeat("m", 1<<16), long, errors.New(strings.Repeat("e", 1<<16))) })
	if strings.Count(got, "\n") != 1 || len(got) > 8*maxArgs {
		t.Errorf("a call with 1000 long arguments: got %d lines of %d bytes, want one of at most %d", strings.Count(got, "\n"), len(got), 8*maxArgs)
	}
}

func TestNoAuditLogIsNone(t *testing.T) {
	a, err := OpenAudit(&config.Supervisord{})
	if a != nil || err != nil {
		t.Fatalf("OpenAudit without a file = %v, %v, want none", a, err)
	}
	a.Record(&Caller{}, "x", nil, nil)
	a.RecordLogin(&Caller{}, "x")
	a.Reopen()
	a.Close()
	if _, err := OpenAudit(&config.Supervisord{AuditLogFile: "/nonexistent/audit.log"}); err == nil {
		t.Error("OpenAudit in a folder that is not there: got no error")
	}
}
