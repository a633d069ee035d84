package osproc

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// SocketSpec says how to make a listening stream socket that children get as
// their stdin.
type SocketSpec struct {
	Network  string // "tcp" (IPv4, as Supervisor's) or "unix"
	Host     string // tcp
	Port     int    // tcp
	Path     string // unix
	UID, GID int    // unix: the owner, -1 for who it is
	Mode     uint32 // unix
	Backlog  int    // 0 for as many as the system allows
}

// String is the socket's URL as it stands in the configuration.
func (s SocketSpec) String() string {
	if s.Network == "unix" {
		return "unix://" + s.Path
	}
	return fmt.Sprintf("tcp://%s:%d", s.Host, s.Port)
}

// Listen makes the socket. A file that stands where a unix socket is wanted is
// removed; nobody can connect before the new one has its owner and mode. The
// file of a unix socket outlives the socket, as under Supervisor.
func (s SocketSpec) Listen() (_ *os.File, err error) {
	family := unix.AF_INET
	if s.Network == "unix" {
		family = unix.AF_UNIX
	}
	syscall.ForkLock.RLock() // a child that is born in between must not inherit it
	fd, err := unix.Socket(family, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, fmt.Errorf("make socket %s: %w", s, err)
	}
	f := os.NewFile(uintptr(fd), s.String())
	defer func() {
		if err != nil {
			_ = f.Close()
		}
	}()
	if s.Network == "unix" {
		err = s.bindUnix(fd)
	} else {
		err = s.bindTCP(fd)
	}
	if err != nil {
		return nil, err
	}
	backlog := s.Backlog
	if backlog == 0 {
		backlog = unix.SOMAXCONN
	}
	if err := unix.Listen(fd, backlog); err != nil {
		return nil, fmt.Errorf("listen on %s: %w", s, err)
	}
	return f, nil
}

// bindTCP binds fd to the host and port.
func (s SocketSpec) bindTCP(fd int) error {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return fmt.Errorf("set SO_REUSEADDR on %s: %w", s, err)
	}
	addr, err := net.ResolveTCPAddr("tcp4", net.JoinHostPort(s.Host, strconv.Itoa(s.Port)))
	if err != nil {
		return fmt.Errorf("look up %q: %w", s.Host, err)
	}
	sa := &unix.SockaddrInet4{Port: addr.Port}
	copy(sa.Addr[:], addr.IP.To4())
	if err := unix.Bind(fd, sa); err != nil {
		return fmt.Errorf("bind %s: %w", s, err)
	}
	return nil
}

// bindUnix binds fd to the path and gives the file its owner and mode.
func (s SocketSpec) bindUnix(fd int) error {
	if err := os.Remove(s.Path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("replace what stands at %q: %w", s.Path, err)
	}
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: s.Path}); err != nil {
		return fmt.Errorf("bind %s: %w", s, err)
	}
	if s.UID != -1 || s.GID != -1 {
		if err := os.Chown(s.Path, s.UID, s.GID); err != nil {
			_ = os.Remove(s.Path)
			return fmt.Errorf("change ownership of socket file: %w", err)
		}
	}
	if err := os.Chmod(s.Path, os.FileMode(s.Mode)&os.ModePerm); err != nil {
		_ = os.Remove(s.Path)
		return fmt.Errorf("change permissions of socket file: %w", err)
	}
	return nil
}
