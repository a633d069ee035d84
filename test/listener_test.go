package test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/vigilance-go/vigilance/test/peer"
)

// recorder is a listener written with Python's supervisor.childutils. It appends
// each event's header and payload to out/NAME.events, and does what its second
// argument says about how it answers.
const recorder = `import os, sys, time
from supervisor import childutils

manner = sys.argv[1]
record = open('out/%s.events' % os.environ['SUPERVISOR_GROUP_NAME'], 'a')
seen = set()
if manner == 'late':
    while not os.path.exists('go'):
        time.sleep(0.02)
while True:
    childutils.listener.ready()
    line = sys.stdin.readline()
    if not line:
        break
    headers = childutils.get_headers(line)
    payload = sys.stdin.read(int(headers['len']))
    if manner == 'dies' and not os.path.exists('died'):
        open('died', 'w').close()
        record.write('dying with %s%s\n' % (line, payload))
        sys.exit(1)
    if manner == 'slow':
        time.sleep(0.05)
    record.write('%s%s\n\n' % (line, payload))
    record.flush()
    if manner == 'refuses' and headers['serial'] not in seen:
        seen.add(headers['serial'])
        childutils.listener.fail()
    elif manner == 'babbles' and not os.path.exists('babbled'):
        open('babbled', 'w').close()
        childutils.listener.send('OK', sys.stdout)
        sys.stdout.write('nonsense\n')
        sys.stdout.flush()
        time.sleep(1000)
    elif manner == 'miscounts' and not os.path.exists('miscounted'):
        open('miscounted', 'w').close()
        sys.stdout.write('RESULT two\nOK')
        sys.stdout.flush()
        time.sleep(1000)
    else:
        childutils.listener.ok()
`

// listenerSection is an [eventlistener:x] with the recorder.
func listenerSection(name, manner, options string) string {
	return fmt.Sprintf("[eventlistener:%s]\ncommand={python} %%(here)s/recorder.py %s\n"+
		"stderr_logfile=%%(here)s/out/%s.stderr\n%s\n", name, manner, name, options)
}

// event is one that a recorder has received.
type event struct {
	header  map[string]string
	payload string
}

// String returns the event without what differs from run to run.
func (e event) String() string {
	return fmt.Sprintf("%s %s len:%s pool:%s server:%s\n%s", e.header["ver"], e.header["eventname"],
		e.lenWithoutPID(), e.header["pool"], e.header["server"], eventMask.ReplaceAllString(e.payload, "${1}N"))
}

// eventMask finds process ids and times in payloads.
var eventMask = regexp.MustCompile(`\b(pid:|when:)\d+`)

// lenWithoutPID returns the announced length less the masked digits' number.
func (e event) lenWithoutPID() string {
	announced, err := strconv.Atoi(e.header["len"])
	if err != nil {
		return e.header["len"]
	}
	masked := eventMask.ReplaceAllString(e.payload, "${1}N")
	return strconv.Itoa(announced - len(e.payload) + len(masked))
}

// program returns the process that the event is about, "" for none.
func (e event) program() string {
	_, rest, found := strings.Cut(e.payload, "processname:")
	if !found {
		return ""
	}
	name, _, _ := strings.Cut(rest, " ")
	return name
}

func (e event) serial(t *testing.T, token string) int {
	t.Helper()
	serial, err := strconv.Atoi(e.header[token])
	if err != nil {
		t.Fatalf("event %v has %s:%q, want a number", e.header, token, e.header[token])
	}
	return serial
}

// received reads what a recorder has written.
func received(t *testing.T, o outcome, name string) []event {
	t.Helper()
	var events []event
	for record := range strings.SplitSeq(strings.TrimSuffix(o.out[name+".events"], "\n\n"), "\n\nver:") {
		line, payload, found := strings.Cut("ver:"+strings.TrimPrefix(record, "ver:"), "\n")
		if !found {
			t.Fatalf("%s received %q, want a header line and a payload", name, record)
		}
		header := make(map[string]string)
		for field := range strings.FieldsSeq(line) {
			key, value, _ := strings.Cut(field, ":")
			header[key] = value
		}
		events = append(events, event{header: header, payload: payload})
	}
	return events
}

