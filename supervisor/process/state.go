package process

import "strconv"

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

// String returns the name that clients and listeners see, such as "STOPPED".
func (st State) String() string {
	switch st {
	case Stopped:
		return "STOPPED"
	case Starting:
		return "STARTING"
	case Running:
		return "RUNNING"
	case Backoff:
		return "BACKOFF"
	case Stopping:
		return "STOPPING"
	case Exited:
		return "EXITED"
	case Fatal:
		return "FATAL"
	case Unknown:
		return "UNKNOWN"
	}
	return "State(" + strconv.Itoa(int(st)) + ")"
}

// InStoppedStates tells whether the process counts as stopped: STOPPED, EXITED,
// FATAL and UNKNOWN. A group of such processes can be removed. (EXITED may be
// about to be started again: then Status.Deadline is set.)
func (st State) InStoppedStates() bool {
	return st == Stopped || st == Exited || st == Fatal || st == Unknown
}

// InRunningStates tells whether the process runs or is about to: RUNNING,
// BACKOFF and STARTING. Such a process can be stopped, and not be started.
func (st State) InRunningStates() bool {
	return st == Running || st == Backoff || st == Starting
}

// InSignallableStates tells whether a signal can be sent to the process:
// RUNNING, STARTING and STOPPING.
func (st State) InSignallableStates() bool {
	return st == Running || st == Starting || st == Stopping
}
