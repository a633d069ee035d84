package config

import (
	"bufio"
	"encoding/json"
	"io"
	"maps"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

const systemPython = "/usr/bin/python3"

// reference is a running Python that answers what it and Debian's supervisor
// package make of an input: see testdata/reference.py. The package is 4.2.5;
// in what it reads, 4.3 differs only where an entry point names an attribute
// that its module lacks, which was a traceback and is now an error.
type reference struct {
	t       testing.TB
	in      io.WriteCloser
	out     *bufio.Reader
	environ map[string]string
}

// question is a kind of input and its arguments.
type question []any

// answer is what the reference makes of a question. Crash is set where the
// reference would end with a traceback, which nobody need follow.
type answer struct {
	OK    json.RawMessage `json:"ok"`
	Error *string         `json:"error"`
	Crash *string         `json:"crash"`
}

// startReference starts the Python process, which ends with the test. Where
// the package is missing the test is skipped, unless the environment says
// that peers must be there.
func startReference(t testing.TB) *reference {
	t.Helper()
	if out, err := exec.Command(systemPython, "-c", "import supervisor.options").CombinedOutput(); err != nil {
		const reason = "the Python reference is missing (Debian package supervisor)"
		if os.Getenv("VIGILANCE_REQUIRE_PEERS") != "" {
			t.Fatalf("%s: %v: %s", reason, err, out)
		}
		t.Skipf("%s: %v", reason, err)
	}
	environ := map[string]string{
		"HOME": t.TempDir(), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8",
		"A": "1", "EMPTY": "", "SPACED": "a b", "QUOTED": `x"y'z`, "PERCENT": "50%", "UMLAUT": "ä",
	}
	cmd := exec.Command(systemPython, "testdata/reference.py")
	for name, value := range environ {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		cmd.Wait()
	})
	return &reference{t: t, in: in, out: bufio.NewReader(out), environ: environ}
}

// options are those under which Load agrees with the Python process.
func (r *reference) options() Options {
	return Options{Environ: maps.Clone(r.environ)}
}

func (r *reference) ask(questions []question) []answer {
	r.t.Helper()
	line, err := json.Marshal(questions)
	if err != nil {
		r.t.Fatal(err)
	}
	// Written from aside: both pipes may fill up. The read below ends after
	// the write did.
	go r.in.Write(append(line, '\n'))
	reply, err := r.out.ReadBytes('\n')
	if err != nil {
		r.t.Fatalf("read the reference's answers: %v", err)
	}
	var answers []answer
	if err := json.Unmarshal(reply, &answers); err != nil {
		r.t.Fatalf("read the reference's answers: %v", err)
	}
	if len(answers) != len(questions) {
		r.t.Fatalf("got %d answers, want %d", len(answers), len(questions))
	}
	return answers
}