// texts returns the events as lines for comparison.
func texts(events []event) []string {
	var lines []string
	for _, e := range events {
		lines = append(lines, strings.Split(e.String(), "\n")...)
	}
	return lines
}

// waitRecord waits until out/NAME.events contains text count times.
func waitRecord(d *peer.Daemon, name, text string, count int) error {
	return d.WaitFile("out/"+name+".events", func(content []byte) bool {
		return strings.Count(string(content), text) >= count
	}, fmt.Sprintf("%d times %q received by %s", count, text, name))
}

// TestEveryEventReachesAPythonListener compares, program by program, the headers
// and payloads that listeners of both daemons receive, byte by byte.
func TestEveryEventReachesAPythonListener(t *testing.T) {
	t.Parallel()
	programs := []program{
		{name: "stays", script: "exec sleep 1000\n"},
		{name: "exits", script: "sleep 1.6; exit 0\n"},
		{name: "crashes", script: "sleep 1.6; exit 3\n", options: "autorestart=false"},
		{name: "fails", script: "exit 1\n", options: "startretries=1"},
		{name: "cannot_start", options: "command=/no/such/file\nstartretries=0"},
		{name: "talks", script: "echo a line; sleep 0.3; echo an error >&2; sleep 0.3; printf 'gr\\303\\274n'; exec sleep 1000\n",
			options: "stdout_events_enabled=true\nstderr_events_enabled=true"},
		{name: "communicates", script: "printf '<!--XSUPERVISOR:BEGIN-->to whom it may\n concern<!--XSUPERVISOR:END-->'\n" +
			"printf '<!--XSUPERVISOR:BEGIN--><!--XSUPERVISOR:END-->\n' >&2; exec sleep 1000\n",
			options: "stdout_capture_maxbytes=1KB\nstderr_capture_maxbytes=1KB"},
		{name: "garbles", script: "printf '\\377\\376'; exec sleep 1000\n", options: "stdout_events_enabled=true"},
		{name: "member", script: "exec sleep 1000\n"},
		// Stopped after all the others, it gives the listener time to hear of them.
		{name: "lingers", script: "trap 'sleep 1; exit 0' TERM\n" + loopForever, options: "priority=1"},
	}
	config, files := configFor(programs)
	files["recorder.py"] = recorder
	config += "[group:team]\nprograms=member\n" +
		listenerSection("recorder", "answers", "events=EVENT\nbuffer_size=1000")
	want, got := runBoth(t, scenario{
		config: config,
		files:  files,
		drive: func(d *peer.Daemon) error {
			for _, text := range []string{"eventname:TICK_5",
				"processname:crashes groupname:crashes from_state:RUNNING expected:0", "processname:exits groupname:exits from_state:RUNNING expected:1"} {
				if err := waitRecord(d, "recorder", text, 1); err != nil {
					return err
				}
			}
			return waitRecord(d, "recorder", "eventname:PROCESS_STATE_FATAL", 2)
		},
	})
	wantEvents, gotEvents := received(t, want, "recorder"), received(t, got, "recorder")
	wantBy, gotBy := eventsByProgram(wantEvents), eventsByProgram(gotEvents)
	for _, stream := range []string{"", "stays", "exits", "crashes", "fails", "cannot_start", "talks", "talks PROCESS_LOG",
		"communicates", "communicates PROCESS_COMMUNICATION_STDOUT", "communicates PROCESS_COMMUNICATION_STDERR",
		"garbles", "garbles PROCESS_LOG", "member", "recorder", "tick"} {
		sameLines(t, fmt.Sprintf("what the listener received about %q", stream), texts(wantBy[stream]), texts(gotBy[stream]))
		if len(gotBy[stream]) == 0 {
			t.Errorf("the listener received nothing about %q, want events", stream)
		}
	}
	sameFiles(t, "the listener's standard error", map[string]string{"recorder.stderr": want.out["recorder.stderr"]},
		map[string]string{"recorder.stderr": got.out["recorder.stderr"]})
	for i, e := range gotEvents {
		if serial := e.serial(t, "poolserial"); serial != i {
			t.Errorf("event %d has poolserial:%d, want %d", i, serial, i)
		}
	}
}

