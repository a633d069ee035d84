package config

import (
	"maps"
	"slices"
)

// Diff tells what has to be done to get from the running groups to the wanted
// ones: groups to add, groups whose configuration changed (as wanted), and
// groups to remove (as running). Each keeps the order of its list. Of two
// groups with one name in a list, the later counts for the comparison.
func Diff(running, wanted []*Group) (added, changed, removed []*Group) {
	was, will := groupsByName(running), groupsByName(wanted)
	for _, group := range wanted {
		switch before, ok := was[group.Name]; {
		case !ok:
			added = append(added, group)
		case !sameGroup(before, group):
			changed = append(changed, group)
		}
	}
	for _, group := range running {
		if _, ok := will[group.Name]; !ok {
			removed = append(removed, group)
		}
	}
	return added, changed, removed
}

func groupsByName(groups []*Group) map[string]*Group {
	byName := make(map[string]*Group, len(groups))
	for _, group := range groups {
		byName[group.Name] = group
	}
	return byName
}

func sameGroup(running, wanted *Group) bool {
	return running.Kind == wanted.Kind &&
		running.Name == wanted.Name &&
		running.Priority == wanted.Priority &&
		slices.EqualFunc(running.Programs, wanted.Programs, sameProgram) &&
		samePool(running.Pool, wanted.Pool) &&
		sameSocket(running.Socket, wanted.Socket)
}

func samePool(running, wanted *Pool) bool {
	if running == nil || wanted == nil {
		return running == wanted
	}
	return running.BufferSize == wanted.BufferSize && slices.Equal(running.Events, wanted.Events)
}

// sameSocket compares addresses only: the owner, mode and backlog of a socket
// that is open already are no reason to restart its processes.
func sameSocket(running, wanted *FastCGISocket) bool {
	if running == nil || wanted == nil {
		return running == wanted
	}
	return running.Network == wanted.Network && running.Path == wanted.Path &&
		running.Host == wanted.Host && running.Port == wanted.Port
}

// sameProgram compares all that a process can see of its configuration. The
// section's name is not part of it.
func sameProgram(running, wanted *Program) bool {
	return running.Name == wanted.Name &&
		samePointer(running.UID, wanted.UID) &&
		running.Command == wanted.Command &&
		running.Directory == wanted.Directory &&
		samePointer(running.Umask, wanted.Umask) &&
		running.Priority == wanted.Priority &&
		running.AutoStart == wanted.AutoStart &&
		running.AutoRestart == wanted.AutoRestart &&
		running.StartSecs == wanted.StartSecs &&
		running.StartRetries == wanted.StartRetries &&
		sameLog(running.Stdout, wanted.Stdout) &&
		sameLog(running.Stderr, wanted.Stderr) &&
		running.StopSignal == wanted.StopSignal &&
		running.StopWaitSecs == wanted.StopWaitSecs &&
		running.StopAsGroup == wanted.StopAsGroup &&
		running.KillAsGroup == wanted.KillAsGroup &&
		slices.Equal(running.ExitCodes, wanted.ExitCodes) &&
		running.RedirectStderr == wanted.RedirectStderr &&
		maps.Equal(running.Environment, wanted.Environment) &&
		running.ServerURL == wanted.ServerURL
}

func samePointer[T comparable](a, b *T) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// sameLog compares the logs of one stream. A wanted automatic log is content
// with whatever file is there. The reverse does not hold, because the running
// process has got a file name by then, which no other one equals.
func sameLog(running, wanted Log) bool {
	if wanted.Target == LogAuto {
		wanted.Target, wanted.File = running.Target, running.File
	}
	return running == wanted
}
