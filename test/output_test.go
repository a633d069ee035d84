package test

import (
	"bytes"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/vigilance-go/vigilance/test/peer"
)

// writeSteps is a script that writes lines of 20 bytes one by one, each after the
// one before has reached the log, so that reads and with them rotations fall the
// same way in each run.
func writeSteps(name string, count string) string {
	return `for i in $(seq 10 ` + count + `); do
	echo "line $i of rotation"
	until cat out/` + name + `.stdout* 2>/dev/null | grep -q "line $i "; do sleep 0.02; done
done
echo y >out/` + name + `.ready
exec sleep 1000
`
}

func TestOutputOfPrograms(t *testing.T) {
	t.Parallel()
	stay := "exec sleep 1000\n"
	programs := []program{
		{name: "two_streams", script: "echo out; echo err >&2\n" + stay},
		{name: "redirected", script: "echo out; echo err >&2; echo out\n" + stay, options: "redirect_stderr=true"},
		{name: "none", script: "echo out; echo err >&2\n" + stay, options: "stdout_logfile=NONE\nstderr_logfile=none"},
		{name: "auto", script: "echo out; echo err >&2\n" + stay, options: "stdout_logfile=AUTO\nstderr_logfile=AUTO"},
		{name: "raw_bytes", script: `printf 'nul \000 latin \344 utf \303\244 \r\n'` + "\n" + stay},
		{name: "last_words", script: "sleep 1.6; printf 'without a newline'; exit 0\n"},
		{name: "much_at_once", script: "sleep 1.6; head -c 300000 /dev/zero | tr '\\000' x; exit 0\n"},
		{name: "ansi", script: `printf 'plain \033[31mred\033[0m \033[2Kplain\n'` + "\n" + stay},
		{name: "captured", script: "printf 'a<!--XSUPERVISOR:BEGIN-->inside<!--XSUPERVISOR:END-->b'\n" +
			"sleep 0.1; printf 'c<!--XSUPER'; sleep 0.1; printf 'VISOR:BEGIN-->more'; sleep 0.1; printf '<!--XSUPERVISOR:END-->de'\n" +
			"sleep 0.1; echo '<!--XSUPERVISOR:END--> stray'; echo 'long enough to be let through'\n" + stay,
			options: "stdout_capture_maxbytes=1MB"},
		{name: "tokens_not_captured", script: "echo 'a<!--XSUPERVISOR:BEGIN-->b<!--XSUPERVISOR:END-->c'\n" + stay},
		{name: "rotated", script: writeSteps("rotated", "30"), ready: true,
			options: "stdout_logfile_maxbytes=100\nstdout_logfile_backups=2"},
		{name: "rotated_away", ready: true, script: "echo first\nuntil [ -s out/rotated_away.stdout ]; do sleep 0.02; done\n" +
			"seq 1 60\nwhile [ -s out/rotated_away.stdout ]; do sleep 0.02; done\n" +
			"echo last\necho y >out/rotated_away.ready\nexec sleep 1000\n",
			options: "stdout_logfile_maxbytes=100\nstdout_logfile_backups=0"},
		{name: "never_rotated", script: writeSteps("never_rotated", "23"), ready: true,
			options: "stdout_logfile_maxbytes=0"},
	}
	for i, p := range programs {
		programs[i].until = "success: " + p.name + " "
		if strings.Contains(p.script, "exit 0") {
			programs[i].until = "exited: " + p.name + " "
		}
	}
	comparePrograms(t, scenario{options: "strip_ansi=true"}, programs)
}

// TestOutputOnTheDaemonsOwn sends programs' output to /dev/stdout and
// /dev/stderr, as people do in containers.
func TestOutputOnTheDaemonsOwn(t *testing.T) {
	t.Parallel()
	want, got := runBoth(t, scenario{
		config: `[program:talker]
command=/bin/sh %(here)s/talker.sh
stdout_logfile=/dev/stdout
stdout_logfile_maxbytes=0
stderr_logfile=/dev/stderr
stderr_logfile_maxbytes=0
`,
		files: map[string]string{"talker.sh": "echo to stdout; echo to stderr >&2; exec sleep 1000\n"},
		drive: func(d *peer.Daemon) error { return d.WaitLog("success: talker", 1) },
	})
	sameLines(t, "standard output without the log's lines", without(want.stdout, want.log...), without(got.stdout, got.log...))
	sameLines(t, "the log's lines on standard output", having(want.stdout, want.log...), having(got.stdout, got.log...))
	sameLines(t, "standard error", want.stderr, got.stderr)
}

