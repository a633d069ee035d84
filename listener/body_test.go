package listener

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// bodies returns one event of each type that can be sent.
func bodies() []Body {
	state := ProcessState{ProcessName: "cat", GroupName: "cats", FromState: "RUNNING"}
	with := func(t EventType, set func(*ProcessState)) Body {
		p := state
		p.EventType = t
		set(&p)
		return p
	}
	pid := func(p *ProcessState) { p.PID = 2766 }
	return []Body{
		with(ProcessStateStarting, func(p *ProcessState) { p.Tries = 1 }),
		with(ProcessStateBackoff, func(p *ProcessState) { p.Tries = 3 }),
		with(ProcessStateRunning, pid),
		with(ProcessStateStopping, pid),
		with(ProcessStateStopped, pid),
		with(ProcessStateExited, func(p *ProcessState) { p.PID, p.Expected = 2766, true }),
		with(ProcessStateFatal, func(*ProcessState) {}),
		with(ProcessStateUnknown, func(*ProcessState) {}),
		ProcessLog{EventType: ProcessLogStdout, ProcessName: "cat", GroupName: "cats", PID: 1, Channel: "stdout", Data: []byte("a\nb\n")},
		ProcessLog{EventType: ProcessLogStderr, ProcessName: "cat", GroupName: "cats", PID: 1, Channel: "stderr", Data: []byte("é")},
		ProcessCommunication{EventType: ProcessCommunicationStdout, ProcessName: "cat", GroupName: "cats", PID: 1, Data: []byte("日本")},
		ProcessCommunication{EventType: ProcessCommunicationStderr, ProcessName: "cat", GroupName: "cats", PID: 1, Data: []byte{}},
		RemoteCommunication{CommType: "a kind: of", Data: "data\nmore"},
		SupervisorStateChange{EventType: SupervisorRunning},
		SupervisorStateChange{EventType: SupervisorStopping},
		Tick{EventType: Tick5, When: 1201063880},
		Tick{EventType: Tick60, When: 1201063860},
		Tick{EventType: Tick3600, When: 1201060800},
		ProcessGroup{EventType: ProcessGroupAdded, GroupName: "cat"},
		ProcessGroup{EventType: ProcessGroupRemoved, GroupName: "cat"},
		Unrecognised{EventType: "PROCESS_DREAMT", Payload: []byte("of:sheep")},
	}
}

func TestAppendPayload(t *testing.T) {
	output := ProcessLog{EventType: ProcessLogStdout, ProcessName: "cat", GroupName: "cats", PID: 7}
	with := func(data string) Body {
		output := output
		output.Data = []byte(data)
		return output
	}
	const tokens = "processname:cat groupname:cats pid:7 channel:stdout\n"
	stderr := output
	stderr.EventType = ProcessLogStderr
	for _, tc := range []struct {
		body Body
		want string
	}{
		{ProcessState{EventType: ProcessStateStarting, ProcessName: "cat", GroupName: "cats", FromState: "STOPPED", PID: 9}, "processname:cat groupname:cats from_state:STOPPED tries:0"},
		{ProcessState{EventType: ProcessStateBackoff, ProcessName: "cat", FromState: "STARTING", Tries: 2}, "processname:cat groupname: from_state:STARTING tries:2"},
		{ProcessState{EventType: ProcessStateRunning, ProcessName: "cat", GroupName: "cats", FromState: "STARTING", PID: 9}, "processname:cat groupname:cats from_state:STARTING pid:9"},
		{ProcessState{EventType: ProcessStateExited, ProcessName: "cat", GroupName: "cats", FromState: "RUNNING", PID: 9}, "processname:cat groupname:cats from_state:RUNNING expected:0 pid:9"},
		{ProcessState{EventType: ProcessStateExited, ProcessName: "cat", GroupName: "cats", FromState: "RUNNING", Expected: true, PID: 9}, "processname:cat groupname:cats from_state:RUNNING expected:1 pid:9"},
		{ProcessState{EventType: ProcessStateFatal, ProcessName: "cat", GroupName: "cats", FromState: "BACKOFF", PID: 9}, "processname:cat groupname:cats from_state:BACKOFF"},
		{ProcessState{EventType: ProcessStateFatal, ProcessName: "c\xff", GroupName: "g", FromState: "BACKOFF"}, "processname:c\uFFFD groupname:g from_state:BACKOFF"},
		{with("x\n"), tokens + "x\n"},
		{with(""), tokens},
		{with("naïve\x00"), tokens + "naïve\x00"},
		{with("\xff"), tokens + `Undecodable: b'\xff'`},
		{with("a'b\xff"), tokens + `Undecodable: b"a'b\xff"`},
		{with("a'b\"\xff"), tokens + `Undecodable: b'a\'b"\xff'`},
		{with("\\\t\n\r\x00\x1f\x7f\x80~ é"), tokens + `Undecodable: b'\\\t\n\r\x00\x1f\x7f\x80~ \xc3\xa9'`},
		{with("\xed\xa0\x80"), tokens + `Undecodable: b'\xed\xa0\x80'`}, // a surrogate
		{with("\xc0\x80"), tokens + `Undecodable: b'\xc0\x80'`},         // overlong
		{with("cut \xe6\x97"), tokens + `Undecodable: b'cut \xe6\x97'`},
		{stderr, "processname:cat groupname:cats pid:7 channel:stderr\n"},
		{ProcessCommunication{EventType: ProcessCommunicationStdout, ProcessName: "foo", GroupName: "bar", PID: 123, Data: []byte("This is the data that was sent between the tags")},
			"processname:foo groupname:bar pid:123\nThis is the data that was sent between the tags"},
		{RemoteCommunication{CommType: "type", Data: "data"}, "type:type\ndata"},
		{RemoteCommunication{CommType: "type", Data: "\xff"}, "type:type\n\uFFFD"},
		{SupervisorStateChange{EventType: SupervisorRunning}, ""},
		{Tick{EventType: Tick60, When: 1201063880}, "when:1201063880"},
		{ProcessGroup{EventType: ProcessGroupAdded, GroupName: "cat"}, "groupname:cat\n"},
		{Unrecognised{EventType: "X", Payload: []byte("a\xff")}, "a\xff"},
	} {
		if got := string(tc.body.AppendPayload([]byte("> "))); got != "> "+tc.want {
			t.Errorf("%s %+v.AppendPayload(\"> \") =\n%q, want\n%q", tc.body.Type(), tc.body, got, "> "+tc.want)
		}
	}
}

