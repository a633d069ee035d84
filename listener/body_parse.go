package listener

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

func parseProcessState(t EventType, tokens tokens) (Body, error) {
	p := ProcessState{EventType: t}
	var err error
	if p.ProcessName, p.GroupName, err = tokens.names(); err != nil {
		return nil, err
	}
	if p.FromState, err = tokens.text("from_state"); err != nil {
		return nil, err
	}
	extra := t.stateTokens()
	if extra.tries {
		if p.Tries, err = tokens.number("tries"); err != nil {
			return nil, err
		}
	}
	if extra.expected {
		expected, err := tokens.number("expected")
		if err != nil {
			return nil, err
		}
		p.Expected = expected != 0
	}
	if extra.pid {
		if p.PID, err = tokens.number("pid"); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// parseOutput reads the two kinds of event that carry what a process wrote.
func parseOutput(t EventType, tokens tokens, data []byte) (Body, error) {
	process, group, err := tokens.names()
	if err != nil {
		return nil, err
	}
	pid, err := tokens.number("pid")
	if err != nil {
		return nil, err
	}
	if t.Parent() == AnyProcessCommunication {
		return ProcessCommunication{EventType: t, ProcessName: process, GroupName: group, PID: pid, Data: data}, nil
	}
	channel, err := tokens.text("channel")
	if err != nil {
		return nil, err
	}
	return ProcessLog{EventType: t, ProcessName: process, GroupName: group, PID: pid, Channel: channel, Data: data}, nil
}

func parseTick(t EventType, tokens tokens) (Body, error) {
	value, err := tokens.text("when")
	if err != nil {
		return nil, err
	}
	when, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("when is %q, want a Unix time in seconds", value)
	}
	return Tick{EventType: t, When: when}, nil
}

// parseRemoteCommunication takes the type as it is: a client may put spaces
// and colons into it.
func parseRemoteCommunication(line string, data []byte) (Body, error) {
	commType, ok := strings.CutPrefix(line, "type:")
	if !ok {
		return nil, errors.New("type is missing")
	}
	return RemoteCommunication{CommType: commType, Data: string(data)}, nil
}

// names returns the process and its group.
func (t tokens) names() (process, group string, err error) {
	if process, err = t.text("processname"); err != nil {
		return "", "", err
	}
	group, err = t.text("groupname")
	return process, group, err
}
