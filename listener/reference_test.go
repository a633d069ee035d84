package listener_test

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"testing"
	"unicode/utf8"

	"github.com/vigilance-go/vigilance/listener"
)

// debianPython is the interpreter that Debian's package supervisor is for.
const debianPython = "/usr/bin/python3"

// requireReference skips the test where Python's Supervisor is not installed.
func requireReference(t *testing.T) {
	t.Helper()
	out, err := exec.Command(debianPython, "-c", "import supervisor.events").CombinedOutput()
	if err == nil {
		return
	}
	const missing = "needs Debian's package supervisor: %v %s"
	if os.Getenv("VIGILANCE_REQUIRE_PEERS") == "1" {
		t.Fatalf(missing, err, out)
	}
	t.Skipf(missing, err, out)
}

// reference is a running testdata/reference.py.
type reference struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Reader
}

func startReference(t *testing.T) reference {
	t.Helper()
	requireReference(t)
	cmd := exec.Command(debianPython, "testdata/reference.py")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the reference ended with %v", err)
		}
	})
	return reference{t, in, bufio.NewReader(out)}
}

// question is asked of testdata/reference.py.
type question struct {
	Ask          string             `json:"ask"`
	Kind         string             `json:"kind,omitempty"`
	Type         listener.EventType `json:"type,omitempty"`
	Subscription listener.EventType `json:"subscription,omitempty"`
	Process      string             `json:"process"`
	Group        string             `json:"group"`
	From         string             `json:"from,omitempty"`
	Tries        int                `json:"tries"`
	Expected     bool               `json:"expected"`
	PID          int                `json:"pid"`
	When         int64              `json:"when"`
	Comm         string             `json:"comm"`
	Data         string             `json:"data"` // hex
	Server       string             `json:"server,omitempty"`
	Pool         string             `json:"pool,omitempty"`
	Serial       uint64             `json:"serial"`
	PoolSerial   uint64             `json:"poolserial"`
	Wire         string             `json:"wire,omitempty"` // hex
}

type answer struct {
	Wire     string               `json:"wire"` // hex
	Headers  map[string]string    `json:"headers"`
	Complete bool                 `json:"complete"`
	Tokens   map[string]string    `json:"tokens"`
	Data     string               `json:"data"` // hex
	Int      string               `json:"int"`
	Matches  bool                 `json:"matches"`
	All      []listener.EventType `json:"all"`
}

func (r reference) ask(q question) answer {
	r.t.Helper()
	line, err := json.Marshal(q)
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := r.in.Write(append(line, '\n')); err != nil {
		r.t.Fatal(err)
	}
	reply, err := r.out.ReadBytes('\n')
	if err != nil {
		r.t.Fatalf("ask %s: %v", line, err)
	}
	var a answer
	if err := json.Unmarshal(reply, &a); err != nil {
		r.t.Fatalf("ask %s: %v in %q", line, err, reply)
	}
	return a
}

var stateTypes = []listener.EventType{
	listener.ProcessStateStarting, listener.ProcessStateRunning, listener.ProcessStateBackoff, listener.ProcessStateStopping,
	listener.ProcessStateExited, listener.ProcessStateStopped, listener.ProcessStateFatal, listener.ProcessStateUnknown,
}

// random makes events.
type random struct{ *rand.Rand }

func (r random) of(choices ...string) string { return choices[r.IntN(len(choices))] }

func (r random) name() string {
	return r.of("cat", "web-01", "naïve", "日本", "a.b_c", "x"+strconv.Itoa(r.IntN(100)))
}

// data is text or bytes, quotes and control characters among them.
func (r random) data() []byte {
	var data []byte
	for range r.IntN(12) {
		data = append(data, r.of("a", "log line\n", "'", "\"", "\\", "\r\n", "\t", "\x00", "\x7f", "é", "日", "🚨", "\u2028", " ", ":", "len:3\n")...)
	}
	if r.IntN(2) == 0 {
		for range r.IntN(6) {
			data = append(data, byte(r.IntN(256)))
		}
	}
	return data
}

