package web

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/vigilance-go/vigilance/supervisor"
	"github.com/vigilance-go/vigilance/supervisor/config"
)

// change is a difference between what runs and the configuration that was read
// last, as the page shows it.
type change struct {
	Name string `json:"name"`
	Kind string `json:"kind"` // "added", "changed" or "removed"
	// Details tell what an update would make different, one sentence each.
	Details []string `json:"details"`
}

// lookForPending returns what an update would change. It is empty when the
// daemon is going down.
func (h *hub) lookForPending(ctx context.Context) []change {
	pending, err := h.daemon.Pending(ctx)
	if err != nil {
		return nil
	}
	return describeChanges(pending)
}

// pendingMessage is never null on the wire.
func pendingMessage(changes []change) []change {
	if changes == nil {
		return []change{}
	}
	return changes
}

func sameChanges(a, b []change) bool {
	return slices.EqualFunc(a, b, func(x, y change) bool {
		return x.Name == y.Name && x.Kind == y.Kind && slices.Equal(x.Details, y.Details)
	})
}

// describeChanges words all differences.
func describeChanges(pending []supervisor.GroupChange) []change {
	var all []change
	for _, p := range pending {
		c := change{Name: p.Name(), Details: []string{}}
		switch {
		case p.Running == nil:
			c.Kind = "added"
			c.Details = append(c.Details, countOf(p.Wanted)+", started unless autostart is off")
		case p.Wanted == nil:
			c.Kind = "removed"
			c.Details = append(c.Details, countOf(p.Running)+", stopped first")
		default:
			c.Kind = "changed"
			c.Details = append(c.Details, differences(p.Running, p.Wanted)...)
		}
		all = append(all, c)
	}
	return all
}

// countOf counts a group's processes.
func countOf(g *config.Group) string {
	if n := len(g.Programs); n != 1 {
		return strconv.Itoa(n) + " processes"
	}
	return "1 process"
}

// differences tells what is different about a group. Processes with the same
// differences, such as all of one section, share a line.
func differences(running, wanted *config.Group) []string {
	var lines []string
	note := func(option, was, is string) {
		if was != is {
			lines = append(lines, fmt.Sprintf("%s: %s → %s", option, shown(was), shown(is)))
		}
	}
	note("priority of the group", strconv.Itoa(running.Priority), strconv.Itoa(wanted.Priority))
	note("kind", kindName(running.Kind), kindName(wanted.Kind))
	if running.Pool != nil && wanted.Pool != nil {
		note("events", strings.Join(running.Pool.Events, ","), strings.Join(wanted.Pool.Events, ","))
		note("buffer_size", strconv.Itoa(running.Pool.BufferSize), strconv.Itoa(wanted.Pool.BufferSize))
	}
	if running.Socket != nil && wanted.Socket != nil {
		note("socket", running.Socket.URL(), wanted.Socket.URL())
	}
	before := make(map[string]*config.Program, len(running.Programs))
	for _, p := range running.Programs {
		before[p.Name] = p
	}
	for _, p := range wanted.Programs {
		was := before[p.Name]
		delete(before, p.Name)
		if was == nil {
			lines = append(lines, "new process "+p.Name)
			continue
		}
		for _, line := range programDifferences(was, p) {
			if !slices.Contains(lines, line) {
				lines = append(lines, line)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(before)) {
		lines = append(lines, "no more process "+name)
	}
	return lines
}

func kindName(k config.GroupKind) string {
	switch k {
	case config.GroupPrograms:
		return "programs"
	case config.GroupEventListener:
		return "event listeners"
	case config.GroupFastCGI:
		return "FastCGI programs"
	}
	return strconv.Itoa(int(k))
}

// shown makes an empty value visible, and a long one short.
func shown(value string) string {
	const most = 120
	if value == "" {
		return "(none)"
	}
	if r := []rune(value); len(r) > most {
		return string(r[:most]) + "…"
	}
	return value
}

// programDifferences tells in which options two configurations of a process
// differ. Of its environment only names are shown, as values may be secrets.
func programDifferences(was, is *config.Program) []string {
	var lines []string
	for _, option := range []struct {
		name string
		of   func(*config.Program) string
	}{
		{"command", func(p *config.Program) string { return p.Command }},
		{"directory", func(p *config.Program) string { return p.Directory }},
		{"umask", func(p *config.Program) string { return pointed(p.Umask, 8) }},
		{"priority", func(p *config.Program) string { return strconv.Itoa(p.Priority) }},
		{"autostart", func(p *config.Program) string { return strconv.FormatBool(p.AutoStart) }},
		{"autorestart", func(p *config.Program) string { return restartName(p.AutoRestart) }},
		{"startsecs", func(p *config.Program) string { return p.StartSecs.String() }},
		{"startretries", func(p *config.Program) string { return strconv.Itoa(p.StartRetries) }},
		{"user id", func(p *config.Program) string { return pointed(p.UID, 10) }},
		{"stopsignal", func(p *config.Program) string { return p.StopSignal.String() }},
		{"stopwaitsecs", func(p *config.Program) string { return p.StopWaitSecs.String() }},
		{"stopasgroup", func(p *config.Program) string { return strconv.FormatBool(p.StopAsGroup) }},
		{"killasgroup", func(p *config.Program) string { return strconv.FormatBool(p.KillAsGroup) }},
		{"exitcodes", func(p *config.Program) string { return fmt.Sprint(p.ExitCodes) }},
		{"redirect_stderr", func(p *config.Program) string { return strconv.FormatBool(p.RedirectStderr) }},
		{"serverurl", func(p *config.Program) string { return p.ServerURL }},
	} {
		if a, b := option.of(was), option.of(is); a != b {
			lines = append(lines, fmt.Sprintf("%s: %s → %s", option.name, shown(a), shown(b)))
		}
	}
	if names := changedNames(was.Environment, is.Environment); names != "" {
		lines = append(lines, "environment: "+names)
	}
	if was.Stdout != is.Stdout && is.Stdout.Target != config.LogAuto {
		lines = append(lines, "log of stdout")
	}
	if was.Stderr != is.Stderr && is.Stderr.Target != config.LogAuto {
		lines = append(lines, "log of stderr")
	}
	return lines
}

// pointed shows an optional number.
func pointed(n *int, base int) string {
	if n == nil {
		return ""
	}
	return strconv.FormatInt(int64(*n), base)
}

func restartName(r config.AutoRestart) string {
	switch r {
	case config.RestartNever:
		return "false"
	case config.RestartUnexpected:
		return "unexpected"
	case config.RestartAlways:
		return "true"
	}
	return strconv.Itoa(int(r))
}

// changedNames lists the variables that two environments do not agree on.
func changedNames(was, is map[string]string) string {
	var names []string
	for name, value := range is {
		if before, had := was[name]; !had || before != value {
			names = append(names, name)
		}
	}
	for name := range was {
		if _, has := is[name]; !has {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
