package listener

import (
	"math"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

func TestHeaderAppendToWritesTheManualsExample(t *testing.T) {
	h := Header{
		Version: "3.0", Server: "supervisor", Serial: 21, Pool: "listener", PoolSerial: 10,
		EventName: ProcessCommunicationStdout, PayloadLen: 54,
	}
	want := "ver:3.0 server:supervisor serial:21 pool:listener poolserial:10 eventname:PROCESS_COMMUNICATION_STDOUT len:54\n"
	if got := string(h.AppendTo(nil)); got != want {
		t.Errorf("%+v.AppendTo(nil) =\n%q, want\n%q", h, got, want)
	}
	h.Version = ""
	if got := string(h.AppendTo([]byte("x"))); got != "x"+want {
		t.Errorf("AppendTo(x) without a version =\n%q, want\n%q", got, "x"+want)
	}
}

func TestParseHeader(t *testing.T) {
	full := Header{
		Version: "3.0", Server: "supervisor", Serial: 21, Pool: "listener", PoolSerial: 10,
		EventName: Tick5, PayloadLen: 15,
	}
	newType := Header{Version: "4.0", EventName: "PROCESS_DREAMT", PayloadLen: 0}
	last := full
	last.Serial = math.MaxUint64
	for _, tc := range []struct {
		name, line string
		want       Header
	}{
		{"as written", "ver:3.0 server:supervisor serial:21 pool:listener poolserial:10 eventname:TICK_5 len:15\n", full},
		{"without line feed", "ver:3.0 server:supervisor serial:21 pool:listener poolserial:10 eventname:TICK_5 len:15", full},
		{"any order", "len:15 eventname:TICK_5 poolserial:10 pool:listener serial:21 server:supervisor ver:3.0\n", full},
		{"unknown key", "ver:3.0 server:supervisor serial:21 colour:red pool:listener poolserial:10 eventname:TICK_5 len:15\n", full},
		{"more spaces", "  ver:3.0  server:supervisor serial:21 pool:listener poolserial:10 eventname:TICK_5 len:15 \n", full},
		{"identifier with colon and space", "ver:3.0 server:a:1 my box serial:21 pool:listener poolserial:10 eventname:TICK_5 len:15\n",
			Header{Version: "3.0", Server: "a:1 my box", Serial: 21, Pool: "listener", PoolSerial: 10, EventName: Tick5, PayloadLen: 15}},
		{"unknown type, few tokens", "ver:4.0 eventname:PROCESS_DREAMT len:0\n", newType},
		{"largest serial", "ver:3.0 server:supervisor serial:18446744073709551615 pool:listener poolserial:10 eventname:TICK_5 len:15\n", last},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := ParseHeader([]byte(tc.line))
			if err != nil || got != tc.want {
				t.Errorf("ParseHeader(%q) = %+v, %v, want %+v, nil", tc.line, got, err, tc.want)
			}
		})
	}
}

func TestParseHeaderNamesWhatIsWrong(t *testing.T) {
	for _, tc := range []struct{ line, want string }{
		{"", `parse event header "": eventname is missing`},
		{"hello world\n", `parse event header "hello world": eventname is missing`},
		{"ver:3.0 eventname:TICK_5\n", `parse event header "ver:3.0 eventname:TICK_5": len is missing`},
		{"ver:3.0 eventname: len:5\n", `parse event header "ver:3.0 eventname: len:5": eventname is empty`},
		{"eventname:TICK_5 len:-1\n", `parse event header "eventname:TICK_5 len:-1": len is "-1", want a number from 0`},
		{"eventname:TICK_5 len:1x\n", `parse event header "eventname:TICK_5 len:1x": len is "1x", want a number from 0`},
		{"eventname:TICK_5 len:5 serial:-1\n", `parse event header "eventname:TICK_5 len:5 serial:-1": serial is "-1", want a number`},
		{"eventname:TICK_5 len:5 poolserial:\n", `parse event header "eventname:TICK_5 len:5 poolserial:": poolserial is "", want a number`},
		{strings.Repeat("x", 300), `parse event header "` + strings.Repeat("x", 200) + `...": eventname is missing`},
	} {
		got, err := ParseHeader([]byte(tc.line))
		if err == nil || err.Error() != tc.want || got != (Header{}) {
			t.Errorf("ParseHeader(%q) = %+v, %v, want error %s", tc.line, got, err, tc.want)
		}
	}
}

