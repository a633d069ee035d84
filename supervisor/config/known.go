package config

import (
	"fmt"
	"slices"
	"strings"
)

// oneOfEach has a section of each kind there is, with what none can be without.
const oneOfEach = `
[supervisord]
[supervisorctl]
[ctlplugin:x]
supervisor.ctl_factory=supervisor.supervisorctl:DefaultControllerPlugin
[inet_http_server]
port=1
[unix_http_server]
file=/x
[user:u]
password=x
role=admin
[rpcinterface:x]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[program:p]
command=x
[eventlistener:e]
command=x
events=EVENT
[fcgi-program:f]
command=x
socket=unix:///x
[group:g]
programs=p
[include]
files=
`

// KnownOptions returns the options that each kind of section has, sorted, by
// the section's name up to its colon. They are found by reading one of each,
// so that they are those that Load and LoadCtl look for.
func KnownOptions() (map[string][]string, error) {
	r, err := newReader("", Options{Environ: map[string]string{}, Hostname: "host", Cwd: "/", TempDir: "/"})
	if err != nil {
		return nil, err
	}
	r.asked = make(map[string]map[string]bool)
	if err := r.doc.parse(oneOfEach, ""); err != nil {
		return nil, fmt.Errorf("read a section of each kind: %w", err)
	}
	if err := r.readIncludes(); err != nil {
		return nil, fmt.Errorf("read a section of each kind: %w", err)
	}
	if _, err := r.build(); err != nil {
		return nil, fmt.Errorf("read a section of each kind: %w", err)
	}
	if _, err := r.ctl(); err != nil {
		return nil, fmt.Errorf("read a section of each kind: %w", err)
	}
	known := make(map[string][]string)
	for kind, keys := range r.asked {
		known[kind] = sortedKeys(keys)
	}
	return known, nil
}

// ask notes that an option is looked for.
func (r *reader) ask(s *section, key string) {
	if r.asked == nil {
		return
	}
	kind, _, _ := strings.Cut(s.name, ":")
	if r.asked[kind] == nil {
		r.asked[kind] = make(map[string]bool)
	}
	r.asked[kind][key] = true
}

// Unread returns what stands in the file at path, or in one that it includes,
// and means nothing: options as "[section] key", whole sections as "[section]".
// Load passes over them, as the reference does; mostly they are misspelt.
func Unread(path string, opts Options) ([]string, error) {
	known, err := KnownOptions()
	if err != nil {
		return nil, err
	}
	r, err := newReader(path, opts)
	if err != nil {
		return nil, err
	}
	if err := r.readMain(); err != nil {
		return nil, err
	}
	if err := r.readIncludes(); err != nil {
		return nil, err
	}
	var unread []string
	for _, s := range r.doc.sections {
		kind, named := kindOf(s.name)
		if _, ok := known[kind]; !ok || !named {
			unread = append(unread, (&Error{Section: s.name}).Location())
			continue
		}
		if kind == "rpcinterface" || kind == "ctlplugin" {
			continue // the other options are for the plugin
		}
		for _, option := range s.options.entries {
			key := option.name
			if !r.doc.defaults.options.has(key) && !slices.Contains(known[kind], key) {
				unread = append(unread, (&Error{Section: s.name, Key: key}).Location())
			}
		}
	}
	return unread, nil
}

// kindOf returns the kind of a section, and whether its name is one that the
// kind can have.
func kindOf(name string) (kind string, named bool) {
	kind, _, colon := strings.Cut(name, ":")
	switch kind {
	case "supervisord", "supervisorctl", "include":
		return kind, !colon
	}
	for _, server := range []string{"inet_http_server", "unix_http_server"} {
		if strings.HasPrefix(name, server) { // what follows is a name, as there
			return server, true
		}
	}
	return kind, colon
}
