package test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/vigilance-go/vigilance/test/peer"
)

// program is one [program:x] whose life must be the same under both daemons: its
// log lines in their order, and the files out/NAME.*.
type program struct {
	name    string
	script  string // the command is sh with this; "" where options has a command
	options string
	until   string // what supervisord.log must show before the end, of this program
	times   int    // how often; 0 means once
	ready   bool   // the script makes out/NAME.ready, which is to be waited for
	prefix  bool   // its processes' names begin with name (numprocs)
}

// loopForever keeps a shell alive that has traps: it sleeps in small pieces,
// between which traps run.
const loopForever = "while :; do sleep 0.1; done\n"

// secondRunStays makes a script end in the first run and stay in the later ones.
func secondRunStays(name, first string) string {
	return fmt.Sprintf("echo run >>out/%[1]s.runs\n[ $(wc -l <out/%[1]s.runs) -ge 2 ] && exec sleep 1000\n%[2]s", name, first)
}

// configFor returns the programs' sections and scripts.
func configFor(programs []program) (config string, files map[string]string) {
	var sections strings.Builder
	files = make(map[string]string)
	for _, p := range programs {
		fmt.Fprintf(&sections, "[program:%s]\n", p.name)
		if p.script != "" {
			files[p.name+".sh"] = p.script
			fmt.Fprintf(&sections, "command=/bin/sh %%(here)s/%s.sh\n", p.name)
		}
		if !strings.Contains(p.options, "stdout_logfile=") {
			fmt.Fprintf(&sections, "stdout_logfile=%%(here)s/out/%s.stdout\n", p.name)
		}
		if !strings.Contains(p.options, "stderr_logfile=") {
			fmt.Fprintf(&sections, "stderr_logfile=%%(here)s/out/%s.stderr\n", p.name)
		}
		sections.WriteString(p.options + "\n")
	}
	return sections.String(), files
}

// comparePrograms runs all the programs in one daemon of each kind, and compares
// them one by one. It starts no process per case, because daemons take seconds.
func comparePrograms(t *testing.T, s scenario, programs []program) {
	t.Helper()
	config, files := configFor(programs)
	for name, content := range s.files {
		files[name] = content
	}
	s.config, s.files = config+s.config, files
	s.drive = func(d *peer.Daemon) error {
		for _, p := range programs {
			if p.until != "" {
				if err := d.WaitLog(p.until, max(p.times, 1)); err != nil {
					return err
				}
			}
			if p.ready {
				if err := d.WaitFile("out/"+p.name+".ready", func(content []byte) bool { return len(content) > 0 }, p.name+" to be ready"); err != nil {
					return err
				}
			}
		}
		return nil
	}
	want, got := runBoth(t, s)

	wantLines, gotLines := peer.ByProgram(want.log), peer.ByProgram(got.log)
	for _, p := range programs {
		t.Run(p.name, func(t *testing.T) {
			sameLines(t, "supervisord.log", p.lines(wantLines), p.lines(gotLines))
			sameFiles(t, "out", p.files(want.out), p.files(got.out))
			if p.script != "" && p.until != "" && len(p.lines(gotLines)) == 0 {
				t.Errorf("supervisord.log says nothing about %s, want lines", p.name)
			}
		})
	}
	t.Run("daemon", func(t *testing.T) {
		// How often it waits for whom depends on how quickly programs end.
		sameLines(t, "supervisord.log", without(wantLines[""], "waiting for "), without(gotLines[""], "waiting for "))
		// The last short sleep of a killed loop may live a moment longer.
		sameLines(t, "the list of processes left behind", without(want.leftovers, "sleep 0.1"), without(got.leftovers, "sleep 0.1"))
		sameFiles(t, "childlogdir", want.childlogs, got.childlogs)
		if got.status != want.status {
			t.Errorf("exit status %d, want %d", got.status, want.status)
		}
	})
}

// lines returns the log lines about the program, of all its processes.
func (p program) lines(streams map[string][]string) []string {
	if !p.prefix {
		return streams[p.name]
	}
	var lines []string
	for i := range 100 {
		lines = append(lines, streams[fmt.Sprintf("%s_%02d", p.name, i)]...)
	}
	return lines
}

// files returns those of the program.
func (p program) files(all map[string]string) map[string]string {
	mine := make(map[string]string)
	for name, content := range all {
		if strings.HasPrefix(name, p.name+".") {
			mine[name] = content
		}
	}
	return mine
}

