package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"unicode"
)

// Role is how much somebody may do. A greater one may do all that a smaller
// one may. (Roles are none of Supervisor's.)
type Role int

// The roles, as role= of [user:x] names them.
const (
	RoleNone     Role = 0 // may do nothing
	RoleObserver Role = 1 // may look: at states, logs and metrics
	RoleOperator Role = 2 // may also start, stop, signal and feed programs, and clear their logs
	RoleAdmin    Role = 3 // may also change which programs there are, and end the daemon
)

// String returns the role's name in role=, or "nobody".
func (r Role) String() string {
	switch r {
	case RoleObserver:
		return "observer"
	case RoleOperator:
		return "operator"
	case RoleAdmin:
		return "admin"
	case RoleNone:
	}
	return "nobody"
}

// ParseRole reads the value of role=.
func ParseRole(text string) (Role, error) {
	for _, role := range []Role{RoleObserver, RoleOperator, RoleAdmin} {
		if strip(text) == role.String() {
			return role, nil
		}
	}
	return RoleNone, fmt.Errorf("value %s is none of admin, operator and observer", PyRepr(text))
}

// User is one [user:x] section: somebody who may use the HTTP servers that ask
// for a password.
type User struct {
	Section string // the section's full name, for messages
	Name    string
	// Password is written out or begins with a marker, as a server's own does;
	// it is never empty.
	Password string
	Role     Role
}

// Peers says how much those may do who open a unix socket, by who they are on
// this machine. The daemon's own user and root are always admins, and whoever
// no list names may do nothing.
type Peers struct{ Admins, Operators, Observers PeerList }

// PeerList names accounts of this machine.
type PeerList struct {
	UIDs, GIDs []int
	Everybody  bool // "*"
}

// Names tells whether the list names somebody with this user and these groups.
func (l PeerList) Names(uid int, gids []int) bool {
	return l.Everybody || slices.Contains(l.UIDs, uid) ||
		slices.ContainsFunc(gids, func(gid int) bool { return slices.Contains(l.GIDs, gid) })
}

// Role returns the greatest role of somebody with this user and these groups.
func (p *Peers) Role(uid int, gids []int) Role {
	switch {
	case p.Admins.Names(uid, gids):
		return RoleAdmin
	case p.Operators.Names(uid, gids):
		return RoleOperator
	case p.Observers.Names(uid, gids):
		return RoleObserver
	}
	return RoleNone
}

// users reads the [user:x] sections.
func (r *reader) users() ([]User, error) {
	var users []User
	for _, section := range r.sectionsOf("user:") {
		user, err := r.user(section)
		if err != nil {
			return nil, err
		}
		users = append(users, user)
	}
	return users, nil
}

func (r *reader) user(section *section) (User, error) {
	v := r.view(section, r.common)
	u := User{Section: section.name, Name: strip(afterColon(section.name))}
	if u.Name == "" || strings.ContainsRune(u.Name, ':') || strings.ContainsFunc(u.Name, unicode.IsControl) {
		v.failf("", "section [%s] has no name that can be given with a password", section.name)
	}
	if u.Password = v.text("password", ""); u.Password == "" {
		v.failf("password", "section [%s] has no password value", section.name)
	}
	if _, ok := v.optional("role"); !ok {
		v.failf("role", "section [%s] has no role value (admin, operator or observer)", section.name)
	}
	u.Role = option(v, "role", RoleNone, ParseRole)
	return u, v.err
}

// checkNames refuses a user with the name of a server's own: whose password
// counts would be left to chance.
func checkNames(servers []Server, users []User) error {
	for _, s := range servers {
		for _, u := range users {
			if s.Username != nil && *s.Username == u.Name {
				return &Error{Section: u.Section, Text: fmt.Sprintf("section [%s] has the name that is the username of section [%s]", u.Section, s.Section)}
			}
		}
	}
	return nil
}

// peers reads the lists of who may do what over a unix socket; nil where there
// are none, and whoever can open the socket is an admin.
func (r *reader) peers(v *view) *Peers {
	var p Peers
	set := false
	for _, list := range []struct {
		key string
		to  *PeerList
	}{{"admins", &p.Admins}, {"operators", &p.Operators}, {"observers", &p.Observers}} {
		if _, ok := v.optional(list.key); ok {
			set = true
			*list.to = option(v, list.key, PeerList{}, r.opts.ParsePeerList)
		}
	}
	if !set {
		return nil
	}
	return &p
}

// ParsePeerList reads users and, after an @, groups of this machine, by name
// or number, with commas between them. * means everybody.
func (o Options) ParsePeerList(text string) (PeerList, error) {
	var l PeerList
	for name := range strings.SplitSeq(text, ",") {
		name = strip(name)
		group, isGroup := strings.CutPrefix(name, "@")
		switch {
		case name == "":
		case name == "*":
			l.Everybody = true
		case isGroup:
			gid, err := o.ParseGroup(group)
			if err != nil {
				return PeerList{}, err
			}
			l.GIDs = append(l.GIDs, gid)
		default:
			uid, err := o.ParseUser(name)
			if err != nil {
				return PeerList{}, err
			}
			l.UIDs = append(l.UIDs, uid)
		}
	}
	return l, nil
}

// parseHosts reads allowed_hosts: host names with commas between them, of
// which "*.x" stands for all names below x.
func parseHosts(text string) ([]string, error) {
	var hosts []string
	for name := range strings.SplitSeq(text, ",") {
		name = strings.ToLower(strings.TrimSuffix(strip(name), "."))
		if name == "" {
			continue
		}
		plain := strings.TrimPrefix(name, "*.")
		const letters = "abcdefghijklmnopqrstuvwxyz0123456789-_."
		if _, err := netip.ParseAddr(name); err == nil || name == "*" {
			plain = "x" // addresses are always allowed
		}
		if plain == "" || strings.Trim(plain, letters) != "" || strings.Contains(plain, "..") {
			return nil, fmt.Errorf("value %s is not a host name without a port", PyRepr(name))
		}
		hosts = append(hosts, name)
	}
	return hosts, nil
}
