package rpc_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/test/peer"
)

// sections are the programs that the table of calls is about.
const sections = `
[program:cat]
command=/bin/cat
stdout_logfile=%(here)s/cat.log
stderr_logfile=NONE
[program:sleeper]
command=/bin/sleep 1000
process_name=%(program_name)s_%(process_num)d
numprocs=2
autostart=false
startsecs=0
priority=5
exitcodes=0,2
stopsignal=INT
stopasgroup=true
directory=/
environment=SECRET="hidden"
stdout_logfile=NONE
stderr_logfile=NONE
[program:solo]
command=/bin/sleep 1000
autostart=false
startsecs=0
redirect_stderr=true
serverurl=http://example.com:9001
stdout_logfile_maxbytes=0
stderr_syslog=true
[group:g]
programs=sleeper,solo
priority=7
[program:missing]
command=/nonexistent/program
user=root
autostart=false
[program:folder]
command=/usr/lib
autostart=false
[program:fails]
command=/bin/false
autostart=false
autorestart=false
startretries=0
startsecs=30
[program:noisy]
command=/bin/sh -c "printf '0123456789abcdefghij\n<&>\n'; echo error >&2; exec sleep 1000"
startsecs=0
[program:undecodable]
command=/bin/sh -c "printf '\303\244\377\033[1m'; exec sleep 1000"
startsecs=0
[program:stubborn]
command=/bin/sh -c "trap '' TERM; echo deaf; while :; do sleep 0.1; done"
autostart=false
startsecs=0
stopwaitsecs=60
[program:auto]
command=/bin/true
autostart=false
`

// step is a call to both daemons.
type step struct {
	call string
	// want, where Python's daemon answers otherwise, is a part of our answer.
	want string
	// until repeats the call until both answers contain it.
	until string
	// anyOrder is for results whose order is left to chance, as is which of
	// several processes ends first.
	anyOrder bool
}

// testMethods makes the same calls to both daemons.
func testMethods(t *testing.T, theirs, ours *daemon) {
	for _, s := range steps() {
		want, got := s.take(t, theirs, ours)
		switch {
		case s.want == "" && got != want:
			t.Errorf("%s\ngot %s\nwant %s", s.call, got, want)
		case s.want != "" && !strings.Contains(got.body, s.want):
			t.Errorf("%s\ngot %s\nwant %q in it", s.call, got, s.want)
		case s.want != "" && got == want:
			t.Errorf("%s\nis answered alike, though a difference is expected: %s", s.call, got)
		}
	}
}

// take makes the step's call to both daemons.
func (s step) take(t *testing.T, theirs, ours *daemon) (want, got answer) {
	t.Helper()
	for deadline := time.Now().Add(peer.Deadline); ; <-time.After(50 * time.Millisecond) {
		var err error
		if want, err = theirs.post(s.call); err != nil {
			t.Fatalf("%s\nthe reference: %v", s.call, err)
		}
		if got, err = ours.post(s.call); err != nil {
			t.Fatalf("%s\nours: %v", s.call, err)
		}
		if strings.Contains(got.body, s.until) && strings.Contains(want.body, s.until) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s\nwaited in vain for %q: got %s\nwant %s", s.call, s.until, got, want)
		}
	}
	if s.anyOrder {
		got.body, want.body = sorted(got.body), sorted(want.body)
	}
	return want, got
}

// sorted returns the structs of an answer in an order of their own.
func sorted(body string) string {
	const begin, end = "<value><struct>\n", "</struct></value>\n"
	structs, tail := body, ""
	if i := strings.LastIndex(body, end); i >= 0 {
		structs, tail = body[:i+len(end)], body[i+len(end):]
	}
	parts := strings.Split(structs, begin)
	slices.Sort(parts[1:])
	return strings.Join(parts, begin) + tail
}
