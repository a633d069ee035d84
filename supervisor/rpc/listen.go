package rpc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	sys "golang.org/x/sys/unix"

	"github.com/vigilance-go/vigilance/supervisor/config"
)

// lookupPatience bounds the look-up of a host name that a server is to listen
// on.
const lookupPatience = 10 * time.Second

// Sockets holds the listening sockets of a supervisord process. A restart
// within the process keeps those that its new configuration names too: clients
// that connect meanwhile wait for the new daemon instead of being refused. The
// zero value holds none. Its methods are for one goroutine.
type Sockets struct {
	open []*socket
}

// socket is one listening socket and what it was opened for.
type socket struct {
	server   config.Server
	listener deadlineListener
	file     *socketFile // unix only
}

// deadlineListener is what *net.TCPListener and *net.UnixListener share.
type deadlineListener interface {
	net.Listener
	SetDeadline(t time.Time) error
}

// Open opens a socket for each of the servers and closes those that none of
// them needs any more. After an error the sockets that were open still are,
// except those that stood in the way of a new one. The error's text is the
// reference's (options.py, openhttpservers).
func (s *Sockets) Open(servers []config.Server) error {
	before := s.open
	var kept, fresh []*socket
	for _, server := range servers {
		i := slices.IndexFunc(before, func(old *socket) bool { return old.serves(server) })
		if i >= 0 {
			kept = append(kept, before[i])
			before = slices.Delete(slices.Clone(before), i, i+1)
		}
	}
	for _, server := range servers {
		if slices.ContainsFunc(kept, func(old *socket) bool { return sameAddress(old.server, server) }) {
			continue
		}
		before = slices.DeleteFunc(slices.Clone(before), func(old *socket) bool {
			blocks := inTheWay(old.server, server)
			if blocks {
				old.close()
			}
			return blocks
		})
		made, err := openSocket(server)
		if err != nil {
			for _, f := range fresh {
				f.close()
			}
			s.open = append(kept, before...)
			return explainListen(err)
		}
		fresh = append(fresh, made)
	}
	for _, old := range before {
		old.close()
	}
	s.open = append(kept, fresh...)
	return nil
}

// Close closes all sockets and removes the files of the unix ones, where they
// are still ours.
func (s *Sockets) Close() {
	for _, open := range s.open {
		open.close()
	}
	s.open = nil
}

// lease returns the server's socket for one daemon to accept on.
func (s *Sockets) lease(server config.Server) (*lease, error) {
	for _, open := range s.open {
		if sameAddress(open.server, server) {
			if err := open.listener.SetDeadline(time.Time{}); err != nil {
				return nil, fmt.Errorf("listen for [%s] again: %w", server.Section, err)
			}
			return &lease{deadlineListener: open.listener}, nil
		}
	}
	return nil, fmt.Errorf("find the socket of [%s]: it is not open", server.Section)
}

// serves tells whether the open socket is just what the server wants.
func (s *socket) serves(server config.Server) bool {
	return sameAddress(s.server, server) && s.server.Mode == server.Mode &&
		s.server.UID == server.UID && s.server.GID == server.GID &&
		(s.file == nil || s.file.isOurs())
}

func (s *socket) close() {
	_ = s.listener.Close() // nothing is owed to a socket that only accepts
	if s.file != nil {
		s.file.remove()
	}
}

func sameAddress(a, b config.Server) bool {
	return a.Kind == b.Kind && a.Host == b.Host && a.Port == b.Port && a.File == b.File
}

// inTheWay tells whether a must be closed before b can be opened.
func inTheWay(a, b config.Server) bool {
	if a.Kind != b.Kind {
		return false
	}
	return a.Kind == config.ServerUnix && a.File == b.File || a.Kind == config.ServerInet && a.Port == b.Port
}

func openSocket(server config.Server) (*socket, error) {
	if server.Kind == config.ServerUnix {
		listener, file, err := listenUnix(server)
		if err != nil {
			return nil, err
		}
		return &socket{server, listener, file}, nil
	}
	listener, err := listenInet(server.Host, server.Port)
	if err != nil {
		return nil, err
	}
	return &socket{server, listener, nil}, nil
}

// listenInet listens on a host name, an address, with brackets or not, or, for
// an empty host, on all of this machine's IPv4 addresses: the reference knows
// no others, and a server must not become reachable in a new way by itself.
// For IPv6 as well there is [::].
func listenInet(host string, port int) (deadlineListener, error) {
	ctx, cancel := context.WithTimeout(context.Background(), lookupPatience)
	defer cancel()
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	address := net.JoinHostPort(host, strconv.Itoa(port))
	network := "tcp4"
	if strings.Contains(host, ":") {
		network = "tcp"
	}
	listener, err := new(net.ListenConfig).Listen(ctx, network, address)
	if _, noIPv4 := errors.AsType[*net.AddrError](err); noIPv4 {
		listener, err = new(net.ListenConfig).Listen(ctx, "tcp6", address)
	}
	if err != nil {
		return nil, err
	}
	return listener.(*net.TCPListener), nil
}

// explainListen words an error as the reference does.
func explainListen(err error) error {
	const help = "Cannot open an HTTP server: socket.error reported"
	if refusal, ok := errors.AsType[*ownerError](err); ok {
		return refusal
	}
	if missing, ok := errors.AsType[*net.DNSError](err); ok {
		number := -2 // EAI_NONAME
		if missing.IsTemporary || missing.IsTimeout {
			number = -3 // EAI_AGAIN
		}
		return fmt.Errorf("%s %d", help, number)
	}
	var number syscall.Errno
	switch {
	case !errors.As(err, &number):
		return fmt.Errorf("%s %w", help, err)
	case number == syscall.EADDRINUSE:
		return errors.New("Another program is already listening on a port that one of our HTTP servers is " + //nolint:staticcheck // the reference's words
			"configured to use.  Shut this program down first before starting supervisord.")
	}
	return fmt.Errorf("%s errno.%s (%d)", help, sys.ErrnoName(number), int(number))
}

// lease lets one daemon accept on a socket that outlives it.
type lease struct {
	deadlineListener
	ended atomic.Bool
}

// Accept is part of net.Listener.
func (l *lease) Accept() (net.Conn, error) {
	conn, err := l.deadlineListener.Accept()
	if l.ended.Load() {
		if err == nil {
			_ = conn.Close() // nobody is left to serve it
		}
		return nil, net.ErrClosed
	}
	return conn, err
}

// Close ends the lease. The socket stays open.
func (l *lease) Close() error {
	l.ended.Store(true)
	return l.SetDeadline(time.Unix(1, 0))
}