func TestPayloadLenCountsCharacters(t *testing.T) {
	for _, tc := range []struct {
		payload string
		want    int
	}{
		{"", 0}, {"when:5", 6}, {"é", 1}, {"日本\n", 3}, {"🚨", 1}, {"e\u0301", 2}, {"\xff\xfe", 2},
		{"12345678", 8}, {"1234567é", 8}, {"12345678é12345678", 17}, {"123456789012345é", 16}, {"12345678\xff\xfe", 10},
	} {
		if got := PayloadLen([]byte(tc.payload)); got != tc.want {
			t.Errorf("PayloadLen(%q) = %d, want %d", tc.payload, got, tc.want)
		}
	}
	got := string(AppendEvent(nil, Header{Server: "s", Serial: 1, Pool: "p", PoolSerial: 2, EventName: "X", PayloadLen: 99}, []byte("né")))
	want := "ver:3.0 server:s serial:1 pool:p poolserial:2 eventname:X len:2\nné"
	if got != want {
		t.Errorf("AppendEvent = %q, want %q", got, want)
	}
}

func TestAppendResult(t *testing.T) {
	for body, want := range map[string]string{"OK": "RESULT 2\nOK", "FAIL": "RESULT 4\nFAIL", "": "RESULT 0\n", "é": "RESULT 2\né"} {
		if got := string(AppendResult(nil, []byte(body))); got != want {
			t.Errorf("AppendResult(nil, %q) = %q, want %q", body, got, want)
		}
	}
}

func TestParseResultLine(t *testing.T) {
	const bad = -1
	for _, tc := range []struct {
		line string
		want int
	}{
		{"RESULT 2", 2}, {"RESULT 0", 0}, {"RESULT 4\r", 4}, {"RESULT \t 12 \v\f", 12},
		{"RESULT +3", 3}, {"RESULT 007", 7}, {"RESULT 1_000", 1000}, {"RESULT -0", 0},
		{"result 2", 2}, {"xxxxxxx2", 2}, {"RESULT 2147483647", math.MaxInt32},
		{"", bad}, {"RESULT", bad}, {"RESULT ", bad}, {"RESULT2", bad}, {"RESULT two", bad}, {"RESULT 2 OK", bad},
		{"RESULT -1", bad}, {"RESULT +-1", bad}, {"RESULT ++1", bad}, {"RESULT +", bad}, {"RESULT + 1", bad},
		{"RESULT _1", bad}, {"RESULT 1_", bad}, {"RESULT 1__0", bad}, {"RESULT +_1", bad}, {"RESULT 0x2", bad}, {"RESULT 2.0", bad},
		{"RESULT \u0662", bad}, {"RESULT 2\x00", bad}, {"RESULT 2147483648", bad}, {"RESULT 99999999999999999999", bad},
	} {
		got, err := ParseResultLine([]byte(tc.line))
		if tc.want == bad {
			if err == nil || !strings.Contains(err.Error(), strconv.Quote(tc.line)) {
				t.Errorf("ParseResultLine(%q) = %d, %v, want an error that quotes the line", tc.line, got, err)
			}
			continue
		}
		if err != nil || got != tc.want {
			t.Errorf("ParseResultLine(%q) = %d, %v, want %d, nil", tc.line, got, err, tc.want)
		}
	}
}

