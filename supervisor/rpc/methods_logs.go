package rpc

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/vigilance-go/vigilance/internal/xmlrpc"
	"github.com/vigilance-go/vigilance/supervisor"
	"github.com/vigilance-go/vigilance/supervisor/childlog"
	"github.com/vigilance-go/vigilance/supervisor/config"
)

// maxLogRead bounds, in bytes, how much of a log one answer holds: a shorter
// part comes where more was asked for, a fault where it was all. It is more
// than the default of stdout_logfile_maxbytes.
const maxLogRead = 64 << 20

// The parameters of the methods that read logs.
var (
	offsetParam = tag{"int", "offset", "where to begin; a negative one counts from the end of the log"}
	lengthParam = tag{"int", "length", "how many bytes; 0 for all that follow, as must be with a negative offset"}
)

// logMethods read logs from a place.
func logMethods() []method {
	ofProcess := func(name, what string, ofStderr bool, aliases ...string) method {
		return method{
			name: name, aliases: aliases,
			needs:   config.RoleObserver,
			summary: "Read from the " + what + " log of a process. What is not text is shown as U+FFFD.",
			params:  []tag{processParam, offsetParam, lengthParam},
			result:  tag{"string", "result", "what the log holds there"},
			call: func(r *request) error {
				path, err := r.logPath(ofStderr)
				if err != nil {
					return err
				}
				return r.readLog(path, 1)
			},
		}
	}
	return []method{
		{
			name: "readLog", aliases: []string{"readMainLog"},
			needs:   config.RoleObserver,
			summary: "Read from the daemon's own log. What is not text is shown as U+FFFD.",
			params:  []tag{offsetParam, lengthParam},
			result:  tag{"string", "result", "what the log holds there"},
			call: func(r *request) error {
				if err := r.up(); err != nil {
					return err
				}
				return r.readLog(r.daemon.MainLogPath(), 0)
			},
		},
		ofProcess("readProcessStdoutLog", "stdout", false, "readProcessLog"),
		ofProcess("readProcessStderrLog", "stderr", true),
	}
}

// tailMethods read the ends of growing logs.
func tailMethods() []method {
	tail := func(name, what string, ofStderr bool, aliases ...string) method {
		return method{
			name: name, aliases: aliases,
			needs: config.RoleObserver,
			summary: "Read the end of the " + what + " log of a process, for who follows it by asking again\n" +
				"with the offset that was returned. When the log has grown by more than length\n" +
				"since then, overflow is true and the text is the log's last.",
			params: []tag{
				processParam,
				{"int", "offset", "the offset that the last call returned, 0 at first"},
				{"int", "length", "how many bytes at most"},
			},
			result: tag{"array", "result", "[string text, int offset, boolean overflow]"},
			call:   func(r *request) error { return r.tailLog(ofStderr) },
		}
	}
	return []method{
		tail("tailProcessStdoutLog", "stdout", false, "tailProcessLog"),
		tail("tailProcessStderrLog", "stderr", true),
	}
}

// clearMethods empty logs.
func clearMethods() []method {
	return []method{{
		name:    "clearLog",
		needs:   config.RoleAdmin,
		summary: "Remove the daemon's own log and begin a new one.",
		result:  trueResult,
		call:    func(r *request) error { return r.done(r.daemon.ClearMainLog(r.ctx)) },
	}, {
		name: "clearProcessLogs", aliases: []string{"clearProcessLog"},
		needs:   config.RoleOperator,
		summary: "Remove the logs of a process, stdout's and stderr's, and begin new ones.",
		params:  []tag{processParam},
		result:  trueResult,
		call: func(r *request) error {
			name, err := r.namespec(0)
			if err != nil {
				return err
			}
			return r.done(badName(r.daemon.ClearLogs(r.ctx, name), name))
		},
	}, {
		name:    "clearAllProcessLogs",
		needs:   config.RoleOperator,
		summary: "Remove the logs of every process and begin new ones.",
		result:  eachResult,
		call:    func(r *request) error { return r.results(r.daemon.ClearAllLogs(r.ctx)) },
	}}
}

