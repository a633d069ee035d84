package main

import (
	"os"
	"strings"
	"testing"

	"github.com/vigilance-go/vigilance/test/peer"
)

// The sections that every session's configuration has.
const servers = `
[unix_http_server]
file=%(here)s/supervisor.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://%(here)s/supervisor.sock
`

// programs has a program in each state, and one for each way not to start.
const programs = lasting + `
[program:ended]
command=true
startsecs=0
autorestart=false
[program:nofile]
command=/nonexistent/program
autostart=false
[program:noexec]
command=%(here)s/notexec.txt
autostart=false
`

// lasting is programs without those of which it is a matter of luck whether the
// daemon sees them run, and whose failure comes last when all are started.
const lasting = servers + `
[program:cat]
command=cat
[program:idle]
command=sleep 1000
autostart=false
startsecs=0
[program:web]
command=sleep 1000
numprocs=3
process_name=%(program_name)s_%(process_num)d
startsecs=0
[program:a]
command=sleep 1000
autostart=false
startsecs=0
priority=5
[program:a-very-long-name-of-a-program-that-widens-the-table]
command=sleep 1000
autostart=false
startsecs=0
[group:mixed]
programs=a,a-very-long-name-of-a-program-that-widens-the-table
priority=7
[program:fatal]
command=false
startretries=0
[program:abnormal]
command=false
autostart=false
startretries=0
[program:talk]
command=sh -c 'echo "to <stdout> & \"more\" \303\244"; echo to stderr >&2; exec sleep 1000'
startsecs=0
[program:nolog]
command=sleep 1000
stdout_logfile=NONE
startsecs=0
`

func args(line string) step { return step{args: strings.Fields(line)} }

func steps(lines ...string) []step {
	all := make([]step, len(lines))
	for i, line := range lines {
		all[i] = args(line)
	}
	return all
}

func TestStatusAgrees(t *testing.T) {
	t.Parallel()
	session{config: programs, steps: append(steps(
		"status", "status all", "status cat", "status cat idle", "status cat cat", "status web:*", "status web:",
		"status web:web_1", "status web", "status nosuch", "status nosuch:*", "status nosuch:x", "status cat nosuch fatal",
		"status nosuch all", "status ended", "status mixed:a", "status :", "status :cat", "status cat:x:y", "status ::",
		"status:cat", "status-x", "STATUS", "pid", "pid all", "pid cat", "pid idle", "pid cat nosuch idle", "pid nosuch:x",
		"pid web:web_0 web:web_9", "avail", "avail x", "version", "version x", "nosuch", "nosuch with args", "!cat",
		"?", "?start", "? start", "help", "help help", "help nosuch", "help start stop", "help EOF", "EOF", "EOF x", "exit", "quit", "quit x",
		"help add", "help avail", "help clear", "help exit", "help fg", "help maintail", "help open", "help pid", "help quit",
		"help reload", "help remove", "help reread", "help restart", "help shutdown", "help signal", "help start",
		"help status", "help stop", "help tail", "help update", "help version",
		"-i status cat", "-- status cat", "--serverurl=nosuch:x status", "-s http:// status",
		"open nosuch", "open http", "open ftp://x", "open foo:", "open",
	),
		step{args: []string{"status cat"}},
		step{args: []string{" status  cat\t idle "}},
		step{args: []string{"status", "cat idle", ""}},
		step{args: []string{""}},
		step{args: []string{" "}},
		step{args: []string{"", "status"}},
		step{args: []string{"status", "\u00a0cat\u2003idle\x1f"}},
		step{args: []string{"st\u00e4tus"}},
		step{args: []string{"status cat\nidle"}},
	)}.compare(t)
}

func TestStartAndStopAgree(t *testing.T) {
	t.Parallel()
	first := args("start noexec")
	first.before = func(t *testing.T, d *peer.Daemon) {
		if err := os.Chmod(d.Path("notexec.txt"), 0o600); err != nil {
			t.Error(err)
		}
	}
	session{config: programs, files: map[string]string{"notexec.txt": ""}, steps: append([]step{first}, together(steps(
		"start", "stop", "restart", "-i start",
		"start idle", "start idle", "start idle cat", "start nosuch", "start nosuch idle", "start nosuch:*", "start web:nosuch",
		"start web:*", "start mixed:*", "start mixed:a", "start nofile", "start abnormal", "start nofile idle abnormal",
		"stop idle", "stop idle", "stop idle mixed:a nosuch", "stop mixed:*", "stop mixed:*", "stop nosuch:*", "stop :", "start :",
		"restart idle", "restart web:*", "restart nosuch", "restart nosuch:*", "restart web:web_0 idle", "restart nofile", "status",
	))...)}.compare(t)
}

