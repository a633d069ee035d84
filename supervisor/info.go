package supervisor

import (
	"cmp"
	"context"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/vigilance-go/vigilance/supervisor/config"
	"github.com/vigilance-go/vigilance/supervisor/process"
)

// ProcessInfo is what clients may know about a process at one moment.
type ProcessInfo struct {
	Name, Group string
	State       process.State
	PID         int // 0 when not running
	// Start and Stop are zero when that never happened; Now is the moment.
	Start, Stop, Now time.Time
	SpawnErr         string
	ExitStatus       int    // -1 after an end by a signal
	Stdout, Stderr   string // log files; empty for none
}

// Namespec is the name under which clients know the process.
func (i *ProcessInfo) Namespec() string { return Namespec(i.Group, i.Name) }

// Description is the text that status shows behind the state: the pid and
// uptime, the reason of a failure, or when the process stopped, in local time.
func (i *ProcessInfo) Description() string { return string(i.AppendDescription(nil)) }

// AppendDescription appends Description to b.
func (i *ProcessInfo) AppendDescription(b []byte) []byte {
	switch i.State {
	case process.Running:
		b = strconv.AppendInt(append(b, "pid "...), int64(i.PID), 10)
		return appendUptime(append(b, ", uptime "...), max(0, i.Now.Unix()-i.Start.Unix()))
	case process.Fatal, process.Backoff:
		if i.SpawnErr != "" {
			return append(b, i.SpawnErr...)
		}
		return append(append(append(b, `unknown error (try "tail `...), i.Name...), `")`...)
	case process.Stopped, process.Exited:
		if i.Start.IsZero() {
			return append(b, "Not started"...)
		}
		return i.Stop.Local().AppendFormat(b, "Jan 02 03:04 PM")
	case process.Starting, process.Stopping, process.Unknown:
	}
	return b
}

// appendUptime appends seconds as the reference shows them: "0:01:05",
// "1 day, 2:00:00".
func appendUptime(b []byte, secs int64) []byte {
	const day = 24 * 3600
	switch days := secs / day; days {
	case 0:
	case 1:
		b = append(b, "1 day, "...)
	default:
		b = append(strconv.AppendInt(b, days, 10), " days, "...)
	}
	b = strconv.AppendInt(b, secs%day/3600, 10)
	b = append(b, ':', byte('0'+secs%3600/600), byte('0'+secs%600/60))
	return append(b, ':', byte('0'+secs%60/10), byte('0'+secs%10))
}

// info takes a snapshot of p.
func (d *Daemon) info(p *proc, now time.Time) ProcessInfo {
	return ProcessInfo{
		Name: p.cfg.Name, Group: p.group.cfg.Name,
		State: p.st.State, PID: p.st.PID,
		Start: p.began, Stop: p.ended, Now: now,
		SpawnErr: p.st.SpawnErr, ExitStatus: p.st.ExitStatus,
		Stdout: p.logPath[stdout], Stderr: p.logPath[stderr],
	}
}

// ProcessInfo returns a snapshot of the process that namespec names. The error
// is a Fault BAD_NAME or SHUTDOWN_STATE.
func (d *Daemon) ProcessInfo(ctx context.Context, namespec string) (ProcessInfo, error) {
	var info ProcessInfo
	err := d.ask(ctx, func() error {
		p, err := d.findOne(namespec)
		if err == nil {
			info = d.info(p, d.now())
		}
		return err
	})
	return info, err
}

// AllProcessInfo returns a snapshot of every process, sorted by the names of
// group and process. The error is a Fault SHUTDOWN_STATE.
func (d *Daemon) AllProcessInfo(ctx context.Context) ([]ProcessInfo, error) {
	return d.appendInfos(ctx, nil)
}

// snapshots holds what EachProcessInfo has used before.
type snapshots struct{ pool sync.Pool } // of *[]ProcessInfo

// EachProcessInfo calls use for each element of AllProcessInfo, which must not
// keep it: the memory serves the next call. The error is AllProcessInfo's.
func (d *Daemon) EachProcessInfo(ctx context.Context, use func(*ProcessInfo)) error {
	room, _ := d.snapshots.pool.Get().(*[]ProcessInfo)
	if room == nil {
		room = new([]ProcessInfo)
	}
	infos, err := d.appendInfos(ctx, (*room)[:0])
	if err != nil {
		return err // the loop may still write to the room
	}
	for i := range infos {
		use(&infos[i])
	}
	clear(infos)
	*room = infos
	d.snapshots.pool.Put(room)
	return nil
}

// appendInfos is AllProcessInfo in the memory of infos, which is empty.
func (d *Daemon) appendInfos(ctx context.Context, infos []ProcessInfo) ([]ProcessInfo, error) {
	err := d.ask(ctx, func() error {
		now := d.now()
		total := 0
		for _, g := range d.order {
			total += len(g.procs)
		}
		infos = slices.Grow(infos, total)
		for _, g := range d.order {
			for _, p := range g.procs {
				infos = append(infos, d.info(p, now))
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(infos, func(a, b ProcessInfo) int {
		return cmp.Or(strings.Compare(a.Group, b.Group), strings.Compare(a.Name, b.Name))
	})
	return infos, nil
}

// ConfigInfo is a group of the configuration that was read last.
type ConfigInfo struct {
	Group *config.Group // not to be changed
	InUse bool          // a group of that name runs
}

// AllConfigInfo returns the configuration that was read last, in its order.
// The error is a Fault SHUTDOWN_STATE.
func (d *Daemon) AllConfigInfo(ctx context.Context) ([]ConfigInfo, error) {
	var infos []ConfigInfo
	err := d.ask(ctx, func() error {
		for _, g := range d.wanted {
			infos = append(infos, ConfigInfo{Group: g, InUse: d.groups[g.Name] != nil})
		}
		return nil
	})
	return infos, err
}

// Mood returns the daemon's state. The error is a Fault SHUTDOWN_STATE, with
// which the reference answers even this question on its way down.
func (d *Daemon) Mood(ctx context.Context) (Mood, error) {
	var mood Mood
	err := d.ask(ctx, func() error {
		mood = d.mood
		return nil
	})
	return mood, err
}

// Identifier is the [supervisord] identifier.
func (d *Daemon) Identifier() string { return d.opts.Config.Supervisord.Identifier }

// PID is the daemon's process number.
func (d *Daemon) PID() int { return os.Getpid() }