func TestLivesOfPrograms(t *testing.T) {
	t.Parallel()
	comparePrograms(t, scenario{}, []program{
		{name: "stays", script: "exec sleep 1000\n", until: "success: stays"},
		{name: "crashes_and_restarts", script: secondRunStays("crashes_and_restarts", "sleep 1.6; exit 3\n"),
			until: "success: crashes_and_restarts", times: 2},
		{name: "exits_as_expected", script: "sleep 1.6; exit 2\n", options: "exitcodes=0,2",
			until: "exited: exits_as_expected"},
		{name: "never_restarted", script: "sleep 1.6; exit 1\n", options: "autorestart=false",
			until: "exited: never_restarted"},
		{name: "always_restarted", script: secondRunStays("always_restarted", "sleep 1.6; exit 0\n"), options: "autorestart=true",
			until: "success: always_restarted", times: 2},
		{name: "startsecs_zero", script: "sleep 0.5; exit 0\n", options: "startsecs=0",
			until: "exited: startsecs_zero "},
		{name: "startsecs_zero_fails", script: "sleep 0.5; exit 1\n", options: "startsecs=0\nautorestart=false",
			until: "exited: startsecs_zero_fails"},
		// A loaded machine may need more than a second for an exit.
		{name: "gives_up", script: "exit 1\n", options: "startsecs=20\nstartretries=1", until: "gave up: gives_up "},
		{name: "gives_up_at_once", script: "exit 1\n", options: "startsecs=20\nstartretries=0", until: "gave up: gives_up_at_once"},
		{name: "zero_but_too_early", script: "exit 0\n", options: "startsecs=20\nstartretries=0", until: "gave up: zero_but_too_early"},
		{name: "killed_early", script: "kill -KILL $$\n", options: "startsecs=20\nstartretries=0", until: "gave up: killed_early"},
		{name: "killed_later", script: "sleep 1.6; kill -USR1 $$\n", options: "autorestart=false",
			until: "exited: killed_later"},
		{name: "not_autostarted", script: "exec sleep 1000\n", options: "autostart=false"},
		{name: "still_starting", script: "exec sleep 1000\n", options: "startsecs=600", until: "spawned: 'still_starting'"},
		{name: "numbered", script: "echo $SUPERVISOR_PROCESS_NAME; exec sleep 1000\n", prefix: true,
			options: "numprocs=3\nnumprocs_start=7\nprocess_name=%(program_name)s_%(process_num)02d\n" +
				"stdout_logfile=%(here)s/out/numbered.%(process_num)d", until: "success: numbered_", times: 3},
	})
}

func TestSpawnErrors(t *testing.T) {
	t.Parallel()
	programs := []program{
		{name: "missing", options: "command=/no/such/file"},
		{name: "missing_in_path", options: "command=no-such-command"},
		{name: "not_executable", options: "command=/etc/passwd"},
		{name: "is_a_directory", options: "command=/usr"},
		{name: "unbalanced_quote", options: "command=/bin/sh -c \"oops"},
		{name: "file_as_directory", options: "command=/etc/passwd/file"},
	}
	for i, p := range programs {
		programs[i].options += "\nstartretries=0"
		programs[i].until = "gave up: " + p.name + " "
	}
	comparePrograms(t, scenario{}, programs)
}

// TestSpawnErrorsNameFileAndReason: where the reference spawns a child that then
// exits with status 127, ours reports a spawn error that says what is wrong. The
// child's log has the reference's words under both.
func TestSpawnErrorsNameFileAndReason(t *testing.T) {
	t.Parallel()
	programs := []program{
		{name: "no_such_directory", script: "exit 0\n", options: "directory=/no/such/directory"},
		{name: "bad_interpreter", options: "command=%(here)s/bad_interpreter"},
		{name: "no_format", options: "command=%(here)s/no_format with arguments"},
	}
	for i, p := range programs {
		programs[i].options += "\nstartretries=0"
		programs[i].until = "gave up: " + p.name + " "
	}
	config, files := configFor(programs)
	files["bad_interpreter"] = "#!/no/such/interpreter\n"
	files["no_format"] = "this is text\n"
	want, got := runBoth(t, scenario{
		config: config,
		files:  files,
		drive:  func(d *peer.Daemon) error { return d.WaitLog("gave up: ", len(programs)) },
	})
	sameFiles(t, "out", want.out, got.out)
	if os.Getenv("VIGILANCE_SUPERVISORD") != "" {
		return // the rest is ours alone
	}
	sameLines(t, "the spawn errors", []string{
		`INFO spawnerr: execute "DIR/bad_interpreter": no such file or directory (its interpreter "/no/such/interpreter" does not exist)`,
		`INFO spawnerr: execute "DIR/no_format": exec format error (neither a program for this machine nor a script that begins with #!)`,
		`INFO spawnerr: change directory to "/no/such/directory": no such file or directory`,
	}, having(got.log, "spawnerr"))
}

