package test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/test/peer"
)

// answerer is a FastCGI program in that it accepts connections from its standard
// input. It says its name to each, and keeps it until the other side ends it.
const answerer = `import os, socket
listening = socket.socket(fileno=0)
while True:
    connection = listening.accept()[0]
    connection.sendall(os.environ['SUPERVISOR_PROCESS_NAME'].encode() + b'\n')
    connection.recv(1)
    connection.close()
`

// whoAnswers opens count connections at once and returns the names of who
// answered, sorted. A process that holds a connection cannot take another.
func whoAnswers(network, address string, count int) (string, error) {
	var names []string
	for range count {
		conn, err := net.DialTimeout(network, address, 5*time.Second)
		if err != nil {
			if _, stat := os.Stat(address); network == "unix" && stat == nil {
				return "refused, but there is a file", nil
			}
			return "refused", nil
		}
		defer func() { _ = conn.Close() }()
		if err := conn.SetDeadline(time.Now().Add(peer.Deadline)); err != nil {
			return "", err
		}
		name := make([]byte, 20)
		n, err := conn.Read(name)
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("wait for the answer of a FastCGI program at %s: %w", address, err)
		}
		names = append(names, strings.TrimSpace(string(name[:n])))
	}
	slices.Sort(names)
	return strings.Join(names, " "), nil
}

// backlogs returns the Send-Q column of ss, how many connections may wait, of
// the listening sockets that the filter selects.
func backlogs(args ...string) (string, error) {
	out, err := exec.Command("ss", args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("run ss %q (Debian package iproute2): %w: %s", args, err, out)
	}
	var found []string
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if len(fields) > 3 && slices.Contains(fields, "LISTEN") {
			found = append(found, fields[slices.Index(fields, "LISTEN")+2])
		}
	}
	return strings.Join(found, " "), nil
}

// fastCGIWatch notes in out/answers what can be seen of the sockets from outside.
type fastCGIWatch struct {
	d    *peer.Daemon
	port string
}

func (w *fastCGIWatch) note(format string, args ...any) error {
	file, err := os.OpenFile(w.d.Path("out/answers"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	_, err = fmt.Fprintf(file, format+"\n", args...)
	return err
}

// look notes the sockets' files, backlogs, and who answers so many connections
// at once.
func (w *fastCGIWatch) look(when string, overTCP, overUnix int) error {
	path := w.d.Path("unix.sock")
	mode := "none"
	if info, err := os.Stat(path); err == nil {
		owner, _ := info.Sys().(*syscall.Stat_t)
		mode = fmt.Sprintf("%v, owner %d:%d", info.Mode(), owner.Uid, owner.Gid)
	}
	tcpQueue, err := backlogs("-Hltn", "sport = :"+w.port)
	if err != nil {
		return err
	}
	unixQueue, err := backlogs("-Hlxn", "src", path)
	if err != nil {
		return err
	}
	tcpNames, err := whoAnswers("tcp", "localhost:"+w.port, overTCP)
	if err != nil {
		return err
	}
	unixNames, err := whoAnswers("unix", path, overUnix)
	if err != nil {
		return err
	}
	return w.note("%s: unix socket %s; backlogs %q and %q; answers %q and %q", when, mode, tcpQueue, unixQueue, tcpNames, unixNames)
}

// TestFastCGISockets compares the sockets of FastCGI programs through their
// life: who shares them, their rights and backlog, when they are made and
// closed, and what is said about it.
func TestFastCGISockets(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("ss"); err != nil {
		missingPeer(t, "Debian's package iproute2", err)
	}
	owner := ""
	if os.Getuid() == 0 {
		owner = "socket_owner=nobody:daemon\n"
	}
	const two = "command={python} %(here)s/answerer.py\nnumprocs=2\nprocess_name=%(program_name)s_%(process_num)d\n"
	want, got := runBoth(t, scenario{
		config: overUnix +
			"[fcgi-program:tcp]\n" + two + "socket=tcp://localhost:{port}\nsocket_backlog=7\npriority=20\n" +
			"[fcgi-program:unix]\n" + two + "socket=unix://%(here)s/%(program_name)s.sock\nsocket_backlog=9\nsocket_mode=0640\npriority=10\n" + owner +
			// In a group of several programs it is one like any other, without a socket.
			"[fcgi-program:member]\ncommand=sleep 1000\nsocket=unix://%(here)s/member.sock\n[group:team]\nprograms=member\npriority=5\n",
		files: map[string]string{"answerer.py": answerer},
		drive: driveFastCGI,
	})
	sameFiles(t, "out", want.out, got.out)
	wantLines, gotLines := peer.ByProgram(want.log), peer.ByProgram(got.log)
	for _, name := range []string{"", "tcp_0", "tcp_1", "unix_0", "unix_1", "member"} {
		sameLines(t, fmt.Sprintf("supervisord.log about %q", name), without(wantLines[name], "waiting for "), without(gotLines[name], "waiting for "))
	}
	verbs := []string{"Creating socket", "Closing socket", "spawned: "}
	sameLines(t, "the order of starts and sockets", having(want.log, verbs...), having(got.log, verbs...))
}

// driveFastCGI stops, kills and starts the programs of TestFastCGISockets.
func driveFastCGI(d *peer.Daemon) error {
	conf, err := os.ReadFile(d.Path("supervisord.conf"))
	if err != nil {
		return err
	}
	_, port, _ := strings.Cut(string(conf), "tcp://localhost:")
	port, _, _ = strings.Cut(port, "\n")
	w, c := &fastCGIWatch{d: d, port: port}, callUnix(d)
	// One after the other, so that the order does not depend on who is quicker.
	each := func(action string, names ...string) error {
		for _, name := range names {
			if err := c.converse(d, call{"supervisor." + action + "Process", []any{name}}); err != nil {
				return err
			}
		}
		return nil
	}
	running := 5
	for _, stage := range []struct {
		name              string
		act               func() error
		starts            int // how many processes come up by it
		overTCP, overUnix int // how many answer at once then; 1 where nobody does
	}{
		{"started", func() error { return nil }, 0, 2, 2},
		{"one of two stopped", func() error { return each("stop", "unix:unix_0") }, 0, 2, 1},
		{"both stopped", func() error { return each("stop", "unix:unix_1") }, 0, 2, 1},
		{"started again", func() error { return each("start", "unix:unix_1", "unix:unix_0") }, 2, 2, 2},
		{"file removed, both stopped and started", func() error {
			return errors.Join(os.Remove(d.Path("unix.sock")),
				each("stop", "unix:unix_0", "unix:unix_1"), each("start", "unix:unix_0", "unix:unix_1"))
		}, 2, 2, 2},
		{"killed", func() error {
			return c.converse(d, call{"supervisor.signalProcess", []any{"tcp:tcp_1", "KILL"}})
		}, 1, 2, 2},
		{"all stopped", func() error { return each("stop", "tcp:tcp_0", "tcp:tcp_1", "unix:unix_0", "unix:unix_1") }, 0, 1, 1},
	} {
		if err := stage.act(); err != nil {
			return fmt.Errorf("%s: %w", stage.name, err)
		}
		running += stage.starts
		if err := d.WaitLog("success: ", running); err != nil {
			return err
		}
		if err := w.look(stage.name, stage.overTCP, stage.overUnix); err != nil {
			return fmt.Errorf("%s: %w", stage.name, err)
		}
	}
	return nil
}
