package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/vigilance-go/vigilance/supervisor"
)

const (
	// maxForm is the size in bytes of the largest form that is read.
	maxForm = 64 << 10
	// formPatience is how long a client may take to send a form.
	formPatience = 30 * time.Second
)

// allTarget stands for all programs where a form names a target.
const allTarget = "*"

// doNames are the fields by which a form says what to do. The value is the
// target: a namespec, a group as "name:*", or allTarget; when it is empty, the
// field "target" holds it. They are only read.
var doNames = []string{"start", "stop", "restart", "signal", "clear", "reread", "update", "clearmain"}

// outcome is what became of an action.
type outcome struct {
	OK      bool   `json:"ok"`
	Message string `json:"message"`
}

func well(message string) outcome { return outcome{true, message} }
func bad(message string) outcome  { return outcome{false, message} }

// order is what a form asks for.
type order struct{ what, target, signal string }

// do carries out what the page's own buttons ask for, and goes back to the page
// with a message; a script gets it as JSON.
func (h *Handler) do(w http.ResponseWriter, r *http.Request) {
	if !allowed(w, r, http.MethodPost) || !h.readForm(w, r) {
		return
	}
	if from, mark := originOf(r); from == originForeign {
		h.refuseForeign(w, r, mark)
		return
	}
	if !h.tokenFits(r, r.PostForm.Get("token")) {
		h.refuse(w, r, stale)
		return
	}
	o, known := orderOf(r)
	if !known {
		h.refuse(w, r, badForm)
		return
	}
	if !h.permitted(w, r, o) {
		return
	}
	// What was begun is not left half done when the browser goes away.
	result := h.carryOut(context.WithoutCancel(r.Context()), o)
	h.note(r.Context(), o, result.failure())
	if wantsJSON(r) {
		writeJSON(w, http.StatusOK, result)
		return
	}
	redirect(w, http.StatusSeeOther, "./", result.Message)
}

// badForm is the refusal of a form that no page here sends.
var badForm = refusal{http.StatusBadRequest, "This is not understood",
	"The request names no action that there is, or is too long. Nothing was changed."}

// orderOf reads a form.
func orderOf(r *http.Request) (order, bool) {
	for _, name := range doNames {
		if !r.PostForm.Has(name) {
			continue
		}
		o := order{what: name, target: r.PostForm.Get(name), signal: r.PostForm.Get("signame")}
		if o.target == "" {
			o.target = strings.TrimSpace(r.PostForm.Get("target"))
		}
		needless := name == "reread" || name == "clearmain"
		return o, needless || o.target != ""
	}
	return order{}, false
}

// carryOut does what a form asks for, and returns when it is done.
func (h *Handler) carryOut(ctx context.Context, o order) outcome {
	switch o.what {
	case "reread":
		return h.reread(ctx)
	case "update":
		return h.update(ctx, o.target)
	case "clearmain":
		if err := h.daemon.ClearMainLog(ctx); err != nil {
			return bad("ERROR: the log of supervisord: " + err.Error())
		}
		return well("Log of supervisord cleared")
	}
	if o.target == allTarget {
		return h.all(ctx, o)
	}
	if group, isGroup := strings.CutSuffix(o.target, ":*"); isGroup {
		return h.group(ctx, o, group)
	}
	return h.one(ctx, o)
}

// one acts on one process.
func (h *Handler) one(ctx context.Context, o order) outcome {
	if _, err := h.daemon.ProcessInfo(ctx, o.target); isFault(err, supervisor.FaultBadName) {
		return bad("No such process named " + o.target)
	}
	var text string
	switch o.what {
	case "start":
		text = h.startOne(ctx, o.target)
	case "stop":
		text = h.stopOne(ctx, o.target)
	case "restart":
		err := h.daemon.StopProcess(ctx, o.target, true)
		if err != nil && !isFault(err, supervisor.FaultNotRunning) {
			return bad(unexpected(err))
		}
		if err := h.daemon.StartProcess(ctx, o.target, true); err != nil {
			return bad(fmt.Sprintf("ERROR: Process %s: %s", o.target, startTrouble(err)))
		}
		text = fmt.Sprintf("Process %s restarted", o.target)
	case "clear":
		text = h.clearOne(ctx, o.target)
	case "signal":
		if err := h.daemon.SignalProcess(ctx, o.target, o.signal); err != nil {
			return bad(fmt.Sprintf("ERROR: Process %s: %s", o.target, err.Error()))
		}
		text = fmt.Sprintf("Process %s signalled with %s", o.target, o.signal)
	}
	return worded(text)
}

// worded is the outcome that a text tells of.
func worded(text string) outcome {
	for _, trouble := range []string{"ERROR", "unexpected", "No such process"} {
		if strings.HasPrefix(text, trouble) {
			return bad(text)
		}
	}
	return well(text)
}

// deeds word what was done to several processes. They are only read.
var deeds = map[string]string{
	"start": "started", "stop": "stopped", "restart": "restarted", "signal": "signalled", "clear": "cleared",
}

