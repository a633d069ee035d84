package osproc

import (
	"errors"
	"fmt"
	"math"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// Credential is the identity that a child runs under.
type Credential struct {
	UID, GID int
	// Groups are all of its groups, GID first: some systems let setgid
	// overwrite the first one.
	Groups []int
}

// LookupCredential returns the identity of the user uid with its primary and
// supplementary groups. It is nil without an error when the daemon is that
// user already, and so has nothing to change and needs no privilege. Errors
// are *SpawnError of StageSetuid; what they wrap reads as Supervisor's
// messages do (options.py, drop_privileges).
//
// Depending on the system's name service a lookup may block.
func LookupCredential(uid int) (*Credential, error) {
	u, err := user.LookupId(strconv.Itoa(uid))
	if err == nil && (uid < 0 || int64(uid) >= math.MaxUint32) {
		err = user.UnknownUserIdError(uid) // the C library took it for another
	}
	if err != nil {
		return nil, setuidError(uid, fmt.Sprintf("Can't find uid %d", uid), err)
	}
	switch os.Getuid() {
	case uid:
		return nil, nil
	case 0:
	default:
		return nil, setuidError(uid, "Can't drop privilege as nonroot user", nil)
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return nil, setuidError(uid, textSetgid, err)
	}
	cred := &Credential{UID: uid, GID: gid, Groups: []int{gid}}
	ids, err := u.GroupIds()
	if err != nil {
		return nil, setuidError(uid, textSetgroups, err)
	}
	for _, id := range ids {
		if n, err := strconv.Atoi(id); err == nil && n != gid {
			cred.Groups = append(cred.Groups, n)
		}
	}
	return cred, nil
}

// credentialError is a refusal in Supervisor's words (options.py,
// drop_privileges).
type credentialError struct {
	text  string
	cause error // nil, or what the kernel or the user database said
}

const (
	textSetgroups = "Could not set groups of effective user"
	textSetgid    = "Could not set group id of effective user"
)

func (e *credentialError) Error() string { return e.text }
func (e *credentialError) Unwrap() error { return e.cause }

// DropPrivileges makes the whole process the user uid, with its groups: real,
// effective and saved IDs, so that there is no way back. It does nothing when
// the process is that user already. The error's text is Supervisor's
// (options.py, drop_privileges); after one, the process should exit, because
// part of the change may have been made.
func DropPrivileges(uid int) error {
	cred, err := LookupCredential(uid)
	if err != nil {
		return errors.Unwrap(err)
	}
	if cred == nil {
		return nil
	}
	if err := syscall.Setgroups(cred.Groups); err != nil {
		return &credentialError{textSetgroups, err}
	}
	if err := syscall.Setgid(cred.GID); err != nil {
		return &credentialError{textSetgid, err}
	}
	if err := syscall.Setuid(cred.UID); err != nil {
		return fmt.Errorf("set uid %d: %w", uid, err)
	}
	return nil
}

func (c *Credential) syscall() *syscall.Credential {
	cred := &syscall.Credential{Uid: uint32(c.UID), Gid: uint32(c.GID)} //nolint:gosec // LookupCredential sees to that
	for _, g := range c.Groups {
		cred.Groups = append(cred.Groups, uint32(g)) //nolint:gosec // the system's own
	}
	return cred
}
