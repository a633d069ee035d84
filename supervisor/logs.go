package supervisor

import (
	"context"
	"os"

	"github.com/vigilance-go/vigilance/supervisor/childlog"
)

// LogPath returns the file that holds the stdout, or the stderr, of the
// process that namespec names; empty when it has none. The error is a Fault
// BAD_NAME or SHUTDOWN_STATE.
func (d *Daemon) LogPath(ctx context.Context, namespec string, ofStderr bool) (string, error) {
	channel := stdout
	if ofStderr {
		channel = stderr
	}
	var path string
	err := d.ask(ctx, func() error {
		p, err := d.findOne(namespec)
		if err == nil {
			path = p.logPath[channel]
		}
		return err
	})
	return path, err
}

// MainLogPath returns the file of the daemon's own log; empty when it has
// none.
func (d *Daemon) MainLogPath() string { return d.log.Path() }

// ClearMainLog removes the daemon's own log and begins a new one. The error
// is a Fault: NO_FILE, FAILED or SHUTDOWN_STATE.
func (d *Daemon) ClearMainLog(ctx context.Context) error {
	if err := d.ask(ctx, func() error { return nil }); err != nil {
		return err
	}
	if _, err := os.Stat(d.log.Path()); err != nil {
		return NewFault(FaultNoFile, "")
	}
	if err := d.log.Clear(); err != nil {
		return NewFault(FaultFailed, "")
	}
	return nil
}

// ClearLogs removes the logs of the running process that namespec names and
// begins new ones. The error is a Fault: BAD_NAME, FAILED or SHUTDOWN_STATE.
func (d *Daemon) ClearLogs(ctx context.Context, namespec string) error {
	var files []*childlog.File
	err := d.ask(ctx, func() error {
		p, err := d.findOne(namespec)
		if err == nil {
			files = p.openLogs()
		}
		return err
	})
	if err != nil {
		return err
	}
	return clearFiles(files, namespec)
}

// ClearAllLogs is ClearLogs for every process. The error is a Fault
// SHUTDOWN_STATE.
func (d *Daemon) ClearAllLogs(ctx context.Context) ([]Result, error) {
	var ps []*proc
	var files [][]*childlog.File
	err := d.ask(ctx, func() error {
		ps = d.byPriority()
		for _, p := range ps {
			files = append(files, p.openLogs())
		}
		return nil
	})
	results := make([]Result, 0, len(ps))
	for i, p := range ps {
		results = append(results, result(p, clearFiles(files[i], Namespec(p.group.cfg.Name, p.cfg.Name))))
	}
	return results, err
}

// clearFiles clears the logs of one process. It touches the disk, so it never
// runs in the loop.
func clearFiles(files []*childlog.File, namespec string) error {
	for _, f := range files {
		if err := f.Clear(); err != nil {
			return NewFault(FaultFailed, namespec)
		}
	}
	return nil
}

// openLogs returns the log files that the process has open: none when it does
// not run.
func (p *proc) openLogs() []*childlog.File {
	if p.run == nil || p.run.child == nil {
		return nil
	}
	var files []*childlog.File
	for _, o := range p.run.outputs {
		if o != nil && o.file != nil {
			files = append(files, o.file)
		}
	}
	return files
}

// reopenLogs reopens the logs of everything that runs, off the loop: a disk
// may be slow.
func (d *Daemon) reopenLogs() {
	var files []*childlog.File
	for _, g := range d.order {
		for _, p := range g.procs {
			files = append(files, p.openLogs()...)
		}
	}
	go func() { // ends when the last is reopened
		for _, f := range files {
			f.Reopen()
		}
	}()
}