func TestSignalAndClearAgree(t *testing.T) {
	t.Parallel()
	session{config: lasting, steps: together(steps(
		"signal", "signal HUP", "clear", "signal HUP idle", "signal USR1 nosuch", "signal nosuch cat", "signal 99 cat",
		"signal USR2 nosuch:*", "signal 0 cat", "signal CONT cat web:*", "signal sigcont cat", "signal CONT fatal",
		"signal CONT web:web_0 nosuch", "signal all", "signal CONT all", "signal nosuch web:*", "signal nosuch all",
		"clear cat", "clear cat nosuch web:web_0", "clear nolog", "clear nosuch:*", "clear nosuch:x", "clear all", "clear cat all",
		"stop all", "stop all", "stop nosuch all", "signal CONT all", "start all", "start all", "restart all", "status",
	))}.compare(t)
}

// together marks the steps that concern several processes at once, which end
// in no fixed order.
func together(steps []step) []step {
	for i, st := range steps {
		line := strings.Join(st.args, " ")
		steps[i].unordered = strings.Contains(line, "all") || strings.Contains(line, ":*")
	}
	return steps
}

func TestLogActionsAgree(t *testing.T) {
	t.Parallel()
	follow := func(line, until string) step {
		return step{args: strings.Fields(line), interrupt: until, unordered: true}
	}
	session{config: programs, steps: append(steps(
		"tail talk", "tail talk stdout", "tail talk stderr", "tail talk STDERR", "tail -5 talk", "tail -5 talk stderr",
		"tail -0 talk", "tail --5 talk", "tail -1_0 talk", "tail -+3 talk", "tail -x talk", "tail - talk", "tail -5x talk",
		"tail talk nosuch", "tail -f talk nosuch", "tail -f nosuch", "tail -f nosuch stderr", "tail -f web:nosuch", "tail -f nolog",
		"tail nosuch", "tail nolog", "tail nolog stderr", "tail nosuch:*", "tail a b c d", "tail a b c", "tail -f", "tail -5",
		"tail -99999999999 talk", "tail -2147483649 talk", "tail cat talk stderr", "tail it's nosuch", "tail -5 a nosuch'x",
		"add", "remove", "maintail -5 x", "maintail x", "maintail -x", "maintail -", "maintail -99999999999", "maintail -f x", "maintail -1",
		"fg", "fg cat idle", "fg nosuch", "fg idle", "fg web:*",
	),
		follow("tail -f talk", "more"),
		follow("tail -f talk stderr", "to stderr"),
		step{args: []string{"maintail", "-f"}, interrupt: "web_2", firstLine: true},
		step{stdin: "tail -5 talk\nfg nosuch\nmaintail x\n"},
	)}.compare(t)
}

func TestConfigActionsAgree(t *testing.T) {
	t.Parallel()
	const changed = servers + `
[program:cat]
command=cat
startsecs=0
[program:idle]
command=sleep 2000
startsecs=0
[program:new]
command=sleep 1000
startsecs=0
[program:newer]
command=sleep 1000
startsecs=0
`
	const original = servers + `
[program:cat]
command=cat
startsecs=0
[program:idle]
command=sleep 1000
startsecs=0
[program:old]
command=sleep 1000
startsecs=0
[program:older]
command=sleep 1000
startsecs=0
`
	daemon := "[supervisord]\nlogfile=%(here)s/supervisord.log\npidfile=%(here)s/supervisord.pid\n"
	all := steps("reread", "reread x", "update nosuch", "update", "avail")
	change := steps("reread")
	change[0].before = write("supervisord.conf", daemon+changed)
	all = append(all, change...)
	all = append(all, steps(
		"avail", "add nosuch", "add new new", "add cat", "remove nosuch", "remove old", "stop old", "remove old old", "status",
		"update nosuch", "update newer nosuch", "update cat", "update idle", "update", "update all", "reread", "status",
	)...)
	back := steps("update all nosuch", "status", "add", "remove")
	back[0].before = write("supervisord.conf", daemon+original)
	all = append(all, back...)
	broken := steps("reread", "update", "status")
	broken[0].before = write("supervisord.conf", daemon+original+"[program:bad]\ncommand=%(nosuch)s\n")
	all = append(all, broken...)
	session{config: original, steps: all}.compare(t)
}

func TestEndActionsAgree(t *testing.T) {
	t.Parallel()
	restarted := args("status")
	restarted.before = func(t *testing.T, d *peer.Daemon) {
		if err := d.WaitLog("supervisord started", 2); err != nil {
			t.Error(err)
		}
		settle(t, d)
	}
	gone := args("shutdown")
	gone.before = func(t *testing.T, d *peer.Daemon) {
		if _, err := d.WaitExit(); err != nil {
			t.Error(err)
		}
	}
	all := append(steps("reload x", "shutdown x"),
		step{args: []string{"-i", "reload"}, stdin: "n\n"},
		step{args: []string{"-i", "shutdown"}, stdin: "\n"},
		step{args: []string{"-i", "shutdown"}},
		step{args: []string{"reload"}},
		restarted,
		step{stdin: "help version\nshutdown\nYes\n"},
		gone)
	all = append(all, steps("reload", "reread", "update", "avail", "status", "start cat", "pid", "version", "maintail", "add x", "remove x",
		"fg cat", "tail cat", "clear cat", "signal HUP cat", "stop cat", "restart cat")...)
	session{config: servers + "[program:cat]\ncommand=cat\nstartsecs=0\n", steps: all}.compare(t)
}

