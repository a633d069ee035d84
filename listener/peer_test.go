//go:build linux

package listener_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/listener/listenertest"
)

// TestPythonListenersReadCharacters shows why len counts characters: this is
// how Python's users read events, and they would wait for ever for bytes.
func TestPythonListenersReadCharacters(t *testing.T) {
	requireReference(t)
	for _, locale := range []string{"C", "C.UTF-8"} {
		var stderr syncBuffer
		cmd := exec.Command(debianPython, "testdata/childutils_listener.py")
		cmd.Env = append(os.Environ(), "LC_ALL="+locale)
		cmd.Stderr = &stderr
		daemon := listenertest.StartCommand(t, cmd)
		log := listener.ProcessLog{EventType: listener.ProcessLogStdout, ProcessName: "naïve", GroupName: "g", PID: 1}
		var want strings.Builder
		for _, data := range []string{"plain\n", "é", "日本 🚨\r\n", "\xff", ""} {
			log.Data = []byte(data)
			daemon.Deliver(log, listener.ResultOK)
			fmt.Fprintf(&want, "PROCESS_LOG_STDOUT %x\n", log.AppendPayload(nil))
		}
		daemon.Kill()
		if got := stderr.String(); got != want.String() {
			t.Errorf("with LC_ALL=%s the listener read\n%s, want\n%s", locale, got, &want)
		}
	}
}

// peerConfig has a program for each kind of event, and one listener for all.
const peerConfig = `
[unix_http_server]
file=%(here)s/s.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[supervisord]
logfile=%(here)s/d.log
pidfile=%(here)s/d.pid
childlogdir=%(here)s
identifier=peer
[eventlistener:recorder]
command={{self}}
environment=LISTENER_TEST_AS="recording",LISTENER_TEST_FILE="%(here)s/events"
events=EVENT
buffer_size=1000
[program:talker]
command=/bin/sh %(here)s/talk
stdout_capture_maxbytes=1MB
stderr_capture_maxbytes=1MB
stdout_events_enabled=true
stderr_events_enabled=true
startsecs=0
autorestart=false
[program:garbler]
command=/usr/bin/printf '\377out\n'
stdout_events_enabled=true
startsecs=0
autorestart=false
[program:doomed]
command=/bin/false
startretries=1
[program:sleeper]
command=/bin/sleep 1000
startsecs=0
`

const talk = `
printf 'na\303\257ve \346\227\245\346\234\254\n'; sleep 0.2
printf 'to stderr\n' >&2; sleep 0.2
printf '<!--XSUPERVISOR:BEGIN-->s\303\251nd<!--XSUPERVISOR:END-->'; sleep 0.2
printf '<!--XSUPERVISOR:BEGIN-->err<!--XSUPERVISOR:END-->' >&2; sleep 0.2
exit 3
`

// peerClient is what an administrator does.
const peerClient = `
import sys, xmlrpc.client
from supervisor.xmlrpc import SupervisorTransport
s = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=SupervisorTransport(None, None, "unix://" + sys.argv[1])).supervisor
s.sendRemoteCommEvent("kind", "d\u00e9j\u00e0 vu\nline 2")
s.sendRemoteCommEvent("refuse", "once")
s.sendRemoteCommEvent("die", "once")
s.stopProcess("sleeper")
s.removeProcessGroup("sleeper")
s.addProcessGroup("sleeper")
`

// readRecords reads what the handler record has written.
func readRecords(t *testing.T, name string) []recorded {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	var records []recorded
	lines := bufio.NewScanner(bytes.NewReader(text[:bytes.LastIndexByte(text, '\n')+1]))
	for lines.Scan() {
		var r recorded
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatalf("read %q: %v", lines.Bytes(), err)
		}
		records = append(records, r)
	}
	return records
}