// canonical is a value as JSON with sorted keys, for comparisons.
func canonical(t testing.TB, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var generic any
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber()
	if err := decoder.Decode(&generic); err != nil {
		t.Fatal(err)
	}
	text, err = json.Marshal(generic)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// same compares what we made of a question with the answer. Both texts are
// for the message when they differ.
func (a answer) same(t testing.TB, got any, gotErr error) (ok bool, gotText, wantText string) {
	t.Helper()
	switch {
	case a.Crash != nil:
		return true, "", *a.Crash
	case a.Error != nil:
		wantText = "error: " + *a.Error
	default:
		wantText = canonical(t, a.OK)
	}
	if gotErr != nil {
		gotText, _, _ = strings.Cut(gotErr.Error(), ": it names Python code")
		gotText = "error: " + gotText
	} else {
		gotText = canonical(t, got)
	}
	// Python keeps the event names in a set: which of two that are unknown it
	// names is left to chance.
	const which = "error: Unknown event type "
	if strings.HasPrefix(gotText, which) && strings.HasPrefix(wantText, which) {
		_, got, _ := strings.Cut(gotText[len(which):], " ")
		_, want, _ := strings.Cut(wantText[len(which):], " ")
		return got == want, gotText, wantText
	}
	return gotText == wantText, gotText, wantText
}

func list[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}

func dict(items map[string]string) map[string]string {
	if items == nil {
		return map[string]string{}
	}
	return items
}

// dumpConfig shows a Config as reference.py shows its own.
func dumpConfig(c *Config) any {
	s := c.Supervisord
	groups, servers, interfaces := []any{}, []any{}, []any{}
	for _, group := range c.Groups {
		groups = append(groups, dumpGroup(group))
	}
	for _, server := range c.Servers {
		servers = append(servers, map[string]any{
			"section": server.Section, "name": server.Name, "host": server.Host, "port": server.Port,
			"file": server.File, "mode": server.Mode, "owner": []int{server.UID, server.GID},
			"username": server.Username, "password": server.Password,
		})
	}
	for _, i := range c.RPCInterfaces {
		interfaces = append(interfaces, []any{i.Name, i.Options})
	}
	return map[string]any{
		"supervisord": map[string]any{
			"logfile": s.LogFile, "logfile_maxbytes": s.LogFileMaxBytes, "logfile_backups": s.LogFileBackups,
			"loglevel": s.LogLevel, "pidfile": s.PIDFile, "umask": s.Umask, "nodaemon": s.NoDaemon,
			"silent": s.Silent, "minfds": s.MinFDs, "minprocs": s.MinProcs, "nocleanup": s.NoCleanup,
			"strip_ansi": s.StripANSI, "childlogdir": s.ChildLogDir, "user": s.User, "directory": s.Directory,
			"identifier": s.Identifier, "environment": dict(s.Environment),
		},
		"groups": groups, "servers": servers, "serverurl": c.ServerURL(), "rpcinterfaces": interfaces,
		"criticals": list(c.Criticals), "warnings": list(c.Warnings), "infos": list(c.Infos),
	}
}

func dumpGroup(g *Group) any {
	programs := []any{}
	for _, p := range g.Programs {
		programs = append(programs, dumpProgram(p))
	}
	var pool, socket any
	if g.Pool != nil {
		size := g.Pool.BufferSize
		if size == 0 {
			size = 10 // the reference's default; ours is the daemon's to choose
		}
		pool = map[string]any{"buffer_size": size, "events": g.Pool.Events}
	}
	if s := g.Socket; s != nil {
		if s.Network == "tcp" {
			s.Mode = 0
		}
		socket = map[string]any{"url": s.URL(), "owner": []int{s.UID, s.GID}, "mode": s.Mode, "backlog": s.Backlog}
	}
	return map[string]any{
		"name": g.Name, "kind": g.Kind, "priority": g.Priority, "programs": programs, "pool": pool, "socket": socket,
	}
}

func dumpProgram(p *Program) any {
	return map[string]any{
		"name": p.Name, "command": p.Command, "directory": p.Directory, "umask": p.Umask, "priority": p.Priority,
		"autostart": p.AutoStart, "autorestart": p.AutoRestart, "startsecs": p.StartSecs / time.Second,
		"startretries": p.StartRetries, "uid": p.UID, "stopsignal": p.StopSignal,
		"stopwaitsecs": p.StopWaitSecs / time.Second, "stopasgroup": p.StopAsGroup, "killasgroup": p.KillAsGroup,
		"exitcodes": list(p.ExitCodes), "redirect_stderr": p.RedirectStderr,
		"stdout": dumpLog(p.Stdout), "stderr": dumpLog(p.Stderr),
		"environment": dict(p.Environment), "serverurl": p.ServerURL,
	}
}

func dumpLog(l Log) any {
	return map[string]any{
		"target": []any{l.Target, l.File}, "maxbytes": l.MaxBytes, "backups": l.Backups,
		"syslog": l.Syslog, "capture": l.CaptureMaxBytes, "events": l.EventsEnabled,
	}
}

func dumpCtl(c *Ctl) any {
	plugins := []any{}
	for _, p := range c.Plugins {
		plugins = append(plugins, []any{p.Name, p.Options})
	}
	return map[string]any{
		"serverurl": c.ServerURL, "prompt": c.Prompt, "username": c.Username, "password": c.Password,
		"history_file": c.HistoryFile, "plugins": plugins,
	}
}

// dumpDocument shows a document as ConfigParser's items do, inherited options
// first.
func dumpDocument(d *document) any {
	sections := []any{}
	for _, s := range d.sections {
		items := [][]string{}
		add := func(key string) {
			value, _ := d.get(s, key)
			items = append(items, []string{key, value})
		}
		for _, option := range d.defaults.options.entries {
			add(option.name)
		}
		for _, option := range s.options.entries {
			if !d.defaults.options.has(option.name) {
				add(option.name)
			}
		}
		sections = append(sections, []any{s.name, items})
	}
	return sections
}
