package main

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"

	"github.com/vigilance-go/vigilance/cmd/internal/alert"
	"github.com/vigilance-go/vigilance/cmd/internal/check"
	"github.com/vigilance-go/vigilance/cmd/internal/memory"
	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/notify"
	"github.com/vigilance-go/vigilance/supervisor/ctl/client"
)

// oommon looks for kills. Its fields below mu belong to the one goroutine that
// looks.
type oommon struct {
	options
	station *check.Station
	wake    chan struct{}

	mu     sync.Mutex
	exited []listener.ProcessState // since the last look

	table  *memory.Table
	kernel kernel // nil where the kernel's log cannot be read
	own    *group // the daemon's; nil where there is none
	groups map[string]*group
	owners map[int]owner // of pids, as of the last look
	find   func(pid int) (memory.Group, error)
	files  sentinels

	saved *check.Saved
	boot  string // which run of the kernel this is; empty where it is not known
}

// kernel is the kernel's log.
type kernel interface {
	Kills() ([]memory.Kill, error)
}

// owner is the process of supervisord that a process belongs to: itself or one
// of its children.
type owner struct {
	client.ProcessInfo
	Cgroup string `json:"cgroup,omitempty"` // its folder; empty where it has none
}

// group is a cgroup and its count of kills.
type group struct {
	memory.Group
	kills     int64
	unmatched int64 // kills that nothing was known of at the last look
	waited    bool  // for the kernel to name them
}

// run is oommon, from its options to its end.
func run(ctx context.Context, o options, stderr *alert.Stderr, stdout io.Writer, serve ...listener.Option) error {
	if o.Check {
		return o.CheckMail(ctx, stdout)
	}
	if o.Test {
		if len(o.Targets)+len(o.Others) == 0 {
			return errors.New("send a test mail: no recipient, want -m ADDRESS")
		}
		return o.SendTest(ctx, notify.Message{
			Subject: o.Subject("a process of test was killed by the OOM killer"),
			Body: "Process 4711 (worker) of test was killed by the OOM killer:\n" +
				"Memory cgroup out of memory: Killed process 4711 (worker) total-vm:1048576kB, anon-rss:524288kB\n" +
				"test is in RUNNING state, restarting\ntest restarted",
		}, stdout)
	}
	if o.Env.ServerURL == "" {
		return o.NotAListener(stderr, section)
	}
	m, err := newOommon(ctx, o, stderr)
	if err != nil {
		return err
	}
	log, kernelErr := memory.OpenKernelLog()
	if kernelErr == nil {
		m.kernel = log
	}
	groupErr := m.openOwn()
	switch {
	case kernelErr != nil && groupErr != nil && len(o.sentinels) == 0:
		return errors.Join(errors.New("find out about kills: there is no way to"), kernelErr, groupErr)
	case kernelErr != nil && groupErr != nil:
		m.station.Log.Warn("kills will not be seen, only --sentinel", "kernel", kernelErr, "cgroup", groupErr)
	case kernelErr != nil:
		m.station.Log.Warn("the kernel's log cannot be read, so it is guessed from counts of cgroups which process was killed", "err", kernelErr)
	}
	m.recall()
	return m.station.Serve(ctx, m.handle, serve...)
}

// newOommon returns an oommon that has neither the kernel's log nor a cgroup.
func newOommon(ctx context.Context, o options, stderr *alert.Stderr) (*oommon, error) {
	station, err := check.NewStation(ctx, o.Options, stderr)
	if err != nil {
		return nil, err
	}
	table, err := memory.NewTable()
	if err != nil {
		return nil, err
	}
	return &oommon{
		options: o, station: station, wake: make(chan struct{}, 1), table: table,
		groups: map[string]*group{}, owners: map[int]owner{}, find: memory.CgroupOf, files: sentinels{},
		saved: o.Saved("kills", station.Log), boot: bootID(),
	}, nil
}

// handle notes what happened and lets the other goroutine look.
func (m *oommon) handle(_ context.Context, ev listener.Event) {
	if p, ok := ev.Body.(listener.ProcessState); ok {
		if p.EventType != listener.ProcessStateExited || p.Expected {
			return
		}
		m.mu.Lock()
		m.exited = append(m.exited, p)
		m.mu.Unlock()
	} else if !strings.HasPrefix(string(ev.Header.EventName), "TICK") {
		return
	}
	m.station.Beside.Go("look", m.watch)
	select {
	case m.wake <- struct{}{}:
	default: // it is going to look anyway
	}
}

// watch looks whenever it is woken, until the tool is asked to end.
func (m *oommon) watch() {
	ctx := m.station.Beside.Watch
	for {
		select {
		case <-m.wake:
			m.look(ctx)
			check.Relax()
		case <-ctx.Done():
			return
		}
	}
}
