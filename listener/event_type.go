package listener

// EventType is the name of an event type as it stands in a header's eventname
// token and in the events option of an [eventlistener:x] section. Names are
// case-sensitive and in capitals.
type EventType string

// The event types (Supervisor docs, events.html, "Event Types"). The abstract
// ones are subscribed to, but never sent.
const (
	AnyEvent EventType = "EVENT" // abstract, the root

	AnyProcessState      EventType = "PROCESS_STATE" // abstract
	ProcessStateStarting EventType = "PROCESS_STATE_STARTING"
	ProcessStateRunning  EventType = "PROCESS_STATE_RUNNING"
	ProcessStateBackoff  EventType = "PROCESS_STATE_BACKOFF"
	ProcessStateStopping EventType = "PROCESS_STATE_STOPPING"
	ProcessStateExited   EventType = "PROCESS_STATE_EXITED"
	ProcessStateStopped  EventType = "PROCESS_STATE_STOPPED"
	ProcessStateFatal    EventType = "PROCESS_STATE_FATAL"
	ProcessStateUnknown  EventType = "PROCESS_STATE_UNKNOWN"

	AnyProcessLog    EventType = "PROCESS_LOG" // abstract
	ProcessLogStdout EventType = "PROCESS_LOG_STDOUT"
	ProcessLogStderr EventType = "PROCESS_LOG_STDERR"

	AnyProcessCommunication    EventType = "PROCESS_COMMUNICATION" // abstract
	ProcessCommunicationStdout EventType = "PROCESS_COMMUNICATION_STDOUT"
	ProcessCommunicationStderr EventType = "PROCESS_COMMUNICATION_STDERR"

	RemoteCommunicationSent EventType = "REMOTE_COMMUNICATION"

	AnySupervisorStateChange EventType = "SUPERVISOR_STATE_CHANGE" // abstract
	SupervisorRunning        EventType = "SUPERVISOR_STATE_CHANGE_RUNNING"
	SupervisorStopping       EventType = "SUPERVISOR_STATE_CHANGE_STOPPING"

	AnyTick  EventType = "TICK" // abstract
	Tick5    EventType = "TICK_5"
	Tick60   EventType = "TICK_60"
	Tick3600 EventType = "TICK_3600"

	AnyProcessGroup     EventType = "PROCESS_GROUP" // abstract
	ProcessGroupAdded   EventType = "PROCESS_GROUP_ADDED"
	ProcessGroupRemoved EventType = "PROCESS_GROUP_REMOVED"
)

// Parent returns the type that t is a subtype of, and "" for AnyEvent and for
// names that are not event types.
func (t EventType) Parent() EventType {
	switch t {
	case ProcessStateStarting, ProcessStateRunning, ProcessStateBackoff, ProcessStateStopping,
		ProcessStateExited, ProcessStateStopped, ProcessStateFatal, ProcessStateUnknown:
		return AnyProcessState
	case ProcessLogStdout, ProcessLogStderr:
		return AnyProcessLog
	case ProcessCommunicationStdout, ProcessCommunicationStderr:
		return AnyProcessCommunication
	case SupervisorRunning, SupervisorStopping:
		return AnySupervisorStateChange
	case Tick5, Tick60, Tick3600:
		return AnyTick
	case ProcessGroupAdded, ProcessGroupRemoved:
		return AnyProcessGroup
	case AnyProcessState, AnyProcessLog, AnyProcessCommunication, RemoteCommunicationSent,
		AnySupervisorStateChange, AnyTick, AnyProcessGroup:
		return AnyEvent
	case AnyEvent:
		return ""
	default:
		return ""
	}
}

// Known reports whether t is an event type of the manual, abstract ones
// included.
func (t EventType) Known() bool { return t == AnyEvent || t.Parent() != "" }

// Abstract reports whether t is a type that can be subscribed to but is never
// sent. It is false for names that are not event types.
func (t EventType) Abstract() bool {
	return t == AnyEvent || t.Parent() == AnyEvent && t != RemoteCommunicationSent
}

// Matches reports whether an event of type t goes to a pool whose events option
// lists subscription: the two are the same, or t is a subtype of subscription.
// A type that this version does not know matches itself and AnyEvent.
func (t EventType) Matches(subscription EventType) bool {
	if t == "" {
		return false
	}
	for a := t; a != ""; a = a.Parent() {
		if a == subscription {
			return true
		}
	}
	return subscription == AnyEvent
}