// TestDebugLog compares what loglevel=debug adds about programs, but for lines
// about the daemon's own innards.
func TestDebugLog(t *testing.T) {
	t.Parallel()
	want, got := runBoth(t, scenario{
		options: "loglevel=debug",
		config: `[program:chatty]
command=/bin/sh %(here)s/chatty.sh
stdout_capture_maxbytes=1MB
`,
		files: map[string]string{"chatty.sh": "echo a line; sleep 0.2; echo err >&2; sleep 0.2\n" +
			"echo '<!--XSUPERVISOR:BEGIN-->inside<!--XSUPERVISOR:END--> and then some more, longer than a token'; printf '\\344\\n' >&2\nexec sleep 1000\n"},
		drive: func(d *peer.Daemon) error { return d.WaitLog("success: chatty", 1) },
	})
	innards := []string{"stopped monitoring <", "received SIGCHLD indicating"}
	// The two streams and the state are independent of each other.
	for _, stream := range []string{"stdout", "stderr"} {
		sameLines(t, "supervisord.log about "+stream, aboutStream(want.log, stream), aboutStream(got.log, stream))
	}
	wantRest, gotRest := without(want.log, innards...), without(got.log, innards...)
	for _, stream := range []string{"stdout", "stderr"} {
		wantRest, gotRest = without(wantRest, aboutStream(want.log, stream)...), without(gotRest, aboutStream(got.log, stream)...)
	}
	sameLines(t, "supervisord.log about the rest", wantRest, gotRest)
}

// aboutStream returns the lines about one stream of a program, with what was read
// from it on the lines after.
func aboutStream(log []string, stream string) []string {
	var lines []string
	inside := false
	for _, line := range log {
		if level, _, found := strings.Cut(line, " "); found && len(level) == 4 && level == strings.ToUpper(level) {
			inside = strings.Contains(line, "' "+stream+" ")
		}
		if inside && line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// TestReopeningLogs moves logs away, as logrotate does, and sends SIGUSR2.
func TestReopeningLogs(t *testing.T) {
	t.Parallel()
	lines := func(want int) func([]byte) bool {
		return func(content []byte) bool { return bytes.Count(content, []byte("\n")) >= want }
	}
	want, got := runBoth(t, scenario{
		config: `[program:writer]
command=/bin/sh %(here)s/writer.sh
stdout_logfile=%(here)s/out/writer.stdout
redirect_stderr=true
`,
		files: map[string]string{"writer.sh": "echo before\nuntil [ -e go ]; do sleep 0.05; done\necho after\nexec sleep 1000\n"},
		drive: func(d *peer.Daemon) error {
			if err := d.WaitLog("success: writer", 1); err != nil {
				return err
			}
			if err := d.WaitFile("out/writer.stdout", lines(1), "the first line"); err != nil {
				return err
			}
			for from, to := range map[string]string{"out/writer.stdout": "out/writer.stdout.old", "supervisord.log": "out/log.old"} {
				if err := os.Rename(d.Path(from), d.Path(to)); err != nil {
					return err
				}
			}
			if err := d.Signal(syscall.SIGUSR2); err != nil {
				return err
			}
			// The log says so before it is reopened, the child's log comes last.
			if err := d.WaitFile("out/log.old", func(log []byte) bool {
				_, missing := os.Stat(d.Path("out/writer.stdout"))
				return bytes.Contains(log, []byte("supervisord logreopen")) && missing == nil
			}, "supervisord logreopen in the old log, and a new child log"); err != nil {
				return err
			}
			if err := os.WriteFile(d.Path("go"), nil, 0o644); err != nil {
				return err
			}
			return d.WaitFile("out/writer.stdout", lines(1), "the second line")
		},
	})
	for _, o := range []*outcome{&want, &got} {
		lines, err := o.daemon.Lines("out/log.old")
		if err != nil {
			t.Fatal(err)
		}
		o.log = append(lines, o.log...)
		delete(o.out, "log.old")
	}
	sameLines(t, "supervisord.log, old and new", want.log, got.log)
	sameFiles(t, "out", want.out, got.out)
}
