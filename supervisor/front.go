package supervisor

import (
	"context"

	"github.com/vigilance-go/vigilance/supervisor/config"
	"github.com/vigilance-go/vigilance/supervisor/mainlog"
)

// ReferenceVersion is the release of Python's Supervisor whose behaviour the
// daemon has, as clients learn it by getSupervisorVersion.
const ReferenceVersion = "4.3.0"

// Log is the daemon's own log, for those who serve its clients.
func (d *Daemon) Log() *mainlog.Logger { return d.log }

// RPCNamespaces returns the names under which clients find the methods of
// supervisor: those of the [rpcinterface:x] sections.
func (d *Daemon) RPCNamespaces() []string {
	var names []string
	for _, i := range d.opts.Config.RPCInterfaces {
		names = append(names, i.Name)
	}
	return names
}

// AutoLogs returns the log files whose name was the daemon's choice, stdout's
// first, by the program for which they were made. Programs of a newer
// configuration that has not been put to work are not among them. The error
// is a Fault SHUTDOWN_STATE.
func (d *Daemon) AutoLogs(ctx context.Context) (map[*config.Program][2]string, error) {
	files := make(map[*config.Program][2]string)
	err := d.ask(ctx, func() error {
		for _, g := range d.order {
			for _, p := range g.procs {
				var made [2]string
				if p.cfg.Stdout.Target == config.LogAuto {
					made[stdout] = p.logPath[stdout]
				}
				if p.cfg.Stderr.Target == config.LogAuto {
					made[stderr] = p.logPath[stderr]
				}
				if made != [2]string{} {
					files[p.cfg] = made
				}
			}
		}
		return nil
	})
	return files, err
}