func TestEventTypeHierarchy(t *testing.T) {
	for _, tc := range []struct {
		event, subscription EventType
		want                bool
	}{
		{ProcessStateExited, ProcessStateExited, true},
		{ProcessStateExited, AnyProcessState, true},
		{ProcessStateExited, AnyEvent, true},
		{ProcessStateExited, ProcessStateFatal, false},
		{ProcessStateExited, AnyProcessLog, false},
		{AnyProcessState, ProcessStateExited, false},
		{Tick5, AnyTick, true},
		{Tick5, Tick60, false},
		{RemoteCommunicationSent, AnyEvent, true},
		{ProcessGroupAdded, AnyProcessGroup, true},
		{SupervisorRunning, AnySupervisorStateChange, true},
		{ProcessLogStderr, AnyProcessLog, true},
		{ProcessCommunicationStdout, AnyProcessCommunication, true},
		{"PROCESS_STATE_NEW", AnyProcessState, false},
		{"PROCESS_STATE_NEW", AnyEvent, true},
		{"PROCESS_STATE_NEW", "PROCESS_STATE_NEW", true},
		{"", AnyEvent, false},
		{"", "", false},
	} {
		if got := tc.event.Matches(tc.subscription); got != tc.want {
			t.Errorf("%q.Matches(%q) = %t, want %t", tc.event, tc.subscription, got, tc.want)
		}
	}
	for typ, want := range map[EventType][2]bool{
		AnyEvent: {true, true}, AnyProcessState: {true, true}, Tick5: {true, false},
		RemoteCommunicationSent: {true, false}, "tick_5": {false, false}, "": {false, false}, "TICK_7": {false, false},
	} {
		if got := [2]bool{typ.Known(), typ.Abstract()}; got != want {
			t.Errorf("%q: Known, Abstract = %v, want %v", typ, got, want)
		}
	}
}

func TestCodecAllocatesNothingIntoABufferWithRoom(t *testing.T) {
	dst := make([]byte, 0, 4096)
	h := Header{Server: "supervisor", Serial: 21, Pool: "listener", PoolSerial: 10, EventName: ProcessLogStdout}
	for _, body := range bodies() {
		payload := body.AppendPayload(nil)
		if n := testing.AllocsPerRun(100, func() { dst = body.AppendPayload(dst[:0]) }); n != 0 {
			t.Errorf("%+v.AppendPayload: %v allocations, want 0", body, n)
		}
		if n := testing.AllocsPerRun(100, func() { dst = AppendEvent(dst[:0], h, payload) }); n != 0 {
			t.Errorf("AppendEvent(%+v): %v allocations, want 0", body, n)
		}
	}
	if n := testing.AllocsPerRun(100, func() { dst = AppendResult(dst[:0], []byte(ResultOK)) }); n != 0 {
		t.Errorf("AppendResult: %v allocations, want 0", n)
	}
}

func BenchmarkAppendEvent(b *testing.B) {
	h := Header{Server: "supervisor", Serial: 21, Pool: "listener", PoolSerial: 10, EventName: ProcessStateExited}
	body := ProcessState{EventType: ProcessStateExited, ProcessName: "cat", GroupName: "cat", FromState: "RUNNING", PID: 2766}
	dst, payload := make([]byte, 0, 512), make([]byte, 0, 512)
	b.ReportAllocs()
	for b.Loop() {
		payload = body.AppendPayload(payload[:0])
		dst = AppendEvent(dst[:0], h, payload)
	}
}

// FuzzParseHeader checks that no input panics, and that what was read is read
// again from what is written.
func FuzzParseHeader(f *testing.F) {
	f.Add([]byte("ver:3.0 server:supervisor serial:21 pool:listener poolserial:10 eventname:TICK_5 len:15\n"))
	f.Add([]byte("ver: server:a b:c pool: eventname:X len:0"))
	f.Fuzz(func(t *testing.T, line []byte) {
		h, err := ParseHeader(line)
		if err != nil {
			return
		}
		written := h.AppendTo(nil)
		again, err := ParseHeader(written)
		if err != nil {
			t.Fatalf("ParseHeader(%q), written from %q: %v", written, line, err)
		}
		if rewritten := again.AppendTo(nil); !reflect.DeepEqual(written, rewritten) {
			t.Errorf("%q was written as %q, then as %q", line, written, rewritten)
		}
	})
}
