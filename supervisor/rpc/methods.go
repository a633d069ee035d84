package rpc

import (
	"context"
	"strings"

	"github.com/vigilance-go/vigilance/internal/xmlrpc"
	"github.com/vigilance-go/vigilance/supervisor"
	"github.com/vigilance-go/vigilance/supervisor/access"
	"github.com/vigilance-go/vigilance/supervisor/config"
)

// method is something that clients can call. Only what stands in the tables
// of methods can be: no name is ever looked up anywhere else.
type method struct {
	name     string   // without its namespace
	aliases  []string // names of older releases
	summary  string
	params   []tag
	optional int // how many of the last params may be left out
	result   tag
	// needs is the role that may call it: an observer's methods only look, and
	// calls of all others are noted in the audit log.
	needs config.Role
	// secret is the parameter of which the audit log shows the length alone.
	secret string
	call   func(r *request) error
}

// tag describes a parameter or a result. Its kind is one of XML-RPC's types
// and is what system.methodSignature tells.
type tag struct{ kind, name, text string }

// request is one call at work. A method appends exactly one value to out. When
// it returns an error, what it has appended does not count.
type request struct {
	ctx     context.Context
	daemon  *supervisor.Daemon
	audit   *access.Audit
	methods map[string]*method // all there are
	args    []any              // as many as the method takes
	out     *xmlrpc.Answer
	share   *share // of what answers may take
}

// systemNamespace is where the methods stand that are not the daemon's own.
const systemNamespace = "system"

// methodTable returns all methods by their full names. Those of supervisor
// stand under each of the given namespaces.
func methodTable(namespaces []string) map[string]*method {
	table := make(map[string]*method)
	add := func(namespace string, ms []method) {
		for i := range ms {
			m := &ms[i]
			table[namespace+"."+m.name] = m
			for _, alias := range m.aliases {
				table[namespace+"."+alias] = m
			}
		}
	}
	for _, namespace := range namespaces {
		if namespace == systemNamespace {
			continue // it is taken
		}
		for _, ms := range [][]method{
			daemonMethods(), reloadMethods(), infoMethods(), startMethods(), stopMethods(),
			signalMethods(), logMethods(), tailMethods(), clearMethods(), inputMethods(),
		} {
			add(namespace, ms)
		}
	}
	add(systemNamespace, systemMethods())
	return table
}

// invoke calls the method of that name, if the caller may: this is the one
// place that decides and notes it. The error is mostly a *Fault.
func (r *request) invoke(name string) error {
	m := r.methods[name]
	if m == nil {
		return supervisor.NewFault(supervisor.FaultUnknownMethod, "")
	}
	caller := access.Of(r.ctx)
	err := caller.Check(name, m.needs)
	if err == nil {
		err = r.inTurn(name, m)
	}
	if m.needs != config.RoleObserver && r.audit != nil {
		r.audit.Record(caller, name, m.shown(r.args), err)
	}
	return err
}

// inTurn calls a method when it is its turn, if it only looks: none of those
// waits for anything but the loop, or for a disk, which must not make others
// wait that need none. A multicall has a turn for each of its calls.
func (r *request) inTurn(name string, m *method) error {
	if m.needs == config.RoleObserver && name != multicallName && !isLogRead(name) {
		end, err := r.share.turn(r.ctx)
		if err != nil {
			return err // nobody reads the answer
		}
		defer end()
	}
	return r.checked(m)
}

// checked calls a method with a number of arguments that it takes.
func (r *request) checked(m *method) error {
	if len(r.args) > len(m.params) || len(r.args) < len(m.params)-m.optional {
		return incorrect()
	}
	return m.call(r)
}

// shown are the arguments of a call as the audit log has them.
func (m *method) shown(args []any) []access.Arg {
	shown := make([]access.Arg, len(args))
	for i, arg := range args {
		shown[i] = access.Arg{Name: "more", Value: arg, Secret: true}
		if i < len(m.params) {
			shown[i].Name = m.params[i].name
			shown[i].Secret = m.params[i].name == m.secret
		}
	}
	return shown
}

// incorrect is the fault for arguments of the wrong number or type.
func incorrect() error { return supervisor.NewFault(supervisor.FaultIncorrectParameters, "") }

// up returns a fault while the daemon is on its way down, when no question is
// answered any more.
func (r *request) up() error {
	_, err := r.daemon.Mood(r.ctx)
	return err
}

// done answers true, which is what most methods return when nothing went
// wrong.
func (r *request) done(err error) error {
	if err == nil {
		r.out.Bool(true)
	}
	return err
}

// results answers with what became of each process.
func (r *request) results(results []supervisor.Result, err error) error {
	if err != nil {
		return err
	}
	r.out.BeginArray()
	for _, result := range results {
		r.out.BeginStruct()
		r.out.StringMember("name", result.Name)
		r.out.StringMember("group", result.Group)
		r.out.IntMember("status", int64(result.Status))
		r.out.StringMember("description", result.Description)
		r.out.EndStruct()
	}
	r.out.EndArray()
	return nil
}

// help returns the method's documentation, in the layout from which clients
// read types: a line for each tag.
func (m *method) help() string {
	var b strings.Builder
	b.WriteString(m.summary)
	b.WriteString("\n\n")
	for _, p := range m.params {
		p.write(&b, "@param")
	}
	m.result.write(&b, "@return")
	return b.String()
}

func (t tag) write(b *strings.Builder, what string) {
	b.WriteString(strings.TrimSpace(strings.Join([]string{what, t.kind, t.name, t.text}, " ")))
	b.WriteByte('\n')
}
