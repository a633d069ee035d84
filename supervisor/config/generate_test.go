package config

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// generator makes random documents: whole configurations by a grammar that
// knows every option with good and bad values, then roughened with whatever
// the dialect gives a meaning.
type generator struct{ *rand.Rand }

func newGenerator(seed uint64) generator { return generator{rand.New(rand.NewPCG(seed, 1))} }

func (g generator) oneIn(n int) bool { return g.IntN(n) == 0 }

func (g generator) pick(items ...string) string { return items[g.IntN(len(items))] }

// optionValues lists values for an option's kind, of which the first make no
// error.
type optionValues struct{ good, bad []string }

// valueTable holds, for each kind of option, good and bad values, separated by
// bars.
const valueTable = `
bool
true|false|yes|no|on|off|1|0|TRUE|Off
maybe||2|tru e|unexpected
int
0|1|2|3|10|007|+5|-3|1_0| 4|٣
x||1.5|1 2|0x10|--1|_1|1_|é
bytes
0|1|1KB|50MB|1gb|2 kb|-1|1_0MB
MB|1TB|1.5MB||x
octal
022|0|0o22|777|-7|0_2
8|x||0x1|rw
signal
TERM|SIGTERM|hup|9|15|sigUsr1|RTMIN|CLD|0|64| INT
FOO|99|||SIG|-1|35
restart
true|false|unexpected|Unexpected|1|off
always||never|UNEXPECTEDLY
codes
0|0,2|0, 1 ,255|
256|-1|0;1|a|0,,1
dirpath
%(here)s/x.log|x.log|/tmp/x|~/y|/dev/stdout|/dev/stderr|%(here)s/%(ENV_A)s|syslog|~root/z|//tmp/x|/tmp/../tmp/./y|/
/no/such/dir/x|/tmp/nosuch/../y|%(nope)s|100%|~nobodyatall/x|%(here)s/%%d
log
AUTO|NONE|none|auto|off|syslog|SysLog|/dev/stdout|/tmp/%(program_name)s.log|%(here)s/%(process_num)02d.log||x_%(group_name)s|~/z
/no/such/dir/x|%(nope)s|/tmp/%%s|/tmp/100%
dir
/tmp|%(here)s|~|/
/no/such/dir||%(process_num)d|%(nope)s
user
root|0|nobody|65534| root
nosuchuser||99999999|-1|root:root|%(ENV_A)s0000001
owner
root|root:root|0:0|nobody:root
nosuch:root|root:nosuch|:|:root|root:|root:0:0
level
info|DEBUG|warn|blather|trace|Critical|error
loud||10|crit|warning
text
x|a b|é日本|%(ENV_A)s|"quoted"|%(ENV_UMLAUT)s|%%|a;b|x#y|=
%(nope)s|100%|%d|%(ENV_A)d|%|%(here)|%(here)y
environment
A="1",B="2"|A=1,B=2||K="a,b",L='c"d'|PATH="/x:%(ENV_PATH)s"|P="%(ENV_P)s"|X%(process_num)s="1"|A=1,|A = 1 , B = 2|A="x"y,B=1|A=\"q\"|N="%(program_name)s-%(process_num)02d"|H="%(here)s"|A="%%%%"|A=x#y|A='it''s'|U="%(ENV_QUOTED)s"
A=|A|A="1|A=1 B=2|A=日本,B=1|A="%%"|A="%(nope)s"|A=1,,B=2|A;1,B=2
command
/bin/cat|/bin/sh -c "echo %(process_num)d"|x %(ENV_A)s %(numprocs)d|%(here)s/run --port=80%(process_num)02d|cat %%|/bin/%(program_name)s|x 'unclosed|%(process_num)x %(process_num)5.1f|
%(nope)s|%s|100%|%(process_num)|%(program_name)d|%(ENV_K)s
process_name
%(program_name)s|%(program_name)s_%(process_num)02d|%(group_name)s-%(process_num)d|%(process_num)s|p%(process_num)03d| x 
a b|a/b|a:b|%(nope)s_%(process_num)d|100%||%(ENV_SPACED)s
numprocs
1|2|3|11|0|-1
x||1.0
events
EVENT|TICK_60|PROCESS_STATE,TICK_5|process_state_exited, process_log|EVENT,EVENT|PROCESS_GROUP_ADDED,REMOTE_COMMUNICATION
|NOPE|EVENT,|tick_61|EVENT;TICK_5|__DOC__
socket
unix:///tmp/x.sock|tcp://localhost:9000|tcp://LOCALHOST:09000|unix://%(here)s/%(program_name)s.sock|unix:////a//../b|tcp://*:١
|unix://x.sock|tcp://x|tcp://:1|tcp://h:99999|tcp://h:0|tcp://a:b:1|http://x:1|tcp://h:+1|tcp://h h:1|tcp://h:|%(process_num)d
port
9001|127.0.0.1:9001|*:9001|LocalHost:9001|:9001| 9001|::1:80
|x|localhost:|0|65536|localhost:0|localhost:70000|localhost:x|-1
file
/tmp/x.sock|%(here)s/x.sock|x.sock| /tmp/y.sock |~/s|
%(nope)s|%(ENV_X)s|100%
serverurl
AUTO|auto |http://localhost:1|unix:///x||unix://%(ENV_A)s/../y
%(nope)s|%
factory
supervisor.rpcinterface:make_main_rpcinterface|supervisor.rpcinterface : make_main_rpcinterface
foo:bar|supervisor.rpcinterface|
handler
supervisor.dispatchers:default_handler
foo:bar|x|
plugin
supervisor.supervisorctl:DefaultControllerPlugin
foo:bar|x|
programs
a|a,b|b, a|a,a|
nope|a,nope|c|a b|a,,b|a,b,nope
`

