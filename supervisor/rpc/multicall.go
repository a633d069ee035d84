package rpc

import "github.com/vigilance-go/vigilance/supervisor"

// multicallName is the full name of the method that carries out several calls.
const multicallName = "system.multicall"

// What a multicall is cut off at, in bytes: the length of its answer, and the
// part of that which is in memory. A request of a few kilobytes must not fill it.
const (
	maxAnswer   = 128 << 20
	maxInMemory = 16 << 20
)

// multicall carries out several calls. Only a fault of its own arguments ends
// it as a whole.
func multicall(r *request) error {
	calls, ok := r.args[0].([]any)
	if !ok {
		return incorrect()
	}
	r.out.BeginArray()
	for _, c := range calls {
		if err := r.ctx.Err(); err != nil {
			return err // nobody waits for the rest
		}
		mark := r.out.Len()
		if err := r.oneOf(c); err != nil {
			f := fault(err)
			r.out.Truncate(mark)
			r.out.Fault(int(f.Code), f.Text)
		}
	}
	r.out.EndArray()
	return nil
}

// oneOf carries out one call of a multicall.
func (r *request) oneOf(c any) error {
	call, ok := c.(map[string]any)
	if !ok {
		return incorrect()
	}
	name, ok := call["methodName"].(string)
	if !ok {
		return supervisor.NewFault(supervisor.FaultIncorrectParameters, "No methodName")
	}
	if name == multicallName {
		return supervisor.NewFault(supervisor.FaultIncorrectParameters, "Recursive system.multicall forbidden")
	}
	if r.out.Size() > maxAnswer || r.out.InMemory() > maxInMemory {
		return supervisor.NewFault(supervisor.FaultFailed, "the answer is too long")
	}
	inner := *r
	inner.args = nil
	if params, given := call["params"]; given {
		if inner.args, ok = params.([]any); !ok {
			return incorrect()
		}
	}
	return inner.invoke(name)
}
