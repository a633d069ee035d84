package rpc

import (
	"maps"
	"slices"

	"github.com/vigilance-go/vigilance/supervisor"
	"github.com/vigilance-go/vigilance/supervisor/config"
)

// systemMethods are those that XML-RPC servers have in common. They answer
// also while the daemon is on its way down.
func systemMethods() []method {
	named := tag{"string", "name", "a method's full name"}
	return []method{{
		name:    "listMethods",
		needs:   config.RoleObserver,
		summary: "List the names of all methods.",
		result:  tag{"array", "result", "the names, sorted"},
		call: func(r *request) error {
			r.out.Strings(slices.Sorted(maps.Keys(r.methods)))
			return nil
		},
	}, {
		name:    "methodHelp",
		needs:   config.RoleObserver,
		summary: "Tell what a method does, takes and returns.",
		params:  []tag{named},
		result:  tag{"string", "result", "the method's documentation"},
		call: func(r *request) error {
			m, err := r.method(0)
			if err == nil {
				r.out.String(m.help())
			}
			return err
		},
	}, {
		name:    "methodSignature",
		needs:   config.RoleObserver,
		summary: "Tell the types of a method's result and parameters.",
		params:  []tag{named},
		result:  tag{"array", "result", "the type of the result, then that of each parameter"},
		call: func(r *request) error {
			m, err := r.method(0)
			if err != nil {
				return err
			}
			types := []string{m.result.kind}
			for _, p := range m.params {
				types = append(types, p.kind)
			}
			r.out.Strings(types)
			return nil
		},
	}, {
		name:  "multicall",
		needs: config.RoleObserver,
		summary: "Carry out several calls, one after the other. Each is a struct of string\n" +
			"methodName and array params, and its result is what the method returns or a\n" +
			"struct of int faultCode and string faultString. A method that waits lets those\n" +
			"behind it wait.",
		params: []tag{{"array", "calls", "the calls"}},
		result: tag{"array", "result", "the results, in the order of the calls"},
		call:   multicall,
	}}
}

// method returns the method that an argument names.
func (r *request) method(i int) (*method, error) {
	name, _ := r.args[i].(string)
	if m := r.methods[name]; m != nil {
		return m, nil
	}
	return nil, supervisor.NewFault(supervisor.FaultSignatureUnsupported, "")
}
