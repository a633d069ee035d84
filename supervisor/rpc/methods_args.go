package rpc

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/vigilance-go/vigilance/supervisor"
	"github.com/vigilance-go/vigilance/supervisor/config"
)

// Python's supervisord takes arguments as they come. Where it converts, so do
// the functions here; where it fails with an internal error, because a name is
// a number or a number is none, they answer INCORRECT_PARAMETERS.

// namespec returns an argument that names a process.
func (r *request) namespec(i int) (string, error) {
	if name, ok := r.args[i].(string); ok {
		return name, nil
	}
	return "", r.wrong(incorrect())
}

// wrong returns the fault of an argument, unless the daemon is on its way
// down, which clients learn first.
func (r *request) wrong(fault error) error {
	if err := r.up(); err != nil {
		return err
	}
	return fault
}

// groupName returns an argument that names a group. Something that is not a
// string cannot be the name of one, which is a BAD_NAME of its own.
func (r *request) groupName(i int) (string, error) {
	switch arg := r.args[i].(type) {
	case string:
		return arg, nil
	case []any, map[string]any:
		return "", r.wrong(incorrect())
	default:
		return "", r.wrong(about(supervisor.FaultBadName, arg))
	}
}

// about returns a fault that shows the argument it is about. Unlike NewFault's
// it has its colon even where that is empty.
func about(code supervisor.FaultCode, arg any) error {
	f := supervisor.NewFault(code, "")
	switch arg.(type) {
	case nil, []any, map[string]any:
	default:
		f.Text += ": " + display(arg)
	}
	return f
}

// named gives a fault of this code the argument that the client used.
func named(err error, code supervisor.FaultCode, arg string) error {
	if f, ok := errors.AsType[*supervisor.Fault](err); ok && f.Code == code {
		return about(code, arg)
	}
	return err
}

// badName is named for BAD_NAME.
func badName(err error, name string) error { return named(err, supervisor.FaultBadName, name) }

// maxInteger bounds what the core is asked for, so that it can add two such
// numbers; no file is that long.
const maxInteger = 1 << 61

// integer returns an argument as Python's int() converts it.
func (r *request) integer(i int) (int64, error) {
	var n int64
	switch arg := r.args[i].(type) {
	case int64:
		n = arg
	case bool:
		if arg {
			n = 1
		}
	case float64:
		if math.IsNaN(arg) || math.Abs(arg) > maxInteger {
			return 0, incorrect()
		}
		n = int64(arg)
	case string:
		parsed, err := config.ParseInteger(arg)
		if err != nil {
			return 0, incorrect()
		}
		n = int64(parsed)
	default:
		return 0, incorrect()
	}
	return max(-maxInteger, min(n, maxInteger)), nil
}

// wait returns the optional argument whether to wait, which may be of any
// type: it is true unless it is nothing, zero or empty.
func (r *request) wait(i int) bool {
	if len(r.args) <= i {
		return true
	}
	switch arg := r.args[i].(type) {
	case nil:
		return false
	case bool:
		return arg
	case int64:
		return arg != 0
	case float64:
		return arg != 0
	case string:
		return arg != ""
	case []any:
		return len(arg) > 0
	case map[string]any:
		return len(arg) > 0
	}
	return true
}

// signal returns an argument that is the name or number of a signal.
func (r *request) signal(i int) (string, error) {
	switch arg := r.args[i].(type) {
	case string:
		return arg, nil
	case int64, bool, float64:
		n, err := r.integer(i)
		return strconv.FormatInt(n, 10), err
	}
	return "", r.wrong(incorrect())
}

// display shows an argument as Python's str() does.
func display(arg any) string {
	switch arg := arg.(type) {
	case string:
		return arg
	case nil:
		return "None"
	case bool:
		if arg {
			return "True"
		}
		return "False"
	case int64:
		return strconv.FormatInt(arg, 10)
	case float64:
		text := strconv.FormatFloat(arg, 'g', -1, 64)
		if !strings.ContainsAny(text, ".eIN") {
			text += ".0"
		}
		return text
	}
	return "?"
}