// eventsByProgram sorts events by program, what a program says apart from its
// states, which come by the clock. Of ticks, one is as good as two.
func eventsByProgram(events []event) map[string][]event {
	by := make(map[string][]event)
	for _, e := range events {
		stream, name := e.program(), e.header["eventname"]
		switch {
		case name == "TICK_60", name == "TICK_3600", name == "TICK_5" && len(by["tick"]) > 0:
			continue
		case name == "TICK_5":
			stream = "tick"
		case strings.HasPrefix(name, "PROCESS_LOG"):
			stream += " PROCESS_LOG"
		case strings.HasPrefix(name, "PROCESS_COMMUNICATION"):
			stream += " " + name
		}
		by[stream] = append(by[stream], e)
	}
	return by
}

// speaker is a program that sends numbered communication events, so many, once
// the file "speak" is there.
func speaker(count int) string {
	return fmt.Sprintf("until [ -e speak ]; do sleep 0.05; done\nfor i in $(seq %d); do\n"+
		"\tprintf '<!--XSUPERVISOR:BEGIN-->message %%d<!--XSUPERVISOR:END-->' $i\ndone\nexec sleep 1000\n", count)
}

// listenerScenario is a speaker and one pool that hears it.
func listenerScenario(manner, options string, messages int, drive func(*peer.Daemon) error) scenario {
	config, files := configFor([]program{{name: "speaker", script: speaker(messages), options: "stdout_capture_maxbytes=1MB"}})
	files["recorder.py"] = recorder
	return scenario{
		config: config + listenerSection("pool", manner, "events=PROCESS_COMMUNICATION\n"+options),
		files:  files,
		drive: func(d *peer.Daemon) error {
			if err := d.WaitLog("success: ", 2); err != nil {
				return err
			}
			if err := os.WriteFile(d.Path("speak"), nil, 0o644); err != nil {
				return err
			}
			return drive(d)
		},
	}
}

// TestListenersThatMisbehave compares what happens to the events of listeners
// that die, refuse, or break the protocol.
func TestListenersThatMisbehave(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		options  string
		messages int
		record   string // what out/pool.events must show
		count    int
		log      string // what supervisord.log must show
	}{
		"answers": {messages: 20, record: "message ", count: 20, options: "buffer_size=1000"},
		"dies":    {messages: 3, record: "message ", count: 4, options: "autorestart=true"},
		"refuses": {messages: 3, record: "message ", count: 6},
		"late":    {messages: 10, log: "discarding event", count: 7, options: "buffer_size=3"},
	}
	for manner, test := range tests {
		t.Run(manner, func(t *testing.T) {
			t.Parallel()
			want, got := runBoth(t, listenerScenario(manner, test.options, test.messages, func(d *peer.Daemon) error {
				if test.log != "" {
					if err := d.WaitLog(test.log, test.count); err != nil {
						return err
					}
					if err := os.WriteFile(d.Path("go"), nil, 0o644); err != nil {
						return err
					}
					return waitRecord(d, "pool", "message ", 3)
				}
				return waitRecord(d, "pool", test.record, test.count)
			}))
			sameFiles(t, "out", maskEvents(want.out), maskEvents(got.out))
			wantLines, gotLines := peer.ByProgram(want.log), peer.ByProgram(got.log)
			for _, name := range []string{"", "pool", "speaker"} {
				sameLines(t, fmt.Sprintf("supervisord.log about %q", name),
					maskSerials(without(wantLines[name], "waiting for ")), maskSerials(without(gotLines[name], "waiting for ")))
			}
		})
	}
}

// serialMask finds serial numbers, which count events that nobody receives too.
var serialMask = regexp.MustCompile(`(serial:|event )\d+`)

func maskSerials(lines []string) []string {
	var masked []string
	for _, line := range lines {
		masked = append(masked, serialMask.ReplaceAllString(line, "${1}N"))
	}
	return masked
}

// headerLen finds an announced length, which counts the digits of process ids.
var headerLen = regexp.MustCompile(`\blen:\d+`)

func maskEvents(files map[string]string) map[string]string {
	masked := make(map[string]string)
	for name, content := range files {
		if strings.HasSuffix(name, ".events") {
			content = serialMask.ReplaceAllString(eventMask.ReplaceAllString(content, "${1}N"), "${1}N")
			content = headerLen.ReplaceAllString(content, "len:N")
		}
		masked[name] = content
	}
	return masked
}