func TestServeUnderPythonsSupervisor(t *testing.T) {
	requireReference(t)
	dir := t.TempDir()
	config := strings.ReplaceAll(peerConfig, "{{self}}", os.Args[0])
	for name, text := range map[string]string{"conf": config, "talk": talk} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var output syncBuffer
	daemon := exec.Command("/usr/bin/supervisord", "-n", "-c", filepath.Join(dir, "conf"))
	daemon.Stdout, daemon.Stderr = &output, &output
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- daemon.Wait() }() // ends with the daemon, which the test ends
	t.Cleanup(func() {
		_ = daemon.Process.Kill()
		if t.Failed() {
			t.Logf("the daemon wrote\n%s", &output)
		}
	})

	events := filepath.Join(dir, "events")
	count := func(match func(recorded) bool) (n int) {
		for _, r := range readRecords(t, events) {
			if match(r) {
				n++
			}
		}
		return n
	}
	named := func(name listener.EventType) func(recorded) bool {
		return func(r recorded) bool { return r.Header.EventName == name }
	}
	wait := func(what string, match func(recorded) bool, n int) {
		t.Helper()
		eventually(t, func() string { return what + "\n" + output.String() }, func() bool { return count(match) >= n })
	}
	wait("the daemon is up", named(listener.SupervisorRunning), 1)
	client := exec.Command(debianPython, "-c", peerClient, filepath.Join(dir, "s.sock"))
	if out, err := client.CombinedOutput(); err != nil {
		t.Fatalf("the client ended with %v: %s", err, out)
	}
	wait("sent again after its listener was killed", func(r recorded) bool { return strings.HasPrefix(r.Payload, "type:die\n") }, 2)
	wait("doomed is fatal", named(listener.ProcessStateFatal), 1)
	wait("talker's exit", func(r recorded) bool {
		return strings.Contains(r.Payload, "talker groupname:talker from_state:RUNNING")
	}, 1)
	wait("talker's last words", named(listener.ProcessCommunicationStderr), 1)
	wait("garbler's words", func(r recorded) bool { return strings.Contains(r.Payload, "Undecodable") }, 1)
	wait("a tick", named(listener.Tick5), 1)
	wait("the group is back", named(listener.ProcessGroupAdded), 1)
	_ = daemon.Process.Signal(syscall.SIGTERM)
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Fatal("the daemon did not end within 20 s")
	}
	records := readRecords(t, events)
	checkRecords(t, records)
	env := listener.Environment{Enabled: true, ServerURL: "unix://" + filepath.Join(dir, "s.sock"), ProcessName: "recorder", GroupName: "recorder"}
	if records[0].Env != env {
		t.Errorf("ReadEnvironment = %+v, want %+v", records[0].Env, env)
	}
	for _, bad := range []string{"UNKNOWN state", "bad result line", "Traceback"} {
		if strings.Contains(output.String(), bad) {
			t.Errorf("the daemon logged %q:\n%s", bad, &output)
		}
	}
}

// checkRecords checks what the listener got from Python's Supervisor.
func checkRecords(t *testing.T, records []recorded) {
	t.Helper()
	payloads := map[listener.EventType][]string{}
	pids := map[string][]int{}
	for _, r := range records {
		name := r.Header.EventName
		payloads[name] = append(payloads[name], r.Payload)
		body, err := listener.ParseBody(name, []byte(r.Payload))
		if err != nil || r.Kind != fmt.Sprintf("%T", body) || r.Kind == "listener.Unrecognised" {
			t.Errorf("%s %q came as %s, want %T (%v)", name, r.Payload, r.Kind, body, err)
			continue
		}
		if again := string(body.AppendPayload(nil)); again != r.Payload {
			t.Errorf("%s %q is written as %q", name, r.Payload, again)
		}
		if r.Header.Server != "peer" || r.Header.Pool != "recorder" || r.Header.Version != listener.ProtocolVersion {
			t.Errorf("%s came with the header %+v", name, r.Header)
		}
		if name == listener.RemoteCommunicationSent {
			pids[r.Payload] = append(pids[r.Payload], r.PID)
		}
	}
	for _, name := range []listener.EventType{
		listener.ProcessStateStarting, listener.ProcessStateRunning, listener.ProcessStateBackoff, listener.ProcessStateStopping,
		listener.ProcessStateExited, listener.ProcessStateStopped, listener.ProcessStateFatal,
		listener.ProcessLogStdout, listener.ProcessLogStderr, listener.ProcessCommunicationStdout, listener.ProcessCommunicationStderr,
		listener.RemoteCommunicationSent, listener.SupervisorRunning, listener.SupervisorStopping,
		listener.Tick5, listener.ProcessGroupAdded, listener.ProcessGroupRemoved,
	} {
		if len(payloads[name]) == 0 {
			t.Errorf("no %s came", name)
		}
	}
	for name, end := range map[listener.EventType]string{
		listener.ProcessLogStderr:           "channel:stderr\nto stderr\n",
		listener.ProcessCommunicationStdout: "\nsénd",
		listener.ProcessCommunicationStderr: "\nerr",
		listener.RemoteCommunicationSent:    "type:kind\ndéjà vu\nline 2",
		listener.ProcessGroupRemoved:        "groupname:sleeper\n",
	} {
		if !slices.ContainsFunc(payloads[name], func(p string) bool { return strings.HasSuffix(p, end) }) {
			t.Errorf("%s came with %q, want one that ends in %q", name, payloads[name], end)
		}
	}
	stdout := strings.Join(payloads[listener.ProcessLogStdout], "")
	for _, want := range []string{"channel:stdout\nnaïve 日本\n", "channel:stdout\nUndecodable: b'\\xffout\\n'"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("PROCESS_LOG_STDOUT came with %q, want in it %q", stdout, want)
		}
	}
	if got := pids["type:refuse\nonce"]; len(got) != 2 || got[0] != got[1] {
		t.Errorf("the refused event came to the processes %v, want twice to the same", got)
	}
	if got := pids["type:die\nonce"]; len(got) != 2 || got[0] == got[1] {
		t.Errorf("the event whose listener was killed came to the processes %v, want to two", got)
	}
}
