package main

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/vigilance-go/vigilance/cmd/internal/check"
	"github.com/vigilance-go/vigilance/cmd/internal/memory"
	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/supervisor/ctl/client"
)

// casualty is what is known of one process of supervisord that has lost a
// process, or says that it has run out of memory.
type casualty struct {
	Of    client.ProcessInfo // when it happened
	Died  bool               // it is the process itself that was killed
	Lines []string
	Files []string // the sentinels that have appeared
}

// openOwn finds the cgroup of the daemon, which is this process's too, and
// counts its kills so far.
func (m *oommon) openOwn() error {
	g, err := m.find(os.Getpid())
	if err != nil {
		return err
	}
	kills, err := g.OOMKills()
	if err != nil {
		return err
	}
	m.own = &group{Group: g, kills: kills}
	m.groups[g.Dir] = m.own
	return nil
}

// look finds out what was killed since the last look, and acts on it.
func (m *oommon) look(ctx context.Context) {
	m.mu.Lock()
	exited := m.exited
	m.exited = nil
	m.mu.Unlock()

	infos, err := check.Infos(ctx, m.station.Daemon)
	if err != nil {
		if ctx.Err() == nil {
			m.station.Log.Error("cannot learn of the processes", "err", err)
		}
		infos = nil // what was known of them serves once more
	}
	var kills []memory.Kill
	if m.kernel != nil {
		if kills, err = m.kernel.Kills(); err != nil {
			m.station.Log.Error("the kernel's log cannot be read any more", "err", err)
			m.kernel = nil
		}
	}
	found := &findings{by: map[string]*casualty{}}
	counts := m.count()
	m.fromKernel(found, kills, exited, counts)
	m.fromCounts(found, exited, counts)
	for _, p := range infos {
		if p.PID != 0 && m.selected(p) {
			for _, path := range m.files.appeared(m.sentinels, p) {
				c := found.of(p)
				c.Files = append(c.Files, path)
				c.Lines = append(c.Lines, fmt.Sprintf("%s has left %s: it ran out of memory", check.Namespec(p), path))
			}
		}
	}
	m.act(found, infos)
	if infos != nil {
		m.remember(infos)
		m.write()
	}
}

// findings are the casualties of a look, in the order in which they were found,
// and those whose process of supervisord is not known.
type findings struct {
	by      map[string]*casualty
	order   []string
	strange []string // lines
	where   string   // the cgroup of the strange ones
}

func (f *findings) of(p client.ProcessInfo) *casualty {
	name := check.Namespec(p)
	if f.by[name] == nil {
		f.by[name] = &casualty{Of: p}
		f.order = append(f.order, name)
	}
	return f.by[name]
}

// count returns how many kills there were in each cgroup since the last look,
// by its folder, and what was left over then.
func (m *oommon) count() map[string]int64 {
	counts := map[string]int64{}
	for dir, g := range m.groups {
		kills, err := g.OOMKills()
		if err != nil {
			delete(m.groups, dir) // it is gone, as those of programs do
			continue
		}
		counts[dir] = kills - g.kills + g.unmatched
		g.kills, g.unmatched = kills, 0
	}
	return counts
}

// fromKernel assigns the kills that the kernel names to processes, and takes
// them off the counts.
func (m *oommon) fromKernel(found *findings, kills []memory.Kill, exited []listener.ProcessState, counts map[string]int64) {
	for _, k := range kills {
		o, ok := m.owners[k.PID]
		if !ok {
			i := slices.IndexFunc(exited, func(e listener.ProcessState) bool { return e.PID == k.PID })
			if i >= 0 {
				o, ok = owner{ProcessInfo: infoOf(exited[i])}, true
			}
		}
		if ok && o.Cgroup == "" && m.own != nil {
			o.Cgroup = m.own.Dir
		}
		switch {
		case ok:
			counts[o.Cgroup]--
			m.lose(found, o.ProcessInfo, k.PID, fmt.Sprintf("Process %d (%s) of %s was killed by the OOM killer:\n%s",
				k.PID, k.Name, check.Namespec(o.ProcessInfo), k.Text))
		case m.alone(k.Cgroup) != nil:
			o = *m.alone(k.Cgroup)
			counts[o.Cgroup]--
			m.lose(found, o.ProcessInfo, k.PID, fmt.Sprintf("Process %d (%s) in the cgroup of %s was killed by the OOM killer:\n%s",
				k.PID, k.Name, check.Namespec(o.ProcessInfo), k.Text))
		case m.own != nil && k.Cgroup == m.own.Path && k.Cgroup != "/":
			counts[m.own.Dir]--
			found.strange = append(found.strange, fmt.Sprintf("Process %d (%s) was killed by the OOM killer. "+
				"It was started so recently that its program is not known:\n%s", k.PID, k.Name, k.Text))
			found.where = k.Cgroup
		}
	}
}

