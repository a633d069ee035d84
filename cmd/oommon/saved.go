package main

import (
	"os"
	"strings"
	"time"
)

// past is what of an oommon must survive its restart, so that what happened
// meanwhile is told, and nothing twice.
type past struct {
	Boot   string               `json:"boot"`   // the counts begin anew with each
	Groups map[string]int64     `json:"groups"` // counts of kills, by the cgroup's folder
	Files  map[string]time.Time `json:"files,omitempty"`
	Owners map[int]owner        `json:"owners"`
}

// recall takes up what the oommon before knew, which may have been killed. A
// count that has fallen is that of another cgroup.
func (m *oommon) recall() {
	var p past
	m.saved.Load(&p)
	if p.Boot != m.boot || m.boot == "" {
		return
	}
	for path, when := range p.Files {
		m.files[path] = when
	}
	if kills, ok := p.Groups[m.ownDir()]; ok && kills <= m.own.kills {
		m.own.kills = kills
	}
	for pid, o := range p.Owners {
		kills, counted := p.Groups[o.Cgroup]
		if g, err := m.find(pid); err == nil && counted && g.Dir == o.Cgroup && m.groups[g.Dir] == nil {
			if now, err := g.OOMKills(); err == nil {
				m.groups[g.Dir] = &group{Group: g, kills: min(kills, now)}
			}
		}
		m.owners[pid] = o
	}
}

// ownDir is the folder of the daemon's cgroup; empty where there is none.
func (m *oommon) ownDir() string {
	if m.own == nil {
		return ""
	}
	return m.own.Dir
}

// write writes down what the next oommon must know.
func (m *oommon) write() {
	p := past{Boot: m.boot, Groups: map[string]int64{}, Files: m.files, Owners: map[int]owner{}}
	for dir, g := range m.groups {
		p.Groups[dir] = g.kills - g.unmatched
	}
	for pid, o := range m.owners {
		if pid == o.PID { // children are found anew
			p.Owners[pid] = o
		}
	}
	m.saved.Save(p)
}

// bootID names the run of the kernel; it is empty where the system does not tell.
func bootID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
}
