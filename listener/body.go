package listener

import (
	"bytes"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// Body is the content of an event: one of ProcessState, ProcessLog,
// ProcessCommunication, RemoteCommunication, SupervisorStateChange, Tick,
// ProcessGroup and Unrecognised.
type Body interface {
	// Type returns the type that the event is sent as.
	Type() EventType
	// AppendPayload appends the payload to dst, always valid UTF-8, byte for
	// byte what Python's Supervisor sends. It allocates nothing when dst has
	// room and all text is valid UTF-8.
	AppendPayload(dst []byte) []byte
}

// ProcessState says that a process has changed its state: PROCESS_STATE_STARTING
// and its siblings.
type ProcessState struct {
	EventType   EventType
	ProcessName string
	GroupName   string
	FromState   string // the state that was left, for example "RUNNING"

	Tries    int  // STARTING and BACKOFF: failed starts so far; otherwise 0
	Expected bool // EXITED: the exit code is one of the exitcodes option; otherwise false
	PID      int  // RUNNING, STOPPING, EXITED and STOPPED; otherwise 0
}

// Type returns p.EventType.
func (p ProcessState) Type() EventType { return p.EventType }

// AppendPayload appends a line without a line feed, for example
// "processname:cat groupname:cat from_state:RUNNING expected:0 pid:2766".
func (p ProcessState) AppendPayload(dst []byte) []byte {
	dst = appendNames(dst, p.ProcessName, p.GroupName)
	dst = appendText(append(dst, " from_state:"...), p.FromState)
	extra := p.EventType.stateTokens()
	if extra.tries {
		dst = strconv.AppendInt(append(dst, " tries:"...), int64(p.Tries), 10)
	}
	if extra.expected {
		digit := byte('0')
		if p.Expected {
			digit = '1'
		}
		dst = append(append(dst, " expected:"...), digit)
	}
	if extra.pid {
		dst = appendPID(dst, p.PID)
	}
	return dst
}

// stateTokens tells which tokens a process state event has after from_state.
type stateTokens struct{ tries, expected, pid bool }

func (t EventType) stateTokens() stateTokens {
	switch t { //nolint:exhaustive // of the other types, FATAL and UNKNOWN have no more tokens
	case ProcessStateStarting, ProcessStateBackoff:
		return stateTokens{tries: true}
	case ProcessStateExited:
		return stateTokens{expected: true, pid: true}
	case ProcessStateRunning, ProcessStateStopping, ProcessStateStopped:
		return stateTokens{pid: true}
	default:
		return stateTokens{}
	}
}

// ProcessLog is output of a process whose stdout_events_enabled or
// stderr_events_enabled option is on.
type ProcessLog struct {
	EventType   EventType
	ProcessName string
	GroupName   string
	PID         int
	Channel     string // "stdout" or "stderr"; set when parsed. Written from EventType when empty
	Data        []byte // as written by the process. See AppendPayload for bytes that are not UTF-8
}

// Type returns p.EventType.
func (p ProcessLog) Type() EventType { return p.EventType }

// AppendPayload appends a line of tokens, then Data. Data that is not UTF-8 is
// sent as Python prints bytes: Undecodable: b'\xff'. ParseBody leaves it so,
// because a process may have written just that text.
func (p ProcessLog) AppendPayload(dst []byte) []byte {
	dst = appendPID(appendNames(dst, p.ProcessName, p.GroupName), p.PID)
	channel := p.Channel
	switch {
	case channel != "":
	case p.EventType == ProcessLogStderr:
		channel = "stderr"
	default:
		channel = "stdout"
	}
	dst = appendText(append(dst, " channel:"...), channel)
	return appendData(append(dst, '\n'), p.Data)
}

// ProcessCommunication is what a process wrote between the tokens
// <!--XSUPERVISOR:BEGIN--> and <!--XSUPERVISOR:END--> in capture mode.
type ProcessCommunication struct {
	EventType   EventType
	ProcessName string
	GroupName   string
	PID         int
	Data        []byte // as written by the process. See AppendPayload for bytes that are not UTF-8
}

// Type returns p.EventType.
func (p ProcessCommunication) Type() EventType { return p.EventType }

// AppendPayload appends a line of tokens, then Data, treated as ProcessLog
// treats it.
func (p ProcessCommunication) AppendPayload(dst []byte) []byte {
	dst = appendPID(appendNames(dst, p.ProcessName, p.GroupName), p.PID)
	return appendData(append(dst, '\n'), p.Data)
}

// RemoteCommunication is what an XML-RPC client passed to
// supervisor.sendRemoteCommEvent.
type RemoteCommunication struct {
	CommType string // the client's own kind of message; no line feed
	Data     string
}

// Type returns RemoteCommunicationSent.
func (RemoteCommunication) Type() EventType { return RemoteCommunicationSent }

// AppendPayload appends the line "type:" with CommType, then Data.
func (r RemoteCommunication) AppendPayload(dst []byte) []byte {
	dst = appendText(append(dst, "type:"...), r.CommType)
	return appendText(append(dst, '\n'), r.Data)
}

// SupervisorStateChange says that the daemon is up, or is shutting down.
type SupervisorStateChange struct {
	EventType EventType
}

// Type returns s.EventType.
func (s SupervisorStateChange) Type() EventType { return s.EventType }

// AppendPayload appends nothing: the payload is empty.
func (SupervisorStateChange) AppendPayload(dst []byte) []byte { return dst }

// Tick comes every 5, 60 or 3600 seconds.
type Tick struct {
	EventType EventType
	When      int64 // Unix time in seconds, a multiple of the period
}

// Type returns t.EventType.
func (t Tick) Type() EventType { return t.EventType }

// AppendPayload appends a line without a line feed, for example
// "when:1201063880".
func (t Tick) AppendPayload(dst []byte) []byte {
	return strconv.AppendInt(append(dst, "when:"...), t.When, 10)
}

// ProcessGroup says that a group was added to the running configuration, or
// removed from it.
type ProcessGroup struct {
	EventType EventType
	GroupName string
}

// Type returns g.EventType.
func (g ProcessGroup) Type() EventType { return g.EventType }

// AppendPayload appends the line "groupname:" with GroupName.
func (g ProcessGroup) AppendPayload(dst []byte) []byte {
	return append(appendText(append(dst, "groupname:"...), g.GroupName), '\n')
}

// Unrecognised is an event of a type that this version does not know, or, from
// Serve, one whose payload does not have its type's shape.
type Unrecognised struct {
	EventType EventType
	Payload   []byte
}

// Type returns u.EventType.
func (u Unrecognised) Type() EventType { return u.EventType }

// AppendPayload appends u.Payload as it is.
func (u Unrecognised) AppendPayload(dst []byte) []byte { return append(dst, u.Payload...) }

func appendNames(dst []byte, process, group string) []byte {
	dst = appendText(append(dst, "processname:"...), process)
	return appendText(append(dst, " groupname:"...), group)
}

func appendPID(dst []byte, pid int) []byte {
	return strconv.AppendInt(append(dst, " pid:"...), int64(pid), 10)
}

func appendData(dst, data []byte) []byte {
	if utf8.Valid(data) {
		return append(dst, data...)
	}
	return AppendPythonBytes(append(dst, "Undecodable: "...), data)
}

// AppendPythonBytes appends data as Python 3's repr() shows bytes: b'\xff', in
// double quotes only when that saves escaping a single one. The daemon shows a
// listener's output in its log in this way.
func AppendPythonBytes(dst, data []byte) []byte {
	const hex = "0123456789abcdef"
	quote := byte('\'')
	if bytes.IndexByte(data, '\'') >= 0 && bytes.IndexByte(data, '"') < 0 {
		quote = '"'
	}
	dst = append(dst, 'b', quote)
	for _, c := range data {
		switch {
		case c == quote || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\t':
			dst = append(dst, `\t`...)
		case c == '\n':
			dst = append(dst, `\n`...)
		case c == '\r':
			dst = append(dst, `\r`...)
		case c < ' ' || c >= 0x7f:
			dst = append(dst, '\\', 'x', hex[c>>4], hex[c&0xf])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, quote)
}

// ParseBody reads the payload of an event of type t. Unknown tokens are
// skipped, and an unknown or abstract type gives Unrecognised and no error.
// The body's Data and Payload share memory with payload.
//
// The error names the token that is missing or malformed, and quotes the
// payload's first line.
func ParseBody(t EventType, payload []byte) (Body, error) {
	line, data, _ := bytes.Cut(payload, []byte("\n"))
	body, err := parseBody(t, string(line), data)
	if err != nil {
		return nil, fmt.Errorf("parse %s payload %q: %w", t, shorten(string(line)), err)
	}
	if body == nil {
		return Unrecognised{EventType: t, Payload: payload}, nil
	}
	return body, nil
}

// parseBody returns nil and no error for a type it has no shape for.
func parseBody(t EventType, line string, data []byte) (Body, error) {
	switch t.Parent() { //nolint:exhaustive // the other types have no subtypes
	case AnyProcessState:
		return parseProcessState(t, parseTokens(line))
	case AnyProcessLog, AnyProcessCommunication:
		return parseOutput(t, parseTokens(line), data)
	case AnySupervisorStateChange:
		return SupervisorStateChange{EventType: t}, nil
	case AnyTick:
		return parseTick(t, parseTokens(line))
	case AnyProcessGroup:
		name, err := parseTokens(line).text("groupname")
		return ProcessGroup{EventType: t, GroupName: name}, err
	default:
		if t == RemoteCommunicationSent {
			return parseRemoteCommunication(line, data)
		}
		return nil, nil //nolint:nilnil // documented above
	}
}
