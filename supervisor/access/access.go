// Package access decides who may do what: it knows the role of whoever sent a
// request, refuses what the role does not allow, and notes in the audit log who
// did what. It never looks at passwords or sockets: package rpc has found out
// who somebody is before.
package access

import (
	"context"
	"fmt"

	"github.com/vigilance-go/vigilance/supervisor"
	"github.com/vigilance-go/vigilance/supervisor/config"
)

// Unknown is a user, group or process number that nobody has told.
const Unknown = -1

// Caller is who sent a request. The zero value may do nothing.
type Caller struct {
	// Server is the configuration's section of the server that was asked.
	Server string
	// Remote is the client's address and port; empty for a unix socket.
	Remote string
	// User is the name that came with the right password; empty where no
	// password is asked for.
	User string
	// UID and PID are those of the process that opened the unix socket, as the
	// kernel tells them; Unknown elsewhere. The process may have ended since,
	// or handed the connection on.
	UID, PID int
	// Role is how much the caller may do, and Reason, where it is not empty,
	// why that is less than the configuration would let one expect.
	Role   config.Role
	Reason string

	// Key is by what a client is known to be the same again, and Kind what
	// serves the request, as metrics name it.
	Key, Kind string
}

type callerKey struct{}

// With returns a context whose requests are c's. The Caller may be filled
// further by whoever handles the request, one after the other.
func With(ctx context.Context, c *Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// Of returns who sent the request that ctx belongs to: outside of requests,
// somebody who may do nothing.
func Of(ctx context.Context) *Caller {
	if c, ok := ctx.Value(callerKey{}).(*Caller); ok {
		return c
	}
	return &Caller{UID: Unknown, PID: Unknown}
}

// Check refuses what needs a greater role than the caller has. What needs none
// has not been decided on, and is refused to everybody. The error is a Fault:
// FAILED, as supervisorctl of any release shows its text.
func (c *Caller) Check(what string, needs config.Role) error {
	if needs != config.RoleNone && c.Role >= needs {
		return nil
	}
	text := fmt.Sprintf("not permitted: %s is for %s, and %s is %s", what, aRole(needs), c.name(), aRole(c.Role))
	if c.Reason != "" {
		text += " (" + c.Reason + ")"
	}
	return &refusal{supervisor.NewFault(supervisor.FaultFailed, text)}
}

// refusal is a Fault that tells of a missing permission.
type refusal struct{ *supervisor.Fault }

// Unwrap shows the Fault that clients get.
func (r *refusal) Unwrap() error { return r.Fault }

// name is how the caller is called in a refusal.
func (c *Caller) name() string {
	switch {
	case c.User != "":
		return "user " + field(c.User)
	case c.UID != Unknown:
		return fmt.Sprintf("uid %d", c.UID)
	}
	return "this client"
}

// aRole is a role with its article.
func aRole(r config.Role) string {
	if r == config.RoleNone {
		return r.String()
	}
	return "an " + r.String()
}
