// Package process is the state machine of one supervised process.
//
// It is pure: Step takes a status, what happened and the time, and returns the
// next status with the effects to carry out. It decides every transition,
// deadline, event and log line of a process; it never spawns, signals, writes,
// locks or asks for the time.
package process

import "time"

// State is a process state, with the numbers that XML-RPC clients see.
type State int

// The states (Supervisor manual, "Subprocesses", "Process States").
const (
	Stopped  State = 0
	Starting State = 10
	Running  State = 20
	Backoff  State = 30
	Stopping State = 40
	Exited   State = 100
	Fatal    State = 200
	Unknown  State = 1000
)

// Restart is a program's autorestart policy.
type Restart int

// The policies.
const (
	RestartNever      Restart = 0
	RestartUnexpected Restart = 1
	RestartAlways     Restart = 2
)

// Config is the part of a program's configuration that its transitions
// depend on.
type Config struct {
	Name         string
	AutoStart    bool
	AutoRestart  Restart
	StartSecs    time.Duration
	StartRetries int
	ExitCodes    []int
	StopSignal   int // signal number
	StopWaitSecs time.Duration
	StopAsGroup  bool
	KillAsGroup  bool
}

// Status is everything that is known about a process: a plain value that can
// be copied, compared, serialised and handed to another daemon. The zero
// Status is a process that was never started.
type Status struct {
	State State
	PID   int // 0 when not running
	// LastStart and LastStop are zero when that never happened.
	LastStart, LastStop time.Time
	// Deadline is when Timer must be delivered next; zero for never. The loop
	// reads it after each Step.
	Deadline time.Time
	// Tries counts failed starts in a row (the reference's "backoff").
	Tries int
	// ExitStatus is nil until the process has ended once, and nil again while
	// it runs; -1 stands for an end by a signal.
	ExitStatus *int
	// SpawnErr is the reason of the last failure, or empty.
	SpawnErr string
	// Killing is set between a stop signal and the exit that it causes.
	Killing bool
	// AdministrativeStop and SystemStop record who stopped the process.
	AdministrativeStop, SystemStop bool
	// LastStopReport throttles "waiting for x to stop".
	LastStopReport time.Time
	// QuickExits counts runs in a row that ended within a second although
	// startsecs allowed it; Step paces their restarts.
	QuickExits int
}

// Event is something that happened to a process: one of the types below.
type Event interface{ event() }

type (
	// AutoStart is delivered once to each process when its group is added.
	AutoStart struct{}
	// Start is a request to start the process, whatever its policy.
	Start struct{}
	// Spawned reports that the Spawn effect succeeded.
	Spawned struct{ PID int }
	// SpawnFailed reports that the Spawn effect failed, with the text that
	// becomes Status.SpawnErr.
	SpawnFailed struct{ Reason string }
	// Ended reports the wait status of the process, as wait4 gives it.
	Ended struct{ WaitStatus uint32 }
	// Timer reports that Status.Deadline has passed.
	Timer struct{}
	// Stop is an administrator's request to stop the process.
	Stop struct{}
	// StopAll is the same as part of stopping a group or the daemon: a
	// process in BACKOFF gives up instead.
	StopAll struct{}
	// Report asks for the throttled "waiting for x to stop" line.
	Report struct{}
	// Signal is a request to send a signal without the intent to stop.
	Signal struct{ Number int }
	// KillDone reports the outcome of a Kill effect. Err is empty on success
	// and when the process had just exited (Gone).
	KillDone struct {
		Gone bool
		Err  string
	}
)

func (AutoStart) event()   {}
func (Start) event()       {}
func (Spawned) event()     {}
func (SpawnFailed) event() {}
func (Ended) event()       {}
func (Timer) event()       {}
func (Stop) event()        {}
func (StopAll) event()     {}
func (Report) event()      {}
func (Signal) event()      {}
func (KillDone) event()    {}

// Effect is something that the caller must do, in the order returned: one of
// the types below.
type Effect interface{ effect() }

type (
	// Spawn asks for the process to be started; answer with Spawned or
	// SpawnFailed.
	Spawn struct{}
	// Kill asks for a signal to the process, or to its process group; answer
	// with KillDone.
	Kill struct {
		PID    int
		Number int
		Group  bool
		// ToStop is false for a plain Signal request.
		ToStop bool
	}
	// Notify is a PROCESS_STATE event.
	Notify struct {
		From, To State
		Expected bool // PROCESS_STATE_EXITED only
		Tries    int  // STARTING and BACKOFF
		PID      int  // EXITED, RUNNING, STOPPING and STOPPED
	}
	// Log is a line for the daemon's log, in the reference's words.
	Log struct {
		Level Level
		Text  string
	}
)

func (Spawn) effect()  {}
func (Kill) effect()   {}
func (Notify) effect() {}
func (Log) effect()    {}

// Level is a log level, with the reference's numbers.
type Level int

// The levels that transitions use.
const (
	Debug    Level = 10
	Info     Level = 20
	Warn     Level = 30
	Critical Level = 50
)

// Env is what a transition needs to know about the daemon.
type Env struct {
	// ShuttingDown is set once the daemon is stopping or restarting: nothing
	// is started any more.
	ShuttingDown bool
}
