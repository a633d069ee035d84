package config

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

const (
	defaultStopSignal = syscall.SIGTERM
	defaultPriority   = 999
	// Listeners come first and go last.
	defaultListenerPriority = -1
)

// groups reads all that becomes a process group: the [group:x] sections, then
// the programs that none of them names, the event listeners, and the FastCGI
// programs that no group names.
func (r *reader) groups() ([]*Group, error) {
	var groups []*Group
	grouped := map[string]bool{} // names of sections that a [group:x] holds
	kinds := []struct {
		prefix string
		read   func(*section) (*Group, error)
	}{
		{"group:", func(s *section) (*Group, error) { return r.namedGroup(s, grouped) }},
		{"program:", r.programGroup},
		{"eventlistener:", r.listenerGroup},
		{"fcgi-program:", r.fastCGIGroup},
	}
	for _, kind := range kinds {
		for _, section := range r.sectionsOf(kind.prefix) {
			if grouped[section.name] {
				continue
			}
			group, err := kind.read(section)
			if err != nil {
				return nil, err
			}
			groups = append(groups, group)
		}
	}
	slices.SortStableFunc(groups, func(a, b *Group) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), strings.Compare(a.Name, b.Name))
	})
	return groups, nil
}

// name reads the x of [kind:x].
func (v *view) name() string {
	name, err := parseName(afterColon(v.section.name))
	if err != nil {
		v.fail("", err)
	}
	return name
}

// namedGroup reads a [group:x] and the programs that it names, which it notes
// in grouped.
func (r *reader) namedGroup(section *section, grouped map[string]bool) (*Group, error) {
	v := r.view(section, r.common)
	group := &Group{Name: v.name(), Kind: GroupPrograms}
	programs := splitList(v.text("programs", ""))
	if group.Priority = v.integer("priority", defaultPriority); v.err != nil {
		return nil, v.err
	}
	// From the second program on, the reference's errors name the section of
	// the program before instead of the group's.
	blamed := section.name
	for _, name := range programs {
		program, isProgram := r.doc.byName["program:"+name]
		fastCGI, isFastCGI := r.doc.byName["fcgi-program:"+name]
		switch {
		case !isProgram && !isFastCGI:
			return nil, &Error{Section: section.name, Key: "programs",
				Text: fmt.Sprintf("[%s] names unknown program or fcgi-program %s", blamed, name)}
		case isProgram && isFastCGI:
			return nil, &Error{Section: section.name, Key: "programs",
				Text: fmt.Sprintf("[%s] name %s is ambiguous (exists as program and fcgi-program)", blamed, name)}
		case isFastCGI:
			program = fastCGI
		}
		blamed = program.name
		grouped[program.name] = true
		members, err := r.programs(program, group.Name)
		if err != nil {
			return nil, err
		}
		group.Programs = append(group.Programs, members...)
	}
	return group, nil
}

// programGroup reads a [program:x] that is a group of its own.
func (r *reader) programGroup(section *section) (group *Group, err error) {
	v := r.view(section, r.common)
	group = &Group{Name: v.name(), Kind: GroupPrograms}
	if group.Priority = v.integer("priority", defaultPriority); v.err != nil {
		return nil, v.err
	}
	group.Programs, err = r.programs(section, group.Name)
	return group, err
}

// listenerGroup reads an [eventlistener:x].
func (r *reader) listenerGroup(section *section) (group *Group, err error) {
	v := r.view(section, r.common)
	group = &Group{Name: afterColon(section.name), Kind: GroupEventListener, Pool: &Pool{}}
	group.Priority = v.integer("priority", defaultListenerPriority)
	if size := pointer(v, "buffer_size", ParseInteger); size != nil {
		if group.Pool.BufferSize = *size; *size < 1 {
			v.failf("buffer_size", "[%s] section sets invalid buffer_size (%d)", section.name, *size)
		}
	}
	const handler = "supervisor.dispatchers:default_handler"
	v.entryPoint("result_handler", v.text("result_handler", handler), handler)
	group.Pool.Events = v.events()
	if v.boolean("redirect_stderr", false) {
		v.failf("redirect_stderr", "[%s] section sets redirect_stderr=true but this is not allowed because it will interfere with the eventlistener protocol",
			section.name)
	}
	if v.err != nil {
		return nil, v.err
	}
	group.Programs, err = r.programs(section, group.Name)
	return group, err
}