func TestParseBodyReadsWhatAppendPayloadWrites(t *testing.T) {
	for _, want := range bodies() {
		payload := want.AppendPayload(nil)
		got, err := ParseBody(want.Type(), payload)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("ParseBody(%s, %q) = %#v, %v, want %#v, nil", want.Type(), payload, got, err, want)
		}
	}
}

func TestParseBodySkipsTokensOfALaterVersion(t *testing.T) {
	payload := "colour:red groupname:g pid:3 from_state:RUNNING processname:p expected:1 exitstatus:9"
	want := ProcessState{EventType: ProcessStateExited, ProcessName: "p", GroupName: "g", FromState: "RUNNING", Expected: true, PID: 3}
	got, err := ParseBody(ProcessStateExited, []byte(payload))
	if err != nil || got != want {
		t.Errorf("ParseBody(%q) = %+v, %v, want %+v, nil", payload, got, err, want)
	}
}

func TestParseBodyNamesWhatIsWrong(t *testing.T) {
	for _, tc := range []struct {
		typ           EventType
		payload, want string
	}{
		{ProcessStateFatal, "", `parse PROCESS_STATE_FATAL payload "": processname is missing`},
		{ProcessStateFatal, "processname:a", `parse PROCESS_STATE_FATAL payload "processname:a": groupname is missing`},
		{ProcessStateFatal, "processname:a groupname:", `parse PROCESS_STATE_FATAL payload "processname:a groupname:": from_state is missing`},
		{ProcessStateStarting, "processname:a groupname: from_state:X", `parse PROCESS_STATE_STARTING payload "processname:a groupname: from_state:X": tries is missing`},
		{ProcessStateExited, "processname:a groupname: from_state:X pid:1", `parse PROCESS_STATE_EXITED payload "processname:a groupname: from_state:X pid:1": expected is missing`},
		{ProcessStateRunning, "processname:a groupname: from_state:X pid:None", `parse PROCESS_STATE_RUNNING payload "processname:a groupname: from_state:X pid:None": pid is "None", want a number from 0`},
		{ProcessLogStdout, "processname:a groupname:a pid:1\nx", `parse PROCESS_LOG_STDOUT payload "processname:a groupname:a pid:1": channel is missing`},
		{ProcessCommunicationStdout, "processname:a groupname:a\npid:1", `parse PROCESS_COMMUNICATION_STDOUT payload "processname:a groupname:a": pid is missing`},
		{RemoteCommunicationSent, "typo:x\n", `parse REMOTE_COMMUNICATION payload "typo:x": type is missing`},
		{Tick5, "when:5.0", `parse TICK_5 payload "when:5.0": when is "5.0", want a Unix time in seconds`},
		{Tick5, "", `parse TICK_5 payload "": when is missing`},
		{ProcessGroupAdded, "\n", `parse PROCESS_GROUP_ADDED payload "": groupname is missing`},
	} {
		got, err := ParseBody(tc.typ, []byte(tc.payload))
		if err == nil || err.Error() != tc.want || got != nil {
			t.Errorf("ParseBody(%s, %q) = %v, %v, want nil and error %s", tc.typ, tc.payload, got, err, tc.want)
		}
	}
}

// FuzzParseBody checks that no input panics, and that a body is read again from
// what is written. Types come by number, so that each is tried often.
func FuzzParseBody(f *testing.F) {
	all := bodies()
	for i, body := range all {
		f.Add(byte(i), body.AppendPayload(nil))
	}
	f.Fuzz(func(t *testing.T, kind byte, payload []byte) {
		typ := all[int(kind)%len(all)].Type()
		body, err := ParseBody(typ, payload)
		if err != nil {
			if body != nil || !strings.Contains(err.Error(), string(typ)) {
				t.Fatalf("ParseBody(%s, %q) = %v, %v, want nil and an error that names the type", typ, payload, body, err)
			}
			return
		}
		if body.Type() != typ {
			t.Fatalf("ParseBody(%s, %q).Type() = %s", typ, payload, body.Type())
		}
		written := body.AppendPayload(nil)
		if typ.Known() && !utf8.Valid(written) {
			t.Errorf("%#v.AppendPayload(nil) = %q, want UTF-8", body, written)
		}
		again, err := ParseBody(typ, written)
		if err != nil {
			t.Fatalf("ParseBody(%s, %q), written from %q: %v", typ, written, payload, err)
		}
		if rewritten := again.AppendPayload(nil); !bytes.Equal(written, rewritten) {
			t.Errorf("%q was written as %q, then as %q", payload, written, rewritten)
		}
	})
}