// event returns an event, and the question that makes the same of Python's.
func (r random) event() (listener.Body, question) {
	q := question{
		Ask: "encode", Process: r.name(), Group: r.name(), PID: r.IntN(1 << 22), Tries: r.IntN(5),
		Expected: r.IntN(2) == 0, When: r.Int64N(1 << 33), From: r.of("STARTING", "RUNNING", "BACKOFF", "STOPPED", "EXITED", "FATAL", "STOPPING", "UNKNOWN"),
	}
	data := r.data()
	pick := func(types ...listener.EventType) listener.EventType { return types[r.IntN(len(types))] }
	switch r.IntN(7) {
	case 0, 1:
		q.Kind, q.Type = "state", pick(stateTypes...)
		return listener.ProcessState{EventType: q.Type, ProcessName: q.Process, GroupName: q.Group, FromState: q.From, Tries: q.Tries, Expected: q.Expected, PID: q.PID}, q
	case 2:
		q.Kind, q.Type, q.Data = "output", pick(listener.ProcessLogStdout, listener.ProcessLogStderr), hex.EncodeToString(data)
		return listener.ProcessLog{EventType: q.Type, ProcessName: q.Process, GroupName: q.Group, PID: q.PID, Data: data}, q
	case 3:
		q.Kind, q.Type, q.Data = "output", pick(listener.ProcessCommunicationStdout, listener.ProcessCommunicationStderr), hex.EncodeToString(data)
		return listener.ProcessCommunication{EventType: q.Type, ProcessName: q.Process, GroupName: q.Group, PID: q.PID, Data: data}, q
	case 4:
		if !utf8.Valid(data) { // XML carries text only
			data = []byte("text")
		}
		q.Kind, q.Type, q.Comm, q.Data = "remote", listener.RemoteCommunicationSent, r.name(), hex.EncodeToString(data)
		return listener.RemoteCommunication{CommType: q.Comm, Data: string(data)}, q
	case 5:
		q.Kind, q.Type = "tick", pick(listener.Tick5, listener.Tick60, listener.Tick3600)
		return listener.Tick{EventType: q.Type, When: q.When}, q
	default:
		if r.IntN(4) == 0 {
			q.Kind, q.Type = "daemon", pick(listener.SupervisorRunning, listener.SupervisorStopping)
			return listener.SupervisorStateChange{EventType: q.Type}, q
		}
		q.Kind, q.Type = "group", pick(listener.ProcessGroupAdded, listener.ProcessGroupRemoved)
		return listener.ProcessGroup{EventType: q.Type, GroupName: q.Group}, q
	}
}

