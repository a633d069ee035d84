package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// takeAlert kills programs one at a time and looks how long it takes until
// crashmail's mail about that comes to an SMTP server, which this program plays.
func takeAlert(ctx context.Context, b *bench, d daemon, _ int) ([]samples, error) {
	crashmail, err := b.tool("crashmail")
	if err != nil {
		return nil, err
	}
	s, err := b.alerts(ctx, d, "tcp", func(to string) (string, error) {
		return "command=" + crashmail + " -a -m ops@example.com --smtp-host " + to + " --smtp-tls none --spool %(here)s/spool\n", nil
	})
	return []samples{s, s}, err
}

// takeSuperlance is takeAlert with superlance's crashmail, which hands its
// mails to a command that this program plays.
func takeSuperlance(ctx context.Context, b *bench, d daemon, _ int) ([]samples, error) {
	python, err := b.superlance(ctx)
	if err != nil {
		return nil, err
	}
	s, err := b.alerts(ctx, d, "unix", func(to string) (string, error) {
		lines, err := playing("sendmail", to)
		self, environment, _ := strings.Cut(strings.TrimPrefix(lines, "command="), "\n")
		return "command=" + python + " -m superlance.crashmail -a -m ops@example.com -s " + self + "\n" + environment, err
	})
	return []samples{s, s}, err
}

// tool returns the path of a command of vigilance's that lies beside one of the
// daemons.
func (b *bench) tool(name string) (string, error) {
	for _, d := range b.daemons {
		if path := d.beside(name); d.python() == "" && executable(path) {
			return path, nil
		}
	}
	return "", notMeasured{"there is no " + name + " beside any of the daemons"}
}

func executable(path string) bool {
	fi, err := os.Stat(path)
	return err == nil && fi.Mode().IsRegular() && fi.Mode()&0o111 != 0
}

// python returns the interpreter of a daemon that is a Python script; else
// nothing.
func (d daemon) python() string {
	path, err := exec.LookPath(d.command[0])
	if err != nil {
		return ""
	}
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }() // only read
	line, err := bufio.NewReader(io.LimitReader(f, 256)).ReadString('\n')
	interpreter, script := strings.CutPrefix(line, "#!")
	if err != nil || !script {
		return ""
	}
	for _, word := range strings.Fields(interpreter) { // there may be env before it, and options behind
		if strings.Contains(filepath.Base(word), "python") {
			return word
		}
	}
	return ""
}

// superlance returns a Python that has superlance's crashmail.
func (b *bench) superlance(ctx context.Context) (string, error) {
	for _, d := range b.daemons {
		if python := d.python(); python != "" && exec.CommandContext(ctx, python, "-c", "import superlance.crashmail").Run() == nil {
			return python, nil
		}
	}
	return "", notMeasured{"Python's superlance is not installed (its folder may be in PYTHONPATH)"}
}

// alertSleepers is how many programs there are to be killed.
const alertSleepers = 101

// alerts kills programs one by one and returns how long it took, each time,
// until the mail arrived. The command of the listener is told where to send
// it.
func (b *bench) alerts(ctx context.Context, d daemon, network string, command func(to string) (string, error)) (_ samples, err error) {
	most, span := alertSleepers-1, 25*time.Second
	if b.short {
		most, span = 20, 4*time.Second
	}
	mails, err := b.receive(network)
	if err != nil {
		return nil, err
	}
	defer mails.close()
	lines, err := command(mails.address())
	if err != nil {
		return nil, err
	}
	r, err := b.start(ctx, d, alertSleepers, "[eventlistener:crashmail]\n"+lines+
		"\nevents=PROCESS_STATE_EXITED\nstartsecs=0\nstderr_logfile=NONE\nstdout_logfile=NONE\n"+
		strings.ReplaceAll(sleepers(alertSleepers), "startsecs=0\n", "startsecs=0\nautorestart=false\n")+oneGroup(alertSleepers))
	if err != nil {
		return nil, err
	}
	defer finish(r, &err)
	if err := r.waitLog("entered RUNNING state", alertSleepers+1); err != nil {
		return nil, err
	}
	var s samples
	end := time.Now().Add(span)
	for i, pid := range spawnedPIDs(r.log.String())[1:] { // the first is the listener, which has the lowest priority number
		if len(s) == most || len(s) > 0 && time.Now().After(end) {
			break
		}
		began := time.Now()
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			return s, fmt.Errorf("kill a program: %w", err)
		}
		at, err := mails.about(ctx, pid)
		if err != nil {
			return s, fmt.Errorf("wait for the mail of %s: %w", r.name, err)
		}
		if i > 0 { // the first one waits until the listener is ready
			s = append(s, ms(at.Sub(began)))
		}
		// Not in step with a daemon that looks around at intervals.
		if err := sleep(ctx, 10*time.Millisecond+rand.N(50*time.Millisecond)); err != nil {
			return s, err
		}
	}
	return s, nil
}

