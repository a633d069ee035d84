package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/vigilance-go/vigilance/supervisor"
)

// errUnknownAction is what Supervisor has no words for.
var errUnknownAction = errors.New("know no such action")

// legacyAction carries out an action link of Supervisor's page, and returns
// the message that Supervisor shows afterwards.
func (h *Handler) legacyAction(ctx context.Context, action, namespec string) (string, error) {
	switch action {
	case "refresh":
		return "Page refreshed at " + cTime(), nil
	case "stopall":
		if _, err := h.daemon.StopAll(ctx, true); err != nil {
			return unexpected(err), nil
		}
		return "All stopped at " + cTime(), nil
	case "restartall":
		// As with Supervisor, what goes wrong is left to the page to show.
		_, _ = h.daemon.StopAll(ctx, true)
		_, _ = h.daemon.StartAll(ctx, true)
		return "All restarted at " + cTime(), nil
	}
	if namespec == "" {
		return "", errUnknownAction
	}
	switch action {
	case "start", "stop", "restart", "clearlog":
	default:
		return "", errUnknownAction
	}
	if _, err := h.daemon.ProcessInfo(ctx, namespec); isFault(err, supervisor.FaultBadName) {
		return "No such process named " + namespec, nil
	}
	switch action {
	case "start":
		return h.startOne(ctx, namespec), nil
	case "stop":
		return h.stopOne(ctx, namespec), nil
	case "restart":
		_ = h.daemon.StopProcess(ctx, namespec, true)  // as above
		_ = h.daemon.StartProcess(ctx, namespec, true) // likewise
		return fmt.Sprintf("Process %s restarted", namespec), nil
	default:
		return h.clearOne(ctx, namespec), nil
	}
}

// startOne starts a process and words the outcome as Supervisor does.
func (h *Handler) startOne(ctx context.Context, namespec string) string {
	if err := h.daemon.StartProcess(ctx, namespec, true); err != nil {
		return fmt.Sprintf("ERROR: Process %s: %s", namespec, startTrouble(err))
	}
	return fmt.Sprintf("Process %s started", namespec)
}

// startTrouble words why a process could not be started.
func startTrouble(err error) string {
	f, ok := errors.AsType[*supervisor.Fault](err)
	if !ok {
		return unexpected(err)
	}
	switch f.Code { //nolint:exhaustive // the others are unexpected
	case supervisor.FaultNoFile:
		return "no such file"
	case supervisor.FaultNotExecutable:
		return "file not executable"
	case supervisor.FaultAlreadyStarted:
		return "already started"
	case supervisor.FaultSpawnError:
		return "spawn error"
	case supervisor.FaultAbnormalTermination:
		return "abnormal termination"
	default:
		return unexpected(err)
	}
}

// stopOne stops a process and words the outcome as Supervisor does.
func (h *Handler) stopOne(ctx context.Context, namespec string) string {
	if err := h.daemon.StopProcess(ctx, namespec, true); err != nil {
		return unexpected(err)
	}
	return fmt.Sprintf("Process %s stopped", namespec)
}

// clearOne clears a process's logs and words the outcome as Supervisor does.
func (h *Handler) clearOne(ctx context.Context, namespec string) string {
	if err := h.daemon.ClearLogs(ctx, namespec); err != nil {
		return unexpected(err)
	}
	return fmt.Sprintf("Log for %s cleared", namespec)
}

// unexpected is Supervisor's text for a fault that it does not expect.
func unexpected(err error) string {
	f, ok := errors.AsType[*supervisor.Fault](err)
	if !ok {
		f = supervisor.NewFault(supervisor.FaultFailed, err.Error())
		if errors.Is(err, supervisor.ErrStopped) {
			f = supervisor.NewFault(supervisor.FaultShutdownState, "")
		}
	}
	return fmt.Sprintf("unexpected rpc fault [%d] %s", f.Code, f.Text)
}

// isFault tells whether err is a fault of that code.
func isFault(err error, code supervisor.FaultCode) bool {
	f, ok := errors.AsType[*supervisor.Fault](err)
	return ok && f.Code == code
}

// cTime is the present moment as Python's time.ctime prints it.
func cTime() string { return time.Now().Format(time.ANSIC) }

// redirect sends the browser to the page with a message, by the status that
// Supervisor uses. The address is relative, so that it holds behind any proxy.
func redirect(w http.ResponseWriter, status int, page, message string) {
	w.Header().Set("Location", page+"?message="+pyQuote(message))
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(status)
}

// pyQuote escapes text for a query as Python's urllib.quote does.
func pyQuote(text string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for _, c := range []byte(text) {
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("_.-~/", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String()
}