func TestEventsHaveTheReferencesBytes(t *testing.T) {
	ref := startReference(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := random{rand.New(rand.NewPCG(seed, 0))}
	for range 2000 {
		body, q := r.event()
		h := listener.Header{Server: r.name(), Serial: uint64(r.IntN(1e9)), Pool: r.name(), PoolSerial: uint64(r.IntN(1e6)), EventName: body.Type()}
		q.Server, q.Pool, q.Serial, q.PoolSerial = h.Server, h.Pool, h.Serial, h.PoolSerial

		payload := body.AppendPayload(nil)
		got := listener.AppendEvent(nil, h, payload)
		want, err := hex.DecodeString(ref.ask(q).Wire)
		if err != nil || string(got) != string(want) {
			t.Fatalf("%+v is sent as\n%q, want\n%q (%v)", body, got, want, err)
		}
		checkChildutils(t, ref, h, body, payload, got)
	}
}

// checkChildutils compares what supervisor.childutils reads with what was
// written.
func checkChildutils(t *testing.T, ref reference, h listener.Header, body listener.Body, payload, wire []byte) {
	t.Helper()
	a := ref.ask(question{Ask: "decode", Wire: hex.EncodeToString(wire)})
	want := map[string]string{
		"ver": "3.0", "server": h.Server, "serial": fmt.Sprint(h.Serial), "pool": h.Pool, "poolserial": fmt.Sprint(h.PoolSerial),
		"eventname": string(body.Type()), "len": strconv.Itoa(listener.PayloadLen(payload)),
	}
	if !a.Complete || fmt.Sprint(a.Headers) != fmt.Sprint(want) {
		t.Fatalf("childutils reads the header of %q as %v, complete %t, want %v, true", wire, a.Headers, a.Complete, want)
	}
	read, err := listener.ParseBody(body.Type(), payload)
	if err != nil {
		t.Fatal(err)
	}
	switch p := read.(type) {
	case listener.ProcessState:
		if a.Tokens["processname"] != p.ProcessName || a.Tokens["groupname"] != p.GroupName || a.Tokens["from_state"] != p.FromState ||
			a.Tokens["pid"] != "" && a.Tokens["pid"] != strconv.Itoa(p.PID) || a.Tokens["tries"] != "" && a.Tokens["tries"] != strconv.Itoa(p.Tries) ||
			a.Tokens["expected"] != "" && (a.Tokens["expected"] == "1") != p.Expected {
			t.Fatalf("childutils reads %q as %v, ParseBody as %+v", payload, a.Tokens, p)
		}
	case listener.ProcessLog:
		if a.Tokens["channel"] != p.Channel || a.Data != hex.EncodeToString(p.Data) {
			t.Fatalf("childutils reads %q as %v and data %s, ParseBody as %+v", payload, a.Tokens, a.Data, p)
		}
	case listener.ProcessCommunication:
		if a.Tokens["pid"] != strconv.Itoa(p.PID) || a.Data != hex.EncodeToString(p.Data) {
			t.Fatalf("childutils reads %q as %v and data %s, ParseBody as %+v", payload, a.Tokens, a.Data, p)
		}
	case listener.RemoteCommunication:
		if a.Tokens["type"] != p.CommType || a.Data != hex.EncodeToString([]byte(p.Data)) {
			t.Fatalf("childutils reads %q as %v and data %s, ParseBody as %+v", payload, a.Tokens, a.Data, p)
		}
	case listener.ProcessGroup:
		if a.Tokens["groupname"] != p.GroupName {
			t.Fatalf("childutils reads %q as %v, ParseBody as %+v", payload, a.Tokens, p)
		}
	case listener.Tick:
		if a.Tokens["when"] != fmt.Sprint(p.When) {
			t.Fatalf("childutils reads %q as %v, ParseBody as %+v", payload, a.Tokens, p)
		}
	}
}

func TestParseResultLineAcceptsWhatTheReferenceAccepts(t *testing.T) {
	ref := startReference(t)
	r := random{rand.New(rand.NewPCG(1, 2))}
	lines := []string{"", "RESULT", "RESULT ", "RESULT 2", "xxxxxxx2", "RESULT 2\r", "RESULT 1_0", "RESULT \u0662", "RESULT 2\x85", "RESULT \xa02", "RESULT 2\x1c"}
	for range 2000 {
		line := r.of("RESULT ", "RESULT", "result ")
		for range r.IntN(6) {
			line += r.of("0", "1", "7", "_", "+", "-", " ", "\t", "\v", "\f", "\r", "\x00", "x", "\x1c", "\x85", "é")
		}
		lines = append(lines, line)
	}
	for _, line := range lines {
		want := ref.ask(question{Ask: "result", Wire: hex.EncodeToString([]byte(line))}).Int
		if len(want) > 1 && want[0] == '-' { // a documented difference
			want = ""
		}
		n, err := listener.ParseResultLine([]byte(line))
		got := strconv.Itoa(n)
		if err != nil {
			got = ""
		}
		if got != want {
			t.Errorf("ParseResultLine(%q) = %d, %v, want %q", line, n, err, want)
		}
	}
}

func TestEventTypesAreTheReferences(t *testing.T) {
	ref := startReference(t)
	all := ref.ask(question{Ask: "matches", Type: listener.AnyEvent, Subscription: listener.AnyEvent}).All
	if !slices.Contains(all, listener.Tick5) {
		t.Fatalf("the reference's types are %q", all)
	}
	for _, event := range all {
		if !event.Known() {
			t.Errorf("%q.Known() = false, want true", event)
		}
		for _, subscription := range all {
			want := ref.ask(question{Ask: "matches", Type: event, Subscription: subscription}).Matches
			if got := event.Matches(subscription); got != want {
				t.Errorf("%q.Matches(%q) = %t, want %t", event, subscription, got, want)
			}
		}
	}
	if len(all) != 27 {
		t.Errorf("the reference has %d event types, want the 27 of the constants: %q", len(all), all)
	}
}
