// Package process is the state machine of one supervised process.
//
// It is pure: Step takes a status, what happened and the time, and returns the
// next status with the effects to carry out. It decides every transition,
// deadline, event and log line of a process; it never spawns, signals, writes,
// locks or asks for the time.
package process

import "time"

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
	Name         string // the process name, without its group
	AutoStart    bool
	AutoRestart  Restart
	StartSecs    time.Duration // whole seconds; 0 for RUNNING at once
	StartRetries int
	ExitCodes    []int // the exit statuses that are expected
	StopSignal   int   // signal number
	StopWaitSecs time.Duration
	StopAsGroup  bool
	KillAsGroup  bool
}

// Status is everything that is known about a process: a plain value that can
// be copied, compared with ==, serialised as JSON and handed to another daemon.
// The zero Status is a process that was never started. Its times are wall-clock
// times in UTC.
type Status struct {
	State State `json:"state"`
	PID   int   `json:"pid,omitzero"` // 0 when not running
	// LastStart is when the process was last started, and LastStop when it
	// last ended; zero when that never happened.
	LastStart time.Time `json:"laststart,omitzero"`
	LastStop  time.Time `json:"laststop,omitzero"`
	// Deadline is when Timer must be delivered next; zero for never. The loop
	// reads it after each Step. There is no other timer.
	Deadline time.Time `json:"deadline,omitzero"`
	// Tries counts failed starts in a row (the reference's "backoff").
	Tries int `json:"tries,omitzero"`
	// ExitStatus is what the process last ended with; -1 stands for an end by
	// a signal. It is 0 before the first end, while the process runs, and
	// after an end that came before startsecs (there the reference keeps None,
	// which XML-RPC clients see as 0 too).
	ExitStatus int `json:"exitstatus,omitzero"`
	// SpawnErr is the reason of the last failure, or empty.
	SpawnErr string `json:"spawnerr,omitzero"`
	// Killing is set between a stop signal and the exit that it causes.
	Killing bool `json:"killing,omitzero"`
	// AdministrativeStop and SystemStop record who stopped the process: a
	// request, or the machine that gave up.
	AdministrativeStop bool `json:"administrative_stop,omitzero"`
	SystemStop         bool `json:"system_stop,omitzero"`
	// LastStopReport throttles "waiting for x to stop".
	LastStopReport time.Time `json:"laststopreport,omitzero"`
	// QuickExits counts runs in a row that ended within a second although
	// startsecs allowed it; Step paces their restarts.
	QuickExits int `json:"quickexits,omitzero"`
	// Pending is what was asked for while a spawn was in flight and is still
	// to be done.
	Pending Pending `json:"pending,omitzero"`
}

// SpawnInFlight tells whether a Spawn effect has not been answered yet: the
// process is STARTING but has no PID.
func (s Status) SpawnInFlight() bool { return s.State == Starting && s.PID == 0 }

// Pending holds the requests that reached a process before it had a PID. They
// are carried out when it has one, signals first.
type Pending struct {
	Stop    bool      `json:"stop,omitzero"`
	StopAll bool      `json:"stop_all,omitzero"`
	Signals SignalSet `json:"signals,omitzero"`
}

// SignalSet is a set of signal numbers from 0 to 127. As with the kernel's
// pending signals, one that is added twice is in it once.
type SignalSet [2]uint64

// Event is something that happened to a process: one of the types below.
type Event interface{ event() }

type (
	// AutoStart is delivered once to each process when its group is added.
	AutoStart struct{}
	// Start is a request to start the process, whatever its policy. It is
	// ignored in UNKNOWN and while the daemon shuts down.
	Start struct{}
	// Spawned reports that the Spawn effect succeeded. Its time becomes
	// LastStart, so that startsecs does not count a wait for the fork.
	Spawned struct{ PID int }
	// SpawnFailed reports that the Spawn effect failed, with the text that
	// becomes Status.SpawnErr. A Stop or StopAll that came meanwhile is carried
	// out on the BACKOFF state that follows.
	SpawnFailed struct{ Reason string }
	// Ended reports the wait status of the process, as wait4 gives it. The
	// caller delivers it after Spawned, even when the child was quicker.
	Ended struct{ WaitStatus uint32 }
	// Timer reports that Status.Deadline has passed. One that comes early (the
	// system clock was set back, say) changes nothing but, perhaps, Deadline.
	Timer struct{}
	// Stop is an administrator's request to stop the process. The RPC layer
	// refuses it outside the running states; here a second Stop sends the stop
	// signal again and renews the wait of stopwaitsecs.
	Stop struct{}
	// StopAll is the same as part of stopping a group or the daemon: a
	// process in BACKOFF gives up instead, one that is stopping or stopped is
	// left alone.
	StopAll struct{}
	// Report asks for "waiting for x to stop", which is logged once in two
	// seconds while the process is STOPPING.
	Report struct{}
	// Signal is a request to send a signal without the intent to stop.
	Signal struct{ Number int }
	// KillDone reports the outcome of Kill. Gone is set when there was no such
	// process, because it had just exited. Err is the text of any other error,
	// such as "[Errno 1] Operation not permitted", and empty on success.
	KillDone struct {
		Kill Kill
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
	// with KillDone, which carries it back. It is always the last effect of
	// its Step, so that the answer may be given at once.
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
