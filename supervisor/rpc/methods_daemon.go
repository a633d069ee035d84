package rpc

import (
	"github.com/vigilance-go/vigilance/supervisor"
	"github.com/vigilance-go/vigilance/supervisor/config"
)

// apiVersion is the version of the methods themselves.
const apiVersion = "3.0"

// daemonMethods are about the daemon as a whole.
func daemonMethods() []method {
	return []method{{
		name:    "getAPIVersion",
		needs:   config.RoleObserver,
		aliases: []string{"getVersion"},
		summary: "Tell which version of this API the daemon speaks. It has been the same since\nSupervisor 3.0.",
		result:  tag{"string", "version", "the API's version"},
		call: func(r *request) error {
			r.out.String(apiVersion)
			return r.up()
		},
	}, {
		name:  "getSupervisorVersion",
		needs: config.RoleObserver,
		summary: "Tell which release of Supervisor the daemon behaves like. It is not the\n" +
			"daemon's own version.",
		result: tag{"string", "version", "a version of Supervisor"},
		call: func(r *request) error {
			r.out.String(supervisor.ReferenceVersion)
			return r.up()
		},
	}, {
		name:    "getIdentification",
		needs:   config.RoleObserver,
		summary: "Tell the identifier option of the daemon's configuration.",
		result:  tag{"string", "identifier", "the daemon's identifier"},
		call: func(r *request) error {
			r.out.String(r.daemon.Identifier())
			return r.up()
		},
	}, {
		name:    "getState",
		needs:   config.RoleObserver,
		summary: "Tell whether the daemon runs (1), restarts (0) or shuts down (-1).",
		result:  tag{"struct", "state", "its members are int statecode and string statename"},
		call:    getState,
	}, {
		name:    "getPID",
		needs:   config.RoleObserver,
		summary: "Tell the daemon's process number.",
		result:  tag{"int", "PID", "the daemon's pid"},
		call: func(r *request) error {
			r.out.Int(int64(r.daemon.PID()))
			return r.up()
		},
	}, {
		name:    "shutdown",
		needs:   config.RoleAdmin,
		summary: "Stop all processes in order, then the daemon. The answer comes before that.",
		result:  trueResult,
		call:    func(r *request) error { return r.done(r.daemon.Shutdown(r.ctx)) },
	}, {
		name:  "restart",
		needs: config.RoleAdmin,
		summary: "Stop all processes in order, read the configuration again and start anew with\n" +
			"the same pid. The answer comes before that.",
		result: trueResult,
		call:   func(r *request) error { return r.done(r.daemon.Restart(r.ctx)) },
	}}
}

func getState(r *request) error {
	mood, err := r.daemon.Mood(r.ctx)
	if err != nil {
		return err
	}
	r.out.BeginStruct()
	r.out.IntMember("statecode", int64(mood))
	r.out.StringMember("statename", mood.String())
	r.out.EndStruct()
	return nil
}

// reloadMethods change which groups there are.
func reloadMethods() []method {
	return []method{{
		name:  "reloadConfig",
		needs: config.RoleAdmin,
		summary: "Read the configuration again and compare it with what runs. Nothing is started\n" +
			"or stopped: addProcessGroup and removeProcessGroup do that.",
		result: tag{"array", "result", "[[added, changed, removed]], three arrays of group names"},
		call:   reloadConfig,
	}, {
		name:    "addProcessGroup",
		needs:   config.RoleAdmin,
		summary: "Add a group of the configuration that was read last, and start its processes.",
		params:  []tag{groupParam},
		result:  trueResult,
		call: func(r *request) error {
			name, err := r.groupName(0)
			if err != nil {
				return err
			}
			return r.done(badName(r.daemon.AddGroup(r.ctx, name), name))
		},
	}, {
		name:    "removeProcessGroup",
		needs:   config.RoleAdmin,
		summary: "Forget a group, all of whose processes have stopped.",
		params:  []tag{groupParam},
		result:  trueResult,
		call: func(r *request) error {
			name, err := r.groupName(0)
			if err != nil {
				return err
			}
			return r.done(badName(r.daemon.RemoveGroup(r.ctx, name), name))
		},
	}}
}

func reloadConfig(r *request) error {
	changes, err := r.daemon.Reread(r.ctx)
	if err != nil {
		return err
	}
	r.out.BeginArray()
	r.out.BeginArray()
	r.out.Strings(changes.Added)
	r.out.Strings(changes.Changed)
	r.out.Strings(changes.Removed)
	r.out.EndArray()
	r.out.EndArray()
	return nil
}
