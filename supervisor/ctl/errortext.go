package ctl

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/vigilance-go/vigilance/supervisor/config"
	"github.com/vigilance-go/vigilance/supervisor/ctl/client"
)

// pyError is an error that scripts know by the name of its class in Python.
type pyError struct{ class, text string }

func (e *pyError) Error() string { return e.text }

func valueErrorf(format string, args ...any) error {
	return &pyError{"ValueError", fmt.Sprintf(format, args...)}
}

// errEndOfInput is the end of the input where an answer was asked for.
func errEndOfInput() error { return &pyError{"EOFError", "EOF when reading a line"} }

// errNoPassword is the end of the input where a password was asked for.
func errNoPassword() error { return &pyError{"EOFError", ""} }

// describe returns the class and the text by which the reference shows an
// error.
func describe(err error) (class, text string) {
	var (
		own      *pyError
		fault    *client.Fault
		protocol *client.ProtocolError
		unknown  *client.UnknownProtocolError
		lookup   *net.DNSError
		errno    syscall.Errno
	)
	switch {
	case errors.As(err, &own):
		return own.class, own.text
	case errors.As(err, &fault):
		return "xmlrpc.client.Fault", fmt.Sprintf("<Fault %d: %s>", fault.Code, config.PyRepr(fault.String))
	case errors.As(err, &protocol):
		return "xmlrpc.client.ProtocolError",
			fmt.Sprintf("<ProtocolError for 127.0.0.1/RPC2: %d %s>", protocol.Status, protocol.Reason)
	case errors.As(err, &unknown):
		return "ValueError", unknown.Error()
	case errors.As(err, &lookup):
		return "socket.gaierror", lookupText(lookup)
	case errors.As(err, &errno):
		return errnoClass(errno), errnoText(errno)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "http.client.RemoteDisconnected", "Remote end closed connection without response"
	}
	return "OSError", err.Error()
}

func lookupText(err *net.DNSError) string {
	if err.IsNotFound {
		return "[Errno -2] Name or service not known"
	}
	return "[Errno -3] Temporary failure in name resolution"
}

// errnoClass is the class that Python gives to an error of the system.
func errnoClass(errno syscall.Errno) string {
	switch errno { //nolint:exhaustive // errors are an open set
	case syscall.ENOENT:
		return "FileNotFoundError"
	case syscall.EACCES, syscall.EPERM:
		return "PermissionError"
	case syscall.ECONNREFUSED:
		return "ConnectionRefusedError"
	case syscall.ECONNRESET:
		return "ConnectionResetError"
	case syscall.ECONNABORTED:
		return "ConnectionAbortedError"
	case syscall.EPIPE:
		return "BrokenPipeError"
	case syscall.ETIMEDOUT:
		return "TimeoutError"
	case syscall.ENOTDIR:
		return "NotADirectoryError"
	default:
		return "OSError"
	}
}

func errnoText(errno syscall.Errno) string {
	text := errno.Error() // the C library's, but for its first letter
	return fmt.Sprintf("[Errno %d] %s%s", int(errno), strings.ToUpper(text[:1]), text[1:])
}

func connectionRefused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }

func noSuchFile(err error) bool { return errors.Is(err, syscall.ENOENT) }

// faultString returns the text of the fault that err is, or "".
func faultString(err error) string {
	var fault *client.Fault
	if errors.As(err, &fault) {
		return fault.String
	}
	return ""
}
