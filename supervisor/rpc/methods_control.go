package rpc

import (
	"github.com/vigilance-go/vigilance/supervisor"
	"github.com/vigilance-go/vigilance/supervisor/config"
)

// The parameters that several methods have.
var (
	processParam = tag{"string", "name", "the process: group:name, or the name alone where both are the same"}
	groupParam   = tag{"string", "name", "the group"}
	waitParam    = tag{"boolean", "wait", "whether to answer only when it is over; true if left out"}
	signalParam  = tag{"string", "signal", "the signal's name (HUP, SIGHUP) or number"}
	eachResult   = tag{"array", "result", "for each process concerned a struct of name, group, status (80 for success) and description"}
	trueResult   = tag{"boolean", "result", "true"}
)

// startMethods start processes.
func startMethods() []method {
	return []method{{
		name:  "startProcess",
		needs: config.RoleOperator,
		summary: "Start a process. With wait, the answer comes when it is RUNNING or will not be.\n" +
			"The name group:* starts the whole group, as startProcessGroup does.",
		params:   []tag{processParam, waitParam},
		optional: 1,
		result:   trueResult,
		call: func(r *request) error {
			return r.one(func(name string) error {
				return r.daemon.StartProcess(r.ctx, name, r.wait(1))
			}, func(group string) ([]supervisor.Result, error) {
				return r.daemon.StartGroup(r.ctx, group, r.wait(1))
			})
		},
	}, {
		name:     "startProcessGroup",
		needs:    config.RoleOperator,
		summary:  "Start those processes of a group that do not run.",
		params:   []tag{groupParam, waitParam},
		optional: 1,
		result:   eachResult,
		call: func(r *request) error {
			return r.group(func(name string) ([]supervisor.Result, error) {
				return r.daemon.StartGroup(r.ctx, name, r.wait(1))
			})
		},
	}, {
		name:     "startAllProcesses",
		needs:    config.RoleOperator,
		summary:  "Start every process that does not run.",
		params:   []tag{waitParam},
		optional: 1,
		result:   eachResult,
		call: func(r *request) error {
			return r.results(r.daemon.StartAll(r.ctx, r.wait(0)))
		},
	}}
}

// stopMethods stop processes.
func stopMethods() []method {
	return []method{{
		name:  "stopProcess",
		needs: config.RoleOperator,
		summary: "Stop a process. With wait, the answer comes when it has ended. The name group:*\n" +
			"stops the whole group, as stopProcessGroup does.",
		params:   []tag{processParam, waitParam},
		optional: 1,
		result:   trueResult,
		call: func(r *request) error {
			return r.one(func(name string) error {
				return r.daemon.StopProcess(r.ctx, name, r.wait(1))
			}, func(group string) ([]supervisor.Result, error) {
				return r.daemon.StopGroup(r.ctx, group, r.wait(1))
			})
		},
	}, {
		name:     "stopProcessGroup",
		needs:    config.RoleOperator,
		summary:  "Stop those processes of a group that run.",
		params:   []tag{groupParam, waitParam},
		optional: 1,
		result:   eachResult,
		call: func(r *request) error {
			return r.group(func(name string) ([]supervisor.Result, error) {
				return r.daemon.StopGroup(r.ctx, name, r.wait(1))
			})
		},
	}, {
		name:     "stopAllProcesses",
		needs:    config.RoleOperator,
		summary:  "Stop every process that runs.",
		params:   []tag{waitParam},
		optional: 1,
		result:   eachResult,
		call: func(r *request) error {
			return r.results(r.daemon.StopAll(r.ctx, r.wait(0)))
		},
	}}
}

// signalMethods send signals.
func signalMethods() []method {
	return []method{{
		name:  "signalProcess",
		needs: config.RoleOperator,
		summary: "Send a signal to a process that runs or stops. The name group:* means the whole\n" +
			"group, as with signalProcessGroup.",
		params: []tag{processParam, signalParam},
		result: tag{kind: "boolean"},
		call: func(r *request) error {
			signal, err := r.signal(1)
			if err != nil {
				return err
			}
			return r.one(func(name string) error {
				err := r.daemon.SignalProcess(r.ctx, name, signal)
				return named(err, supervisor.FaultBadSignal, signal)
			}, func(group string) ([]supervisor.Result, error) {
				return r.daemon.SignalGroup(r.ctx, group, signal)
			})
		},
	}, {
		name:    "signalProcessGroup",
		needs:   config.RoleOperator,
		summary: "Send a signal to those processes of a group that run or stop.",
		params:  []tag{groupParam, signalParam},
		result:  tag{kind: "array"},
		call: func(r *request) error {
			signal, err := r.signal(1)
			if err != nil {
				return err
			}
			return r.group(func(name string) ([]supervisor.Result, error) {
				return r.daemon.SignalGroup(r.ctx, name, signal)
			})
		},
	}, {
		name:    "signalAllProcesses",
		needs:   config.RoleOperator,
		summary: "Send a signal to every process that runs or stops.",
		params:  []tag{signalParam},
		result:  eachResult,
		call: func(r *request) error {
			signal, err := r.signal(0)
			if err != nil {
				return err
			}
			return r.results(r.daemon.SignalAll(r.ctx, signal))
		},
	}}
}

// one acts on the process that the first argument names, or on its group when
// the argument means that.
func (r *request) one(process func(name string) error, group func(name string) ([]supervisor.Result, error)) error {
	name, err := r.namespec(0)
	if err != nil {
		return err
	}
	if groupName, processName := supervisor.SplitNamespec(name); processName == "" {
		results, err := group(groupName)
		return r.results(results, badName(err, name))
	}
	return r.done(badName(process(name), name))
}

// group acts on the group that the first argument names.
func (r *request) group(act func(name string) ([]supervisor.Result, error)) error {
	name, err := r.groupName(0)
	if err != nil {
		return err
	}
	results, err := act(name)
	return r.results(results, badName(err, name))
}

// inputMethods hand something to processes.
func inputMethods() []method {
	return []method{{
		name:    "sendProcessStdin",
		needs:   config.RoleOperator,
		secret:  "chars",
		summary: "Write to the standard input of a process that runs. Text is written as UTF-8.",
		params:  []tag{processParam, {"string", "chars", "what to write"}},
		result:  trueResult,
		call:    sendProcessStdin,
	}, {
		name:   "sendRemoteCommEvent",
		needs:  config.RoleOperator,
		secret: "data",
		summary: "Emit a REMOTE_COMMUNICATION event to the event listeners that have subscribed to\n" +
			"it.",
		params: []tag{
			{"string", "type", "what follows type: in the event's payload"},
			{"string", "data", "the rest of the payload"},
		},
		result: trueResult,
		call: func(r *request) error {
			return r.done(r.daemon.SendRemoteCommEvent(r.ctx, display(r.args[0]), display(r.args[1])))
		},
	}}
}

func sendProcessStdin(r *request) error {
	chars, ok := r.args[1].(string)
	if !ok {
		return r.wrong(about(supervisor.FaultIncorrectParameters, r.args[1]))
	}
	name, err := r.namespec(0)
	if err != nil {
		return err
	}
	return r.done(badName(r.daemon.SendStdin(r.ctx, name, []byte(chars)), name))
}
