package chaos

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/supervisor/ctl/client"
)

// marker is the variable by which everything that a daemon has started is
// found, whoever its parent is by now.
const marker = "VIGILANCE_CHAOS_DIR"

// patience bounds each wait for something that must happen.
const patience = time.Minute

// spec says what a daemon is to run on.
type spec struct {
	options string            // lines for [supervisord]
	config  string            // further sections; %(here)s is the folder
	files   map[string]string // files to make in the folder, executable
	shell   string            // what to do before supervisord is executed, as a shell's words
	attr    syscall.SysProcAttr
	dir     string     // its folder, where it is not a new one
	clock   *wallClock // the clock that it is to read, where that is not the system's
}

// daemon is a supervisord that things are done to.
type daemon struct {
	t      *testing.T
	spec   spec
	dir    string
	cmd    *exec.Cmd
	exited chan struct{}
	rpc    *client.Client
}

// start starts a daemon and waits until it answers. It and all that it has
// started are gone when the test has ended.
func start(t *testing.T, s spec) *daemon {
	t.Helper()
	d := &daemon{t: t, spec: s, dir: s.dir}
	if d.dir == "" {
		dir, err := os.MkdirTemp("", "chaos-") // a socket's path must be short
		if err != nil {
			t.Fatal(err)
		}
		d.dir = dir
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
	}
	for name, content := range s.files {
		d.write(name, content)
	}
	d.write("supervisord.conf", "[supervisord]\nlogfile=%(here)s/supervisord.log\nlogfile_maxbytes=0\n"+
		"pidfile=%(here)s/supervisord.pid\nchildlogdir=%(here)s\n"+s.options+"\n"+
		"[unix_http_server]\nfile=%(here)s/sock\n"+
		"[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n"+s.config)
	rpc, err := client.New(client.Options{URL: "unix://" + d.path("sock")})
	if err != nil {
		t.Fatal(err)
	}
	d.rpc = rpc
	t.Cleanup(d.cleanUp)
	d.launch()
	d.awaitAnswer()
	return d
}

// launch starts the daemon, for the first time or after its end.
func (d *daemon) launch() {
	d.t.Helper()
	words := d.spec.shell
	if words == "" {
		words = ":"
	}
	d.cmd = exec.Command("/bin/sh", "-c", words+` && exec "$@"`, "sh", supervisord(), "-n", "-c", d.path("supervisord.conf"))
	d.cmd.Dir = d.dir
	d.cmd.Env = append(os.Environ(), marker+"="+d.dir)
	attr := d.spec.attr
	attr.Setpgid = true
	d.cmd.SysProcAttr = &attr
	for name, stream := range map[string]*io.Writer{"out": &d.cmd.Stdout, "err": &d.cmd.Stderr} {
		f, err := os.OpenFile(d.path(name), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
		if err != nil {
			d.t.Fatal(err)
		}
		defer func() { _ = f.Close() }() // the daemon has its own
		*stream = f
	}
	begin := d.cmd.Start
	if d.spec.clock != nil {
		begin = func() error { return d.spec.clock.start(d.cmd) }
	}
	if err := begin(); err != nil {
		d.t.Fatal(err)
	}
	cmd, exited := d.cmd, make(chan struct{})
	d.exited = exited
	go func() { // ends with the daemon
		_ = cmd.Wait()
		close(exited)
	}()
}

// awaitAnswer waits until the daemon answers.
func (d *daemon) awaitAnswer() {
	d.t.Helper()
	d.until("an answer", func() bool {
		_, err := d.rpc.PID(d.t.Context())
		return err == nil
	})
}

func (d *daemon) path(name string) string { return filepath.Join(d.dir, name) }

func (d *daemon) pid() int { return d.cmd.Process.Pid }

// write makes a file in the daemon's folder.
func (d *daemon) write(name, content string) {
	d.t.Helper()
	if err := os.WriteFile(d.path(name), []byte(content), 0o755); err != nil { // programs are executed
		d.t.Fatal(err)
	}
}

// read returns what a file in the daemon's folder holds; nothing when there is
// none.
func (d *daemon) read(name string) string {
	text, err := os.ReadFile(d.path(name))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		d.t.Error(err)
	}
	return string(text)
}

// until polls for a condition, and fails the test when it does not come.
func (d *daemon) until(what string, ok func() bool) {
	d.t.Helper()
	for end := time.Now().Add(patience); !ok(); {
		if time.Now().After(end) {
			d.t.Fatalf("waited %v in vain for %s; the end of the log:\n%s\nstandard error:\n%s",
				patience, what, last(d.read("supervisord.log"), 4000), last(d.read("err"), 4000))
		}
		<-time.After(5 * time.Millisecond)
	}
}

// untilLog waits until the log holds a text at least count times.
func (d *daemon) untilLog(text string, count int) {
	d.t.Helper()
	d.until(fmt.Sprintf("%d times %q", count, text), func() bool {
		return strings.Count(d.read("supervisord.log"), text) >= count
	})
}

// last returns the end of a text.
func last(text string, size int) string { return text[max(0, len(text)-size):] }

// infos returns what the daemon tells of its processes.
func (d *daemon) infos() []client.ProcessInfo {
	d.t.Helper()
	infos, err := d.rpc.AllProcessInfo(d.t.Context())
	if err != nil {
		d.t.Fatalf("AllProcessInfo: %v; standard error:\n%s", err, last(d.read("err"), 4000))
	}
	return infos
}