// TestProtocolViolations compares the log about listeners that say what they may
// not, up to the point where ours restarts them and the reference leaves them
// deaf.
func TestProtocolViolations(t *testing.T) {
	t.Parallel()
	for _, manner := range []string{"babbles", "miscounts"} {
		t.Run(manner, func(t *testing.T) {
			t.Parallel()
			want, got := runBoth(t, listenerScenario(manner, "", 1, func(d *peer.Daemon) error {
				return d.WaitLog("violated the eventlistener protocol", 1)
			}))
			texts := []string{"UNKNOWN", "bad result", "event was"}
			sameLines(t, "supervisord.log", having(want.log, texts...), having(got.log, texts...))
		})
	}
}

// TestDeafListenerIsRestarted: after a violation the listener's next process
// receives the event that the first one left unanswered, and later ones.
func TestDeafListenerIsRestarted(t *testing.T) {
	t.Parallel()
	if os.Getenv("VIGILANCE_SUPERVISORD") != "" {
		t.Skip("VIGILANCE_SUPERVISORD is set: Python's daemon leaves such a listener deaf")
	}
	got := runOurs(t, listenerScenario("miscounts", "", 3, func(d *peer.Daemon) error {
		return waitRecord(d, "pool", "message ", 4)
	}))
	var messages []string
	for _, e := range received(t, got, "pool") {
		_, message, _ := strings.Cut(e.payload, "\n")
		messages = append(messages, message)
	}
	sameLines(t, "the messages received", []string{"message 1", "message 1", "message 2", "message 3"}, messages)
}

// TestPoolSharesEvents: with several processes in a pool each event goes to
// exactly one of them.
func TestPoolSharesEvents(t *testing.T) {
	t.Parallel()
	const messages = 60
	s := listenerScenario("slow", "numprocs=3\nprocess_name=%(program_name)s_%(process_num)d\nbuffer_size=1000", messages, func(d *peer.Daemon) error {
		return waitRecord(d, "pool", "message ", messages)
	})
	got := runOurs(t, s)
	seen := make(map[string]int)
	for _, e := range received(t, got, "pool") {
		seen[e.payload[strings.Index(e.payload, "\n")+1:]]++
	}
	for i := 1; i <= messages; i++ {
		if name := fmt.Sprintf("message %d", i); seen[name] != 1 {
			t.Errorf("%q was received %d times, want once", name, seen[name])
		}
	}
}

// TestManyDeathsAtOnceAllReported: 200 programs die together, and a listener
// that takes 50 ms for each event hears of every one, with the default buffer.
func TestManyDeathsAtOnceAllReported(t *testing.T) {
	t.Parallel()
	const programs = 200
	config := fmt.Sprintf("[program:mayfly]\ncommand=sleep 1000\nnumprocs=%d\nprocess_name=%%(program_name)s_%%(process_num)03d\n"+
		"startsecs=0\nautorestart=false\nstdout_logfile=NONE\nstderr_logfile=NONE\n", programs)
	s := scenario{
		config: config + listenerSection("pool", "slow", "events=PROCESS_STATE_EXITED"),
		files:  map[string]string{"recorder.py": recorder},
		drive: func(d *peer.Daemon) error {
			if err := d.WaitLog("success: mayfly_", programs); err != nil {
				return err
			}
			if err := d.WaitLog("success: pool", 1); err != nil {
				return err
			}
			for _, pid := range d.Running("sleep 1000") {
				if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
					return err
				}
			}
			return waitRecord(d, "pool", "eventname:PROCESS_STATE_EXITED", programs)
		},
	}
	if os.Getenv("VIGILANCE_SUPERVISORD") != "" {
		s.config += "buffer_size=1000\n" // Python's default loses nearly all of them
	}
	got := runOurs(t, s)
	var names []string
	for _, e := range received(t, got, "pool") {
		names = append(names, e.program())
	}
	slices.Sort(names)
	if unique := slices.Compact(names); len(unique) != programs {
		t.Errorf("heard of %d programs, want %d; supervisord.log has %q", len(unique), programs, having(got.log, "overflow"))
	}
}
