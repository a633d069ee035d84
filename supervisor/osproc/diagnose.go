package osproc

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// diagnose finds out at which stage syscall.ForkExec failed, of which it
// tells only the errno. It lets further children take the same steps, each one
// step more, up to an exec that cannot succeed: the first that does not come
// that far has failed where the real child did. It runs on the Spawner's
// thread with forking held.
func diagnose(spec Spec, errno syscall.Errno) *SpawnError {
	cred := spec.Credential
	switch {
	case errno == syscall.EMFILE, errno == syscall.ENFILE:
		return newSpawnError(spec, StagePipes, errno) // ForkExec uses a pipe itself
	case errno != syscall.EAGAIN && errno != syscall.ENOMEM:
	case cred == nil, try(nil, "") != nil: // else exec refuses the other user a process too many
		return newSpawnError(spec, StageFork, errno)
	}
	if cred != nil {
		if err := try(cred, ""); err != nil {
			e := newSpawnError(spec, StageSetuid, refusedCredential(cred, err))
			e.Path = strconv.Itoa(cred.UID)
			return e
		}
	}
	if spec.Dir != "" {
		if err := try(cred, spec.Dir); err != nil {
			e := newSpawnError(spec, StageChdir, err)
			e.Path = spec.Dir
			if errors.Is(err, syscall.EACCES) {
				e.Hint = who(cred).barredFrom(absolute("", spec.Dir))
			}
			return e
		}
	}
	e := newSpawnError(spec, StageExec, errno)
	e.Hint = explainExec(spec, errno)
	return e
}

// try returns what keeps a child with these attributes from reaching its exec,
// or nil.
func try(cred *Credential, dir string) error {
	// Every system refuses a file name of this length before anything else,
	// with an error that an earlier step gives only for a long dir.
	impossible := strings.Repeat("x", 1<<14)
	pid, err := syscall.ForkExec(impossible, []string{"x"}, attributes(cred, dir, nil, nil))
	if err == nil {
		// A system without such a limit, whose file is there: none is known.
		_ = syscall.Kill(pid, syscall.SIGKILL)
		return nil
	}
	if !errors.Is(err, syscall.ENAMETOOLONG) {
		return err
	}
	if _, statErr := os.Stat(dir); dir != "" && errors.Is(statErr, syscall.ENAMETOOLONG) {
		return err
	}
	return nil
}

// refusedCredential finds out which of its IDs a child could not take.
func refusedCredential(cred *Credential, cause error) error {
	partial := &Credential{UID: os.Geteuid(), GID: os.Getegid(), Groups: cred.Groups}
	if try(partial, "") != nil {
		return &credentialError{textSetgroups, cause}
	}
	partial.GID = cred.GID
	if try(partial, "") != nil {
		return &credentialError{textSetgid, cause}
	}
	return cause
}