// group acts on the processes of a group.
func (h *Handler) group(ctx context.Context, o order, name string) outcome {
	var results []supervisor.Result
	var err error
	switch o.what {
	case "start":
		results, err = h.daemon.StartGroup(ctx, name, true)
	case "stop":
		results, err = h.daemon.StopGroup(ctx, name, true)
	case "restart":
		if _, err = h.daemon.StopGroup(ctx, name, true); err == nil {
			results, err = h.daemon.StartGroup(ctx, name, true)
		}
	case "signal":
		results, err = h.daemon.SignalGroup(ctx, name, o.signal)
	case "clear":
		results, err = h.clearGroup(ctx, name)
	}
	return summary("Group "+name, o.what, results, err)
}

// all acts on all processes.
func (h *Handler) all(ctx context.Context, o order) outcome {
	var results []supervisor.Result
	var err error
	switch o.what {
	case "start":
		results, err = h.daemon.StartAll(ctx, true)
	case "stop":
		results, err = h.daemon.StopAll(ctx, true)
	case "restart":
		if _, err = h.daemon.StopAll(ctx, true); err == nil {
			results, err = h.daemon.StartAll(ctx, true)
		}
	case "signal":
		results, err = h.daemon.SignalAll(ctx, o.signal)
	case "clear":
		results, err = h.daemon.ClearAllLogs(ctx)
	}
	return summary("All programs", o.what, results, err)
}

// clearGroup clears the logs of a group's processes.
func (h *Handler) clearGroup(ctx context.Context, name string) ([]supervisor.Result, error) {
	infos, err := h.daemon.AllProcessInfo(ctx)
	if err != nil {
		return nil, err
	}
	var results []supervisor.Result
	known := false
	for i := range infos {
		if infos[i].Group != name {
			continue
		}
		known = true
		r := supervisor.Result{Name: infos[i].Name, Group: name, Status: supervisor.FaultSuccess, Description: "OK"}
		if err := h.daemon.ClearLogs(ctx, infos[i].Namespec()); err != nil {
			r.Status, r.Description = supervisor.FaultFailed, err.Error()
		}
		results = append(results, r)
	}
	if !known {
		return nil, supervisor.NewFault(supervisor.FaultBadName, name)
	}
	return results, nil
}

// summary words what became of an action on several processes: how many it
// was done to, and the first of those that it failed for.
func summary(subject, what string, results []supervisor.Result, err error) outcome {
	if err != nil {
		return bad(fmt.Sprintf("ERROR: %s: %s", subject, err.Error()))
	}
	const most = 3
	done, failed := 0, []string(nil)
	for _, r := range results {
		if r.Status == supervisor.FaultSuccess {
			done++
		} else {
			failed = append(failed, r.Description)
		}
	}
	switch {
	case len(results) == 0:
		return well(fmt.Sprintf("%s: nothing to %s", subject, what))
	case len(failed) == 0:
		return well(fmt.Sprintf("%s: %d %s", subject, done, deeds[what]))
	}
	named := failed[:min(most, len(failed))]
	text := fmt.Sprintf("ERROR: %s: %d %s, %d failed: %s", subject, done, deeds[what],
		len(failed), strings.Join(named, ", "))
	if len(failed) > most {
		text += fmt.Sprintf(" and %d more", len(failed)-most)
	}
	return bad(text)
}

// reread reads the configuration and tells in short what would change.
func (h *Handler) reread(ctx context.Context) outcome {
	changes, err := h.daemon.Reread(ctx)
	if err != nil {
		return bad("ERROR: " + err.Error())
	}
	var parts []string
	for _, of := range []struct {
		names []string
		word  string
	}{{changes.Added, "available"}, {changes.Changed, "changed"}, {changes.Removed, "disappeared"}} {
		for _, name := range of.names {
			parts = append(parts, name+": "+of.word)
		}
	}
	if parts == nil {
		return well("No config updates to processes")
	}
	return well(strings.Join(parts, ", "))
}

// update puts the configuration that was read last to work, for one group or
// for all that differ.
func (h *Handler) update(ctx context.Context, target string) outcome {
	pending, err := h.daemon.Pending(ctx)
	if err != nil {
		return bad("ERROR: " + err.Error())
	}
	var parts []string
	ok := true
	for _, change := range pending {
		name := change.Name()
		if target != allTarget && target != name {
			continue
		}
		done, err := h.updateGroup(ctx, change)
		if err != nil {
			ok = false
			parts = append(parts, "ERROR: "+name+": "+err.Error())
			continue
		}
		parts = append(parts, name+": "+done)
	}
	if parts == nil {
		return well("No config updates to processes")
	}
	return outcome{ok, strings.Join(parts, ", ")}
}

// updateGroup removes, replaces or adds a group.
func (h *Handler) updateGroup(ctx context.Context, change supervisor.GroupChange) (done string, err error) {
	name := change.Name()
	if change.Running != nil {
		if _, err := h.daemon.StopGroup(ctx, name, true); err != nil {
			return "", err
		}
		if err := h.daemon.RemoveGroup(ctx, name); err != nil {
			return "", err
		}
		if change.Wanted == nil {
			return "removed process group", nil
		}
	}
	if err := h.daemon.AddGroup(ctx, name); err != nil {
		return "", err
	}
	if change.Running != nil {
		return "updated process group", nil
	}
	return "added process group", nil
}

// wantsJSON tells whether the client is a script that says so.
func wantsJSON(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "application/json")
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that has gone does not miss it
}
