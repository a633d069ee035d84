package test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/vigilance-go/vigilance/test/peer"
)

// echo is a program that answers each line of its standard input with one of
// its own, by way of its log and as a communication event.
const echo = `import sys
for line in sys.stdin:
    print('heard %r' % line)
    sys.stdout.write('<!--XSUPERVISOR:BEGIN-->%s<!--XSUPERVISOR:END-->' % line.strip())
    sys.stdout.flush()
`

// TestRemoteCommunication compares what clients hand to programs and listeners:
// sendProcessStdin, sendRemoteCommEvent, and the events of groups that come and
// go, as a listener of Python's childutils receives them.
func TestRemoteCommunication(t *testing.T) {
	t.Parallel()
	want, got := runBoth(t, scenario{
		config: overUnix +
			"[program:echo]\ncommand={python} -u %(here)s/echo.py\nstdout_logfile=%(here)s/out/echo.stdout\nstdout_capture_maxbytes=1KB\n" +
			"environment=PYTHONIOENCODING=utf-8\n" +
			"[program:deaf]\ncommand=/bin/sh -c \"exec 0<&-; exec sleep 1000\"\n" +
			"[program:stopped]\ncommand=sleep 1000\nautostart=false\n" +
			"[program:leaves]\ncommand=sleep 1000\n" +
			listenerSection("recorder", "answers",
				"events=REMOTE_COMMUNICATION,PROCESS_GROUP,PROCESS_COMMUNICATION\nbuffer_size=1000\nenvironment=PYTHONIOENCODING=utf-8"),
		files: map[string]string{"recorder.py": recorder, "echo.py": echo},
		drive: driveRemote,
	})
	sameFiles(t, "out", maskEvents(want.out), maskEvents(got.out))
	sameLines(t, "the events", texts(received(t, want, "recorder")), texts(received(t, got, "recorder")))
	wantLines, gotLines := peer.ByProgram(want.log), peer.ByProgram(got.log)
	for _, name := range []string{"", "echo", "leaves", "comes"} {
		sameLines(t, fmt.Sprintf("supervisord.log about %q", name), without(wantLines[name], "waiting for "), without(gotLines[name], "waiting for "))
	}
	if events := received(t, got, "recorder"); len(events) != 19 {
		t.Errorf("the listener received %d events, want 19", len(events))
	}
}

// driveRemote makes the calls of TestRemoteCommunication. After each that has
// an effect it waits for the effect.
func driveRemote(d *peer.Daemon) error {
	c := callUnix(d)
	if err := d.WaitLog("success: ", 4); err != nil {
		return err
	}
	events := 5 // each group was added
	if err := waitRecord(d, "recorder", "ver:3.0", events); err != nil {
		return err
	}
	send := func(method string, args ...any) error {
		if err := c.converse(d, call{"supervisor." + method, args}); err != nil {
			return err
		}
		events++
		return waitRecord(d, "recorder", "ver:3.0", events)
	}
	for _, sent := range [][2]any{
		{"backup", "done"}, {"", ""}, {"größe", "ein Apfel, ein Ei\nzwei Zeilen\n"},
		{"type:with colon", "data:" + strings.Repeat("x", 5000)}, {7, true},
	} {
		if err := send("sendRemoteCommEvent", sent[0], sent[1]); err != nil {
			return err
		}
	}
	for _, chars := range []string{"hello\n", "Grüße, 世界\n", strings.Repeat("long ", 150) + "\n"} {
		if err := send("sendProcessStdin", "echo", chars); err != nil {
			return err
		}
	}
	if err := c.converse(d, []call{
		{"supervisor.sendProcessStdin", []any{"echo", ""}},
		{"supervisor.sendProcessStdin", []any{"stopped", "x"}},
		{"supervisor.sendProcessStdin", []any{"nobody", "x"}},
		{"supervisor.sendProcessStdin", []any{"echo:nobody", "x"}},
		{"supervisor.sendProcessStdin", []any{"echo", 5}},
		{"supervisor.sendProcessStdin", []any{"echo"}},
		{"supervisor.sendRemoteCommEvent", []any{"only a type"}},
		{"supervisor.addProcessGroup", []any{"leaves"}},
		{"supervisor.addProcessGroup", []any{"comes"}},
		{"supervisor.removeProcessGroup", []any{"leaves"}},
		{"supervisor.removeProcessGroup", []any{"nobody"}},
		{"supervisor.stopProcess", []any{"leaves"}},
	}...); err != nil {
		return err
	}
	if err := send("removeProcessGroup", "leaves"); err != nil {
		return err
	}
	conf, err := os.ReadFile(d.Path("supervisord.conf"))
	if err != nil {
		return err
	}
	conf = bytes.ReplaceAll(conf, []byte("[program:leaves]"), []byte("[program:comes]"))
	if err := os.WriteFile(d.Path("supervisord.conf"), conf, 0o644); err != nil {
		return err
	}
	if err := c.converse(d, call{"supervisor.reloadConfig", nil}); err != nil {
		return err
	}
	if err := send("addProcessGroup", "comes"); err != nil {
		return err
	}
	if err := d.WaitLog("success: comes", 1); err != nil {
		return err
	}
	// A group and its program that speaks may go as well.
	for _, name := range []string{"echo", "deaf", "stopped"} {
		if name != "stopped" {
			if err := c.converse(d, call{"supervisor.stopProcess", []any{name}}); err != nil {
				return err
			}
		}
		if err := send("removeProcessGroup", name); err != nil {
			return err
		}
	}
	return send("sendRemoteCommEvent", "last", "one")
}
