// Package mailtest is an SMTP server for tests: a real one, on loopback, that
// keeps what it is sent and fails the way it is told to.
package mailtest

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// Mail is an accepted mail.
type Mail struct {
	From string
	To   []string
	Data string // with CRLF line ends
	TLS  bool
	User string // who was logged in
}

// Reply is a scripted misbehaviour.
type Reply struct {
	Code int // an SMTP code, with Text
	Text string
	Hang bool // say nothing, until the client goes
	Drop bool // close the connection
}

// Options say what the server offers. The zero value is a server without TLS
// and without login.
type Options struct {
	StartTLS, ImplicitTLS bool
	// User and Password make it offer a login; Mechanisms are PLAIN, LOGIN,
	// CRAM-MD5 and XOAUTH2 when nil. Mails are taken without a login as well.
	User, Password string
	Mechanisms     []string
	// Script, when not nil, is asked at each step: verb is CONNECT, AUTH, MAIL,
	// RCPT, DATA (before the mail is read) or END (after), and arg an address.
	// nil means that all is well. It is called from several goroutines.
	Script func(verb, arg string) *Reply
}

// Server is a running server. It is closed when its test ends.
type Server struct {
	Host string
	Port int
	// CAFile holds its certificate, for localhost and 127.0.0.1.
	CAFile string

	t    testing.TB
	o    Options
	cert tls.Certificate
	addr string

	mu      sync.Mutex
	mails   []Mail
	server  *smtp.Server
	closer  io.Closer     // its listener
	down    chan struct{} // closed when the server is not up
	arrived chan struct{} // closed and replaced with each mail
}

// Start runs a server on a free port of 127.0.0.1.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	s := &Server{t: t, o: o, arrived: make(chan struct{})}
	s.cert, s.CAFile = certificate(t)
	s.addr = "127.0.0.1:0"
	s.Up()
	t.Cleanup(s.Down)
	return s
}

// Up makes a server that is down listen again, on the same port.
func (s *Server) Up() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server != nil {
		return
	}
	l, err := net.Listen("tcp", s.addr)
	if err != nil {
		s.t.Fatalf("listen on %s: %v", s.addr, err)
	}
	s.addr = l.Addr().String()
	s.Host, s.Port = "127.0.0.1", l.Addr().(*net.TCPAddr).Port
	s.down = make(chan struct{})
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &session{s: s, c: c}, nil
	}))
	server.Domain = "mailtest"
	server.AllowInsecureAuth = !s.o.StartTLS
	server.ErrorLog = discard{}
	config := &tls.Config{Certificates: []tls.Certificate{s.cert}, MinVersion: tls.VersionTLS12}
	if s.o.StartTLS {
		server.TLSConfig = config
	}
	l = &listener{Listener: l, s: s}
	if s.o.ImplicitTLS {
		l = tls.NewListener(l, config)
	}
	s.server, s.closer = server, l
	go func() { _ = server.Serve(l) }() // Down stops it
}

// Down closes the port and all connections.
func (s *Server) Down() {
	s.mu.Lock()
	server, closer := s.server, s.closer
	s.server = nil
	if server != nil {
		close(s.down)
	}
	s.mu.Unlock()
	if server != nil {
		_ = closer.Close() // the server may not have come to serve it yet
		_ = server.Close()
	}
}

// Mails returns what was accepted so far.
func (s *Server) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Mail(nil), s.mails...)
}

// Wait returns the accepted mails as soon as there are n, and fails the test
// when there are fewer after the timeout.
func (s *Server) Wait(n int, timeout time.Duration) []Mail {
	s.t.Helper()
	deadline := time.After(timeout)
	for {
		s.mu.Lock()
		mails, arrived := append([]Mail(nil), s.mails...), s.arrived
		s.mu.Unlock()
		if len(mails) >= n {
			return mails
		}
		select {
		case <-arrived:
		case <-deadline:
			s.t.Fatalf("mails after %v = %d, want %d: %+v", timeout, len(mails), n, mails)
		}
	}
}

func (s *Server) add(m Mail) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mails = append(s.mails, m)
	close(s.arrived)
	s.arrived = make(chan struct{})
}

// step asks the script, and acts on c.
func (s *Server) step(c net.Conn, verb, arg string) error {
	if s.o.Script == nil {
		return nil
	}
	reply := s.o.Script(verb, arg)
	switch {
	case reply == nil:
		return nil
	case reply.Hang:
		s.mu.Lock()
		down := s.down
		s.mu.Unlock()
		<-down
		return io.ErrUnexpectedEOF
	case reply.Drop:
		_ = c.Close()
		return io.ErrUnexpectedEOF
	default:
		return &smtp.SMTPError{Code: reply.Code, EnhancedCode: smtp.NoEnhancedCode, Message: reply.Text}
	}
}

// listener asks the script about each connection.
type listener struct {
	net.Listener
	s *Server
}

func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil || l.s.o.Script == nil {
			return c, err
		}
		reply := l.s.o.Script("CONNECT", c.RemoteAddr().String())
		switch {
		case reply == nil:
			return c, nil
		case reply.Hang:
			go func() { // until the client or the server goes
				_, _ = io.Copy(io.Discard, c)
				_ = c.Close()
			}()
		case reply.Drop:
			_ = c.Close()
		default:
			_, _ = fmt.Fprintf(c, "%d %s\r\n", reply.Code, reply.Text)
			_ = c.Close()
		}
	}
}

// session is one connection.
type session struct {
	s    *Server
	c    *smtp.Conn
	mail Mail
	user string
}

func (x *session) Reset()        { x.mail = Mail{} }
func (x *session) Logout() error { return nil }

func (x *session) Mail(from string, _ *smtp.MailOptions) error {
	x.mail = Mail{From: from, User: x.user}
	_, x.mail.TLS = x.c.TLSConnectionState()
	return x.s.step(x.c.Conn(), "MAIL", from)
}

func (x *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if err := x.s.step(x.c.Conn(), "RCPT", to); err != nil {
		return err
	}
	x.mail.To = append(x.mail.To, to)
	return nil
}

func (x *session) Data(r io.Reader) error {
	to := strings.Join(x.mail.To, " ")
	if err := x.s.step(x.c.Conn(), "DATA", to); err != nil {
		return err
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := x.s.step(x.c.Conn(), "END", to); err != nil {
		return err
	}
	x.mail.Data = string(data)
	x.s.add(x.mail)
	return nil
}

func (x *session) AuthMechanisms() []string {
	switch {
	case x.s.o.User == "":
		return nil
	case x.s.o.Mechanisms != nil:
		return x.s.o.Mechanisms
	default:
		return []string{"PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2"}
	}
}

func (x *session) Auth(mechanism string) (sasl.Server, error) {
	if err := x.s.step(x.c.Conn(), "AUTH", mechanism); err != nil {
		return nil, err
	}
	return newLogin(mechanism, x.s.o.User, x.s.o.Password, func() { x.user = x.s.o.User })
}

type discard struct{}

func (discard) Printf(string, ...any) {}
func (discard) Println(...any)        {}