// alone returns the only process of supervisord in a cgroup that is not the
// daemon's; nil where there are more, or none.
func (m *oommon) alone(path string) *owner {
	for dir, g := range m.groups {
		if in := m.inGroup(dir); g.Path == path && g != m.own && len(in) == 1 {
			return &owner{ProcessInfo: in[0], Cgroup: dir}
		}
	}
	return nil
}

// some is a number of processes, for a person.
func some(n int64) string {
	if n == 1 {
		return "a process"
	}
	return fmt.Sprintf("%d processes", n)
}

// lose notes that a process has lost one, unless it is none that was asked for.
func (m *oommon) lose(found *findings, p client.ProcessInfo, pid int, line string) {
	if !m.selected(p) {
		return
	}
	c := found.of(p)
	c.Died = c.Died || pid == p.PID
	c.Lines = append(c.Lines, line)
}

// fromCounts assigns what the kernel does not name: first to the processes that
// have ended, then to the only one in a cgroup. What is left is told as it is;
// where the kernel's log can be read, only if it says nothing until the next
// look.
func (m *oommon) fromCounts(found *findings, exited []listener.ProcessState, counts map[string]int64) {
	for _, e := range exited {
		p := infoOf(e)
		dir := m.groupOf(e.PID)
		if c := found.by[check.Namespec(p)]; c != nil && c.Died || counts[dir] <= 0 {
			continue
		}
		counts[dir]--
		m.lose(found, p, p.PID, fmt.Sprintf("Process %d of %s has ended, and the OOM killer has killed a process in its cgroup %s",
			e.PID, check.Namespec(p), m.groups[dir].Path))
	}
	for dir, n := range counts {
		g := m.groups[dir]
		if n <= 0 || g == nil {
			continue
		}
		in := m.inGroup(dir)
		switch {
		case len(in) == 1 && g != m.own:
			m.lose(found, in[0], 0, fmt.Sprintf("The OOM killer has killed %s of %s, in its cgroup %s", some(n), check.Namespec(in[0]), g.Path))
		case m.kernel != nil && !g.waited:
			g.unmatched, g.waited = n, true
			continue
		default:
			found.strange = append(found.strange, fmt.Sprintf("The OOM killer has killed %s in cgroup %s, where these run: %s",
				some(n), g.Path, names(in)))
			found.where = g.Path
		}
		g.waited = false
	}
}

// groupOf returns the folder of a process's cgroup, as of the last look.
func (m *oommon) groupOf(pid int) string {
	if o, ok := m.owners[pid]; ok && o.Cgroup != "" {
		return o.Cgroup
	}
	if m.own != nil {
		return m.own.Dir
	}
	return ""
}

// inGroup returns the processes of supervisord in a cgroup, as of the last
// look.
func (m *oommon) inGroup(dir string) []client.ProcessInfo {
	var in []client.ProcessInfo
	for pid, o := range m.owners {
		if pid == o.PID && o.Cgroup == dir {
			in = append(in, o.ProcessInfo)
		}
	}
	slices.SortFunc(in, func(a, b client.ProcessInfo) int { return a.PID - b.PID })
	return in
}

// selected tells whether a process is one of those that were asked for, and not
// this listener.
func (m *oommon) selected(p client.ProcessInfo) bool {
	return !m.Own(p.Group) && m.selection.Has(p.Group, p.Name)
}

// infoOf returns what an event tells of a process.
func infoOf(e listener.ProcessState) client.ProcessInfo {
	return client.ProcessInfo{Name: e.ProcessName, Group: e.GroupName, PID: e.PID, State: client.Exited, StateName: "EXITED"}
}

// remember notes which processes belong to which process of supervisord, and
// their cgroups.
func (m *oommon) remember(infos []client.ProcessInfo) {
	parents, err := m.table.Parents()
	if err != nil {
		m.station.Log.Error("cannot read which processes there are", "err", err)
		parents = map[int]int{}
	}
	m.owners = map[int]owner{}
	for _, p := range infos {
		if p.PID == 0 {
			continue
		}
		o := owner{ProcessInfo: p}
		if g, err := m.find(p.PID); err == nil {
			o.Cgroup = g.Dir
			if m.groups[g.Dir] == nil {
				if kills, err := g.OOMKills(); err == nil {
					m.groups[g.Dir] = &group{Group: g, kills: kills}
				}
			}
		}
		m.owners[p.PID] = o
	}
	for pid := range parents {
		m.adopt(pid, parents)
	}
	for dir, g := range m.groups { // a cgroup that nobody is in any more is not watched
		if g != m.own && len(m.inGroup(dir)) == 0 {
			delete(m.groups, dir)
		}
	}
}

// adopt notes whose child a process is.
func (m *oommon) adopt(pid int, parents map[int]int) {
	for ancestor, steps := pid, 0; ancestor > 1 && steps < len(parents); ancestor, steps = parents[ancestor], steps+1 {
		if o, ok := m.owners[ancestor]; ok {
			m.owners[pid] = o
			return
		}
	}
}
