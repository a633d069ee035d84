package childlog

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// DefaultSyslogIdent is the name that Python's syslog module gives the
// reference's messages.
const DefaultSyslogIdent = "supervisord"

const (
	// syslogPriority is LOG_USER|LOG_INFO, what syslog.syslog(message) uses.
	syslogPriority = 1<<3 | 6
	// maxSyslogQueue bounds what waits for a syslog daemon, in bytes.
	maxSyslogQueue = 1 << 20
	// syslogPatience is how long one message may take.
	syslogPatience = 5 * time.Second
)

// errPaused says that a connection failed a moment ago and is not tried again yet.
var errPaused = errors.New("waiting to connect again")

// SyslogOptions configure a Syslog.
type SyslogOptions struct {
	// Ident names the sender; DefaultSyslogIdent when empty.
	Ident string
	// Sockets are tried in order; where syslog daemons listen when nil.
	Sockets []string
	// Report is as in FileOptions.
	Report func(level int, text string)
}

// Syslog sends lines to the local syslog daemon, as syslog(3) formats them. A
// daemon that is missing or slow never delays the caller: lines wait in a
// bounded queue, what does not fit is counted and reported, and the connection
// is made again with later lines. It may be used from several goroutines.
type Syslog struct {
	o   SyslogOptions
	now func() time.Time

	mu      sync.Mutex
	queue   [][]byte
	queued  int // bytes
	running bool
	closed  bool
	idle    *sync.Cond

	// These belong to the sending goroutine.
	conn   net.Conn
	stream bool
	opens  pause

	sending outage // under mu
}

// NewSyslog returns a Syslog. It connects when there is something to send.
func NewSyslog(o SyslogOptions) *Syslog {
	if o.Ident == "" {
		o.Ident = DefaultSyslogIdent
	}
	if o.Sockets == nil {
		o.Sockets = []string{"/dev/log", "/var/run/syslog", "/var/run/log"}
	}
	s := &Syslog{o: o, now: time.Now, sending: outage{
		began: "could not write to syslog",
		ended: "syslog can be written again",
	}}
	s.idle = sync.NewCond(&s.mu)
	return s
}

// Program returns a function that sends a line of the named process, for
// StreamOptions.Syslog.
func (s *Syslog) Program(name string) func(line string) {
	return func(line string) { s.Send(name + " " + line) }
}

// Send queues one message, without waiting.
func (s *Syslog) Send(message string) {
	now := s.now()
	line := fmt.Appendf(nil, "<%d>%s %s: %s", syslogPriority, now.Format(time.Stamp), s.o.Ident, message)
	s.mu.Lock()
	var n note
	switch {
	case s.closed:
	case s.queued+len(line) > maxSyslogQueue:
		s.sending.fail(errStalled, int64(len(message)), now)
		n = s.sending.announce()
	default:
		s.queue = append(s.queue, line)
		s.queued += len(line)
		if !s.running {
			s.running = true
			go s.run() // ends when the queue is empty
		}
	}
	s.mu.Unlock()
	s.report(n)
}

// Close waits, at most for timeout, until the queue is sent, and disconnects.
func (s *Syslog) Close(timeout time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	expired := false
	timer := time.AfterFunc(timeout, func() {
		s.mu.Lock()
		expired = true
		s.mu.Unlock()
		s.idle.Broadcast()
	})
	defer timer.Stop()
	for s.running && !expired {
		s.idle.Wait()
	}
	if !s.running && s.conn != nil {
		_ = s.conn.Close() // nothing is buffered
		s.conn = nil
	}
	s.queue, s.queued = nil, 0
}

// run sends the queue until it is empty.
func (s *Syslog) run() {
	for {
		s.mu.Lock()
		batch := s.queue
		s.queue, s.queued = nil, 0
		if len(batch) == 0 {
			s.running = false
			s.mu.Unlock()
			s.idle.Broadcast()
			return
		}
		s.mu.Unlock()
		for _, line := range batch {
			err := s.deliver(line)
			now := s.now()
			s.mu.Lock()
			var n note
			if err != nil {
				s.sending.fail(err, int64(len(line)), now)
				n = s.sending.announce()
			} else {
				n = s.sending.succeed(now)
			}
			s.mu.Unlock()
			s.report(n)
		}
	}
}

// deliver sends one message, over a new connection if the old one is gone.
func (s *Syslog) deliver(line []byte) error {
	if s.conn != nil {
		if s.send(line) == nil {
			return nil
		}
		_ = s.conn.Close() // the send has failed already
		s.conn = nil
		s.opens.reset()
	}
	if err := s.connect(); err != nil {
		return err
	}
	if err := s.send(line); err != nil {
		_ = s.conn.Close()
		s.conn = nil
		return err
	}
	return nil
}

func (s *Syslog) send(line []byte) error {
	if err := s.conn.SetWriteDeadline(s.now().Add(syslogPatience)); err != nil {
		return err
	}
	if s.stream {
		line = append(bytes.Clone(line), 0) // how syslog(3) delimits messages
	}
	_, err := s.conn.Write(line)
	return err
}

func (s *Syslog) connect() error {
	now := s.now()
	if !s.opens.due(now) {
		return errPaused
	}
	var first error
	for _, path := range s.o.Sockets {
		for _, network := range []string{"unixgram", "unix"} {
			conn, err := net.Dial(network, path)
			if err == nil {
				s.conn, s.stream = conn, network == "unix"
				s.opens.reset()
				return nil
			}
			if first == nil {
				first = err
			}
		}
	}
	s.opens.failed(now)
	return first
}

func (s *Syslog) report(n note) {
	if n.text != "" && s.o.Report != nil {
		s.o.Report(n.level, n.text)
	}
}