func TestPipedShellAgrees(t *testing.T) {
	t.Parallel()
	piped := func(input string) step { return step{stdin: input} }
	session{config: programs, steps: []step{
		piped(""), piped("\n"), piped("\n\n  \n"), piped("status cat"), piped("status cat\r\nversion\n"),
		piped("help\nnosuch\n?\n? pid\n!ls\nstatus nosuch\nEOF\nstatus\n"), piped("quit\nstatus\n"), piped("exit"),
		piped("start idle\nstop idle\nrestart idle; status\npid cat\n"), piped("open nosuch:\nopen unix:///nosuch/sock\nstatus\n"),
		piped("shutdown\nN\nreload\nno\nversion\n"), piped("fg nosuch\n"), piped("tail -f nosuch\nversion\n"),
		{args: []string{"-c", "nosuch.conf"}, bare: true},
		{args: []string{"-i"}, stdin: "version\n"},
	}}.compare(t)
}

func TestCredentialsAgree(t *testing.T) {
	t.Parallel()
	const auth = "username=user\npassword=secret\n"
	config := strings.Replace(servers, "[rpcinterface", auth+"[rpcinterface", 1) + "prompt=it\n" +
		"[inet_http_server]\nport=127.0.0.1:{port}\n" + auth + "[program:cat]\ncommand=cat\nstartsecs=0\n"
	session{config: config, steps: append(steps(
		"status", "version", "reread", "shutdown", "tail -f cat", "-u user -p secret status", "-uuser -psecret pid cat",
		"-u user -p wrong status", "-u wrong -p secret version", "-u user status", "-p secret status", "-u user -p secret tail -f nosuch",
		"-i -u user -p wrong status", "--username user --password secret version",
	),
		step{stdin: "version\nuser\nsecret\n"},
		step{stdin: "user\nsecret\nversion\nreread\n"},
		step{stdin: "wrong\nwrong\nuser\nsecret\nversion\n"},
		step{stdin: "user\n"},
		step{args: []string{"-s", "http://127.0.0.1:{port}", "-u", "user", "-p", "secret", "status"}},
		step{args: []string{"-s", "http://127.0.0.1:{port}/some/path", "status"}},
		step{args: []string{"-s", "http://127.0.0.1:{port}", "-u", "user", "-p", "secret"}, stdin: "open http://127.0.0.1:{port}\n"},
	)}.compare(t)
}

func TestOptionsAgree(t *testing.T) {
	t.Parallel()
	bare := func(line string) step { return step{args: strings.Fields(line), bare: true} }
	session{config: servers + "[program:cat]\ncommand=cat\nstartsecs=0\n", files: map[string]string{
		"noctl.conf":  "[supervisord]\n",
		"plugin.conf": "[supervisorctl]\n[ctlplugin:x]\nsupervisor.ctl_factory=nosuch:thing\n",
		"nofac.conf":  "[supervisorctl]\n[ctlplugin:x]\na=b\n",
		"badpct.conf": "[supervisorctl]\nserverurl=%(nosuch)s\n",
		"odd.conf":    "[supervisorctl]\nserverurl=localhost:9001\nprompt=%(x\n",
		"prompt.conf": "[supervisorctl]\nserverurl=unix://%(here)s/supervisor.sock\nprompt = my shell\n",
	}, steps: []step{
		bare("status cat"), bare("-x"), bare("--nosuch"), bare("-c"), bare("-c nosuch.conf status"), bare("-c . status"),
		bare("-c noctl.conf status"), bare("-c plugin.conf status"), bare("-c nofac.conf status"), bare("-c badpct.conf status"),
		bare("-c odd.conf status"), bare("-s nosuch status"), bare("-s :x status"), bare("-s x: status"),
		bare("-s 1x:y status"), bare("-s x:// status"), bare("-s x:/// status"), bare("-s x:#y status"), bare("-s a+b-c.9:x status"),
		bare("-s unix:// status"), bare("-s a -s b status"), bare("-s http://a -s http://b status"), bare("-i -i status"),
		bare("-u a -u b status"), bare("-c a -c b"), bare("-r a -r b status"), bare("-iv status"), bare("--inter status cat"),
		bare("--user"), bare("--interactive=1"), bare("-s foo://x status"), bare("-s foo://x pid"), bare("-s HTTP://x status"),
		{args: []string{"-c", "prompt.conf"}, stdin: "version\n", bare: true},
	}}.compare(t)
}
