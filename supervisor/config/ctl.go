package config

import "strings"

// Ctl is what supervisorctl takes from the configuration file: its
// [supervisorctl] section, and the [ctlplugin:x] ones.
type Ctl struct {
	// ServerURL is http://host:port, https://... or unix:///path; a unix path
	// is absolute.
	ServerURL string
	// Username and Password are nil when not set.
	Username, Password *string
	Prompt             string
	// HistoryFile is absolute, or empty when no history is kept.
	HistoryFile string
	Plugins     []Plugin
}

// DefaultCtl returns what holds without a configuration file.
func DefaultCtl() Ctl {
	return Ctl{ServerURL: "http://localhost:9001", Prompt: "supervisor"}
}

// LoadCtl reads supervisorctl's part of the file at path. It reads neither the
// included files nor the daemon's sections, so that it finds no fault with
// them. Errors about the configuration are of type *Error.
func LoadCtl(path string, opts Options) (*Ctl, error) {
	r, err := newReader(path, opts)
	if err != nil {
		return nil, err
	}
	r.here = dirname(r.opts.NormalizePath(path))
	r.common.set("here", textValue(r.here))
	if err := r.readMain(); err != nil {
		return nil, err
	}
	return r.ctl()
}

// ctl reads the [supervisorctl] section and the plugins'.
func (r *reader) ctl() (_ *Ctl, err error) {
	section, ok := r.doc.byName["supervisorctl"]
	if !ok {
		return nil, &Error{Text: ".ini file does not include supervisorctl section"}
	}
	withHere, plain := scope{r.env, r.common}, scope{r.env}
	v := r.view(section)
	ctl := DefaultCtl()
	v.scope = withHere
	ctl.ServerURL = v.text("serverurl", ctl.ServerURL)
	if path, ok := strings.CutPrefix(ctl.ServerURL, "unix://"); ok {
		ctl.ServerURL = "unix://" + r.opts.NormalizePath(path)
	}
	v.scope = plain
	ctl.Prompt = v.text("prompt", ctl.Prompt)
	ctl.Username = v.pointer("username")
	ctl.Password = v.pointer("password")
	v.scope = withHere
	if ctl.HistoryFile = v.text("history_file", ""); ctl.HistoryFile != "" {
		ctl.HistoryFile = r.opts.NormalizePath(ctl.HistoryFile)
	}
	if v.err != nil {
		return nil, v.err
	}
	const own = "supervisor.supervisorctl:DefaultControllerPlugin"
	ctl.Plugins, err = r.plugins("ctlplugin:", "supervisor.ctl_factory", own)
	return &ctl, err
}