// events reads the names of the event types that a listener subscribes to.
func (v *view) events() []string {
	const key = "events"
	names := splitList(v.text(key, ""))
	if len(names) == 0 {
		v.failf(key, `[%s] section requires an "events" line`, v.section.name)
	}
	for i, name := range names {
		names[i] = strings.ToUpper(name)
		if !slices.Contains(eventTypes(), names[i]) {
			v.failf(key, "Unknown event type %s in [%s] events", names[i], v.section.name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// eventTypes lists what a listener can subscribe to (Supervisor manual,
// "Event Types").
func eventTypes() []string {
	return []string{
		"EVENT",
		"PROCESS_STATE", "PROCESS_STATE_STOPPED", "PROCESS_STATE_EXITED", "PROCESS_STATE_STARTING",
		"PROCESS_STATE_STOPPING", "PROCESS_STATE_BACKOFF", "PROCESS_STATE_FATAL", "PROCESS_STATE_RUNNING",
		"PROCESS_STATE_UNKNOWN",
		"PROCESS_COMMUNICATION", "PROCESS_COMMUNICATION_STDOUT", "PROCESS_COMMUNICATION_STDERR",
		"PROCESS_LOG", "PROCESS_LOG_STDOUT", "PROCESS_LOG_STDERR",
		"REMOTE_COMMUNICATION",
		"SUPERVISOR_STATE_CHANGE", "SUPERVISOR_STATE_CHANGE_RUNNING", "SUPERVISOR_STATE_CHANGE_STOPPING",
		"TICK", "TICK_5", "TICK_60", "TICK_3600",
		"PROCESS_GROUP", "PROCESS_GROUP_ADDED", "PROCESS_GROUP_REMOVED",
	}
}

// fastCGIGroup reads an [fcgi-program:x] that is a group of its own.
func (r *reader) fastCGIGroup(section *section) (group *Group, err error) {
	v := r.view(section, r.common)
	group = &Group{Name: v.name(), Kind: GroupFastCGI}
	group.Priority = v.integer("priority", defaultPriority)
	if group.Socket = r.fastCGISocket(v, group.Name); v.err != nil {
		return nil, v.err
	}
	group.Programs, err = r.programs(section, group.Name)
	return group, err
}

// fastCGISocket reads the socket options of an [fcgi-program:x].
func (r *reader) fastCGISocket(v *view, program string) *FastCGISocket {
	socket := &FastCGISocket{UID: -1, GID: -1, Mode: 0o700}
	user := pointer(v, "user", r.opts.ParseUser)
	if backlog := pointer(v, "socket_backlog", ParseInteger); backlog != nil {
		if socket.Backlog = *backlog; *backlog < 1 || *backlog > 65535 {
			v.failf("socket_backlog", "Invalid socket_backlog value %d", *backlog)
		}
	}
	owner, hasOwner := v.optional("socket_owner")
	if hasOwner {
		var err error
		if socket.UID, socket.GID, err = r.opts.ParseUserGroup(owner); err != nil {
			v.failf("socket_owner", "Invalid socket_owner value %s", owner)
		}
	}
	mode, hasMode := v.optional("socket_mode")
	if hasMode {
		var err error
		if socket.Mode, err = parseMode(mode); err != nil {
			v.failf("socket_mode", "Invalid socket_mode value %s", mode)
		}
	}
	name := newNames()
	name.set("program_name", textValue(program))
	v.scope = append(v.scope, name)
	address := v.text("socket", "")
	if address == "" {
		v.failf("socket", `[%s] section requires a "socket" line`, v.section.name)
	}
	if err := r.fastCGIAddress(socket, address, hasOwner || hasMode); err != nil {
		v.failf("socket", "%w in [%s] socket", err, v.section.name)
	}
	if socket.Network == "unix" && !hasOwner && user != nil && *user != r.opts.UID() {
		account, _ := r.opts.Accounts.UserByID(*user)
		socket.UID, socket.GID = *user, account.GID
	}
	return socket
}

// fastCGIAddress reads unix:///path or tcp://host:port. unixOnly says that
// options are set that only a unix socket has. The odd form of two of the
// errors is the reference's.
func (r *reader) fastCGIAddress(socket *FastCGISocket, address string, unixOnly bool) error {
	if path, ok := strings.CutPrefix(address, "unix://"); ok {
		if !filepath.IsAbs(path) {
			return fmt.Errorf("('Unix socket path %%s is not an absolute path', %s)", PyRepr(path))
		}
		socket.Network, socket.Path = "unix", r.opts.NormalizePath(path)
		return nil
	}
	if unixOnly {
		return fmt.Errorf("socket_owner and socket_mode params should only be used with a Unix domain socket")
	}
	rest, isTCP := strings.CutPrefix(address, "tcp://")
	host, digits, hasPort := strings.Cut(rest, ":")
	digits = strings.TrimSuffix(digits, "\n")
	port, isNumber := pyInt(digits, 10)
	if !isTCP || !hasPort || host == "" || strings.ContainsFunc(host, isSpace) ||
		!isNumber || strings.Trim(digitsToASCII(digits), "0123456789") != "" {
		return fmt.Errorf("('Bad socket format %%s', %s)", PyRepr(address))
	}
	socket.Network, socket.Host, socket.Port = "tcp", pyLower(host), port
	return checkPort(port)
}