// logPath returns the log of the process that the first argument names; empty
// for none.
func (r *request) logPath(ofStderr bool) (string, error) {
	name, err := r.namespec(0)
	if err != nil {
		return "", err
	}
	path, err := r.daemon.LogPath(r.ctx, name, ofStderr)
	return path, badName(err, name)
}

// readLog answers with a part of a file. Its offset and length are the
// arguments from the given one on. Python's supervisord fails where that part
// is not UTF-8, as when it begins or ends within a character.
func (r *request) readLog(path string, first int) error {
	if !exists(path) {
		return supervisor.NewFault(supervisor.FaultNoFile, path)
	}
	offset, err := r.integer(first)
	if err != nil {
		return err
	}
	length, err := r.integer(first + 1)
	if err != nil {
		return err
	}
	if n := available(path, offset); length == 0 && n > maxLogRead {
		return supervisor.NewFault(supervisor.FaultFailed,
			fmt.Sprintf("the log holds %d bytes there, of which %d can be read at a time", n, maxLogRead))
	}
	part, err := childlog.OpenPart(path, offset, min(length, maxLogRead))
	switch {
	case errors.Is(err, childlog.ErrBadArguments):
		return supervisor.NewFault(supervisor.FaultBadArguments, "")
	case err != nil:
		return supervisor.NewFault(supervisor.FaultFailed, "")
	}
	return r.text(part)
}

// text answers with a part of a log.
func (r *request) text(part *childlog.Part) error {
	if part.Size() > xmlrpc.ShortText && !r.share.mayOpen() {
		_ = part.Close() // nothing was read
		return supervisor.NewFault(supervisor.FaultFailed, fmt.Sprintf("a request can read %d long parts of logs at most", answerFiles))
	}
	if r.out.Text(whileAsked{part, r.ctx}) != nil {
		return supervisor.NewFault(supervisor.FaultFailed, "")
	}
	return nil
}

// whileAsked is a part of a log that can be read until the client has gone: it
// may be long, and nobody else wants it.
type whileAsked struct {
	*childlog.Part
	ctx context.Context // the request's
}

// ReadAt is part of io.ReaderAt.
func (w whileAsked) ReadAt(p []byte, off int64) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.Part.ReadAt(p, off)
}

// tailLog answers with the end of a log.
func (r *request) tailLog(ofStderr bool) error {
	path, err := r.logPath(ofStderr)
	if err != nil {
		return err
	}
	if !exists(path) {
		return r.tail(nil, 0, false)
	}
	offset, err := r.integer(1)
	if err != nil {
		return err
	}
	length, err := r.integer(2)
	if err != nil {
		return err
	}
	part, next, overflow, err := childlog.OpenTail(path, offset, min(length, maxLogRead))
	if err != nil {
		return r.tail(nil, offset, false)
	}
	return r.tail(part, next, overflow)
}

// tail answers with the end of a log; nil for nothing.
func (r *request) tail(part *childlog.Part, next int64, overflow bool) error {
	r.out.BeginArray()
	if part == nil {
		r.out.String("")
	} else if err := r.text(part); err != nil {
		return err
	}
	r.out.Int(next)
	r.out.Bool(overflow)
	r.out.EndArray()
	return nil
}

// exists tells whether there is a file of that name; there is none without a
// name.
func exists(path string) bool {
	_, err := os.Stat(path)
	return path != "" && err == nil
}

// available returns how many bytes of a file there are from offset, or in its
// last -offset bytes. It is 0 for what is not a file with a length.
func available(path string, offset int64) int64 {
	info, err := os.Stat(path)
	switch {
	case err != nil || !info.Mode().IsRegular():
		return 0
	case offset < 0:
		return min(-offset, info.Size())
	default:
		return max(0, info.Size()-offset)
	}
}
