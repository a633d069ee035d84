package check

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/vigilance-go/vigilance/listener"
	"github.com/vigilance-go/vigilance/supervisor/config"
	"github.com/vigilance-go/vigilance/supervisor/ctl/client"
)

// Daemon is what of a supervisord's XML-RPC interface the tools use.
type Daemon interface {
	AllProcessInfo(ctx context.Context) ([]client.ProcessInfo, error)
	StopProcess(ctx context.Context, namespec string) error
	StartProcess(ctx context.Context, namespec string) error
}

// infoTimeout bounds a question to the daemon that it answers at once.
const infoTimeout = 30 * time.Second

// NewDaemon returns the daemon that runs this process.
func NewDaemon(env listener.Environment) (*client.Client, error) {
	o := client.Options{URL: env.ServerURL}
	if env.Username != "" {
		o.Username, o.Password = &env.Username, &env.Password
	}
	return client.New(o)
}

// Infos returns all processes of the daemon.
func Infos(ctx context.Context, d Daemon) ([]client.ProcessInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, infoTimeout)
	defer cancel()
	return d.AllProcessInfo(ctx)
}

// Namespec returns the name of a process in the way of Supervisor's
// make_namespec: that of the group comes first where the two differ.
func Namespec(p client.ProcessInfo) string {
	if p.Group == p.Name {
		return p.Name
	}
	return p.Group + ":" + p.Name
}

// Restarter restarts processes. Its methods may be called by several
// goroutines, for different processes.
type Restarter struct {
	daemon   Daemon
	external string
	dryRun   bool
	history  history
	notes    notes
	log      *slog.Logger
}

// NewRestarter returns a Restarter that does what the options say.
func NewRestarter(o Options, d Daemon, log *slog.Logger) *Restarter {
	r := &Restarter{
		daemon: d, external: o.ExternalRestart, dryRun: o.DryRun, notes: openNotes(o), log: log,
		history: history{limit: o.Limit, saved: o.Saved("restarts", log)},
	}
	r.history.load()
	return r
}

// Outcome is what became of a restart.
type Outcome int

// The outcomes.
const (
	Restarted Outcome = iota
	Failed
	Limited // not tried, because the limit is reached
	DryRun  // not tried, because nothing is to be restarted
)

// StopError is a process that could not be stopped.
type StopError struct{ Err error } // the daemon's answer

// StartError is a process that could not be started again.
type StartError struct{ Err error } // the daemon's answer

func (e *StopError) Error() string  { return "stop process: " + e.Err.Error() }
func (e *StartError) Error() string { return "start process: " + e.Err.Error() }

// Unwrap returns the daemon's answer.
func (e *StopError) Unwrap() error { return e.Err }

// Unwrap returns the daemon's answer.
func (e *StartError) Unwrap() error { return e.Err }

// Take reports whether a process may be restarted now: Restarted, DryRun or
// Limited. Each Restarted counts for the limit.
func (r *Restarter) Take(namespec string) Outcome {
	switch {
	case r.dryRun:
		return DryRun
	case !r.history.take(namespec, time.Now()):
		return Limited
	default:
		return Restarted
	}
}

// Limit is the limit that Take keeps.
func (r *Restarter) Limit() Limit { return r.history.limit }

// External reports whether a command of the user's restarts processes.
func (r *Restarter) External() bool { return r.external != "" }

// RunExternal restarts a process by the user's command and returns what that
// prints.
func (r *Restarter) RunExternal(ctx context.Context, namespec string, pid int) (string, error) {
	return Shell(ctx, r.external, namespec, fmt.Sprint(pid))
}

// lastWord is how long a start is waited for when the tool must end.
const lastWord = time.Second

// Stop stops a process and waits until it has ended. The error is a *StopError.
// Until Start, it is noted on disk that the process is to be started.
func (r *Restarter) Stop(ctx context.Context, namespec string) error {
	r.notes.add(namespec)
	if err := r.daemon.StopProcess(ctx, namespec); err != nil {
		if ctx.Err() == nil {
			r.notes.remove(namespec)
		}
		return &StopError{err}
	}
	return nil
}

// Start starts a process and waits until it runs. What Stop has stopped is
// started even where ctx is done by then. The error is a *StartError.
func (r *Restarter) Start(ctx context.Context, namespec string) error {
	late := ctx.Err() != nil
	if late {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), lastWord)
		defer cancel()
	}
	err := r.daemon.StartProcess(ctx, namespec)
	if err == nil || client.FaultCode(err) != 0 && !late {
		r.notes.remove(namespec) // else it may not have stopped yet
	}
	if err == nil {
		return nil
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		r.log.Warn("did not wait until a process runs, because this listener is being stopped", "process", namespec)
		return nil
	}
	return &StartError{err}
}

// ErrorText is how an answer of the daemon stands in superlance's texts.
func ErrorText(err error) string {
	var fault *client.Fault
	if errors.As(err, &fault) {
		return fmt.Sprintf("<Fault %d: %s>", fault.Code, config.PyRepr(fault.String))
	}
	return err.Error()
}

// Restart restarts a process in httpok's words, each line given to write.
// One in another state than RUNNING is only started.
func (r *Restarter) Restart(ctx context.Context, p client.ProcessInfo, write func(string)) Outcome {
	name := Namespec(p)
	outcome := r.Take(name)
	switch outcome {
	case DryRun:
		write(fmt.Sprintf("%s is in %s state, would be restarted", name, p.StateName))
		return outcome
	case Limited:
		write(fmt.Sprintf("%s was restarted %s, NOT restarting", name, r.Limit()))
		return outcome
	case Restarted, Failed:
	}
	write(fmt.Sprintf("%s is in %s state, restarting", name, p.StateName))
	if r.External() {
		output, err := r.RunExternal(ctx, name, p.PID)
		if output != "" {
			write(fmt.Sprintf("restart output for %s:\n\n %s", name, output))
		}
		if err != nil {
			write(fmt.Sprintf("Failed to restart process %s: %v", name, err))
			return Failed
		}
		write(name + " restarted")
		return Restarted
	}
	if p.State == client.Running {
		var stop *StopError
		if err := r.Stop(ctx, name); errors.As(err, &stop) {
			write(fmt.Sprintf("Failed to stop process %s: %s", name, ErrorText(stop.Err)))
		}
	}
	var start *StartError
	if err := r.Start(ctx, name); errors.As(err, &start) {
		write(fmt.Sprintf("Failed to start process %s: %s", name, ErrorText(start.Err)))
		return Failed
	}
	write(name + " restarted")
	return outcome
}