func valuesOf(kind string) optionValues {
	lines := strings.Split(strings.TrimPrefix(valueTable, "\n"), "\n")
	for ; len(lines) > 2; lines = lines[3:] {
		if lines[0] == kind {
			return optionValues{strings.Split(lines[1], "|"), strings.Split(lines[2], "|")}
		}
	}
	panic("no values for the kind " + kind)
}

const programOptions = `command:command|process_name:process_name|numprocs:numprocs|numprocs_start:int|priority:int
autostart:bool|autorestart:restart|startsecs:int|startretries:int|exitcodes:codes|stopsignal:signal|stopwaitsecs:int
stopasgroup:bool|killasgroup:bool|user:user|redirect_stderr:bool|stdout_logfile:log|stdout_logfile_maxbytes:bytes
stdout_logfile_backups:int|stdout_capture_maxbytes:bytes|stdout_events_enabled:bool|stdout_syslog:bool
stderr_logfile:log|stderr_logfile_maxbytes:bytes|stderr_logfile_backups:int|stderr_capture_maxbytes:bytes
stderr_events_enabled:bool|stderr_syslog:bool|environment:environment|directory:dir|umask:octal|serverurl:serverurl
unknown_option:text`

// optionsOf lists a kind of section's options with the kinds of their values.
func optionsOf(section string) []string {
	var options string
	switch kind, _, _ := strings.Cut(section, ":"); kind {
	case "supervisord":
		options = `minfds:int|minprocs:int|directory:dir|user:text|umask:octal|logfile:dirpath|logfile_maxbytes:bytes
logfile_backups:int|loglevel:level|pidfile:dirpath|identifier:text|nodaemon:bool|silent:bool|childlogdir:dir
nocleanup:bool|strip_ansi:bool|environment:environment|unknown:text`
	case "inet_http_server", "inet_http_serverx":
		options = "port:port|username:text|password:text|extra:text"
	case "unix_http_server":
		options = "file:file|chmod:octal|chown:owner|username:text|password:text"
	case "rpcinterface":
		options = "supervisor.rpcinterface_factory:factory|retries:text|other:int"
	case "group":
		options = "programs:programs|priority:int"
	case "eventlistener":
		options = programOptions + "|events:events|buffer_size:int|result_handler:handler"
	case "fcgi-program":
		options = programOptions + "|socket:socket|socket_owner:owner|socket_mode:octal|socket_backlog:int"
	case "supervisorctl":
		options = "serverurl:serverurl|username:text|password:text|prompt:text|history_file:file|x:text"
	case "ctlplugin":
		options = "supervisor.ctl_factory:plugin|a:text"
	default:
		options = programOptions
	}
	return strings.FieldsFunc(options, func(r rune) bool { return r == '|' || r == '\n' })
}