// untilAll waits until every process is in a state.
func (d *daemon) untilAll(state string) {
	d.t.Helper()
	d.until("all "+state, func() bool {
		for _, i := range d.infos() {
			if i.StateName != state {
				return false
			}
		}
		return true
	})
}

// restPause is a little more than the longest time between two lives of a
// program that ends at once.
const restPause = 1300 * time.Millisecond

// stopAll stops all processes. As with the reference, those that are between
// two lives are not running, and can only be stopped in the next one.
func (d *daemon) stopAll() {
	d.t.Helper()
	atRest := time.Now()
	d.until("all to be at rest", func() bool {
		if _, err := d.rpc.StopAllProcesses(d.t.Context()); err != nil {
			d.t.Error(err)
		}
		<-time.After(10 * time.Millisecond)
		if slices.ContainsFunc(d.infos(), func(i client.ProcessInfo) bool {
			return i.PID != 0 || i.StateName != "STOPPED" && i.StateName != "FATAL" && i.StateName != "EXITED"
		}) {
			atRest = time.Now()
		}
		return time.Since(atRest) > restPause
	})
	d.until("the programs' processes to end", func() bool { return len(d.marked()) == 0 })
}

// state returns the state of one process.
func (d *daemon) state(namespec string) string {
	d.t.Helper()
	info, err := d.rpc.ProcessInfo(d.t.Context(), namespec)
	if err != nil {
		d.t.Fatalf("ProcessInfo(%q): %v", namespec, err)
	}
	return info.StateName
}

// signal sends the daemon a signal.
func (d *daemon) signal(sig syscall.Signal) {
	d.t.Helper()
	if err := syscall.Kill(d.pid(), sig); err != nil {
		d.t.Errorf("send %v to the daemon: %v", sig, err)
	}
}

// kill kills the daemon and waits until it is gone.
func (d *daemon) kill() {
	d.t.Helper()
	d.signal(syscall.SIGKILL)
	<-d.exited
}

// alive tells whether the daemon runs.
func (d *daemon) alive() bool {
	select {
	case <-d.exited:
		return false
	default:
		return true
	}
}

// end stops the daemon as a service manager does, and tells what it has left
// behind.
func (d *daemon) end() {
	d.t.Helper()
	d.signal(syscall.SIGTERM)
	d.until("the end of the daemon", func() bool { return !d.alive() })
	if code := d.cmd.ProcessState.ExitCode(); code != 0 {
		d.t.Errorf("the daemon ended with status %d; standard error:\n%s", code, last(d.read("err"), 4000))
	}
	if text := d.read("err"); strings.Contains(text, "DATA RACE") || strings.Contains(text, "panic:") || strings.Contains(text, "fatal error:") {
		d.t.Errorf("the daemon's standard error:\n%s", last(text, 4000))
	}
}

// cleanUp kills whatever is left.
func (d *daemon) cleanUp() {
	d.rpc.Close()
	if d.cmd != nil && d.alive() {
		_ = syscall.Kill(d.pid(), syscall.SIGCONT)
		_ = syscall.Kill(d.pid(), syscall.SIGKILL)
		<-d.exited
	}
	for range 3 { // a fork may be under way
		for pid := range d.marked() {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// get returns the answer to a GET request.
func (d *daemon) get(path string) (string, error) { return d.http(http.MethodGet, path, nil) }

// post returns the answer to an XML-RPC request.
func (d *daemon) post(body []byte) (string, error) { return d.http(http.MethodPost, "/RPC2", body) }

// http makes a request on a connection of its own.
func (d *daemon) http(method, path string, body []byte) (string, error) {
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", d.path("sock"))
	}}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(d.t.Context(), method, "http://localhost"+path, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "text/xml")
	answer, err := (&http.Client{Transport: transport, Timeout: patience}).Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = answer.Body.Close() }() // it is read to its end
	text, err := io.ReadAll(answer.Body)
	return string(text), err
}

// metrics returns the value of each series of /metrics, by name and labels.
func (d *daemon) metrics() map[string]float64 {
	d.t.Helper()
	text, err := d.get("/metrics")
	if err != nil {
		d.t.Fatalf("GET /metrics: %v", err)
	}
	values := make(map[string]float64)
	for line := range strings.Lines(text) {
		i := strings.LastIndexByte(line, ' ')
		if value, err := strconv.ParseFloat(strings.TrimSpace(line[max(0, i):]), 64); i > 0 && err == nil {
			values[line[:i]] = value
		}
	}
	return values
}

// total sums the series of one metric whose labels contain a text.
func total(metrics map[string]float64, name, labels string) int {
	sum := 0.0
	for series, value := range metrics {
		if head, rest, _ := strings.Cut(series, "{"); head == name && strings.Contains(rest, labels) {
			sum += value
		}
	}
	return int(sum)
}

// marked returns the processes that carry the daemon's marker but the daemon
// itself, by pid.
func (d *daemon) marked() map[int]proc {
	found := make(map[int]proc)
	want := []byte(marker + "=" + d.dir + "\x00")
	for _, p := range processes() {
		environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", p.pid))
		if err == nil && bytes.Contains(environ, want) && !p.dead() && p.pid != d.pid() {
			p.program = variable(environ, "SUPERVISOR_PROCESS_NAME")
			found[p.pid] = p
		}
	}
	return found
}

// variable returns the value of a variable in a process's environment.
func variable(environ []byte, name string) string {
	for _, kv := range bytes.Split(environ, []byte{0}) {
		if value, ok := bytes.CutPrefix(kv, []byte(name+"=")); ok {
			return string(value)
		}
	}
	return ""
}