func TestWhatChildrenInherit(t *testing.T) {
	t.Parallel()
	stay := "exec sleep 1000\n"
	programs := []program{
		{name: "environment", script: "env | grep -E '^(A|B|C|D|OUTER|SUPERVISOR_.*)=' | sort\n" + stay,
			options: `environment=A="1",B="two words",C='semi;colon',D="%(program_name)s-%(ENV_OUTER)s"`},
		{name: "arguments", script: "for word; do echo \"[$word]\"; done\n" + stay,
			options: `command=/bin/sh %(here)s/arguments.sh "a b" 'c d' e\ f "" 100%% %(program_name)s %(group_name)s %(process_num)02d`},
		{name: "directory", script: "pwd\n" + stay, options: "directory=/usr/lib"},
		{name: "umask", script: "umask\n" + stay, options: "umask=027"},
		{name: "umask_default", script: "umask\n" + stay},
		{name: "stdin", script: "[ -p /dev/stdin ] && echo pipe\ntimeout 0.3 cat\necho $?\n" + stay},
		{name: "process_group", script: "ps -o pid=,pgid= -p $$ | { read pid pgid; [ $pid = $pgid ] && echo leader; }\n" + stay},
		{name: "descriptors", options: `command=/bin/sh -c "ls /proc/self/fd; sleep 1000"`},
		{name: "open_files", script: "ulimit -n\nulimit -Hn\n" + stay},
		{name: "blocked_signals", script: "grep SigBlk /proc/self/status\n" + stay},
	}
	if os.Getuid() == 0 {
		programs = append(programs, program{name: "user", options: "user=nobody\n" +
			`command=/bin/sh -c "id -un; id -Gn; env | grep -E '^(HOME|USER|LOGNAME)=' | sort; exec sleep 1000"`})
	}
	for i, p := range programs {
		programs[i].until = "success: " + p.name + " "
	}
	comparePrograms(t, scenario{env: []string{"OUTER=outside"}}, programs)
}

func TestStoppingPrograms(t *testing.T) {
	t.Parallel()
	// onSignals notes each signal and ends with the status.
	onSignals := func(name string, status int) string {
		script := ""
		for _, sig := range []string{"TERM", "INT", "HUP", "QUIT", "USR1", "USR2"} {
			script += fmt.Sprintf("trap 'echo %s; exit %d' %s\n", sig, status, sig)
		}
		return script + "echo y >out/" + name + ".ready\n" + loopForever
	}
	programs := []program{
		{name: "by_default", script: onSignals("by_default", 0)},
		{name: "by_usr1", script: onSignals("by_usr1", 0), options: "stopsignal=USR1"},
		{name: "by_sigint", script: onSignals("by_sigint", 0), options: "stopsignal=SIGINT"},
		{name: "by_number", script: onSignals("by_number", 0), options: "stopsignal=3"},
		{name: "by_kill", script: onSignals("by_kill", 0), options: "stopsignal=KILL"},
		{name: "with_status", script: onSignals("with_status", 3)},
		{name: "without_traps", script: "echo y >out/without_traps.ready\n" + loopForever},
		{name: "deaf", script: "trap '' TERM\necho y >out/deaf.ready\n" + loopForever, options: "stopwaitsecs=1"},
		{name: "leaves_a_child", script: "sleep 1001 &\necho y >out/leaves_a_child.ready\nwait\n"},
		{name: "stopped_as_group", script: "sleep 1002 &\necho y >out/stopped_as_group.ready\nwait\n", options: "stopasgroup=true"},
		{name: "killed_as_group", script: "trap '' TERM\nsleep 1003 &\necho y >out/killed_as_group.ready\n" + loopForever,
			options: "stopwaitsecs=1\nkillasgroup=true"},
	}
	for i, p := range programs {
		programs[i].until, programs[i].ready = "success: "+p.name+" ", true
	}
	comparePrograms(t, scenario{}, programs)
}