// required are the options that a section needs to be any good.
func required(section string) []string {
	switch kind, _, _ := strings.Cut(section, ":"); kind {
	case "program":
		return []string{"command:command"}
	case "eventlistener":
		return []string{"command:command", "events:events"}
	case "fcgi-program":
		return []string{"command:command", "socket:socket"}
	case "inet_http_server", "inet_http_serverx":
		return []string{"port:port"}
	case "unix_http_server":
		return []string{"file:file"}
	case "rpcinterface":
		return []string{"supervisor.rpcinterface_factory:factory"}
	case "group":
		return []string{"programs:programs"}
	}
	return nil
}

// configuration makes a whole file. badness is how many good values go by for
// each bad one.
func (g generator) configuration(badness int) string {
	sections := []string{"supervisord"}
	for range g.IntN(5) {
		sections = append(sections, g.pick("program:a", "program:b", "program:c", "program: d ", g.pick("program:d", "program:d", "program:e f"),
			"eventlistener:l", "eventlistener: m", "fcgi-program:f", "fcgi-program:g",
			"inet_http_server", "unix_http_server", "inet_http_server:x", "unix_http_server:y:z", "inet_http_serverx",
			"rpcinterface:supervisor", "DEFAULT", "ctlplugin:x", "other", "program:é"))
	}
	if g.oneIn(25) {
		sections = sections[1:]
	}
	if g.oneIn(6) {
		sections = append(sections, "supervisorctl")
	}
	if g.oneIn(4) {
		sections = append(sections, g.pick("group:g", "group:h", "group:a"), "program:a", g.pick("program:b", "fcgi-program:b"))
	}
	g.Shuffle(len(sections), func(i, j int) { sections[i], sections[j] = sections[j], sections[i] })
	var text strings.Builder
	for _, section := range sections {
		text.WriteString(g.section(section, badness))
	}
	return text.String()
}

func (g generator) section(name string, badness int) string {
	options := optionsOf(name)
	var chosen []string
	for _, option := range required(name) {
		if !g.oneIn(2 * badness) {
			chosen = append(chosen, option)
		}
	}
	for range g.IntN(5) {
		chosen = append(chosen, g.pick(options...))
	}
	var text strings.Builder
	fmt.Fprintf(&text, "[%s]\n", name)
	for _, option := range chosen {
		key, kind, _ := strings.Cut(option, ":")
		values := valuesOf(kind)
		value := g.pick(values.good...)
		if g.oneIn(badness) {
			value = g.pick(values.bad...)
		}
		switch {
		case key == "username" && !g.oneIn(badness):
			fmt.Fprintf(&text, "password=x\n")
		case key == "password" && !g.oneIn(badness):
			fmt.Fprintf(&text, "username=x\n")
		}
		if value = strings.ReplaceAll(value, "\n", " "); key == "numprocs" && g.oneIn(2) {
			fmt.Fprintf(&text, "process_name=%%(program_name)s_%%(process_num)02d\n")
		}
		fmt.Fprintf(&text, "%s%s%s\n", key, g.pick("=", "=", "=", " = ", ":", " : ", " =", "\t=\t"), value)
	}
	return text.String()
}

// roughen changes a document in a few places, mostly by what the dialect
// cares for.
func (g generator) roughen(text string) string {
	for range g.IntN(4) {
		lines := strings.SplitAfter(text, "\n")
		at := g.IntN(len(lines))
		line := lines[at]
		switch g.IntN(14) {
		case 0:
			lines[at] = g.pick(" ", "\t", "    ", "\u00a0", "\u3000", "\x1c") + line
		case 1:
			lines[at] = g.pick(";", "#", " ;", "  # ", ";;") + line
		case 2:
			lines[at] = strings.TrimSuffix(line, "\n") + g.pick(" ; note", " # note", "\t;x", ";no", "#no", " #a ;b", "a#b #c ;d", "\u00a0;x") + "\n"
		case 3:
			lines[at] = strings.TrimSuffix(line, "\n") + g.pick("\n  more", "\n\n  more\n", "\n ; note\n  more", "\n\tmore = x", "\n  [x]", "\n\n\n") + "\n"
		case 4:
			lines[at] = line + line
		case 5:
			lines[at] = g.pick("[a]\n", "[]\n", "[a\n", "[a] x\n", "[[a]]\n", "[DEFAULT]\n", "[supervisord]\n", "[program:a]\n")
		case 6:
			lines[at] = g.pick("novalue\n", "=x\n", ":\n", "a\n b=1\n", " = \n", "rem x\n", "\n", "   \n", "''=x\n", "x y = z\n", "[a]=b\n")
		case 7:
			text = "\ufeff" + text
			continue
		case 8:
			text = strings.ReplaceAll(text, "\n", g.pick("\r\n", "\r", "\n\n", "\n \n"))
			continue
		case 9:
			lines[at] = strings.ToUpper(line)
		case 10:
			lines[at] = strings.Replace(line, "=", g.pick(":", "==", " = = ", "", "\u0085=", "İ=", "Σ=", "AΣ="), 1)
		case 11:
			other := g.IntN(len(lines))
			lines[at], lines[other] = lines[other], lines[at]
		case 12:
			text = g.scramble(text)
			continue
		case 13:
			lines[at] = ""
		}
		text = strings.Join(lines, "")
	}
	return text
}

