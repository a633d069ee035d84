package supervisor

import (
	"strings"
	"syscall"
	"time"

	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/supervisor/process"
)

// reportEvery is the time between two "waiting for ... to die".
const reportEvery = 3 * time.Second

// Signal tells the daemon of a signal that it received. It does not block
// once Run has returned.
func (d *Daemon) Signal(sig syscall.Signal) { d.send(signalled{sig}) }

// signalled is the message that the daemon received a signal.
type signalled struct{ sig syscall.Signal }

func (m signalled) apply(d *Daemon) { d.signalled(m.sig) }

// signalled acts on a signal as the manual's page on signals says.
func (d *Daemon) signalled(sig syscall.Signal) {
	switch sig {
	case syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT:
		d.log.Logf(levelWarn, "received %s indicating exit request", process.SignalName(int(sig)))
		d.mood = MoodShutdown
	case syscall.SIGHUP:
		if d.mood == MoodShutdown {
			d.log.Logf(levelWarn, "ignored %s indicating restart request (shutdown in progress)", process.SignalName(int(sig)))
			return
		}
		d.log.Logf(levelWarn, "received %s indicating restart request", process.SignalName(int(sig)))
		d.mood = MoodRestarting
	case syscall.SIGUSR2:
		d.log.Logf(levelInfo, "received %s indicating log reopen request", process.SignalName(int(sig)))
		d.log.Log(levelInfo, "supervisord logreopen")
		d.log.Reopen()
		d.reopenLogs()
	default:
		d.log.Logf(levelBlather, "received %s indicating nothing", process.SignalName(int(sig)))
	}
}

// stopNext carries an orderly stop forward: the groups of the highest
// priority value are stopped together, the next ones when nothing of them is
// left. It reports true when everything has stopped.
func (d *Daemon) stopNext() bool {
	if d.mood >= MoodRunning {
		return false
	}
	if !d.stopping {
		d.stopping = true
		d.autostart = nil
		d.stopGroups = d.sortedGroups()
		d.notify(listener.SupervisorStateChange{EventType: listener.SupervisorStopping})
		d.stopBatch()
		d.shutdownReport()
	}
	for len(d.stopGroups) > 0 {
		last := d.stopGroups[len(d.stopGroups)-1]
		if last.active > 0 {
			return false
		}
		d.stopGroups = d.stopGroups[:len(d.stopGroups)-1]
		if n := len(d.stopGroups); n > 0 && d.stopGroups[n-1].cfg.Priority != last.cfg.Priority {
			d.stopBatch()
		}
	}
	return !d.orphans.stopping()
}

// stopBatch stops all groups that share the highest priority value of those
// left.
func (d *Daemon) stopBatch() {
	for i := len(d.stopGroups) - 1; i >= 0; i-- {
		if d.stopGroups[i].cfg.Priority != d.stopGroups[len(d.stopGroups)-1].cfg.Priority {
			return
		}
		d.stopAll(d.stopGroups[i])
	}
}

// shutdownReport logs what has not stopped yet, and will do so again.
func (d *Daemon) shutdownReport() {
	var names []string
	var left []*proc
	for _, g := range d.order {
		for _, p := range g.unstopped() {
			names = append(names, p.cfg.Name)
			left = append(left, p)
		}
	}
	if len(left) == 0 {
		return
	}
	d.log.Logf(levelInfo, "waiting for %s to die", strings.Join(names, ", "))
	for _, p := range left {
		d.log.Logf(levelBlather, "%s state: %s", p.cfg.Name, p.st.State)
	}
	d.timers.set(&d.report, d.now().Add(reportEvery))
}
