package web

import (
	"context"
	"errors"
	"net/http"

	"github.com/vigilance-go/vigilance/supervisor/access"
	"github.com/vigilance-go/vigilance/supervisor/config"
)

// needs returns the role that an action is for: a button's or one of
// Supervisor's links. What it does not know is for nobody.
func needs(action string) config.Role {
	switch action {
	case "refresh":
		return config.RoleObserver
	case "start", "stop", "restart", "signal", "clear", "clearlog", "stopall", "restartall":
		return config.RoleOperator
	case "reread", "update", "clearmain":
		return config.RoleAdmin
	}
	return config.RoleNone
}

// permitted tells whether the caller may do what o asks for, and refuses the
// request if not.
func (h *Handler) permitted(w http.ResponseWriter, r *http.Request, o order) bool {
	err := access.Of(r.Context()).Check(o.what, needs(o.what))
	if err == nil {
		return true
	}
	h.note(r.Context(), o, err)
	h.refuse(w, r, refusal{http.StatusForbidden, "You may not do this", "Nothing was changed: " + err.Error() + "."})
	return false
}

// note writes an action and its outcome to the audit log.
func (h *Handler) note(ctx context.Context, o order, err error) {
	if needs(o.what) == config.RoleObserver {
		return
	}
	var args []access.Arg
	if o.target != "" {
		args = append(args, access.Arg{Name: "name", Value: o.target})
	}
	if o.signal != "" && o.what == "signal" {
		args = append(args, access.Arg{Name: "signal", Value: o.signal})
	}
	h.audit.Record(access.Of(ctx), "web."+o.what, args, err)
}

// failure is the error that an outcome tells of; nil for success.
func (o outcome) failure() error {
	if o.OK {
		return nil
	}
	return errors.New(o.Message)
}
