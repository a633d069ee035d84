package config

import (
	"slices"
	"testing"
)

func groupNames(groups []*Group) []string {
	names := []string{}
	for _, group := range groups {
		names = append(names, group.Name)
	}
	return names
}

func TestDiffFindsAddedChangedAndRemoved(t *testing.T) {
	running := mustLoad(t, "[supervisord]\n[program:a]\ncommand=x\n[program:b]\ncommand=x\n[program:c]\ncommand=x\n").Groups
	wanted := mustLoad(t, "[supervisord]\n[program:d]\ncommand=x\n[program:b]\ncommand=y\n[program:c]\ncommand=x\n").Groups
	added, changed, removed := Diff(running, wanted)
	if got := [][]string{groupNames(added), groupNames(changed), groupNames(removed)}; !slices.Equal(got[0], []string{"d"}) ||
		!slices.Equal(got[1], []string{"b"}) || !slices.Equal(got[2], []string{"a"}) {
		t.Errorf("Diff: got %v, want [[d] [b] [a]]", got)
	}
	if len(changed) == 1 && changed[0].Programs[0].Command != "y" {
		t.Errorf("Diff: the changed group has command %q, want the wanted one, y", changed[0].Programs[0].Command)
	}
}

// TestDiffComparesEachOption changes one option at a time.
func TestDiffComparesEachOption(t *testing.T) {
	const program = "[supervisord]\n[program:a]\ncommand=x\n"
	const listener = "[supervisord]\n[eventlistener:a]\ncommand=x\nevents=TICK_5\n"
	const fastCGI = "[supervisord]\n[fcgi-program:a]\ncommand=x\nsocket=unix:///s\n"
	for _, c := range []struct {
		running, wanted string
		changed         bool
	}{
		{program, program, false},
		{program, program + "command=y\n", true},
		{program, program + "user=root\n", true},
		{program, program + "directory=/\n", true},
		{program, program + "umask=022\n", true},
		{program, program + "priority=1\n", true},
		{program, program + "autostart=false\n", true},
		{program, program + "autorestart=true\n", true},
		{program, program + "startsecs=2\n", true},
		{program, program + "startretries=4\n", true},
		{program, program + "stopsignal=HUP\n", true},
		{program, program + "stopwaitsecs=11\n", true},
		{program, program + "stopasgroup=true\n", true},
		{program, program + "killasgroup=true\n", true},
		{program, program + "exitcodes=0,2\n", true},
		{program, program + "redirect_stderr=true\n", true},
		{program, program + "environment=A=1\n", true},
		{program, program + "serverurl=http://x\n", true},
		{program, program + "numprocs=2\nprocess_name=a%(process_num)d\n", true},
		{program, program + "process_name=b\n", true},
		{program, program + "stdout_logfile_maxbytes=1\n", true},
		{program, program + "stdout_logfile_backups=1\n", true},
		{program, program + "stdout_capture_maxbytes=1\n", true},
		{program, program + "stdout_events_enabled=true\n", true},
		{program, program + "stderr_syslog=true\n", true},
		{program, program + "serverurl=AUTO\nunknown=1\n", false},
		{program, "[supervisord]\nenvironment=A=1\n[program:a]\ncommand=x\n", true},
		{program, "[supervisord]\nminfds=1\n[group:a]\nprograms=a\n[program:a]\ncommand=x\n", false},
		// A running automatic log has got a name, which no wanted one equals,
		// while a wanted automatic log takes any.
		{program, program + "stdout_logfile=NONE\n", true},
		{program, program + "stdout_logfile=/tmp/x\n", true},
		{program + "stdout_logfile=/tmp/x\n", program, false},
		{program + "stdout_logfile=NONE\n", program, false},
		{program + "stdout_logfile=NONE\n", program + "stdout_logfile=/tmp/x\n", true},
		{program + "stdout_logfile=/tmp/x\n", program + "stdout_logfile_maxbytes=1\n", true},
		{program, listener, true},
		{program, fastCGI, true},
		{fastCGI, program, true},
		{listener, listener, false},
		{listener, listener + "buffer_size=10\n", true},
		{listener, listener + "events=TICK_60\n", true},
		{listener + "events=TICK_60,TICK_5\n", listener + "events=TICK_5,TICK_60\n", false},
		{fastCGI, fastCGI + "socket=unix:///t\n", true},
		{fastCGI, fastCGI + "socket_mode=0777\nsocket_backlog=5\n", false},
	} {
		_, changed, _ := Diff(mustLoad(t, c.running).Groups, mustLoad(t, c.wanted).Groups)
		if got := len(changed) > 0; got != c.changed {
			t.Errorf("Diff(%q, %q): got changed %v, want %v", c.running, c.wanted, got, c.changed)
		}
	}
}