// mailbox receives mails: over TCP as an SMTP server, else as one connection
// for each mail.
type mailbox struct {
	listener net.Listener
	mails    chan mail
}

// mail is one that arrived: SMTP's DATA, or the connection.
type mail struct {
	at   time.Time
	text string
}

func (b *bench) receive(network string) (*mailbox, error) {
	address := "127.0.0.1:0"
	if network == "unix" {
		dir, err := os.MkdirTemp(b.dir, "mail")
		if err != nil {
			return nil, fmt.Errorf("make a folder for a socket: %w", err)
		}
		address = filepath.Join(dir, "sock")
	}
	l, err := net.Listen(network, address)
	if err != nil {
		return nil, fmt.Errorf("listen for mail: %w", err)
	}
	m := &mailbox{l, make(chan mail, 2*alertSleepers)}
	go func() { // close ends it
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go m.serve(conn, network == "tcp") // ends with the connection, which its client or its deadline ends
		}
	}()
	return m, nil
}

func (m *mailbox) address() string { return m.listener.Addr().String() }

func (m *mailbox) close() { _ = m.listener.Close() } // nothing is owed to it

// serve takes the mails of one connection.
func (m *mailbox) serve(conn net.Conn, smtp bool) {
	at := time.Now()
	defer func() { _ = conn.Close() }() // what is to be said has been
	_ = conn.SetDeadline(at.Add(patience))
	if !smtp {
		if text, err := io.ReadAll(conn); err == nil {
			m.mails <- mail{at, string(text)}
		}
		return
	}
	in := bufio.NewReader(conn)
	say := func(s string) { _, _ = io.WriteString(conn, s+"\r\n") } // a client that is gone ends the reading, too
	say("220 bench ESMTP")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		switch verb, _, _ := strings.Cut(strings.ToUpper(strings.TrimSpace(line)), " "); verb {
		case "EHLO":
			say("250-bench\r\n250 8BITMIME")
		case "DATA":
			at := time.Now()
			say("354 go on")
			var text strings.Builder
			for line := ""; err == nil && line != ".\r\n"; text.WriteString(line) {
				line, err = in.ReadString('\n')
			}
			m.mails <- mail{at, text.String()}
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 fine")
		}
	}
}

// mailPatience is how long a mail may take.
const mailPatience = 10 * time.Second

// pidInMail is how crashmail names the process.
var pidInMail = regexp.MustCompile(`\(pid\s+(\d+)\)`)

// about returns when the mail about a process arrived.
func (m *mailbox) about(ctx context.Context, pid int) (time.Time, error) {
	limit := time.After(mailPatience)
	for {
		select {
		case got := <-m.mails:
			if found := pidInMail.FindStringSubmatch(got.text); found != nil && found[1] == strconv.Itoa(pid) {
				return got.at, nil
			}
		case <-limit:
			return time.Time{}, notWithin{"a mail arrives", mailPatience}
		case <-ctx.Done():
			return time.Time{}, ctx.Err()
		}
	}
}
