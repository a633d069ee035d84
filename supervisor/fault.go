package supervisor

import (
	"errors"
	"fmt"
)

// FaultCode is a fault number as XML-RPC clients see it.
type FaultCode int

// The faults (Supervisor's xmlrpc module; the manual's page "XML-RPC API"
// names those of each method).
const (
	FaultUnknownMethod        FaultCode = 1
	FaultIncorrectParameters  FaultCode = 2
	FaultBadArguments         FaultCode = 3
	FaultSignatureUnsupported FaultCode = 4
	FaultShutdownState        FaultCode = 6
	FaultBadName              FaultCode = 10
	FaultBadSignal            FaultCode = 11
	FaultNoFile               FaultCode = 20
	FaultNotExecutable        FaultCode = 21
	FaultFailed               FaultCode = 30
	FaultAbnormalTermination  FaultCode = 40
	FaultSpawnError           FaultCode = 50
	FaultAlreadyStarted       FaultCode = 60
	FaultNotRunning           FaultCode = 70
	FaultSuccess              FaultCode = 80 // in lists of results, no error
	FaultAlreadyAdded         FaultCode = 90
	FaultStillRunning         FaultCode = 91
	FaultCantReread           FaultCode = 92
)

// faultNames are the codes' names as they stand in fault strings. They are
// only read.
var faultNames = map[FaultCode]string{
	FaultUnknownMethod:        "UNKNOWN_METHOD",
	FaultIncorrectParameters:  "INCORRECT_PARAMETERS",
	FaultBadArguments:         "BAD_ARGUMENTS",
	FaultSignatureUnsupported: "SIGNATURE_UNSUPPORTED",
	FaultShutdownState:        "SHUTDOWN_STATE",
	FaultBadName:              "BAD_NAME",
	FaultBadSignal:            "BAD_SIGNAL",
	FaultNoFile:               "NO_FILE",
	FaultNotExecutable:        "NOT_EXECUTABLE",
	FaultFailed:               "FAILED",
	FaultAbnormalTermination:  "ABNORMAL_TERMINATION",
	FaultSpawnError:           "SPAWN_ERROR",
	FaultAlreadyStarted:       "ALREADY_STARTED",
	FaultNotRunning:           "NOT_RUNNING",
	FaultSuccess:              "SUCCESS",
	FaultAlreadyAdded:         "ALREADY_ADDED",
	FaultStillRunning:         "STILL_RUNNING",
	FaultCantReread:           "CANT_REREAD",
}

// Fault is the refusal of a request, in the terms of the XML-RPC API.
type Fault struct {
	Code FaultCode
	// Text is the fault string that clients read, for example
	// "BAD_NAME: web".
	Text string
}

// Error returns the fault string.
func (f *Fault) Error() string { return f.Text }

// NewFault makes a fault whose string is the code's name, followed by the
// subject unless that is empty.
func NewFault(code FaultCode, subject string) *Fault {
	text, known := faultNames[code]
	if !known {
		text = "UNKNOWN"
	}
	if subject != "" {
		text = fmt.Sprintf("%s: %s", text, subject)
	}
	return &Fault{Code: code, Text: text}
}

// ErrStopped is returned by requests to a daemon whose Run has returned.
var ErrStopped = errors.New("reach the daemon: it has stopped")