// scramble puts a few odd characters somewhere.
func (g generator) scramble(text string) string {
	for range 1 + g.IntN(3) {
		at := g.IntN(len(text) + 1)
		for at < len(text) && text[at]&0xc0 == 0x80 {
			at++
		}
		odd := g.pick("%", "%%", "%(here)s", "\"", "'", "\\", "[", "]", "=", ":", ";", "#", " ", "\t", "\n", "\r", "\f", "\v",
			"\u0085", "\u00a0", "\u2028", "\x1d", "é", "日", "😀", "\ufeff", "(", ")", ",", "-", "_", "0", "9")
		cut := at
		if g.oneIn(3) {
			for cut < len(text) && (cut == at || text[cut]&0xc0 == 0x80) {
				cut++
			}
		}
		text = text[:at] + odd + text[cut:]
	}
	return text
}

// lines makes a document of little meaning, for the dialect alone.
func (g generator) lines() string {
	var text strings.Builder
	if !g.oneIn(5) {
		text.WriteString(g.pick("[a]\n", "[b] ; x\r\n", " [c]\n"))
	}
	for range g.IntN(12) {
		text.WriteString(g.pick("[a]", "[b]", "[DEFAULT]", "k=v", "K : w", "q=1", "r:2", "k", "  cont", "\tcont = x", "", "   ", ";c", " #c",
			"k = a ; b", "l=a;b #c", "=v", "[x] ; y", "  [y]", "m=", "n:", "%=%(x)s", "é = ü", "o=\u00a0x\u2003", "[]", "[ c ]",
			"a#b #c ;d", "k=;x", "k= ;x", "ΑΣ=1", "p=x\\", "z=\x00"))
		text.WriteString(g.pick("\n", "\n", "\n", "\n", "\n", "\r\n", "\r", "\n\n", ""))
	}
	if g.oneIn(4) {
		return g.scramble(text.String())
	}
	return text.String()
}

// format makes a text for Python's % formatting.
func (g generator) format() string {
	var text strings.Builder
	for range 1 + g.IntN(3) {
		text.WriteString(g.pick("", "x", "é", "%%"))
		text.WriteString(g.pick("%", "%(a)", "%(n)", "%(neg)", "%(big)", "%(c)", "%()", "%(a(b))", "%(zz)", "%(a"))
		text.WriteString(g.pick("", "", "-", "0", "+", " ", "#", "-0", "+0", "# 0"))
		text.WriteString(g.pick("", "", "5", "12", "1", "*", "0"))
		text.WriteString(g.pick("", "", ".3", ".", ".0", ".*", ".12"))
		text.WriteString(g.pick("", "", "l", "h", "L"))
		text.WriteString(g.pick("s", "d", "d", "i", "u", "x", "X", "o", "f", "F", "e", "E", "g", "G", "c", "r", "a", "y", "%", "", "é", "\x01"))
	}
	return text.String()
}

// words makes a text for the lexers.
func (g generator) words() string {
	var text strings.Builder
	for range g.IntN(10) {
		text.WriteString(g.pick("a", "B", "9", "_", "=", "=", ",", ",", "\"", "'", "\\", " ", "\t", "\n", "#", ";", "/", ".", "é", "日", "ß", "×",
			"K=v", "K=\"v\"", ",L='w'", "\u00a0", "\r", "@", "(", "''", "\"\"", "Σ", "İ"))
	}
	return text.String()
}

func (g generator) path() string {
	text := g.pick("", "/", "//", "///", "~", "~root", "~nosuchuser", "~/")
	for range g.IntN(5) {
		text += g.pick("a", "/", "..", ".", "/..", "/./", "//", "b")
	}
	return text
}
